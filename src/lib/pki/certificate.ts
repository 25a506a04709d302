import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { BitString, Boolean as BooleanBlock, Integer, ObjectIdentifier, type OctetString } from 'asn1js';
import { Certificate as CertificateStructure, type Extension } from 'pkijs';
import { toHex } from '../core/bytes.js';
import { printable } from '../core/printable.js';
import { formatDistinguishedName } from '../ike/distinguished-name.js';
import { attempt, contents, elements, encode, malformed, parseDer, rawBytes } from './asn1.js';
import { type GeneralName, readGeneralName, readGeneralNames } from './general-name.js';
import { Oid } from './oids.js';
import { readSignatureAlgorithm, type SignatureAlgorithm, verifySignature } from './signatures.js';

/** Bits of the key usage extension (RFC 5280 4.2.1.3), in their order. */
export const keyUsages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
export type KeyUsage = (typeof keyUsages)[number];

/** The names a CA may certify (RFC 5280 4.2.1.10). */
export interface NameConstraints {
  permitted: GeneralName[];
  excluded: GeneralName[];
}

/** A certificate as read; nothing in it has been verified. */
export interface Certificate {
  der: Uint8Array;
  /** What the signature covers. */
  toBeSigned: Uint8Array;
  version: number;
  /** Hexadecimal, lower case, without leading zero octets. */
  serial: string;
  /** DER of the names. */
  subject: Uint8Array;
  issuer: Uint8Array;
  notBefore: Date;
  notAfter: Date;
  spki: Uint8Array;
  /** undefined for a key that node:crypto does not know. */
  publicKey: KeyObject | undefined;
  signatureAlgorithm: SignatureAlgorithm;
  signature: Uint8Array;
  subjectAltNames: GeneralName[];
  /** undefined where the extension is absent, which restricts nothing. */
  keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** OIDs; undefined as for `keyUsage`. */
  extendedKeyUsage: readonly string[] | undefined;
  ca: boolean;
  pathLength: number | undefined;
  nameConstraints: NameConstraints | undefined;
  /** Hexadecimal. */
  subjectKeyIdentifier: string | undefined;
  authorityKeyIdentifier: string | undefined;
  crlUrls: string[];
  /** OIDs of critical extensions that are not understood here. */
  unknownCritical: string[];
}

const what = 'The certificate';

/** No certificate in the field comes near. */
const MAX_CERTIFICATE = 64 << 10;

/** Reads a DER certificate. @throws KitError `E_CERT_FORMAT` */
export function parseCertificate(der: Uint8Array): Certificate {
  if (der.length > MAX_CERTIFICATE) throw malformed(what);
  return attempt(what, () => {
    const block = parseDer(der, what);
    const [toBeSigned] = elements(block, what);
    if (toBeSigned === undefined) throw malformed(what);
    const structure = new CertificateStructure({ schema: block });
    // RFC 5280 4.1.1.2: the algorithm is said twice and has to be the same.
    const [inner, outer] = [structure.signature, structure.signatureAlgorithm].map((a) =>
      toHex(encode(a.toSchema())),
    );
    if (inner !== outer) throw malformed(what);
    const spki = encode(structure.subjectPublicKeyInfo.toSchema());
    return {
      der: Uint8Array.from(der),
      toBeSigned: rawBytes(toBeSigned),
      version: structure.version + 1,
      serial: serialText(structure.serialNumber),
      subject: encode(structure.subject.toSchema()),
      issuer: encode(structure.issuer.toSchema()),
      notBefore: validDate(structure.notBefore.value),
      notAfter: validDate(structure.notAfter.value),
      spki,
      publicKey: readPublicKey(spki),
      signatureAlgorithm: readSignatureAlgorithm(structure.signatureAlgorithm),
      signature: signatureBytes(structure.signatureValue),
      ...readExtensions(structure.extensions ?? []),
    };
  });
}

/** A serial number as everybody writes it. */
export function serialText(serial: Integer): string {
  return toHex(Uint8Array.from(serial.valueBlock.valueHexView)).replace(/^(00)+(?=..)/, '');
}

/** The octets of a signature, which fills whole octets. */
export function signatureBytes(value: BitString): Uint8Array {
  return Uint8Array.from(value.valueBlock.valueHexView);
}

function validDate(date: Date): Date {
  if (Number.isNaN(date.getTime())) throw malformed(what);
  return date;
}

