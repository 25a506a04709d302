import { createHash, type KeyObject } from 'node:crypto';
import {
  BmpString,
  Constructed,
  Integer,
  ObjectIdentifier,
  OctetString,
  Primitive,
  Sequence,
  Set as SetBlock,
} from 'asn1js';
import type { Secret } from '../../core/secret.js';
import { encode } from '../asn1.js';
import type { Certificate } from '../certificate.js';
import { encrypt } from './cipher.js';
import { macData } from './mac.js';

const Type = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
} as const;

export interface P12Identity {
  certificate: Certificate;
  key: KeyObject;
  /** CAs, nearest first. */
  chain: readonly Certificate[];
  /** What a device shows. */
  friendlyName: string;
}

const oid = (value: string): ObjectIdentifier => new ObjectIdentifier({ value });
const explicit = (value: Sequence | OctetString): Constructed =>
  new Constructed({ idBlock: { tagClass: 3, tagNumber: 0 }, value: [value] });
const octetString = (bytes: Uint8Array): OctetString => new OctetString({ valueHex: Uint8Array.from(bytes) });

/**
 * Makes a PKCS#12 container (RFC 7292).
 * @param legacy 3DES and SHA-1, for readers that know nothing newer: Apple's, and Windows before 1709
 */
export function writeP12(identity: P12Identity, passphrase: Secret, legacy: boolean): Uint8Array {
  const keyId = new Uint8Array(createHash('sha1').update(identity.certificate.der).digest());
  const own = [
    attribute(Type.friendlyName, new BmpString({ value: identity.friendlyName })),
    attribute(Type.localKeyId, octetString(keyId)),
  ];
  const certificates = new Sequence({
    value: [certBag(identity.certificate, own), ...identity.chain.map((ca) => certBag(ca, []))],
  });
  const keys = new Sequence({ value: [keyBag(identity.key, passphrase, legacy, own)] });
  const safe = encode(
    new Sequence({
      value: [encryptedContent(encode(certificates), passphrase, legacy), content(encode(keys))],
    }),
  );
  return encode(
    new Sequence({
      value: [new Integer({ value: 3 }), content(safe), macData(safe, passphrase, legacy)],
    }),
  );
}

function content(data: Uint8Array): Sequence {
  return new Sequence({ value: [oid(Type.data), explicit(octetString(data))] });
}

function encryptedContent(data: Uint8Array, passphrase: Secret, legacy: boolean): Sequence {
  const { algorithm, data: encrypted } = encrypt(data, passphrase, legacy);
  const octets = new Primitive({
    idBlock: { tagClass: 3, tagNumber: 0 },
    valueHex: Uint8Array.from(encrypted),
  });
  const info = new Sequence({ value: [oid(Type.data), algorithm, octets] });
  const encryptedData = new Sequence({ value: [new Integer({ value: 0 }), info] });
  return new Sequence({ value: [oid(Type.encryptedData), explicit(encryptedData)] });
}

function certBag({ der }: Certificate, attributes: readonly Sequence[]): Sequence {
  const value = new Sequence({ value: [oid(Type.x509Certificate), explicit(octetString(der))] });
  return bag(Type.certBag, value, attributes);
}

function keyBag(
  key: KeyObject,
  passphrase: Secret,
  legacy: boolean,
  attributes: readonly Sequence[],
): Sequence {
  const plain = Uint8Array.from(key.export({ type: 'pkcs8', format: 'der' }));
  const { algorithm, data } = encrypt(plain, passphrase, legacy);
  return bag(Type.shroudedKeyBag, new Sequence({ value: [algorithm, octetString(data)] }), attributes);
}

function bag(type: string, value: Sequence, attributes: readonly Sequence[]): Sequence {
  const set = attributes.length === 0 ? [] : [new SetBlock({ value: [...attributes] })];
  return new Sequence({ value: [oid(type), explicit(value), ...set] });
}

function attribute(type: string, value: BmpString | OctetString): Sequence {
  return new Sequence({ value: [oid(type), new SetBlock({ value: [value] })] });
}
