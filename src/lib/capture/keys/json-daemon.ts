import { Secret } from '../../core/secret.js';
import { encrTransform, prfTransform, transforms } from '../../crypto/registry.js';
import { TransformType } from '../../crypto/transform.js';
import { checkEncrKey, checkIntegKey, encrIdsOf, integOf, NO_INTEG } from './algorithm-names.js';
import { addressMatch, ikeSpiField, spiField } from './fields.js';
import { type Json, optionalSecret, present, textOf } from './json-fields.js';
import {
  type EspKey,
  type Ikev2Key,
  type IntegSpec,
  type KeyEntry,
  KeyLineError,
  type KeySource,
} from './types.js';

/** An IKE SA as a daemon's debug log tells it: `spi_i`, `spi_r`, `proposal`, `sk_ei`, `sk_d`, `dh` … */
export function daemonIkeEntry(entry: Json, source: KeySource): KeyEntry[] {
  const words = textOf(entry, 'proposal').split('/');
  const { encr, integ } = ciphersOf(words);
  const prf = words.map(prfIdOf).find((id) => id !== undefined);
  const skEi = optionalSecret(entry, 'sk_ei');
  const skEr = optionalSecret(entry, 'sk_er');
  const skAi = integ.checked ? optionalSecret(entry, 'sk_ai') : undefined;
  const skAr = integ.checked ? optionalSecret(entry, 'sk_ar') : undefined;
  for (const key of [skEi, skEr]) if (key) checkEncrKey(encr, key.length);
  for (const key of [skAi, skAr]) if (key) checkIntegKey(integ, key.length);
  const skD = optionalSecret(entry, 'sk_d');
  const keSecret = optionalSecret(entry, 'dh');
  if (![skEi, skEr, skD, keSecret].some((secret) => secret)) return [];
  return [
    present<Ikev2Key>({
      kind: 'ikev2',
      source,
      spiI: ikeSpiField(textOf(entry, 'spi_i'), '"spi_i"'),
      spiR: ikeSpiField(textOf(entry, 'spi_r'), '"spi_r"'),
      encr,
      integ,
      skEi,
      skEr,
      skAi,
      skAr,
      prf,
      skD,
      keSecret,
      nonceI: undefined,
      nonceR: undefined,
    }),
  ];
}

/** A pair of ESP SAs: `spi_in`, `src_in`, `dst_in`, `key_in`, `authkey_in`, the same with `_out`, and `dh` with PFS. */
export function daemonEspEntry(entry: Json, source: KeySource): KeyEntry[] {
  const words = textOf(entry, 'proposal').split('/');
  const { encr, integ } = ciphersOf(words);
  const keSecret = optionalSecret(entry, 'dh');
  const keys: KeyEntry[] = [];
  const spis: number[] = [];
  for (const way of ['in', 'out']) {
    const spi = spiField(`0x${textOf(entry, `spi_${way}`).replace(/^0x/i, '')}`, `"spi_${way}"`);
    spis.push(spi);
    const encrKey = optionalSecret(entry, `key_${way}`);
    if (!encrKey && encr !== 11) continue;
    const integKey = optionalSecret(entry, `authkey_${way}`) ?? new Secret(new Uint8Array(0));
    checkEncrKey(encr, encrKey?.length ?? 0);
    checkIntegKey(integ, integKey.length);
    const address = (name: string): string =>
      entry[name] === undefined ? '*' : addressMatch(textOf(entry, name), `"${name}"`);
    const esn = words.includes('EXT_SEQ') ? true : words.includes('NO_EXT_SEQ') ? false : undefined;
    keys.push(
      present<EspKey>({
        kind: 'esp',
        source,
        spi,
        src: address(`src_${way}`),
        dst: address(`dst_${way}`),
        encr,
        encrKey: encrKey ?? new Secret(new Uint8Array(0)),
        integ,
        integKey,
        esn,
        seqHigh: undefined,
        spiPattern: undefined,
      }),
    );
  }
  return keSecret ? [...keys, { kind: 'child-ke', source, spis, keSecret }] : keys;
}

/** Cipher and integrity algorithm of a proposal such as `AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256`. */
function ciphersOf(words: readonly string[]): { encr: number; integ: IntegSpec } {
  const encr = encrIdsOf(words[0] ?? '')[0]!;
  if (encrTransform(encr)?.kind === 'aead') return { encr, integ: NO_INTEG };
  const name = words.slice(1).find((word) => /^(HMAC|AES_XCBC|AES_CMAC|AUTH)_/.test(word));
  if (name === undefined) throw new KeyLineError('"proposal" names no integrity algorithm');
  return { encr, integ: integOf(name) };
}

function prfIdOf(word: string): number | undefined {
  const id = transforms(TransformType.PRF).find((row) => row.name === word)?.id;
  return id === undefined ? undefined : prfTransform(id)?.id;
}
