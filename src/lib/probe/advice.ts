import { formatKeyword } from '../crypto/keywords.js';
import { TransformType } from '../crypto/transform.js';
import type { Algorithm, Ikev2Facts } from './types.js';

/** Strong algorithms by keyword, best first. What is not here is not recommended, whether it is weak or merely rare. */
const strong = {
  aead: ['aes256gcm16', 'chacha20poly1305', 'aes192gcm16', 'aes128gcm16', 'aes256ccm16', 'aes128ccm16'],
  classic: ['aes256', 'aes192', 'aes128'],
  integ: ['sha512', 'sha384', 'sha256'],
  prf: ['prfsha512', 'prfsha384', 'prfsha256'],
  groups: [
    'x25519',
    'ecp384',
    'ecp521',
    'x448',
    'ecp256',
    'ecp512bp',
    'ecp384bp',
    'ecp256bp',
    'modp8192',
    'modp6144',
    'modp4096',
    'modp3072',
  ],
  mlKem: ['mlkem768', 'mlkem1024', 'mlkem512'],
} as const;

/** For a gateway that accepts nothing strong, or of which nothing is known. Every current implementation has these. */
const fallback = { aead: 'aes256gcm16', prf: 'prfsha384', groups: ['x25519', 'ecp384'] } as const;

/** The last resort that RFC 8247 2.4 still calls MUST: 112 bits. */
const LAST_GROUP = 'modp2048';

/**
 * A better configuration for this gateway: proposals with strongSwan's keywords, comma separated, for its `proposals`
 * line. Of what it accepts the strong algorithms stay, best first, with ML-KEM beside a classic group where it takes
 * that; where it has nothing strong, what every current implementation has stands in. It says what to configure, not
 * which combinations are accepted today.
 */
export function betterProposals(ikev2: Ikev2Facts | undefined): string {
  const accepted = (kind: 'encr' | 'prf' | 'integ' | 'ke' | 'addke', type: number): string[] =>
    (ikev2?.accepted[kind] ?? []).map((algorithm) => keywordOf(type, algorithm));
  const encr = accepted('encr', TransformType.ENCR);
  const groups = accepted('ke', TransformType.KE);
  const aead = pick(strong.aead, encr, [fallback.aead]);
  const prf = pick(strong.prf, accepted('prf', TransformType.PRF), [fallback.prf]);
  const classic = pick(strong.classic, encr, []);
  const integ = pick(strong.integ, accepted('integ', TransformType.INTEG), []);
  const ke = pick(strong.groups, groups, groups.includes(LAST_GROUP) ? [LAST_GROUP] : fallback.groups);
  const [asAdditional] = pick(strong.mlKem, accepted('addke', TransformType.KE), []);
  const [asOnly] = pick(strong.mlKem, groups, []);
  return [
    ...(asAdditional === undefined ? [] : [[...aead, ...prf, ...ke, `ke1_${asAdditional}`]]),
    ...(asOnly === undefined ? [] : [[...aead, ...prf, asOnly]]),
    [...aead, ...prf, ...ke],
    ...(classic.length > 0 && integ.length > 0 ? [[...classic, ...integ, ...prf, ...ke]] : []),
  ]
    .map((words) => words.join('-'))
    .join(',');
}

/** The line of strongSwan's configuration with these proposals, and what version it takes where not every one does. */
export function proposalsLine(proposals: string): string {
  const line = `proposals = ${proposals}`;
  return proposals.includes('mlkem') ? `# ML-KEM: strongSwan 6.0 or later\n${line}` : line;
}

/** A proposal's keywords, the groups apart from the rest. */
export function proposalParts(proposal: string): { symmetric: string[]; groups: string[] } {
  const words = proposal.split('-');
  const isGroup = (word: string): boolean => groupKeywords.has(word) || /^ke\d_/.test(word);
  return { symmetric: words.filter((word) => !isGroup(word)), groups: words.filter(isGroup) };
}

const groupKeywords: ReadonlySet<string> = new Set<string>([...strong.groups, ...strong.mlKem, LAST_GROUP]);

function keywordOf(type: number, { id, keyLength }: Algorithm): string {
  return formatKeyword({ type, id, ...(keyLength !== undefined && { keyLength }) });
}

function pick(
  preferred: readonly string[],
  accepted: readonly string[],
  otherwise: readonly string[],
): string[] {
  const kept = preferred.filter((word) => accepted.includes(word));
  return kept.length > 0 ? kept : [...otherwise];
}
