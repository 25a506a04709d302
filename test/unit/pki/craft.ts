import { createHash } from 'node:crypto';
import {
  type BitString,
  Constructed,
  Enumerated,
  GeneralizedTime,
  Integer,
  Null,
  ObjectIdentifier,
  OctetString,
  Primitive,
  Sequence,
} from 'asn1js';
import { Certificate as CertificateStructure, type Extension, PublicKeyInfo } from 'pkijs';
import { elements, encode, parseDer } from '../../../src/lib/pki/asn1.js';
import { type Certificate, parseCertificate } from '../../../src/lib/pki/certificate.js';
import {
  basicConstraints,
  extendedKeyUsage,
  keyUsage,
  subjectAltName,
} from '../../../src/lib/pki/extensions.js';
import { parseGeneralName } from '../../../src/lib/pki/general-name.js';
import { type Issuer, nameStructure, timeOf, type Validity, validityOf } from '../../../src/lib/pki/issue.js';
import { generateKey, type KeyKind, keyIdentifier, spkiOf } from '../../../src/lib/pki/keys.js';
import { ExtendedKeyUsage } from '../../../src/lib/pki/oids.js';
import { signatureAlgorithmFor, signStructure } from '../../../src/lib/pki/signatures.js';
import { NOW, subject } from './build.js';

/** A certificate with just these extensions, also ones that nothing here would issue. */
export async function craft(
  issuer: Issuer,
  options: {
    name?: string | Uint8Array;
    extensions: Extension[];
    kind?: KeyKind;
    validity?: Validity;
    serial?: number;
  },
): Promise<Issuer> {
  const { name = 'CN=crafted', extensions, kind = 'ecdsa-p256', validity = validityOf(100, NOW) } = options;
  const key = await generateKey(kind);
  const structure = new CertificateStructure({
    version: 2,
    serialNumber: new Integer({ value: options.serial ?? 77 }),
    signature: signatureAlgorithmFor(issuer.key),
    issuer: nameStructure(issuer.certificate.subject),
    subject: nameStructure(typeof name === 'string' ? subject(name) : name),
    notBefore: timeOf(validity.notBefore),
    notAfter: timeOf(validity.notAfter),
    subjectPublicKeyInfo: new PublicKeyInfo({ schema: parseDer(spkiOf(key), 'The public key') }),
    extensions,
  });
  return { certificate: parseCertificate(signStructure(encode(structure.encodeTBS()), issuer.key)), key };
}

/** The extensions of an end entity with these names and extended key usages. */
export const endExtensions = (names: readonly string[], usages?: readonly string[]): Extension[] => [
  basicConstraints(false),
  keyUsage(['digitalSignature']),
  subjectAltName(names.map(parseGeneralName), false),
  ...(usages ? [extendedKeyUsage(usages)] : []),
];

/** A responder that a CA lets answer for it (RFC 6960 4.2.2.2). */
export function delegate(
  issuer: Issuer,
  options: { usages?: readonly string[]; kind?: KeyKind; validity?: Validity; serial?: number } = {},
): Promise<Issuer> {
  const { usages = [ExtendedKeyUsage.ocspSigning], ...rest } = options;
  const extensions = [basicConstraints(false), keyUsage(['digitalSignature']), extendedKeyUsage(usages)];
  return craft(issuer, { name: 'CN=Responder', extensions, ...rest });
}

export interface OcspOptions {
  /** Who signs; the CA itself unless given. */
  signer?: Issuer;
  /** Certificates that go along. */
  certificates?: readonly Certificate[];
  status?: 'good' | 'revoked' | 'unknown';
  hash?: 'sha1' | 'sha256';
  thisUpdate?: number;
  nextUpdate?: number | undefined;
  byName?: boolean;
  /** The response status (RFC 6960 4.2.1); 0 is "successful". */
  responseStatus?: number;
}

const hashOids = { sha1: '1.3.14.3.2.26', sha256: '2.16.840.1.101.3.4.2.1' };
const tagged = (tagNumber: number, ...value: (Sequence | GeneralizedTime | OctetString)[]): Constructed =>
  new Constructed({ idBlock: { tagClass: 3, tagNumber }, value });
const octets = (bytes: Uint8Array): OctetString => new OctetString({ valueHex: Uint8Array.from(bytes) });
const time = (at: number): GeneralizedTime => new GeneralizedTime({ valueDate: new Date(at) });

/** An OCSP response about one certificate. */
export function ocspResponse(
  certificate: Certificate,
  issuer: Issuer,
  options: OcspOptions = {},
): Uint8Array {
  const { signer = issuer, certificates = [], hash = 'sha1', byName = true, responseStatus = 0 } = options;
  const digest = (bytes: Uint8Array): OctetString => octets(createHash(hash).update(bytes).digest());
  const [, bits] = elements(parseDer(issuer.certificate.spki, 'spki'), 'spki');
  const certId = new Sequence({
    value: [
      new Sequence({ value: [new ObjectIdentifier({ value: hashOids[hash] }), new Null()] }),
      digest(certificate.issuer),
      digest(Uint8Array.from((bits as BitString).valueBlock.valueHexView)),
      new Integer({ valueHex: Uint8Array.from(Buffer.from(certificate.serial, 'hex')) }),
    ],
  });
  const { thisUpdate = NOW, nextUpdate = NOW + 3_600_000 } = options;
  const single = new Sequence({
    value: [
      certId,
      statusBlock(options.status ?? 'good'),
      time(thisUpdate),
      ...('nextUpdate' in options && options.nextUpdate === undefined ? [] : [tagged(0, time(nextUpdate))]),
    ],
  });
  const data = new Sequence({
    value: [
      byName
        ? tagged(1, parseDer(signer.certificate.subject, 'name') as Sequence)
        : tagged(2, octets(keyIdentifier(signer.certificate.spki))),
      time(thisUpdate),
      new Sequence({ value: [single] }),
    ],
  });
  const signed = elements(parseDer(signStructure(encode(data), signer.key), 'signed'), 'signed');
  const list = certificates.map(({ der }) => parseDer(der, 'certificate') as Sequence);
  const basic = new Sequence({
    value: [...signed, ...(list.length > 0 ? [tagged(0, new Sequence({ value: list }))] : [])],
  });
  const bytes = new Sequence({
    value: [new ObjectIdentifier({ value: '1.3.6.1.5.5.7.48.1.1' }), octets(encode(basic))],
  });
  const value = [
    new Enumerated({ value: responseStatus }),
    ...(responseStatus === 0 ? [tagged(0, bytes)] : []),
  ];
  return encode(new Sequence({ value }));
}

function statusBlock(status: 'good' | 'revoked' | 'unknown'): Primitive | Constructed {
  const tagNumber = { good: 0, revoked: 1, unknown: 2 }[status];
  if (status === 'revoked') return tagged(tagNumber, time(NOW - 86_400_000));
  return new Primitive({ idBlock: { tagClass: 3, tagNumber } });
}
