import { parseKeyword } from '../../crypto/keywords.js';
import { TransformType } from '../../crypto/transform.js';
import type { Algorithm, AlgorithmKind } from '../types.js';
import { covers, type Item } from './knowledge.js';
import type { Policy, PolicyEntry, PolicyKind } from './policy.js';

const kindOfType: Readonly<Record<number, AlgorithmKind>> = {
  [TransformType.ENCR]: 'encr',
  [TransformType.PRF]: 'prf',
  [TransformType.INTEG]: 'integ',
  [TransformType.KE]: 'ke',
};

type Part = Item & { kind: AlgorithmKind };

/** Whether no rule of the policy speaks against accepting an algorithm. */
export function permits(
  policy: Policy,
  kind: AlgorithmKind,
  { id, keyLength }: Pick<Algorithm, 'id' | 'keyLength'>,
): boolean {
  const item: Item = { id, text: '', packets: [], ...(keyLength !== undefined && { keyLength }) };
  return policy.rules.every(({ demand }) => {
    const list = demand.verb === 'minimum' ? undefined : demand.lists[kind];
    if (list === undefined) return true;
    const isListed = list.some((entry) => covers(entry, item));
    return demand.verb === 'allow' ? isListed : demand.verb !== 'forbid' || !isListed;
  });
}

/** Whether a gateway with these proposals and no others obeys each rule about algorithms. @param proposals strongSwan keywords */
export function obeys(policy: Policy, proposals: string): boolean {
  const read = proposals.split(',').map(partsOf);
  const parts = read.flat();
  if (!parts.every(({ kind, id, keyLength }) => permits(policy, kind, sized(id, keyLength)))) return false;
  const needed = policy.rules.flatMap(({ demand }) => (demand.verb === 'require' ? [demand.lists] : []));
  return (
    read.every((proposal) => isWholeSuite(policy, proposal)) &&
    needed.every((lists) => {
      const asked = algorithmLists(lists);
      return (
        asked.length === 0 ||
        asked.some(([kind, list]) => parts.some((part) => part.kind === kind && isIn(list, part)))
      );
    })
  );
}

/** The proposals of which every combination has what the policy wants in each. */
export function wholeSuites(policy: Policy, proposals: string): string {
  return proposals
    .split(',')
    .filter((proposal) => isWholeSuite(policy, partsOf(proposal)))
    .join(',');
}

/** A proposal stands for each combination of its algorithms: one kind has to have nothing but what is wanted. */
function isWholeSuite(policy: Policy, proposal: readonly Part[]): boolean {
  return policy.rules.every(({ demand }) => {
    if (demand.verb !== 'everySuite') return true;
    return algorithmLists(demand.lists).some(([kind, list]) => {
      const own = proposal.filter((part) => part.kind === kind);
      return own.length > 0 && own.every((part) => isIn(list, part));
    });
  });
}

function partsOf(proposal: string): Part[] {
  return proposal.split('-').flatMap((text) => {
    const word = parseKeyword(text.replace(/^ke\d_/, ''));
    const kind = word && kindOfType[word.type];
    if (!kind) return [];
    const { id, keyLength } = word;
    return [{ kind: text.startsWith('ke') ? 'addke' : kind, text, packets: [], ...sized(id, keyLength) }];
  });
}

function sized(id: number | undefined, keyLength: number | undefined): Pick<Algorithm, 'id' | 'keyLength'> {
  return { id: id ?? 0, ...(keyLength !== undefined && { keyLength }) };
}

function isIn(list: readonly PolicyEntry[], item: Item): boolean {
  return list.some((entry) => covers(entry, item));
}

function algorithmLists(
  lists: Partial<Record<PolicyKind, readonly PolicyEntry[]>>,
): [kind: string, list: readonly PolicyEntry[]][] {
  return Object.entries(lists).filter(([kind]) => kinds.has(kind));
}

const kinds: ReadonlySet<string> = new Set<AlgorithmKind>(['encr', 'prf', 'integ', 'ke', 'addke']);
