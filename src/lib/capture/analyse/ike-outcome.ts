import { methodsOf } from './rounds.js';
import type { ExchangeReport, IkeSaReport, MessageReport, ProposalReport, Role } from './types.js';
import { errorOf, isError } from './words.js';

type Exchanges = readonly ExchangeReport[];

/** What is known of an IKE SA besides its exchanges. */
interface Fate {
  readonly version: 1 | 2;
  readonly complete: boolean;
  readonly deletedBy?: Role | undefined;
  readonly rekeyOf?: unknown;
  readonly rekeyedTo?: unknown;
  readonly replaced: boolean;
  readonly agreedSuite?: ProposalReport | undefined;
}

type Outcome = Pick<IkeSaReport, 'state' | 'suite' | 'identities' | 'authMethods' | 'vendorIds'>;

/** What the exchanges of an IKE SA led to. */
export function outcomeOf(exchanges: Exchanges, fate: Fate): Outcome {
  const messages = exchanges.flatMap(messagesOf);
  const suite = fate.agreedSuite ?? suiteOf(exchanges, fate.version);
  const by = (role: Role) => messages.filter(({ from }) => from === role).map(({ message }) => message);
  const first = <T>(list: readonly MessageReport[], read: (message: MessageReport) => T | undefined) =>
    list.map(read).find((value) => value !== undefined);
  const idI = first(by('initiator'), (message) => message.idI);
  const idR = first(by('responder'), (message) => message.idR);
  const methodI = methodsOf(messages, 'initiator');
  const methodR = methodsOf(messages, 'responder');
  return {
    state: stateOf(exchanges, fate),
    ...(suite !== undefined && { suite }),
    identities: { ...(idI && { initiator: idI }), ...(idR && { responder: idR }) },
    authMethods: { ...(methodI && { initiator: methodI }), ...(methodR && { responder: methodR }) },
    vendorIds: {
      initiator: distinct(by('initiator').flatMap(({ vendorIds }) => vendorIds ?? [])),
      responder: distinct(by('responder').flatMap(({ vendorIds }) => vendorIds ?? [])),
    },
  };
}

/** All messages of an exchange with their senders. */
export function messagesOf(exchange: ExchangeReport): { from: Role; message: MessageReport }[] {
  const { requester, request, response, further = [] } = exchange;
  const other = requester === 'initiator' ? 'responder' : 'initiator';
  const found: { from: Role; message: MessageReport }[] = [];
  if (request !== undefined) found.push({ from: requester, message: request });
  if (response !== undefined) found.push({ from: other, message: response });
  for (const message of further) {
    found.push({ from: request !== undefined && message.src === request.src ? requester : other, message });
  }
  return found;
}

/** The attempt of IKE_SA_INIT that ended with a choice, or IKEv1's phase 1. */
export function opening(exchanges: Exchanges, version: 1 | 2): ExchangeReport | undefined {
  const attempts = exchanges.filter(({ exchange, messageId }) =>
    version === 2 ? exchange === 'IKE_SA_INIT' : messageId === 0 && !/informational/i.test(exchange),
  );
  return attempts.find(({ response }) => response?.proposals?.length) ?? attempts.at(-1);
}

function suiteOf(exchanges: Exchanges, version: 1 | 2): IkeSaReport['suite'] {
  return opening(exchanges, version)?.response?.proposals?.[0];
}

function stateOf(exchanges: Exchanges, fate: Fate): IkeSaReport['state'] {
  if (fate.rekeyedTo !== undefined || fate.replaced) return 'rekeyed';
  if (fate.deletedBy !== undefined) return 'deleted';
  if (!fate.complete) return fate.rekeyOf === undefined ? 'partial' : 'established';
  return fate.version === 2 ? stateV2(exchanges) : stateV1(exchanges);
}

function stateV2(exchanges: Exchanges): IkeSaReport['state'] {
  const init = opening(exchanges, 2);
  const auth = exchanges.filter(({ exchange }) => exchange === 'IKE_AUTH');
  if (auth.length === 0) {
    if (init?.response === undefined) return 'unanswered';
    return init.response.proposals === undefined && errorOf(init.response) !== undefined
      ? 'refused'
      : 'half-open';
  }
  const refusal = exchanges.some(
    ({ exchange, request, response }) =>
      (exchange === 'IKE_AUTH' && response?.authMethod === undefined && errorOf(response) !== undefined) ||
      (exchange === 'INFORMATIONAL' && request?.notifies?.some(isAuthenticationFailure)),
  );
  if (refusal) return 'refused';
  if (auth.some(({ response }) => response?.authMethod !== undefined)) return settledAuth(auth);
  return auth.some(({ response }) => response !== undefined && !response.readable)
    ? 'encrypted'
    : 'half-open';
}

/** With EAP the responder authenticates first; the last answer has its second AUTH beside the child SA. */
function settledAuth(auth: Exchanges): IkeSaReport['state'] {
  const last = auth.at(-1)?.response;
  return last !== undefined && last.eap === undefined ? 'established' : 'half-open';
}

function isAuthenticationFailure({ name }: { name: string }): boolean {
  return name === 'AUTHENTICATION_FAILED';
}

function stateV1(exchanges: Exchanges): IkeSaReport['state'] {
  const phase1 = opening(exchanges, 1);
  if (exchanges.some(({ exchange, response }) => exchange === 'Quick Mode' && response !== undefined)) {
    return 'established';
  }
  if (phase1?.state === 'answered') return 'established';
  const told = exchanges.flatMap(messagesOf).some(({ message }) => message.notifies?.some(isError));
  if (told) return 'refused';
  return phase1?.response === undefined ? 'unanswered' : 'half-open';
}

function distinct(words: readonly string[]): string[] {
  return [...new Set(words)].slice(0, 32);
}
