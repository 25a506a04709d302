import type { Arena } from '../../core/arena.js';
import { createCipherContext, createMacContext, type EvpMacSpec } from '../../crypto/evp-contexts.js';
import { type EvpFunctions, loadedEvp } from '../../crypto/evp-functions.js';
import { type BoundEspSa, bindEspSa } from '../packet.js';
import type { EspSaParameters } from '../sa.js';
import type { EspCipher } from './esp-cipher.js';
import { AeadProtection } from './esp-cipher-aead.js';
import { CopyingProtection } from './esp-cipher-copying.js';
import { EspFrame, type Protection, scratchOf } from './esp-cipher-frame.js';
import { CipherMacProtection } from './esp-cipher-mac.js';

/** Ids of the IANA registry, transform type 1; the value is OpenSSL's name by key length in bits. */
const AEADS: ReadonlyMap<number, (bits: number) => string> = new Map([
  [14, aes('ccm')],
  [15, aes('ccm')],
  [16, aes('ccm')],
  [18, aes('gcm')],
  [19, aes('gcm')],
  [20, aes('gcm')],
  [28, () => 'chacha20-poly1305'],
]);
const CIPHERS: ReadonlyMap<number, (bits: number) => string> = new Map([
  [3, () => 'des-ede3-cbc'],
  [12, aes('cbc')],
  [13, aes('ctr')],
]);
/** Transform type 3. OpenSSL has no XCBC. */
const MACS: ReadonlyMap<number, EvpMacSpec> = new Map([
  [2, hmac('SHA1')],
  [8, { name: 'CMAC', parameter: 'cipher', value: 'AES-128-CBC' }],
  [12, hmac('SHA256')],
  [13, hmac('SHA384')],
  [14, hmac('SHA512')],
]);

function aes(mode: string): (bits: number) => string {
  return (bits) => `aes-${bits}-${mode}`;
}

function hmac(value: string): EvpMacSpec {
  return { name: 'HMAC', parameter: 'digest', value };
}

/**
 * ESP of one direction of a child SA, for packets in `arena`. The first cipher of an arena reserves a little memory in
 * it, which all share; so an arena belongs to one thread. Keys do not stay in it.
 * @param direction what the cipher is for; it throws when asked for the other
 * @param evp by default what `loadEvp` loaded
 * @throws {KitError} `E_ESP_SUITE` (bug) as `bindEspSa` says; `E_NO_OPENSSL` (bug) before `loadEvp`
 * @throws RangeError for keys of a wrong size, or when the arena is full
 */
export function createEspCipher(
  arena: Arena,
  parameters: EspSaParameters,
  direction: 'seal' | 'open',
  evp: EvpFunctions = loadedEvp(),
): EspCipher {
  const bound = bindEspSa(parameters);
  const material = parameters.encrKey.reveal();
  const keyBytes = material.length - parameters.encr.saltBytes;
  const salt = material.subarray(keyBytes).reduce((word, byte) => word * 256 + byte, 0);
  const key = material.subarray(0, keyBytes);
  const make = parameters.encr.kind === 'aead' ? makeAead : makeCipherMac;
  const protection =
    make(arena, parameters, bound, key, direction, evp) ?? new CopyingProtection(arena, bound);
  return new EspFrame(arena, bound, salt, direction, protection);
}

function makeAead(
  arena: Arena,
  { encr }: EspSaParameters,
  { esn }: BoundEspSa,
  key: Uint8Array,
  direction: 'seal' | 'open',
  evp: EvpFunctions,
): Protection | undefined {
  const name = AEADS.get(encr.id)?.(key.length * 8);
  if (name === undefined) return undefined;
  const { saltBytes, ivBytes, icvBytes } = encr;
  const ccm = name.endsWith('-ccm');
  const spec = { name, nonceBytes: saltBytes + ivBytes, ...(ccm && { ccmIcvBytes: icvBytes }) };
  const context = createCipherContext(evp, arena, scratchOf(arena).setup, spec, key, direction);
  if (context === undefined) return undefined;
  return new AeadProtection(evp, context, arena, { saltBytes, icvBytes, esn, ccm });
}

function makeCipherMac(
  arena: Arena,
  { encr, integ, integKey }: EspSaParameters,
  bound: BoundEspSa,
  key: Uint8Array,
  direction: 'seal' | 'open',
  evp: EvpFunctions,
): Protection | undefined {
  const { setup } = scratchOf(arena);
  const macSpec = MACS.get(integ?.id ?? 0);
  const mac = macSpec && createMacContext(evp, arena, setup, macSpec, integKey.reveal());
  if (mac === undefined) return undefined;
  const name = CIPHERS.get(encr.id)?.(key.length * 8);
  const cipher =
    encr.kind === 'null' ? 0 : name && createCipherContext(evp, arena, setup, { name }, key, direction);
  if (typeof cipher !== 'number') {
    evp.freeMac(mac);
    return undefined;
  }
  return new CipherMacProtection(evp, cipher, mac, arena, bound, encr.blockBytes);
}
