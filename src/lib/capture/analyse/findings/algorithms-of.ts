import { transforms } from '../../../crypto/registry.js';
import type { Level, TransformRow } from '../../../crypto/transform.js';
import { TransformType } from '../../../crypto/transform.js';
import type { ProposalReport, TransformReport } from '../types.js';

/** What the registry knows of a transform in a report, found by name because IKEv1 numbers some things differently. */
export function rowOf({ type, name }: TransformReport): TransformRow | undefined {
  return rowsByName.get(`${typeNumber(type)} ${name}`);
}

const rowsByName = new Map<string, TransformRow>(
  [TransformType.ENCR, TransformType.PRF, TransformType.INTEG, TransformType.KE].flatMap((type) =>
    transforms(type).map((row): [string, TransformRow] => [`${type} ${row.name}`, row]),
  ),
);

function typeNumber(type: string): number {
  switch (type) {
    case 'ENCR':
      return TransformType.ENCR;
    case 'PRF':
      return TransformType.PRF;
    case 'INTEG':
      return TransformType.INTEG;
    default:
      return type === 'KE' || type.startsWith('ADDKE') ? TransformType.KE : 0;
  }
}

/** RFC 8247 for an IKE SA, RFC 8221 for ESP and AH. */
export function levelOf(transform: TransformReport, protocol: string): Level {
  const row = rowOf(transform);
  if (row === undefined) return 'unlisted';
  return protocol === 'IKE' ? row.ikeLevel : row.espLevel;
}

/** A block cipher of 64 bits, which repeats blocks after some gigabytes (CVE-2016-2183). */
export function hasShortBlocks(transform: TransformReport): boolean {
  const row = rowOf(transform);
  return row?.type === TransformType.ENCR && row.kind === 'cipher' && row.blockBytes === 8;
}

/** Key exchange below the 112 bits that RFC 8247 asks for. */
const LEAST_STRENGTH = 112;

/** Nobody should rely on it: MUST NOT, SHOULD NOT, short blocks, or a short key exchange. */
export function isWeak(transform: TransformReport, protocol: string): boolean {
  const level = levelOf(transform, protocol);
  const row = rowOf(transform);
  const shortKe = row?.type === TransformType.KE && row.id !== 0 && row.strength < LEAST_STRENGTH;
  return level === 'MUST NOT' || level === 'SHOULD NOT' || hasShortBlocks(transform) || shortKe;
}

export function ofType(proposals: readonly ProposalReport[], type: string): TransformReport[] {
  return proposals.flatMap(({ transforms: list }) => list.filter((transform) => transform.type === type));
}

/** True when something of the type is offered and all of it is weak. */
export function onlyWeak(proposals: readonly ProposalReport[], type: string): boolean {
  const offered = proposals.flatMap(({ transforms: list, protocol }) =>
    list
      .filter((transform) => transform.type === type && !(type === 'KE' && transform.id === 0))
      .map((transform) => isWeak(transform, protocol)),
  );
  return offered.length > 0 && offered.every(Boolean);
}
