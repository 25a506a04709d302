import { keTransform } from '../../crypto/registry.js';
import { TransformType } from '../../crypto/transform.js';
import type { Transform } from '../../ike/wire/types.js';
import type { Asker } from '../asker.js';
import { InitExchanger } from '../oracle-exchange.js';
import { deriveSa, type SaOpener } from '../oracle-sa.js';
import type { ActiveFacts, PacketNumbers } from '../types.js';
import { type InvalidValue, invalidValues } from './invalid-values.js';
import { hasKeys } from './keyed-sa.js';

/** At most one group of each kind is needed, and who checks one of a kind checks them all. */
const MOST_GROUPS = 4;

type Found = NonNullable<ActiveFacts['invalidPublicValue']>;

/**
 * Sends invalid public values. An IKE_SA_INIT response alone proves nothing, because some gateways compute the secret
 * only when IKE_AUTH comes: what counts is that the gateway has the keys that follow from the value.
 */
export async function tryPublicValues(
  asker: Asker,
  opener: SaOpener,
  transforms: readonly Transform[],
  groups: readonly number[],
): Promise<Found> {
  const accepted: { group: number; value: string }[] = [];
  const unproven: string[] = [];
  const packets: PacketNumbers = [];
  const tried: number[] = [];
  for (const group of representatives(groups)) {
    const suite = withGroup(transforms, group);
    const control = await opener.open(suite);
    if (control === undefined) continue;
    await opener.clear(control);
    tried.push(group);
    for (const value of invalidValues(group)) {
      const result = await tryValue(asker, suite, group, value);
      if (result === undefined) continue;
      packets.push(...result.packets);
      if (result.verdict === 'accepted') accepted.push({ group, value: value.name });
      if (result.verdict === 'unproven') unproven.push(`${value.name} of group ${group}`);
    }
  }
  if (tried.length === 0) return { value: undefined, note: 'no group could be tried', packets };
  const note =
    `groups ${tried.join(', ')}` +
    (unproven.length === 0
      ? ''
      : `; answered at first, but without the keys that follow: ${unproven.join(', ')}`);
  return { value: accepted, note, packets };
}

/** One group of each kind that is checked in another way, the first of each, then others. */
function representatives(groups: readonly number[]): number[] {
  const known = groups.filter((group) => invalidValues(group).length > 0);
  const kindOf = (group: number): string =>
    invalidValues(group)
      .map(({ name }) => name)
      .join();
  const firsts = known.filter((group, i) => known.findIndex((each) => kindOf(each) === kindOf(group)) === i);
  return [...new Set([...firsts, ...known])].slice(0, MOST_GROUPS);
}

function withGroup(transforms: readonly Transform[], group: number): Transform[] {
  return transforms.map((transform) =>
    transform.type === TransformType.KE ? { ...transform, id: group } : transform,
  );
}

async function tryValue(
  asker: Asker,
  suite: readonly Transform[],
  group: number,
  { name, publicValue, secrets }: InvalidValue,
): Promise<{ verdict: 'accepted' | 'refused' | 'unproven'; packets: PacketNumbers } | undefined> {
  if (keTransform(group) === undefined || !(await asker.halfOpen.open())) return undefined;
  const question = { proposals: [suite], summary: `the invalid public value ${name}` };
  const exchanged = await new InitExchanger(asker).exchange(question, { group, publicValue, announce: [] });
  const packets = [...exchanged.packets];
  if (exchanged.reply.kind !== 'chosen') {
    asker.halfOpen.cleared();
    return { verdict: 'refused', packets };
  }
  for (const secret of secrets) {
    const sa = deriveSa(exchanged, () => secret);
    const proof = sa && (await hasKeys(asker, sa));
    if (proof === undefined) continue;
    packets.push(...proof.packets);
    if (proof.verdict === 'no answer') continue;
    // Either way the gateway is through with the SA.
    asker.halfOpen.cleared();
    return { verdict: proof.verdict === 'has them' ? 'accepted' : 'refused', packets };
  }
  asker.halfOpen.stays();
  return { verdict: 'unproven', packets };
}
