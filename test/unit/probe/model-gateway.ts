import { encrTransform } from '../../../src/lib/crypto/registry.js';
import { TransformType } from '../../../src/lib/crypto/transform.js';
import type { Transform } from '../../../src/lib/ike/wire/types.js';
import type { Answer, Question } from '../../../src/lib/probe/types.js';

/** One configured proposal of a gateway: any combination of these, most wanted first. */
export type Configured = readonly Transform[];

export const transform = (type: number, id: number, keyLength?: number): Transform => ({
  type,
  id,
  ...(keyLength !== undefined && { keyLength }),
});

/** What a gateway with these proposals chooses; the order of its own lists decides. */
export function choose(
  configured: readonly Configured[],
  offered: readonly (readonly Transform[])[],
): Transform[] | undefined {
  for (const ours of configured) {
    for (const theirs of offered) {
      const chosen = match(ours, theirs);
      if (chosen !== undefined) return chosen;
    }
  }
  return undefined;
}

function match(ours: Configured, theirs: readonly Transform[]): Transform[] | undefined {
  const types = [...new Set([...ours, ...theirs].map(({ type }) => type))].sort((a, b) => a - b);
  const chosen: Transform[] = [];
  for (const type of types) {
    const cipher = chosen.find((transform) => transform.type === TransformType.ENCR);
    const aead = cipher !== undefined && encrTransform(cipher.id)?.kind === 'aead';
    const mine = ours.filter((other) => other.type === type);
    const offers = theirs.filter((other) => other.type === type);
    if (type === TransformType.INTEG && aead) {
      if (offers.length > 0) return undefined;
      continue;
    }
    // NONE makes an additional exchange optional.
    const optional = (list: readonly Transform[]): boolean =>
      list.length === 0 || list.some(({ id }) => id === 0);
    const pick = mine.find((a) => offers.some((b) => a.id === b.id && a.keyLength === b.keyLength));
    if (pick !== undefined) chosen.push(pick);
    else if (type < TransformType.ADDKE1 || !optional(mine) || !optional(offers)) return undefined;
  }
  return chosen;
}

/** Answers questions as a gateway does that never fails. */
export function modelOracle(configured: readonly Configured[]): {
  ask(question: Question): Promise<Answer>;
  asked: Question[];
  opened: number;
} {
  const oracle = {
    asked: [] as Question[],
    opened: 0,
    async ask(question: Question): Promise<Answer> {
      oracle.asked.push(question);
      const packets = [oracle.asked.length];
      const chosen = choose(configured, question.proposals);
      if (chosen === undefined) return { verdict: 'rejected', notify: 14, packets };
      const group = chosen.find(({ type }) => type === TransformType.KE)!.id;
      if (question.ke !== group) return { verdict: 'accepted', wanted: group, packets };
      oracle.opened += 1;
      return { verdict: 'accepted', chosen, packets };
    },
  };
  return oracle;
}

/** What can be had of one type, as `id/keyLength` by number: with an AEAD no integrity algorithm is. */
export function truth(configured: readonly Configured[], type: number): string[] {
  const aead = ({ id }: Transform): boolean =>
    encrTransform(id)?.kind !== 'cipher' && (encrTransform(id)?.icvBytes ?? 0) > 0;
  const all = configured.flatMap((proposal) => {
    const isPlain = proposal.some((other) => other.type === TransformType.ENCR && !aead(other));
    return type === TransformType.INTEG && !isPlain ? [] : proposal.filter((other) => other.type === type);
  });
  const unique = new Map(
    all.map(({ id, keyLength }) => [`${id}/${keyLength}`, { id, keyLength: keyLength ?? 0 }]),
  );
  return [...unique].sort(([, a], [, b]) => a.id - b.id || a.keyLength - b.keyLength).map(([key]) => key);
}