/** undefined for a key of a kind that node:crypto does not know. */
export function readPublicKey(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

type ExtensionFields = Pick<
  Certificate,
  | 'subjectAltNames'
  | 'keyUsage'
  | 'extendedKeyUsage'
  | 'ca'
  | 'pathLength'
  | 'nameConstraints'
  | 'subjectKeyIdentifier'
  | 'authorityKeyIdentifier'
  | 'crlUrls'
  | 'unknownCritical'
>;

/** @throws KitError `E_CERT_FORMAT` also for an extension that comes twice (RFC 5280 4.2) */
export function readExtensions(extensions: readonly Extension[]): ExtensionFields {
  const values = new Map<string, Uint8Array>();
  const unknownCritical: string[] = [];
  for (const extension of extensions) {
    if (values.has(extension.extnID)) throw malformed(what);
    values.set(extension.extnID, octets(extension.extnValue));
    if (extension.critical && !understood.has(extension.extnID)) unknownCritical.push(extension.extnID);
  }
  const read = <T>(oid: string, reader: (der: Uint8Array) => T): T | undefined => {
    const der = values.get(oid);
    return der === undefined ? undefined : attempt(what, () => reader(der));
  };
  const constraints = read(Oid.basicConstraints, readBasicConstraints);
  return {
    subjectAltNames: read(Oid.subjectAltName, readGeneralNames) ?? [],
    keyUsage: read(Oid.keyUsage, readKeyUsage),
    extendedKeyUsage: read(Oid.extKeyUsage, (der) => elements(parseDer(der, what), what).map(oidOf)),
    ca: constraints?.ca ?? false,
    pathLength: constraints?.pathLength,
    nameConstraints: read(Oid.nameConstraints, readNameConstraints),
    subjectKeyIdentifier: read(Oid.subjectKeyIdentifier, (der) => toHex(contents(parseDer(der, what), what))),
    authorityKeyIdentifier: read(Oid.authorityKeyIdentifier, readAuthorityKey),
    crlUrls: read(Oid.crlDistributionPoints, readCrlUrls) ?? [],
    unknownCritical,
  };
}

const understood = new Set<string>([
  Oid.subjectAltName,
  Oid.keyUsage,
  Oid.extKeyUsage,
  Oid.basicConstraints,
  Oid.nameConstraints,
  Oid.subjectKeyIdentifier,
  Oid.authorityKeyIdentifier,
  Oid.crlDistributionPoints,
]);

function octets(value: OctetString): Uint8Array {
  return new Uint8Array(value.getValue());
}

function oidOf(block: unknown): string {
  if (!(block instanceof ObjectIdentifier)) throw malformed(what);
  return block.getValue();
}

function readBasicConstraints(der: Uint8Array): { ca: boolean; pathLength: number | undefined } {
  const parts = elements(parseDer(der, what), what);
  const ca = parts[0] instanceof BooleanBlock && parts[0].getValue();
  const length = parts.find((part) => part instanceof Integer);
  // A length beyond any chain's restricts nothing more than the longest chain would.
  const pathLength = length && Math.min(Number(BigInt(`0x${serialText(length)}`)), 1000);
  return { ca, pathLength: ca ? pathLength : undefined };
}

function readKeyUsage(der: Uint8Array): ReadonlySet<KeyUsage> {
  const block = parseDer(der, what);
  if (!(block instanceof BitString)) throw malformed(what);
  const bytes = signatureBytes(block);
  return new Set(keyUsages.filter((_, bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0));
}

function readNameConstraints(der: Uint8Array): NameConstraints {
  const parts = elements(parseDer(der, what), what);
  const subtrees = (tag: number): GeneralName[] => {
    const part = parts.find(({ idBlock }) => idBlock.tagClass === 3 && idBlock.tagNumber === tag);
    if (part === undefined) return [];
    return elements(part, what).map((subtree) => readGeneralName(elements(subtree, what)[0]!));
  };
  return { permitted: subtrees(0), excluded: subtrees(1) };
}

function readAuthorityKey(der: Uint8Array): string | undefined {
  const [key] = elements(parseDer(der, what), what).filter(({ idBlock }) => idBlock.tagNumber === 0);
  return key === undefined ? undefined : toHex(contents(key, what));
}

/** DistributionPoint: [0] distributionPoint: [0] fullName: GeneralNames. */
function readCrlUrls(der: Uint8Array): string[] {
  return elements(parseDer(der, what), what).flatMap((point) => {
    const [name] = elements(point, what).filter(({ idBlock }) => idBlock.tagNumber === 0);
    const [full] = name === undefined ? [] : elements(name, what);
    if (full?.idBlock.tagNumber !== 0) return [];
    return elements(full, what)
      .map(readGeneralName)
      .flatMap((general) => (general.kind === 'uri' ? [general.value] : []));
  });
}

/** The text of a name, as strongSwan writes it. */
export function nameText(name: Uint8Array): string {
  return formatDistinguishedName(name) ?? `unreadable name ${printable(toHex(name)).slice(0, 40)}`;
}

/** How a certificate is called in sentences: its subject, or its first name when it has none. */
export function certificateName({ subject, serial }: Certificate): string {
  return nameText(subject) || `serial ${serial}`;
}

/** Whether one certificate's key verifies the signature of another. */
export function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  const { publicKey } = issuer;
  if (publicKey === undefined) return false;
  return verifySignature(
    certificate.signatureAlgorithm,
    certificate.toBeSigned,
    certificate.signature,
    publicKey,
  );
}

/** SHA-256 of the whole certificate, hexadecimal. */
export function fingerprint({ der }: Certificate): string {
  return createHash('sha256').update(der).digest('hex');
}
