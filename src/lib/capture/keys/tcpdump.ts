import { Secret } from '../../core/secret.js';
import { encrTransform } from '../../crypto/registry.js';
import { checkEncrKey, checkIntegKey, encrIdsOf, integOf, NO_INTEG, shownName } from './algorithm-names.js';
import { addressMatch, ikeSpiField, secretField, secretOrText, spiMatch } from './fields.js';
import { type IntegSpec, type KeyEntry, KeyLineError, type KeySource } from './types.js';

/** `ikev2 I 0xSPIi 0xSPIr sha1:0xSK_a aes128:0xSK_e`, also behind what a log puts in front of it. */
const IKEV2 = /(?:^|[\s|])ikev2 +([IR]) +(0x[0-9a-f]+) +(0x[0-9a-f]+) +([\w-]*):(\S*) +([\w-]+):(\S*)\s*$/i;
/** `0xSPI@destination algorithm:0xKEY`; without the first word the key is for every packet. */
const ESP = /^(?:(\S+)@(\S+)\s+)?([a-z0-9][\w-]*):(\S+)$/i;

/** Whether a line looks like one of `tcpdump -E`, or the like that libreswan and Openswan log. */
export function isTcpdumpLine(line: string): boolean {
  return IKEV2.test(line) || line.split(',').every((part) => ESP.test(part.trim()));
}

/** Reads such a line; one of ESP may hold several keys with commas between. @throws KeyLineError */
export function tcpdumpLine(line: string, source: KeySource): KeyEntry[] {
  const ike = IKEV2.exec(line);
  if (ike) return [ikev2Key(ike, source)];
  return line.split(',').map((part) => espKey(part.trim(), source));
}

function ikev2Key(found: RegExpExecArray, source: KeySource): KeyEntry {
  const [, role = '', spiI = '', spiR = '', integName = '', integText = '', encrName = '', encrText = ''] =
    found;
  // libreswan calls AES-GCM with an ICV of 64 bits just "aes_gcm".
  const encr = /^aes_gcm(128|192|256)?$/i.test(encrName) ? 18 : encrIdsOf(encrName)[0]!;
  const integ = encrTransform(encr)?.kind === 'aead' ? NO_INTEG : integOf(integName);
  const encrKey = secretField(encrText, 'the encryption key');
  const integKey = secretField(integText, 'the integrity key');
  checkEncrKey(encr, encrKey.length);
  checkIntegKey(integ, integKey.length);
  const spis = {
    spiI: ikeSpiField(spiI, "the initiator's SPI"),
    spiR: ikeSpiField(spiR, "the responder's SPI"),
  };
  const entry: KeyEntry = { kind: 'ikev2', source, ...spis, encr, integ };
  const withAuth = integ.checked;
  return role.toUpperCase() === 'I'
    ? { ...entry, skEi: encrKey, ...(withAuth && { skAi: integKey }) }
    : { ...entry, skEr: encrKey, ...(withAuth && { skAr: integKey }) };
}

function espKey(part: string, source: KeySource): KeyEntry {
  const [, spi = '*', dst = '*', algorithm = '', keyText = ''] = ESP.exec(part) ?? [];
  // The name ends in "-hmac96" when there is an ICV; tcpdump never checks it and does not know its key.
  const hmac = /-hmac(\d+)$/i.exec(algorithm);
  const integ: IntegSpec = hmac ? { id: 0, icvBytes: Number(hmac[1]) / 8, checked: false } : NO_INTEG;
  if (!Number.isInteger(integ.icvBytes) || integ.icvBytes > 64)
    throw new KeyLineError('an impossible ICV length');
  const name = algorithm.replace(/-hmac\d+$/i, '');
  const encr = encrIdsOf(name)[0]!;
  const encrKey = encr === 11 ? new Secret(new Uint8Array(0)) : secretOrText(keyText, 'the encryption key');
  checkEncrKey(encr, encrKey.length);
  const bits = /^[a-z]+[-_]?(128|192|256)/i.exec(name)?.[1];
  if (bits !== undefined && (encrKey.length - (encrTransform(encr)?.saltBytes ?? 0)) * 8 !== Number(bits)) {
    throw new KeyLineError(`the key does not have the ${bits} bits that ${shownName(name)} says`);
  }
  return {
    kind: 'esp',
    source,
    ...spiMatch(spi, 'the SPI'),
    src: '*',
    dst: addressMatch(dst, 'the destination'),
    encr,
    encrKey,
    integ: encrTransform(encr)?.kind === 'aead' ? NO_INTEG : integ,
    integKey: new Secret(new Uint8Array(0)),
  };
}
