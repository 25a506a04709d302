import { Secret } from '../../core/secret.js';
import { encrTransform } from '../../crypto/registry.js';
import { checkEncrKey, checkIntegKey, encrIdsOf, integOf, NO_INTEG, shownName } from './algorithm-names.js';
import { addressMatch, ikeSpiField, secretField, secretOrText, spiMatch } from './fields.js';
import { type EspKey, type IntegSpec, type KeyEntry, KeyLineError, type KeySource } from './types.js';

const IKE_SPI = /^(0x)?[0-9a-f]{16}$/i;

/**
 * One line of Wireshark's `ikev2_decryption_table` (8 fields), `ikev1_decryption_table` (2) or `esp_sa` (8 to 10), as
 * Wireshark and strongSwan's save-keys write them; told apart by their fields.
 * @throws KeyLineError
 */
export function wiresharkLine(fields: readonly string[], source: KeySource): KeyEntry[] {
  const first = fields[0] ?? '';
  if (/^ipv[46]$/i.test(first) || (first === '*' && fields.length >= 8)) return espSaLine(fields, source);
  if (fields.length === 2) return [ikev1Line(fields, source)];
  if (fields.length === 8) return [ikev2Line(fields, source)];
  if (IKE_SPI.test(first)) {
    throw new KeyLineError(`${fields.length} fields; an IKEv2 line of Wireshark has 8, an IKEv1 line 2`);
  }
  throw new KeyLineError('not a key line of any format this tool knows');
}

function ikev1Line(fields: readonly string[], source: KeySource): KeyEntry {
  const encryption = secretField(fields[1]!, 'the key');
  if (encryption.length < 8) throw new KeyLineError('the key is too short for any cipher of IKEv1');
  return { kind: 'ikev1', source, spiI: ikeSpiField(fields[0]!, "the initiator's cookie"), encryption };
}

function ikev2Line(fields: readonly string[], source: KeySource): KeyEntry {
  const [spiI = '', spiR = '', ei = '', er = '', encrName = '', ai = '', ar = '', integName = ''] = fields;
  const encr = encrIdsOf(encrName)[0]!;
  const integ = encrTransform(encr)?.kind === 'aead' ? NO_INTEG : integOf(integName);
  const keyBits = /-(128|192|256)\b/.exec(encrName)?.[1];
  const direction = (encrText: string, integText: string, letter: 'i' | 'r'): Direction | undefined => {
    // Wireshark takes a line with the keys of one direction only; NULL has none.
    if (encrText === '' && encr !== 11) return undefined;
    const secret = secretField(encrText, `SK_e${letter}`);
    checkEncrKey(encr, secret.length);
    const bits = (secret.length - (encrTransform(encr)?.saltBytes ?? 0)) * 8;
    if (keyBits !== undefined && bits !== Number(keyBits)) {
      throw new KeyLineError(`SK_e${letter} has ${bits} bits, which is not ${shownName(encrName)}`);
    }
    if (!integ.checked) return { encr: secret };
    const mac = secretField(integText, `SK_a${letter}`);
    checkIntegKey(integ, mac.length);
    return { encr: secret, integ: mac };
  };
  const byI = direction(ei, ai, 'i');
  const byR = direction(er, ar, 'r');
  if (!byI && !byR) throw new KeyLineError('neither SK_ei nor SK_er is there');
  return {
    kind: 'ikev2',
    source,
    spiI: ikeSpiField(spiI, "the initiator's SPI"),
    spiR: ikeSpiField(spiR, "the responder's SPI"),
    encr,
    integ,
    ...(byI && { skEi: byI.encr, ...(byI.integ && { skAi: byI.integ }) }),
    ...(byR && { skEr: byR.encr, ...(byR.integ && { skAr: byR.integ }) }),
  };
}

interface Direction {
  encr: Secret;
  integ?: Secret;
}

function espSaLine(fields: readonly string[], source: KeySource): EspKey[] {
  if (fields.length < 8 || fields.length > 10) {
    throw new KeyLineError(`${fields.length} fields; an ESP line of Wireshark has 8 or 10`);
  }
  const [, src = '', dst = '', spi = '', encrName = '', encrText = '', integName = '', integText = ''] =
    fields;
  const match = {
    ...spiMatch(spi, 'the SPI'),
    src: addressMatch(src, 'the source'),
    dst: addressMatch(dst, 'the destination'),
  };
  const named = integOf(integName);
  const ids = encrIdsOf(encrName, named.checked || named.icvBytes === 0 ? undefined : named.icvBytes * 8);
  const encrKey =
    encrText === '' ? new Secret(new Uint8Array(0)) : secretOrText(encrText, 'the encryption key');
  const integ = aeadOrOwn(ids[0]!, named);
  const integKey = integ.checked
    ? secretOrText(integText, 'the integrity key')
    : new Secret(new Uint8Array(0));
  checkIntegKey(integ, integKey.length);
  return ids.map((encr) => {
    checkEncrKey(encr, encrKey.length);
    return {
      kind: 'esp',
      source,
      ...match,
      encr,
      encrKey,
      integ,
      integKey,
      ...sequenceFields(fields[8] ?? '', fields[9] ?? ''),
    };
  });
}

/** An AEAD has its own ICV; "ANY 128 bit authentication" beside it only tells how long that is. */
function aeadOrOwn(encr: number, named: IntegSpec): IntegSpec {
  const row = encrTransform(encr);
  return row?.kind === 'aead' || encr === 21 ? NO_INTEG : named;
}

/** Fields 9 and 10 of newer versions: "32-bit" or "64-bit", and the high word of the sequence number. */
function sequenceFields(sequence: string, high: string): Pick<EspKey, 'esn' | 'seqHigh'> {
  if (sequence === '') return {};
  if (/^32/.test(sequence)) return { esn: false };
  if (!/^64/.test(sequence)) throw new KeyLineError('field 9 is neither "32-bit" nor "64-bit"');
  if (high === '') return { esn: true };
  const digits = high.replace(/^0x/i, '');
  if (!/^[0-9a-f]{1,8}$/i.test(digits))
    throw new KeyLineError('field 10 is not the high word of a sequence number');
  return { esn: true, seqHigh: Number.parseInt(digits, 16) };
}
