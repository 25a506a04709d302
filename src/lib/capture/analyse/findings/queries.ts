import { addressOf } from '../evidence.js';
import { messagesOf } from '../ike-outcome.js';
import type {
  ChildSaReport,
  ConversationReport,
  ExchangeReport,
  FlowReport,
  IkeSaReport,
  MessageReport,
  Role,
} from '../types.js';
import type { Scene } from './group.js';

/*
 * Questions that several groups of findings ask.
 */

export function exchangesNamed(sa: IkeSaReport, name: string): ExchangeReport[] {
  return sa.exchanges.filter(({ exchange }) => exchange === name);
}

export function initiatorOf(sa: IkeSaReport): string {
  return addressOf(sa.initiator);
}

export function responderOf(sa: IkeSaReport): string {
  return addressOf(sa.responder);
}

export function asker(exchange: ExchangeReport): string {
  return addressOf(exchange.request?.src ?? exchange.response?.dst ?? '');
}

export function answerer(exchange: ExchangeReport): string {
  return addressOf(exchange.response?.src ?? exchange.request?.dst ?? '');
}

/** A request without a captured answer whose sender went on all the same: the answer came, the capture lost it. */
export function isOvertaken(sa: IkeSaReport, { requester, messageId }: ExchangeReport): boolean {
  return (
    sa.version === 2 &&
    sa.exchanges.some((other) => other.requester === requester && other.messageId > messageId)
  );
}

/** Frames of a request and its answer. */
export function framesOf(exchange: ExchangeReport): number[] {
  return messagesOf(exchange).flatMap(({ message }) => message.frames);
}

/** All messages of an SA with their senders, in the order of their exchanges. */
export function messagesIn(
  sa: IkeSaReport,
): { from: Role; message: MessageReport; exchange: ExchangeReport }[] {
  return sa.exchanges.flatMap((exchange) => messagesOf(exchange).map((found) => ({ ...found, exchange })));
}

/** Every flow of a capture, whether its SA is known or not. */
function allFlows({ childSas, flows }: ConversationReport): FlowReport[] {
  return [...childSas.flatMap(flowsOf), ...flows];
}

export function flowsOf({ toRequester, fromRequester }: ChildSaReport): FlowReport[] {
  return [toRequester, fromRequester].filter((flow) => flow !== undefined);
}

/** What findings are made from, with its indexes. */
export function sceneOf(
  report: ConversationReport,
  notes: Scene['notes'],
  incomplete: Scene['incomplete'],
): Scene {
  const flows = allFlows(report);
  const flowsByPair = groupBy(flows, ({ src, dst }) => pairOf(src, dst));
  const sasByPair = groupBy(report.ikeSas, ({ initiator, responder }) => pairOf(initiator, responder));
  return {
    report,
    notes,
    incomplete,
    flows,
    flowsOf: (a, b) => flowsByPair.get(pairOf(a, b)) ?? [],
    ikeSasOf: (a, b) => sasByPair.get(pairOf(a, b)) ?? [],
  };
}

/** The two hosts of something, whatever the direction. */
export function pairOf(a: string, b: string): string {
  const [left, right] = [addressOf(a), addressOf(b)];
  return left < right ? `${left}|${right}` : `${right}|${left}`;
}

/** Seconds from one packet's time to another's. */
export function seconds(from: string, to: string): number {
  return (
    (Date.parse(to.slice(0, 23).replace(/Z?$/, 'Z')) - Date.parse(from.slice(0, 23).replace(/Z?$/, 'Z'))) /
    1000
  );
}

/** Time that is left between a moment and the end of the capture, in seconds. */
export function secondsToEnd(report: ConversationReport, time: string): number {
  return report.last === undefined ? 0 : seconds(time, report.last.time);
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
