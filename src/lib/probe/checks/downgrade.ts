import { keTransform } from '../../crypto/registry.js';
import type { Algorithm, AlgorithmKind, Ikev2Facts, Suite } from '../types.js';
import {
  because,
  type Check,
  finding,
  inconclusive,
  mergePackets,
  type Outcome,
  pass,
  skipped,
  unanswered,
} from './check.js';
import { algorithmText, cite, knowsNothing, listText, withoutFacts } from './sightings.js';
import { isWeak } from './weaknesses.js';

const kinds = ['encr', 'prf', 'integ', 'ke'] as const satisfies readonly AlgorithmKind[];

type Step = Ikev2Facts['steering'][number];

/** Groups below this strength are worth a downgrade. */
const STRONG_BITS = 128;

const transcript: Check = {
  id: 'IKE-DG-001',
  topic: 'Downgrade of the first exchange',
  title: 'A downgrade of the first exchange would go unnoticed',
  severity: 'medium',
  references: [
    'https://datatracker.ietf.org/doc/draft-ietf-ipsecme-ikev2-downgrade-prevention/',
    'RFC 7296 2.15',
  ],
  examine(facts) {
    if (!facts.ikev2) return withoutFacts(facts, 'downgrade prevention');
    const { value, note, packets } = facts.ikev2.capabilities.downgradePrevention;
    if (value === undefined)
      return inconclusive(because(note, 'Nothing was learnt about downgrade prevention.'), packets);
    if (value) return pass(`IKE_SA_INIT_FULL_TRANSCRIPT_AUTH was announced${cite(packets)}.`, packets);
    const mixed = kinds.filter((kind) => acceptsBoth(facts.ikev2!, kind));
    const absent = `IKE_SA_INIT_FULL_TRANSCRIPT_AUTH (notify 16447) was not announced${cite(packets)}: each side signs its own messages only.`;
    if (mixed.length === 0) return finding(absent, packets, { severity: 'info' });
    const weak = mixed.flatMap((kind) => weakOnes(facts.ikev2!, kind)).map(algorithmText);
    return finding(
      [absent, `Whoever stands between can have ${listText(weak)} chosen although both sides know better.`],
      packets,
    );
  },
  remediation: ({ paste }) => ({
    text: 'Accept strong algorithms only: then there is nothing to downgrade to. Update when the implementation learns to authenticate the whole transcript.',
    strongswan: paste,
  }),
};

const mixedOffer: Check = {
  id: 'IKE-DG-002',
  topic: 'Choice from a mixed offer',
  title: 'A weak suite was chosen although strong ones were offered',
  severity: 'high',
  references: ['RFC 7296 2.7', 'RFC 7296 3.3.6'],
  examine(facts, context) {
    if (!facts.ikev2) return withoutFacts(facts, 'what it chooses from a mixed offer');
    const { value, note, packets } = facts.ikev2.mixedChoice;
    if (!value) {
      const reason = because(note, 'A mixed offer was not made, or not answered.');
      return withoutMix(facts.ikev2) ?? unanswered(facts, context, reason, packets);
    }
    const chosen = parts(value).filter(([kind, { id }]) => isWeak(kind, id));
    const names = (list: typeof chosen): string =>
      listText(list.map(([, algorithm]) => algorithmText(algorithm)));
    if (chosen.length === 0) {
      return pass(`Of weak and strong algorithms it chose ${names(parts(value))}${cite(packets)}.`, packets);
    }
    const avoidable = chosen.filter(([kind]) => strongOnes(facts.ikev2!, kind).length > 0);
    if (avoidable.length === 0)
      return skipped('It accepts nothing strong that it could have chosen instead.');
    return finding(
      avoidable.map(
        ([kind, algorithm]) =>
          `It chose ${algorithmText(algorithm)} although ${listText(strongOnes(facts.ikev2!, kind).map(algorithmText))} was offered and is accepted${cite(packets)}.`,
      ),
      packets,
    );
  },
  remediation: ({ paste }) => ({
    text: 'Put strong proposals first and take the weak ones out.',
    strongswan: paste,
  }),
};

