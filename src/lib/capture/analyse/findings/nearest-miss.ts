import { TransformType } from '../../../crypto/transform.js';
import { addressOf } from '../evidence.js';
import { messagesOf } from '../ike-outcome.js';
import type { ConversationReport, ProposalReport, TransformReport } from '../types.js';
import { enumerate, transformWord } from '../words.js';
import { onlyWeak, rowOf } from './algorithms-of.js';

/** A proposal that a host chose or offered somewhere in the capture, hence speaks. */
interface Spoken {
  proposal: ProposalReport;
  /** `chose` in an answer, `offered` in a request. */
  how: 'chose' | 'offered';
  frame: number;
}

/** How an offer came nearest to what its refuser speaks. */
export interface Miss {
  /** Nothing in common for these transform types; none at all when the offer would have fitted. */
  types: { type: string; offered: string[]; spoken: string[] }[];
  how: 'chose' | 'offered';
  frame: number;
}

/** Proposals remembered of one host; a capture of thousands of SAs repeats itself. */
const MAX_SPOKEN = 64;

/** What every host chose and offered, by host and protocol. */
export type SpokenIndex = ReadonlyMap<string, readonly Spoken[]>;

export function indexSpoken(report: ConversationReport): SpokenIndex {
  const index = new Map<string, Spoken[]>();
  for (const { exchanges } of report.ikeSas) {
    for (const exchange of exchanges) {
      for (const { from, message } of messagesOf(exchange)) {
        const how = from === exchange.requester ? 'offered' : 'chose';
        for (const proposal of message.proposals ?? []) {
          const key = `${addressOf(message.src)} ${proposal.protocol}`;
          const spoken = index.get(key) ?? [];
          if (spoken.length < MAX_SPOKEN) spoken.push({ proposal, how, frame: message.frames[0] ?? 0 });
          index.set(key, spoken);
        }
      }
    }
  }
  return index;
}

/** Compares a refused offer with what the refuser chose or offered elsewhere in the capture. */
export function nearestMiss(
  index: SpokenIndex,
  refuser: string,
  offered: readonly ProposalReport[],
): Miss | undefined {
  let best: Miss | undefined;
  for (const { proposal: spoken, how, frame } of index.get(`${refuser} ${offered[0]?.protocol ?? 'IKE'}`) ??
    []) {
    for (const proposal of offered) {
      const types = missing(proposal, spoken);
      if (best === undefined || types.length < best.types.length) best = { types, how, frame };
    }
  }
  return best;
}

/** The nearest miss as the end of a sentence. */
export function missWords(miss: Miss, refuser: string): string {
  const where = `in frame ${miss.frame}`;
  if (miss.types.length === 0) {
    return `it ${miss.how} a suite ${where} that this offer contains, so the refusal depends on who asks or for what`;
  }
  const parts = miss.types.map(({ type, offered, spoken }) => {
    const words = offered.length === 0 ? 'nothing' : enumerate(offered.slice(0, 6));
    return `${type} (offered ${words}; ${refuser} ${miss.how} ${spoken.length === 0 ? 'none' : enumerate(spoken.slice(0, 6))} ${where})`;
  });
  return `the nearest miss is ${enumerate(parts)}`;
}

/** Transform types with nothing in common (RFC 7296 3.3.6); "none" and a missing type are the same. */
function missing(a: ProposalReport, b: ProposalReport): Miss['types'] {
  const types = new Set([...a.transforms, ...b.transforms].map(({ type }) => type));
  const found: Miss['types'] = [];
  for (const type of types) {
    if (type === 'AUTH' || type === 'MODE') continue;
    const offered = wordsOf(a.transforms, type);
    const spoken = wordsOf(b.transforms, type);
    const fits =
      offered.some((word) => spoken.includes(word)) || (offered.length === 0 && spoken.length === 0);
    if (!fits) found.push({ type, offered, spoken });
  }
  return found;
}

function wordsOf(transforms: readonly TransformReport[], type: string): string[] {
  return transforms
    .filter((transform) => transform.type === type && !(transform.id === 0 && type !== 'SN'))
    .map(transformWord);
}

/** What is unusual about an offer on its own, as clauses; empty when nothing is. */
export function oddities(offered: readonly ProposalReport[]): string[] {
  const found: string[] = [];
  const types = (type: string) => new Set(offered.flatMap(({ transforms }) => wordsOf(transforms, type)));
  for (const [type, what] of [
    ['KE', 'key exchange groups'],
    ['ENCR', 'ciphers'],
    ['INTEG', 'integrity algorithms'],
  ] as const) {
    if (onlyWeak(offered, type)) {
      found.push(`all ${what} in it are deprecated (${[...types(type)].slice(0, 6).join(', ')})`);
    }
  }
  if (offered.some(mixesAead)) {
    found.push('one proposal mixes AEAD with other ciphers, or an AEAD with an integrity algorithm');
  }
  if (offered.some(({ transforms }) => transforms.some(lacksKeyLength))) {
    found.push('a cipher comes without its key length');
  }
  if (offered.some(({ transforms }) => transforms.some(({ type }) => type.startsWith('ADDKE')))) {
    found.push('it wants additional key exchanges (RFC 9370), which many gateways reject as a whole');
  }
  if (offered.some(({ transforms }) => transforms.some((transform) => transform.type.startsWith('TYPE_')))) {
    found.push('it has a transform type that IANA does not list');
  }
  const isSingle = offered.length === 1 && !repeatsType(offered[0]!);
  if (isSingle) found.push('it has a single suite, without an alternative of any type');
  return found;
}

function mixesAead({ transforms }: ProposalReport): boolean {
  const kinds = new Set(
    transforms.flatMap((transform) => {
      const row = rowOf(transform);
      return row?.type === TransformType.ENCR ? [row.kind === 'aead'] : [];
    }),
  );
  const integ = transforms.some(({ type, id }) => type === 'INTEG' && id !== 0);
  return kinds.size > 1 || (kinds.has(true) && integ);
}

function lacksKeyLength(transform: TransformReport): boolean {
  const row = rowOf(transform);
  return (
    row?.type === TransformType.ENCR &&
    row.keyLengths.length > 0 &&
    row.fixedKeyLength === undefined &&
    transform.keyLength === undefined
  );
}

function repeatsType({ transforms }: ProposalReport): boolean {
  return new Set(transforms.map(({ type }) => type)).size < transforms.length;
}
