import { TransformType } from '../../../crypto/transform.js';
import type { MessageReport, ProposalReport } from '../types.js';
import { rowOf } from './algorithms-of.js';

/** The padding length octet (RFC 7296 3.14). */
const PAD_LENGTH = 1;

/**
 * How many bytes of payloads an SK payload can hold at most, from its size and the suite that was agreed on in the clear.
 * @returns undefined when the suite is unknown
 */
export function plaintextBytes(
  { sealedBytes }: MessageReport,
  suite: ProposalReport | undefined,
): number | undefined {
  if (sealedBytes === undefined || suite === undefined) return undefined;
  const rows = suite.transforms.map(rowOf);
  const encr = rows.find((row) => row?.type === TransformType.ENCR);
  const integ = rows.find((row) => row?.type === TransformType.INTEG);
  if (encr === undefined) return undefined;
  const icv = encr.kind === 'aead' ? encr.icvBytes : integ?.icvBytes;
  return icv === undefined ? undefined : sealedBytes - encr.ivBytes - icv - PAD_LENGTH;
}
