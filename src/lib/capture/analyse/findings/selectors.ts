import { addressOf } from '../evidence.js';
import { sameList } from '../lists.js';
import type { ConversationReport, ExchangeReport, IkeSaReport, MessageReport } from '../types.js';
import { hasNotify, selectorsWords } from '../words.js';
import { type Emit, findingGroup } from './group.js';
import { answerer, asker, exchangesNamed, framesOf, messagesIn } from './queries.js';

const kinds = {
  'ts-unacceptable': {
    severity: 'high',
    summary:
      'The traffic selectors of a child SA were refused (TS_UNACCEPTABLE): the IKE SA stands, but carries no traffic.',
    advice:
      'Make the networks of both sides mirror each other (strongSwan: local_ts and remote_ts; libreswan: leftsubnet and rightsubnet). Some gateways accept only exactly the pair they have configured, one pair for each child SA; policy-based ones refuse 0.0.0.0/0. A client that wants an address must ask for one in the configuration payload.',
  },
  'ts-narrowed': {
    severity: 'info',
    summary: 'The responder granted less traffic than the initiator asked for.',
    advice: 'This is as designed (RFC 7296 2.9); if some network cannot be reached, look here first.',
  },
} as const;

type Id = keyof typeof kinds;

/** Which traffic a child SA may carry. */
export const selectors = findingGroup('traffic selectors', kinds, ({ report }, emit) => {
  const granted = indexGranted(report);
  for (const sa of report.ikeSas) {
    if (sa.version === 1) findRefusalV1(sa, emit);
    for (const exchange of sa.exchanges) {
      const asked = askedBy(sa, exchange);
      if (asked === undefined || exchange.response === undefined) continue;
      if (hasNotify(exchange.response, 'TS_UNACCEPTABLE')) findRefusal(granted, exchange, asked, emit);
      else findNarrowing(exchange, asked, emit);
    }
  }
});

/** The request with the selectors, which with EAP is an earlier one. */
function askedBy(sa: IkeSaReport, exchange: ExchangeReport): MessageReport | undefined {
  if (exchange.request?.tsI !== undefined || exchange.exchange !== 'IKE_AUTH') return exchange.request;
  return exchangesNamed(sa, 'IKE_AUTH').find(({ request }) => request?.tsI !== undefined)?.request;
}

function listWords({ tsI, tsR }: MessageReport): string {
  return `TSi ${selectorsWords(tsI)}, TSr ${selectorsWords(tsR)}`;
}

/** The first answer of every host that granted something. */
function indexGranted({ ikeSas }: ConversationReport): ReadonlyMap<string, MessageReport> {
  const index = new Map<string, MessageReport>();
  for (const { response } of ikeSas.flatMap(({ exchanges }) => exchanges)) {
    if (response?.tsI === undefined) continue;
    const host = addressOf(response.src);
    if (!index.has(host)) index.set(host, response);
  }
  return index;
}

function findRefusal(
  index: ReadonlyMap<string, MessageReport>,
  exchange: ExchangeReport,
  asked: MessageReport,
  emit: Emit<Id>,
): void {
  const refuser = answerer(exchange);
  const granted = index.get(refuser);
  const elsewhere =
    granted === undefined ? '' : `; in frame ${granted.frames[0]} it granted ${listWords(granted)}`;
  emit(
    'ts-unacceptable',
    [asked.frames, framesOf(exchange)],
    `${refuser} refused the traffic selectors of ${asker(exchange)} (TS_UNACCEPTABLE): ${listWords(asked)}${elsewhere}.`,
  );
}

function findNarrowing(exchange: ExchangeReport, asked: MessageReport, emit: Emit<Id>): void {
  const { response } = exchange;
  if (response?.tsI === undefined || asked.tsI === undefined) return;
  if (sameList(response.tsI, asked.tsI) && sameList(response.tsR, asked.tsR)) return;
  emit(
    'ts-narrowed',
    [asked.frames, response.frames],
    `${answerer(exchange)} narrowed the traffic selectors of ${asker(exchange)} from ${listWords(asked)} to ${listWords(response)}.`,
  );
}

/** Gateways say INVALID-ID-INFORMATION for identities of Quick Mode, which are its selectors. */
function findRefusalV1(sa: IkeSaReport, emit: Emit<Id>): void {
  const refused = messagesIn(sa).find(({ message }) => hasNotify(message, 'INVALID-ID-INFORMATION'));
  if (refused === undefined) return;
  const quick = sa.exchanges.findLast(
    ({ exchange, request }) =>
      exchange === 'Quick Mode' && (request?.frames[0] ?? 0) <= (refused.message.frames[0] ?? 0),
  );
  if (quick?.request?.tsI === undefined) return;
  emit(
    'ts-unacceptable',
    [quick.request.frames, refused.message.frames],
    `${answerer(quick)} refused the networks of ${asker(quick)} (INVALID-ID-INFORMATION): ${listWords(quick.request)}.`,
  );
}
