import type { AlgorithmKind } from '../types.js';
import { type Check, inconclusive, pass, skipped } from './check.js';
import { isAboutProducts, isMethodsUndecided, knowsNothing, listText } from './sightings.js';

const kindNames: Readonly<Record<AlgorithmKind, string>> = {
  encr: 'ciphers',
  prf: 'PRFs',
  integ: 'integrity algorithms',
  ke: 'groups',
  addke: 'additional key exchanges',
};

/** Whether the facts are all there. A run that went blind is never a pass. */
const complete: Check = {
  id: 'IKE-META-001',
  topic: 'Completeness of the run',
  title: 'The run is incomplete',
  severity: 'info',
  references: ['RFC 7296 2.4'],
  examine(facts, { depth, ikev1: asked }) {
    const { verdict, limits, ikev1, ikev2 } = facts;
    if (verdict !== 'answers' && verdict !== 'blocked')
      return skipped(`The target does not answer IKE (${verdict}).`);
    if (!ikev2 && ikev1?.enabled.value !== true)
      return inconclusive('Neither IKEv2 nor IKEv1 is known to answer.');
    const open = ikev2
      ? Object.entries(kindNames).flatMap(([kind, name]) => {
          const count = ikev2.inconclusive[kind as AlgorithmKind].length;
          return count === 0 ? [] : [`${name} (${count})`];
        })
      : [];
    const isQuick = depth === 'quick' && verdict === 'answers' && limits.length === 0;
    if (isQuick) return skipped('A quick run is not meant to be complete.');
    // What nobody can find out, or no check is about, makes no run incomplete.
    const ofIkev1 = (ikev1?.inconclusive ?? []).filter(
      (entry) => !isMethodsUndecided(entry) && !isAboutProducts(entry),
    );
    const reasons = [
      ...(verdict === 'blocked' ? ['The gateway stopped answering us.'] : []),
      ...limits,
      ...(asked && !ikev1 && verdict === 'answers' ? ['IKEv1 was not asked before the run ended.'] : []),
      ...(ikev2 && knowsNothing(ikev2)
        ? ['IKEv2 accepted no offer at all: perhaps it has no connection for us.']
        : []),
      ...(open.length > 0 ? [`Not known of some: ${listText(open)}.`] : []),
      ...(ofIkev1.length > 0 ? [`Open questions of IKEv1: ${ofIkev1.length}.`] : []),
    ];
    if (reasons.length === 0) return pass('Every question was answered.');
    return { ...inconclusive(''), evidence: reasons };
  },
  remediation: () => ({ text: 'Ask again, slower: --pps 1 --retries 5.' }),
};

export const metaChecks: readonly Check[] = [complete];
