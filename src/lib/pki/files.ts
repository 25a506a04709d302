import { createPrivateKey, type KeyObject } from 'node:crypto';
import { BitString, Integer, OctetString, Sequence } from 'asn1js';
import { KitError } from '../core/errors.js';
import type { Secret } from '../core/secret.js';
import { attempt, elements, MAX_DER, malformed, parseDer } from './asn1.js';
import { type Certificate, parseCertificate } from './certificate.js';
import { type Crl, parseCrl } from './crl.js';
import { isPfx, readP12 } from './p12/read.js';
import { isPem, type PemBlock, pemBlocks } from './pem.js';
import { isSignedData, readSignedData } from './pkcs7.js';
import { parseRequest, type SigningRequest } from './request.js';

/** Everything that a file of certificates and keys may hold, in the order it came. */
export interface IdentityFile {
  certificates: Certificate[];
  keys: KeyObject[];
  crls: Crl[];
  requests: SigningRequest[];
}

/** Asks for the passphrase; called at most once, and only when something is encrypted. */
export type AskPassphrase = () => Promise<Secret>;

export { toPem } from './pem.js';

/**
 * Reads PEM (one or many blocks), DER, PKCS#12 or PKCS#7: certificates, private keys (PKCS#8, PKCS#1, SEC 1, encrypted
 * or not), signing requests, revocation lists.
 * @throws KitError `E_CERT_FORMAT`, `E_KEY_PASSPHRASE`, `E_P12_PASSPHRASE`, `E_P12_CIPHER`, `E_P12_ITERATIONS`,
 *   `E_CSR_SIGNATURE`
 */
export async function readIdentityFile(bytes: Uint8Array, ask: AskPassphrase): Promise<IdentityFile> {
  if (bytes.length > MAX_DER) throw malformed('The file');
  let passphrase: Secret | undefined;
  const askOnce = async (): Promise<Secret> => {
    passphrase ??= await ask();
    return passphrase;
  };
  const found: IdentityFile = { certificates: [], keys: [], crls: [], requests: [] };
  const text = Buffer.from(bytes).toString('latin1');
  if (!isPem(text)) await readDer(bytes, askOnce, found);
  else for (const block of pemBlocks(text)) await readPemBlock(block, askOnce, found);
  return found;
}

async function readPemBlock(block: PemBlock, ask: AskPassphrase, found: IdentityFile): Promise<void> {
  const der = (): Uint8Array => Uint8Array.from(Buffer.from(block.body, 'base64'));
  switch (block.label) {
    case 'CERTIFICATE':
    case 'X509 CERTIFICATE':
      found.certificates.push(parseCertificate(der()));
      break;
    case 'X509 CRL':
      found.crls.push(parseCrl(der()));
      break;
    case 'CERTIFICATE REQUEST':
    case 'NEW CERTIFICATE REQUEST':
      found.requests.push(parseRequest(der()));
      break;
    case 'PKCS12':
    case 'PKCS7':
    case 'CMS':
      await readDer(der(), ask, found);
      break;
    default:
      if (block.label.endsWith('PRIVATE KEY')) found.keys.push(await privateKeyOf(block, ask));
  }
}

async function privateKeyOf({ label, text, body }: PemBlock, ask: AskPassphrase): Promise<KeyObject> {
  const encrypted = label.startsWith('ENCRYPTED') || /^Proc-Type: 4,ENCRYPTED/m.test(body);
  return readPrivateKey({ key: text, format: 'pem' }, encrypted ? await ask() : undefined);
}

type KeyInput =
  | { key: string; format: 'pem' }
  | { key: Buffer; format: 'der'; type: 'pkcs8' | 'pkcs1' | 'sec1' };

/** @throws KitError usage `E_KEY_PASSPHRASE`, `E_CERT_FORMAT` */
function readPrivateKey(input: KeyInput, passphrase: Secret | undefined): KeyObject {
  try {
    return createPrivateKey(passphrase ? { ...input, passphrase: Buffer.from(passphrase.reveal()) } : input);
  } catch (cause) {
    if (passphrase === undefined) throw malformed('The private key', cause);
    throw new KitError('usage', 'E_KEY_PASSPHRASE', 'The passphrase does not open the private key.', {
      hint: 'If it is surely right, the key uses a cipher that OpenSSL 3 no longer reads: openssl pkey -provider legacy -provider default -in OLD.key -aes256 -out NEW.key',
    });
  }
}

/** Tells structures apart by the shape of their first elements. */
async function readDer(der: Uint8Array, ask: AskPassphrase, found: IdentityFile): Promise<void> {
  const what = 'The file';
  const block = parseDer(der, what);
  if (isPfx(block)) {
    const { certificates, keys } = readP12(der, await ask());
    found.certificates.push(...certificates);
    found.keys.push(...keys);
    return;
  }
  const parts = attempt(what, () => elements(block, what));
  if (isSignedData(parts)) {
    const { certificates, crls } = readSignedData(parts);
    found.certificates.push(...certificates);
    found.crls.push(...crls);
    return;
  }
  const [first, second] = parts;
  const key = Buffer.from(der);
  if (first instanceof Integer) {
    const type = second instanceof Sequence ? 'pkcs8' : second instanceof OctetString ? 'sec1' : 'pkcs1';
    found.keys.push(readPrivateKey({ key, format: 'der', type }, undefined));
  } else if (first instanceof Sequence && second instanceof OctetString) {
    found.keys.push(readPrivateKey({ key, format: 'der', type: 'pkcs8' }, await ask()));
  } else if (first instanceof Sequence && parts[2] instanceof BitString) {
    readSigned(der, elements(first, what), found);
  } else {
    throw malformed(what);
  }
}

/** A certificate, a signing request or a revocation list, by what is signed. */
function readSigned(der: Uint8Array, [first, second, third, fourth]: unknown[], found: IdentityFile): void {
  const numbered = first instanceof Integer;
  if (numbered && second instanceof Sequence && third instanceof Sequence && !(fourth instanceof Sequence)) {
    const isList = fourth !== undefined && !isContextTag(fourth);
    if (isList) found.crls.push(parseCrl(der));
    else found.requests.push(parseRequest(der));
  } else if (first instanceof Sequence) {
    found.crls.push(parseCrl(der));
  } else {
    found.certificates.push(parseCertificate(der));
  }
}

function isContextTag(block: unknown): boolean {
  return (block as { idBlock: { tagClass: number } }).idBlock.tagClass === 3;
}