const steering: Check = {
  id: 'IKE-DG-003',
  topic: 'Groups that clients are steered to',
  title: 'It steers clients to a weaker group',
  severity: 'medium',
  references: ['RFC 7296 1.2', 'RFC 7296 2.7'],
  examine(facts, context) {
    const { ikev2 } = facts;
    if (!ikev2) return withoutFacts(facts, 'which groups it asks for');
    if (ikev2.steering.length === 0) {
      const { preferred } = ikev2;
      if (preferred === undefined) {
        return unanswered(facts, context, 'It neither took a group of an offer nor asked for another.');
      }
      const { packets } = ikev2.mixedChoice;
      return pass(
        `Offered many groups, it took ${algorithmText(preferred.ke)} at once and asked for no other${cite(packets)}.`,
        packets,
      );
    }
    const contradiction = contradictionIn(ikev2.steering);
    if (contradiction) {
      const [before, after] = contradiction;
      const both = mergePackets(before.packets, after.packets);
      return finding(
        `Answers contradict each other: INVALID_KE_PAYLOAD asked for ${groupText(before.wanted)}, and for ${groupText(after.wanted)} once it had that${cite(both)}. Somebody on the path may forge answers, or several gateways share the address.`,
        both,
      );
    }
    const downward = ikev2.steering.flatMap((step) => {
      const better = betterGroup(ikev2, step);
      return better === undefined ? [] : [{ ...step, better }];
    });
    const all = mergePackets(...ikev2.steering.map(({ packets }) => packets));
    if (downward.length === 0) return pass('Where it asked for another group, that was no weak one.', all);
    const worst = downward.slice(0, 5);
    return finding(
      worst.map(
        ({ wanted, better, packets }) =>
          `INVALID_KE_PAYLOAD asked for ${groupText(wanted)} although ${groupText(better)} was offered and is accepted${cite(packets)}.`,
      ),
      mergePackets(...worst.map(({ packets }) => packets)),
    );
  },
  remediation: ({ paste }) => ({
    text: 'Put strong groups first in the proposals and take the weak ones out.',
    strongswan: paste,
  }),
};

/** Why no offer to this gateway can be mixed; undefined while an open question may make it so. */
function withoutMix(ikev2: Ikev2Facts): Outcome | undefined {
  if (knowsNothing(ikev2)) return undefined;
  const may = (kind: AlgorithmKind, weak: boolean): boolean =>
    [...ikev2.accepted[kind], ...ikev2.inconclusive[kind]].some(({ id }) => isWeak(kind, id) === weak);
  if (kinds.some((kind) => may(kind, true) && may(kind, false))) return undefined;
  return kinds.some((kind) => may(kind, true))
    ? skipped('It accepts nothing strong that it could choose instead.')
    : pass('It accepts no weak algorithm that it could choose.');
}

/** Two answers to one offer, of which the second asks for another group although it has the one the first asked for. */
function contradictionIn(steering: readonly Step[]): [before: Step, after: Step] | undefined {
  for (const [i, after] of steering.slice(1).entries()) {
    const before = steering[i]!;
    // The second time the group that is asked for may be offered alone, to make room for its public value.
    const sameOffer = after.offered.length === 1 || after.offered.join() === before.offered.join();
    if (after.sent === before.wanted && sameOffer) return [before, after];
  }
  return undefined;
}

/**
 * The group that the gateway could have had instead of a weak one it asked for. One of at least 112 bits is only held
 * against it when it gave up the stronger group that was already in the KE payload.
 */
function betterGroup(ikev2: Ikev2Facts, { offered, sent, wanted }: Step): number | undefined {
  const usable = offered.filter((id) => id !== wanted && ikev2.accepted.ke.some((group) => group.id === id));
  if (isWeak('ke', wanted)) return usable.find((id) => !isWeak('ke', id) && strength(id) > strength(wanted));
  const gaveUp = usable.includes(sent) && strength(wanted) < STRONG_BITS && strength(sent) > strength(wanted);
  return gaveUp ? sent : undefined;
}

function strength(id: number): number {
  return keTransform(id)?.strength ?? 0;
}

function groupText(id: number): string {
  return `${keTransform(id)?.name ?? 'group'} (${id})`;
}

function parts(suite: Suite): [kind: AlgorithmKind, algorithm: Algorithm][] {
  const { encr, prf, integ, ke } = suite;
  return [
    ['encr', encr],
    ['prf', prf],
    ...(integ ? [['integ', integ] as [AlgorithmKind, Algorithm]] : []),
    ['ke', ke],
  ];
}

function strongOnes({ accepted }: Ikev2Facts, kind: AlgorithmKind): Algorithm[] {
  return accepted[kind].filter(({ id }) => !isWeak(kind, id));
}

function weakOnes({ accepted }: Ikev2Facts, kind: AlgorithmKind): Algorithm[] {
  return accepted[kind].filter(({ id }) => isWeak(kind, id));
}

function acceptsBoth(ikev2: Ikev2Facts, kind: AlgorithmKind): boolean {
  if (knowsNothing(ikev2)) return false;
  return strongOnes(ikev2, kind).length > 0 && weakOnes(ikev2, kind).length > 0;
}

export const downgradeChecks: readonly Check[] = [transcript, mixedOffer, steering];
