import { type AsnType, ObjectIdentifier } from 'asn1js';
import { elements, malformed, rawBytes } from './asn1.js';
import { type Certificate, parseCertificate } from './certificate.js';
import { type Crl, parseCrl } from './crl.js';

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const what = 'The PKCS#7 bundle';

/** Whether a parsed value is a PKCS#7 (CMS) SignedData in its ContentInfo. */
export function isSignedData(parts: readonly AsnType[]): boolean {
  const [type] = parts;
  return type instanceof ObjectIdentifier && type.getValue() === SIGNED_DATA;
}

/**
 * The certificates and revocation lists that a SignedData carries (RFC 5652 5.1), as in `.p7b` files. Nothing is
 * signed in those, so signatures are not looked at.
 * @param parts of the ContentInfo
 * @throws KitError `E_CERT_FORMAT`
 */
export function readSignedData(parts: readonly AsnType[]): { certificates: Certificate[]; crls: Crl[] } {
  const [signedData] = elements(parts[1], what);
  if (signedData === undefined) throw malformed(what);
  const found: { certificates: Certificate[]; crls: Crl[] } = { certificates: [], crls: [] };
  // version, digestAlgorithms, encapContentInfo, [0] certificates, [1] crls, signerInfos
  for (const part of elements(signedData, what)) {
    if (part.idBlock.tagClass !== 3) continue;
    for (const each of elements(part, what)) {
      // Other kinds of either (attribute certificates and the like) are tagged; plain ones are SEQUENCEs.
      if (each.idBlock.tagClass !== 1) continue;
      if (part.idBlock.tagNumber === 0) found.certificates.push(parseCertificate(rawBytes(each)));
      else found.crls.push(parseCrl(rawBytes(each)));
    }
  }
  return found;
}
