import type { KeyObject } from 'node:crypto';
import { Constructed, Integer, Sequence } from 'asn1js';
import { CertificationRequest, Extensions } from 'pkijs';
import { KitError } from '../core/errors.js';
import { attempt, elements, encode, malformed, parseDer, rawBytes } from './asn1.js';
import { readExtensions, readPublicKey, signatureBytes } from './certificate.js';
import { extendedKeyUsage, extensionRequest, keyUsage, subjectAltName } from './extensions.js';
import type { GeneralName } from './general-name.js';
import { spkiOf } from './keys.js';
import { ExtendedKeyUsage, Oid } from './oids.js';
import {
  readSignatureAlgorithm,
  type SignatureAlgorithm,
  signStructure,
  verifySignature,
} from './signatures.js';

/** A certificate signing request (PKCS#10, RFC 2986) whose signature proves that the sender has the key. */
export interface SigningRequest {
  der: Uint8Array;
  subject: Uint8Array;
  spki: Uint8Array;
  publicKey: KeyObject;
  subjectAltNames: GeneralName[];
  extendedKeyUsage: readonly string[] | undefined;
  signatureAlgorithm: SignatureAlgorithm;
}

const what = 'The signing request';

/** Makes a signing request. */
export function createRequest(
  subject: Uint8Array,
  key: KeyObject,
  {
    subjectAltNames,
    server,
    client,
  }: { subjectAltNames: readonly GeneralName[]; server: boolean; client: boolean },
): Uint8Array {
  const attribute = extensionRequest([
    subjectAltName(subjectAltNames, false),
    keyUsage(['digitalSignature']),
    extendedKeyUsage([
      ...(server ? [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.ikeIntermediate] : []),
      ...(client ? [ExtendedKeyUsage.clientAuth] : []),
    ]),
  ]);
  const info = new Sequence({
    value: [
      new Integer({ value: 0 }),
      parseDer(subject, 'The name'),
      parseDer(spkiOf(key), 'The public key'),
      new Constructed({ idBlock: { tagClass: 3, tagNumber: 0 }, value: [attribute] }),
    ],
  });
  return signStructure(encode(info), key);
}

/**
 * Reads a signing request and checks its signature.
 * @throws KitError `E_CERT_FORMAT`, `E_CSR_SIGNATURE` (refused)
 */
export function parseRequest(der: Uint8Array): SigningRequest {
  const request = attempt(what, () => {
    const block = parseDer(der, what);
    const [info] = elements(block, what);
    if (info === undefined) throw malformed(what);
    const structure = new CertificationRequest({ schema: block });
    const attribute = structure.attributes?.find(({ type }) => type === Oid.extensionRequest);
    const [requested] = attribute?.values ?? [];
    const extensions = requested === undefined ? [] : new Extensions({ schema: requested }).extensions;
    const spki = encode(structure.subjectPublicKeyInfo.toSchema());
    const { subjectAltNames, extendedKeyUsage: usages } = readExtensions(extensions);
    return {
      der: Uint8Array.from(der),
      info: rawBytes(info),
      subject: encode(structure.subject.toSchema()),
      spki,
      publicKey: readPublicKey(spki),
      subjectAltNames,
      extendedKeyUsage: usages,
      signatureAlgorithm: readSignatureAlgorithm(structure.signatureAlgorithm),
      signature: signatureBytes(structure.signatureValue),
    };
  });
  const { info, signature, publicKey, ...rest } = request;
  if (publicKey === undefined || !verifySignature(rest.signatureAlgorithm, info, signature, publicKey)) {
    throw new KitError(
      'refused',
      'E_CSR_SIGNATURE',
      'The signature of the signing request does not verify: whoever made it did not prove to have the key.',
      { hint: 'Make the request again with the key it is for.' },
    );
  }
  return { ...rest, publicKey };
}
