import { createPrivateKey, type KeyObject } from 'node:crypto';
import { type AsnType, BaseBlock, Integer, ObjectIdentifier } from 'asn1js';
import type { Secret } from '../../core/secret.js';
import { attempt, contents, elements, malformed, parseDer, rawBytes } from '../asn1.js';
import { type Certificate, parseCertificate } from '../certificate.js';
import { algorithmOf, decrypt, octets, wrongPassphrase } from './cipher.js';
import { macFits } from './mac.js';

const what = 'The PKCS#12 container';

const Type = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  safeContentsBag: '1.2.840.113549.1.12.10.1.6',
  x509Certificate: '1.2.840.113549.1.9.22.1',
} as const;

/** Bags in bags end somewhere. */
const MAX_DEPTH = 4;

export interface P12Contents {
  certificates: Certificate[];
  keys: KeyObject[];
}

/** Whether a parsed value looks like a PFX: version 3 and a ContentInfo. */
export function isPfx(block: AsnType): boolean {
  try {
    const [version, content] = elements(block, what);
    return (
      version instanceof Integer &&
      version.valueBlock.valueDec === 3 &&
      algorithmOf(content).oid === Type.data
    );
  } catch {
    return false;
  }
}

/**
 * Reads a PKCS#12 container (RFC 7292) that a passphrase protects.
 * @throws KitError `E_P12_PASSPHRASE`, `E_P12_CIPHER`, `E_P12_ITERATIONS`, `E_CERT_FORMAT`
 */
export function readP12(der: Uint8Array, passphrase: Secret): P12Contents {
  return attempt(what, () => {
    const [, authSafe, mac] = elements(parseDer(der, what), what);
    const safe = dataContent(authSafe);
    // Checked first: so a wrong passphrase is told from a cipher that is not read here.
    if (mac !== undefined && !macFits(mac, safe, passphrase)) throw wrongPassphrase();
    const found: P12Contents = { certificates: [], keys: [] };
    for (const info of elements(parseDer(safe, what), what)) {
      readBags(safeContents(info, passphrase), passphrase, found, 0);
    }
    return found;
  });
}

/** The octets inside ContentInfo { contentType, [0] EXPLICIT OCTET STRING }. */
function dataContent(info: AsnType | undefined): Uint8Array {
  const [type, content] = elements(info, what);
  if (!(type instanceof ObjectIdentifier) || type.getValue() !== Type.data) throw malformed(what);
  return octets(elements(content, what)[0]);
}

/** The DER of the SafeContents in a ContentInfo, decrypted. */
function safeContents(info: AsnType, passphrase: Secret): Uint8Array {
  const [type, content] = elements(info, what);
  if (!(type instanceof ObjectIdentifier)) throw malformed(what);
  if (type.getValue() === Type.data) return octets(elements(content, what)[0]);
  if (type.getValue() !== Type.encryptedData) throw malformed(what);
  const [, encryptedInfo] = elements(elements(content, what)[0], what);
  const [, algorithm, encrypted] = elements(encryptedInfo, what);
  if (encrypted === undefined) throw malformed(what);
  return decrypt(algorithm, implicitOctets(encrypted), passphrase);
}

/** [0] IMPLICIT OCTET STRING, in BER perhaps in pieces. */
function implicitOctets(block: AsnType): Uint8Array {
  if (!block.idBlock.isConstructed) return contents(block, what);
  return Uint8Array.from(Buffer.concat(elements(block, what).map(octets)));
}

function readBags(der: Uint8Array, passphrase: Secret, found: P12Contents, depth: number): void {
  if (depth > MAX_DEPTH) throw malformed(what);
  for (const bag of elements(parseDer(der, what), what)) {
    const { oid, params } = algorithmOf(bag);
    const [value] = elements(params, what);
    if (!(value instanceof BaseBlock)) throw malformed(what);
    switch (oid) {
      case Type.keyBag:
        found.keys.push(privateKey(rawBytes(value)));
        break;
      case Type.shroudedKeyBag: {
        const [algorithm, data] = elements(value, what);
        found.keys.push(privateKey(decrypt(algorithm, octets(data), passphrase)));
        break;
      }
      case Type.certBag: {
        const { oid: type, params: content } = algorithmOf(value);
        if (type === Type.x509Certificate) {
          found.certificates.push(parseCertificate(octets(elements(content, what)[0])));
        }
        break;
      }
      case Type.safeContentsBag:
        readBags(rawBytes(value), passphrase, found, depth + 1);
        break;
    }
  }
}

function privateKey(der: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
}
