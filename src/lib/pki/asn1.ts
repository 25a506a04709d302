import { type AsnType, BaseBlock, fromBER, Sequence, Set as SetBlock } from 'asn1js';
import { KitError } from '../core/errors.js';

/** Far above any certificate, list or container of the field, far below what parsing could hurt with. */
export const MAX_DER = 4 << 20;
const limits = { maxDepth: 40, maxNodes: 200_000, maxContentLength: MAX_DER, parseEmbedded: false };

/** An error about a structure that does not parse. */
export function malformed(what: string, cause?: unknown): KitError {
  return new KitError('usage', 'E_CERT_FORMAT', `${what} cannot be read: it is damaged or something else.`, {
    hint: 'It has to be PEM, DER, PKCS#12 or PKCS#7, whole and unchanged.',
    cause,
  });
}

/**
 * The one ASN.1 value that fills `bytes`.
 * @param what names it in the error: "The certificate"
 * @throws KitError `E_CERT_FORMAT`
 */
export function parseDer(bytes: Uint8Array, what: string): AsnType {
  return attempt(what, () => {
    if (bytes.length > MAX_DER) throw malformed(what);
    const { offset, result } = fromBER(Uint8Array.from(bytes), limits);
    if (offset !== bytes.length) throw malformed(what);
    return result;
  });
}

/** Runs a reading of hostile bytes; whatever it throws becomes one `E_CERT_FORMAT`. */
export function attempt<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw cause instanceof KitError ? cause : malformed(what, cause);
  }
}

/** The elements of a SEQUENCE, a SET or a constructed context-specific value. @throws KitError `E_CERT_FORMAT` */
export function elements(block: unknown, what: string): AsnType[] {
  if (block instanceof Sequence || block instanceof SetBlock) return block.valueBlock.value as AsnType[];
  if (block instanceof BaseBlock && block.idBlock.tagClass === 3 && block.idBlock.isConstructed) {
    const { value } = block.valueBlock as unknown as { value: AsnType[] };
    if (Array.isArray(value)) return value;
  }
  throw malformed(what);
}

/** The bytes of a whole parsed value, tag and length included, as they came. */
export function rawBytes(block: BaseBlock): Uint8Array {
  return Uint8Array.from(block.valueBeforeDecodeView);
}

/** The contents octets of a primitive value. */
export function contents(block: AsnType, what: string): Uint8Array {
  const view = (block.valueBlock as { valueHexView?: Uint8Array }).valueHexView;
  if (view === undefined || block.idBlock.isConstructed) throw malformed(what);
  return Uint8Array.from(view);
}

/** The DER of a value made here. */
export function encode(block: { toBER(): ArrayBuffer }): Uint8Array<ArrayBuffer> {
  return new Uint8Array(block.toBER());
}
