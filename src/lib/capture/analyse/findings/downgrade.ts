import { opening } from '../ike-outcome.js';
import type {
  ConversationReport,
  ExchangeReport,
  IkeSaReport,
  MessageReport,
  ProposalReport,
} from '../types.js';
import { enumerate, errorOf, notifyOf, transformWord } from '../words.js';
import { isWeak } from './algorithms-of.js';
import { type Emit, findingGroup } from './group.js';
import { answerer, asker, exchangesNamed, framesOf, groupBy, initiatorOf, responderOf } from './queries.js';

const kinds = {
  'weak-chosen-from-strong': {
    severity: 'high',
    summary:
      'A deprecated algorithm was chosen although better ones were offered: a bad preference, or a downgrade attack.',
    advice:
      'Let the side that answers prefer current algorithms, and take the deprecated ones out of both proposals: an attacker who can break them in time can also force their choice.',
  },
  'steered-to-weak-group': {
    severity: 'medium',
    summary:
      'INVALID_KE_PAYLOAD, which is not authenticated, steers to a deprecated group although better ones were offered.',
    advice:
      'Take the deprecated group out of the proposals of the side that begins, and configure a better one on the side that answers.',
  },
  'conflicting-answers': {
    severity: 'high',
    summary:
      'One IKE_SA_INIT request got answers that contradict each other: somebody on the path may be forging answers.',
    advice:
      'Compare source, TTL and timing of the answers in the frames named. Forged errors can stop a connection or push it to weaker algorithms (RFC 7296 2.21.1); an initiator should wait for a better answer.',
  },
  'version-fallback': {
    severity: 'medium',
    summary: 'After IKEv2 failed, the same hosts went on with IKEv1: old configuration, or a downgrade.',
    advice:
      'Enable IKEv2 on the side that did not answer it, and forbid IKEv1 on both (strongSwan: version = 2; libreswan: ikev2=insist).',
  },
} as const;

type Id = keyof typeof kinds;

/** Signs that something weaker was agreed on than both sides can do. */
export const downgrade = findingGroup('downgrade', kinds, ({ report }, emit) => {
  for (const sa of report.ikeSas) {
    findWeakChoice(sa, emit);
    if (sa.version === 2) {
      findSteering(sa, emit);
      findContradictions(sa, emit);
    }
  }
  findFallback(report, emit);
});

function findWeakChoice(sa: IkeSaReport, emit: Emit<Id>): void {
  const opened = opening(sa.exchanges, sa.version);
  const chosen = opened?.response?.proposals?.[0];
  const offered = opened?.request?.proposals;
  if (opened === undefined || chosen === undefined || offered === undefined) return;
  const better = chosen.transforms.flatMap((transform) => {
    if (!isWeak(transform, 'IKE')) return [];
    const strong = strongOnes(offered, transform.type);
    return strong.length === 0
      ? []
      : [`${transformWord(transform)} instead of ${strong.slice(0, 3).join(' or ')}`];
  });
  if (better.length === 0) return;
  emit(
    'weak-chosen-from-strong',
    [framesOf(opened)],
    `${answerer(opened)} chose ${enumerate(better)} from the offer of ${asker(opened)}.`,
  );
}

function strongOnes(offered: readonly ProposalReport[], type: string): string[] {
  const all = offered.flatMap(({ transforms }) => transforms);
  const strong = all.filter(
    (transform) => transform.type === type && transform.id !== 0 && !isWeak(transform, 'IKE'),
  );
  return [...new Set(strong.map(transformWord))];
}

function findSteering(sa: IkeSaReport, emit: Emit<Id>): void {
  for (const exchange of exchangesNamed(sa, 'IKE_SA_INIT')) {
    const { group, groupNumber } = notifyOf(exchange.response, 'INVALID_KE_PAYLOAD')?.values ?? {};
    const offered = exchange.request?.proposals ?? [];
    if (typeof group !== 'string' || typeof groupNumber !== 'number') continue;
    const isBad = isWeak({ type: 'KE', name: group, id: groupNumber }, 'IKE');
    const strong = strongOnes(offered, 'KE');
    if (!isBad || strong.length === 0) continue;
    emit(
      'steered-to-weak-group',
      [framesOf(exchange)],
      `${answerer(exchange)} asks ${asker(exchange)} for ${group}, although ${strong.slice(0, 3).join(' and ')} ${strong.length > 1 ? 'were' : 'was'} offered.`,
    );
  }
}

/** What kind of answer it is; two of one kind may differ by chance, as cookies do. */
function answerKind(message: MessageReport): string {
  if (message.proposals !== undefined) return 'an acceptance';
  return errorOf(message)?.name ?? message.notifies?.[0]?.name ?? 'an empty answer';
}

function findContradictions(sa: IkeSaReport, emit: Emit<Id>): void {
  for (const exchange of exchangesNamed(sa, 'IKE_SA_INIT')) {
    const { response, further } = exchange;
    if (response === undefined || further === undefined) continue;
    const answers = [...new Set([response, ...further].map(answerKind))];
    if (answers.length < 2) continue;
    emit(
      'conflicting-answers',
      [framesOf(exchange)],
      `One IKE_SA_INIT request of ${asker(exchange)} was answered by ${enumerate(answers)}.`,
    );
  }
}

function findFallback({ ikeSas }: ConversationReport, emit: Emit<Id>): void {
  for (const sas of groupBy(ikeSas, (sa) => `${initiatorOf(sa)}|${responderOf(sa)}`).values()) {
    const failed = sas.find(
      ({ version, state }) => version === 2 && (state === 'unanswered' || state === 'refused'),
    );
    const older = failed && sas.find((sa) => sa.version === 1 && sa.first.time > failed.first.time);
    if (failed === undefined || older === undefined) continue;
    const frames: (ExchangeReport | undefined)[] = [failed.exchanges[0], older.exchanges[0]];
    emit(
      'version-fallback',
      frames.map((exchange) => exchange && framesOf(exchange)),
      `${initiatorOf(failed)} tried IKEv2 with ${responderOf(failed)} (${failed.state}) and went on with IKEv1.`,
    );
  }
}
