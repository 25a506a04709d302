import type { AlgorithmKind, Ikev2Facts, Observation, TargetFacts } from '../../lib/probe/types.js';
import { algorithmText, capabilityNames, kindNames, listText } from './words.js';

export interface Unknown {
  subject: string;
  reason: string;
}

/** Algorithms that one line names. */
const MOST_NAMED = 12;

/** What was not found out about a target, and why: without this a report would read as if it were complete. */
export function unknownsOf(facts: TargetFacts): Unknown[] {
  const { ikev2, ikev1, auth, ports, verdict } = facts;
  // The verdict itself says why.
  if (verdict !== 'answers' && verdict !== 'blocked') return [];
  return [
    ...(ikev2 ? ofIkev2(ikev2) : [{ subject: 'IKEv2', reason: 'it was not found out whether it is there' }]),
    ...(ikev1
      ? [
          ...ofObservation('IKEv1', ikev1.enabled),
          ...ikev1.inconclusive.map((reason) => ({ subject: 'IKEv1', reason })),
        ]
      : [{ subject: 'IKEv1', reason: 'not asked' }]),
    ...(auth
      ? [
          ...ofObservation('EAP', auth.eap),
          ...(auth.eap.value === true
            ? [
                ...ofObservation('how the gateway proves itself', auth.responderMethod),
                ...(auth.responderMethod.value === 'certificate'
                  ? ofObservation('how it signs', auth.signature)
                  : []),
                ...(auth.certificates.length > 0 && auth.problems === undefined
                  ? [{ subject: 'certificate chain', reason: 'no CA was given to check it against (--ca)' }]
                  : []),
              ]
            : []),
          ...(auth.identityOracle ? ofObservation('identity oracle', auth.identityOracle) : []),
        ]
      : []),
    ...(ports.natT === 'not tried' ? [{ subject: 'NAT traversal port', reason: 'not tried' }] : []),
    ...(ports.tcp === 'not tried' ? [{ subject: 'TCP encapsulation', reason: 'not tried' }] : []),
  ];
}

function ofIkev2(facts: Ikev2Facts): Unknown[] {
  const algorithms = (Object.keys(kindNames) as AlgorithmKind[]).flatMap((kind) => {
    const open = facts.inconclusive[kind];
    if (open.length === 0) return [];
    const named = open.slice(0, MOST_NAMED).map(algorithmText);
    const more = open.length - named.length;
    const names = listText(more > 0 ? [...named, `${more} more`] : named);
    return [{ subject: kindNames[kind], reason: `not asked, or not answered: ${names}` }];
  });
  const capabilities = Object.entries(facts.capabilities).flatMap(([name, observation]) =>
    ofObservation(capabilityNames[name as keyof Ikev2Facts['capabilities']], observation),
  );
  const none = Object.values(facts.accepted).every((list) => list.length === 0);
  return [
    ...algorithms,
    ...(facts.preferred === undefined && !none
      ? [{ subject: 'preferred suite', reason: 'the gateway did not choose from an offer of everything' }]
      : []),
    ...(facts.suitesMethod === 'none'
      ? [{ subject: 'which algorithms go together', reason: 'not asked: --suites does' }]
      : facts.suitesComplete
        ? []
        : [{ subject: 'which algorithms go together', reason: suitesReason(facts) }]),
    ...capabilities,
  ];
}

function suitesReason({ suitesMethod, suitesLimit, suites }: Ikev2Facts): string {
  if (suitesLimit !== undefined) return `${suitesLimit.replace(/[.]$/, '')}; ${suites.length} are confirmed`;
  return suitesMethod === 'pairwise'
    ? `asked by pairs, not for every combination; ${suites.length} are confirmed (--suites=exact asks for all)`
    : `the run ended first; ${suites.length} are confirmed`;
}

function ofObservation(subject: string, { value, note }: Observation<unknown>): Unknown[] {
  return value === undefined ? [{ subject, reason: note || 'not asked' }] : [];
}
