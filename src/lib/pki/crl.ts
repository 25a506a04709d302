import { Enumerated, Integer } from 'asn1js';
import { CertificateRevocationList, Extension, Extensions, RevokedCertificate } from 'pkijs';
import { toHex } from '../core/bytes.js';
import { attempt, contents, elements, encode, malformed, parseDer, rawBytes } from './asn1.js';
import { type Certificate, serialText, signatureBytes } from './certificate.js';
import { authorityKeyIdentifier } from './extensions.js';
import { type Issuer, nameStructure, signerOf, timeOf } from './issue.js';
import { keyIdentifier } from './keys.js';
import { Oid } from './oids.js';
import {
  readSignatureAlgorithm,
  type SignatureAlgorithm,
  signatureAlgorithmFor,
  signStructure,
  verifySignature,
} from './signatures.js';

/** Why a certificate was revoked, with its number in RFC 5280 5.3.1. */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  privilegeWithdrawn: 9,
} as const;
export type RevocationReason = keyof typeof revocationReasons;

/** One line of a revocation list. */
export interface Revocation {
  /** Hexadecimal, as in {@link Certificate}. */
  serial: string;
  date: Date;
  reason: string;
}

/** A certificate revocation list as read; its signature has not been verified. */
export interface Crl {
  der: Uint8Array;
  toBeSigned: Uint8Array;
  issuer: Uint8Array;
  thisUpdate: Date;
  nextUpdate: Date | undefined;
  /** Hexadecimal. */
  number: string | undefined;
  revoked: Map<string, Revocation>;
  signatureAlgorithm: SignatureAlgorithm;
  signature: Uint8Array;
  /** Critical extensions that are not understood here: the list must not be relied upon (RFC 5280 5.2). */
  unknownCritical: string[];
}

const what = 'The revocation list';

/** Makes a revocation list (version 2) and signs it. */
export function createCrl(
  issuer: Issuer,
  revoked: readonly Revocation[],
  { number, thisUpdate, nextUpdate }: { number: number; thisUpdate: Date; nextUpdate: Date },
): Uint8Array {
  const { key, rsaPss } = signerOf(issuer);
  const structure = new CertificateRevocationList({
    version: 1,
    signature: signatureAlgorithmFor(key, rsaPss),
    issuer: nameStructure(issuer.certificate.subject),
    thisUpdate: timeOf(thisUpdate),
    nextUpdate: timeOf(nextUpdate),
    // RFC 5280 5.1.2.6: no certificates, no list.
    ...(revoked.length > 0 && { revokedCertificates: revoked.map(entry) }),
    crlExtensions: new Extensions({
      extensions: [
        authorityKeyIdentifier(keyIdentifier(issuer.certificate.spki)),
        new Extension({ extnID: Oid.crlNumber, extnValue: new Integer({ value: number }).toBER() }),
      ],
    }),
  });
  const [toBeSigned] = elements(structure.toSchema(true), what);
  return signStructure(encode(toBeSigned!), key, rsaPss);
}

function entry({ serial, date, reason }: Revocation): RevokedCertificate {
  const number = revocationReasons[reason as RevocationReason] ?? 0;
  const bytes = Uint8Array.from(Buffer.from(serial, 'hex'));
  const positive = (bytes[0] ?? 0) >= 0x80 ? Uint8Array.from([0, ...bytes]) : bytes;
  return new RevokedCertificate({
    userCertificate: new Integer({ valueHex: positive }),
    revocationDate: timeOf(date),
    // RFC 5280 5.3.1: unspecified is said by saying nothing.
    ...(number !== 0 && {
      crlEntryExtensions: new Extensions({
        extensions: [
          new Extension({ extnID: Oid.reasonCode, extnValue: new Enumerated({ value: number }).toBER() }),
        ],
      }),
    }),
  });
}

/** Reads a DER revocation list. @throws KitError `E_CERT_FORMAT` */
export function parseCrl(der: Uint8Array): Crl {
  return attempt(what, () => {
    const block = parseDer(der, what);
    const [toBeSigned] = elements(block, what);
    if (toBeSigned === undefined) throw malformed(what);
    const structure = new CertificateRevocationList({ schema: block });
    const extensions = structure.crlExtensions?.extensions ?? [];
    const number = extensions.find(({ extnID }) => extnID === Oid.crlNumber);
    const known = new Set<string>([Oid.crlNumber, Oid.authorityKeyIdentifier, Oid.issuerAltName]);
    return {
      der: Uint8Array.from(der),
      toBeSigned: rawBytes(toBeSigned),
      issuer: encode(structure.issuer.toSchema()),
      thisUpdate: structure.thisUpdate.value,
      nextUpdate: structure.nextUpdate?.value,
      number: number && toHex(contents(parseDer(new Uint8Array(number.extnValue.getValue()), what), what)),
      revoked: new Map(
        (structure.revokedCertificates ?? []).map(readEntry).map((line) => [line.serial, line]),
      ),
      signatureAlgorithm: readSignatureAlgorithm(structure.signatureAlgorithm),
      signature: signatureBytes(structure.signatureValue),
      unknownCritical: extensions
        .filter(({ critical, extnID }) => critical && !known.has(extnID))
        .map(({ extnID }) => extnID),
    };
  });
}

function readEntry({ userCertificate, revocationDate, crlEntryExtensions }: RevokedCertificate): Revocation {
  const extension = crlEntryExtensions?.extensions.find(({ extnID }) => extnID === Oid.reasonCode);
  const [code = 0] = extension
    ? contents(parseDer(new Uint8Array(extension.extnValue.getValue()), what), what)
    : [0];
  const names = Object.entries(revocationReasons);
  return {
    serial: serialText(userCertificate),
    date: revocationDate.value,
    reason: names.find(([, number]) => number === code)?.[0] ?? `reason ${code}`,
  };
}

/** Whether a CA's key verifies a list's signature. */
export function isCrlSignedBy(crl: Crl, issuer: Certificate): boolean {
  const { publicKey } = issuer;
  return (
    publicKey !== undefined &&
    verifySignature(crl.signatureAlgorithm, crl.toBeSigned, crl.signature, publicKey)
  );
}
