import { childKind } from '../story.js';
import type { ExchangeReport } from '../types.js';
import { enumerate, notifyOf, times } from '../words.js';
import { type Emit, findingGroup } from './group.js';
import { answerer, asker, exchangesNamed, framesOf, groupBy } from './queries.js';

const kinds = {
  'invalid-ke-retry': {
    severity: 'info',
    summary:
      'The first guess at the key exchange group was wrong and was corrected: one round trip more, nothing else.',
    advice:
      'To save the round trip, put the group that was asked for first in the proposal of the side that begins.',
  },
  'invalid-ke-loop': {
    severity: 'high',
    summary: 'The peer rejects the key exchange group again and again (INVALID_KE_PAYLOAD).',
    advice:
      'Configure the group that the peer names as the first or only one in the proposal of the side that begins; a peer that changes its mind from answer to answer, or answers so to its own group, has a bug or an attacker on its path.',
  },
  'invalid-ke-not-offered': {
    severity: 'high',
    summary: 'The peer asks for a key exchange group that was not offered (INVALID_KE_PAYLOAD).',
    advice:
      'Add the group that the peer names to the proposal, or make the peer accept one of those offered (strongSwan: proposals; libreswan: ike=).',
  },
  'invalid-ke-not-retried': {
    severity: 'high',
    summary: 'The peer asks for another key exchange group (INVALID_KE_PAYLOAD), and nothing followed.',
    advice:
      'The side that began should repeat its request with the group asked for; where it does not, configure that group as its first one. For a child SA the mismatch is hidden by IKE_AUTH and shows at the first rekey.',
  },
} as const;

/** Agreement on the group of the key exchange. */
export const keyExchange = findingGroup('key exchange', kinds, ({ report }, emit) => {
  const v2 = report.ikeSas.filter(({ version }) => version === 2);
  const openings = v2.flatMap((sa) =>
    exchangesNamed(sa, 'IKE_SA_INIT').map((exchange) => ({
      exchange,
      ends: `${sa.initiator}|${sa.responder}`,
    })),
  );
  for (const attempts of groupBy(openings, ({ ends }) => ends).values()) {
    follow(
      attempts.map(({ exchange }) => exchange),
      emit,
    );
  }
  for (const sa of v2) {
    const created = exchangesNamed(sa, 'CREATE_CHILD_SA').filter(({ request }) => request?.readable);
    const byPurpose = groupBy(created, ({ requester, request }) => `${requester} ${childKind(request!)}`);
    for (const attempts of byPurpose.values()) follow(attempts, emit);
  }
});

type Id = keyof typeof kinds;

interface Wish {
  name: string;
  group: number | undefined;
}

function wishOf({ response, further = [] }: ExchangeReport): Wish | undefined {
  const notify = [response, ...further]
    .map((message) => notifyOf(message, 'INVALID_KE_PAYLOAD'))
    .find(Boolean);
  if (notify === undefined) return undefined;
  const { group, groupNumber } = notify.values ?? {};
  return {
    name: typeof group === 'string' ? group : 'an unnamed group',
    group: typeof groupNumber === 'number' ? groupNumber : undefined,
  };
}

/** Attempts in the order of time; every one that succeeds ends a row of wrong guesses. */
function follow(attempts: readonly ExchangeReport[], emit: Emit<Id>): void {
  let row: ExchangeReport[] = [];
  for (const attempt of attempts) {
    if (wishOf(attempt) !== undefined) row.push(attempt);
    else if (row.length > 0 && attempt.response?.proposals !== undefined) {
      judge(row, attempt, emit);
      row = [];
    } else if (row.length > 0 && isRetry(row.at(-1)!, attempt)) row.push(attempt);
  }
  if (row.length > 0) judge(row, undefined, emit);
}

function isRetry(before: ExchangeReport, { request }: ExchangeReport): boolean {
  const wish = wishOf(before);
  return wish?.group !== undefined && request?.keyExchange?.group === wish.group;
}

function judge(row: readonly ExchangeReport[], success: ExchangeReport | undefined, emit: Emit<Id>): void {
  const wrong = row.filter((attempt) => wishOf(attempt) !== undefined);
  const first = wrong[0]!;
  const wishes = [...new Set(wrong.map((attempt) => wishOf(attempt)!.name))];
  const frames = [...row.map(framesOf), success && framesOf(success)];
  const [from, to] = [asker(first), answerer(first)];
  const tried = first.request?.keyExchange?.name ?? 'its first group';
  if (wrong.length > 1) {
    emit(
      'invalid-ke-loop',
      frames,
      `${to} rejected the key exchange of ${from} ${times(wrong.length)} and asked for ${enumerate(wishes)} (INVALID_KE_PAYLOAD).`,
    );
  } else if (success !== undefined || row.length > 1) {
    emit(
      'invalid-ke-retry',
      frames,
      `${from} tried ${tried}, ${to} asked for ${wishes[0]}, and ${from} went on with it.`,
    );
  } else if (!isOffered(first)) {
    emit(
      'invalid-ke-not-offered',
      frames,
      `${to} asks for ${wishes[0]} (INVALID_KE_PAYLOAD), which ${from} did not offer.`,
    );
  } else {
    emit(
      'invalid-ke-not-retried',
      frames,
      `${from} tried ${tried}, ${to} asked for ${wishes[0]} (INVALID_KE_PAYLOAD), and ${from} did not try again.`,
    );
  }
}

function isOffered(attempt: ExchangeReport): boolean {
  const group = wishOf(attempt)?.group;
  return (attempt.request?.proposals ?? []).some(({ transforms }) =>
    transforms.some(({ type, id }) => type === 'KE' && id === group),
  );
}
