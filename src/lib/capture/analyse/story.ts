import { addressOf } from './evidence.js';
import { isEapKey, methodName } from './rounds.js';
import { tellStoryV1 } from './story-v1.js';
import type { EapReport, ExchangeReport, MessageReport } from './types.js';
import {
  deletionWords,
  enumerate,
  errorOf,
  hasNotify,
  methodWords,
  notifyOf,
  type OfferWords,
  offerWords,
  preferenceWords,
  selectorsWords,
  times,
  transformsWords,
} from './words.js';

const ANOTHER_AUTH_FOLLOWS = 'ANOTHER_AUTH_FOLLOWS';

type Untold = Omit<ExchangeReport, 'story'>;

/** The two ends of the IKE SA, endpoints or addresses. */
export interface Ends {
  initiator: string;
  responder: string;
}

/**
 * What happened in an exchange, one or two sentences.
 * @param brief in short what was offered, unless that was refused
 */
export function tellStory(
  exchange: Untold,
  ends: Ends,
  version: 1 | 2,
  { brief = false }: { brief?: boolean } = {},
): string {
  const offer = brief && errorOf(exchange.response) === undefined ? preferenceWords : offerWords;
  const asker = addressOf(exchange.request?.src ?? exchange.response?.dst ?? ends[exchange.requester]);
  const other = exchange.requester === 'initiator' ? ends.responder : ends.initiator;
  const answerer = addressOf(exchange.response?.src ?? exchange.request?.dst ?? other);
  if (version === 1) return tellStoryV1(exchange, asker, answerer, offer);
  const question =
    exchange.request === undefined ? 'the request was not captured' : asked(exchange, asker, offer);
  return `${question}; ${answered(exchange, answerer)}${repeated(exchange)}.`;
}

/** How often messages were sent again, as an aside. */
export function repeated({ request, response, state }: Untold): string {
  if (state === 'unanswered' || request === undefined) return '';
  const words: string[] = [];
  if (request.retransmissions > 0) words.push(`the request was repeated ${times(request.retransmissions)}`);
  if (response !== undefined && response.retransmissions > 0) {
    words.push(`the response was repeated ${times(response.retransmissions)}`);
  }
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

export function noAnswer(exchange: Untold, who: string): string {
  const transmissions = (exchange.request?.retransmissions ?? 0) + 1;
  return transmissions === 1
    ? `${who} did not answer`
    : `${who} did not answer, although asked ${times(transmissions)}`;
}

function asked(exchange: Untold, who: string, offer: OfferWords): string {
  const request = exchange.request!;
  const name = exchange.exchange;
  if (name === 'IKE_SA_INIT') return askedInit(request, who, offer);
  if (!request.readable) return `${who} sent ${sealed(request, name)}`;
  switch (name) {
    case 'IKE_AUTH':
      return askedAuth(request, who, offer);
    case 'CREATE_CHILD_SA':
      return askedChild(request, who, offer);
    case 'INFORMATIONAL':
      return `${who} ${informed(request)}`;
    default:
      return `${who} sent ${name} with ${payloadsWords(request)}`;
  }
}

function sealed(message: MessageReport, name: string): string {
  if (message.icv === 'bad') return `${name}, whose integrity check failed`;
  const { fragments } = message;
  if (fragments !== undefined && fragments.seen.length < fragments.total) {
    return `${fragments.seen.length} of ${fragments.total} fragments of ${name}`;
  }
  return `${name}, which cannot be read without the keys`;
}

function askedInit(request: MessageReport, who: string, offer: OfferWords): string {
  const cookie = hasNotify(request, 'COOKIE') ? ', with the cookie it was given' : '';
  const group = request.keyExchange === undefined ? 'no key' : `a key for ${request.keyExchange.name}`;
  return `${who} offered ${offer(request.proposals)} with ${group}${cookie}`;
}

function askedAuth(request: MessageReport, who: string, offer: OfferWords): string {
  const { idI, idR, authMethod, eap, proposals, configuration } = request;
  if (eap !== undefined) return `${who} sent EAP ${eapWords(eap)}`;
  const words: string[] = [];
  if (idI !== undefined) words.push(`says it is ${quoted(idI.value)}`);
  if (idR !== undefined) words.push(`wants to reach ${quoted(idR.value)}`);
  if (authMethod !== undefined) words.push(`proves itself by ${methodOf(request)}`);
  else if (idI !== undefined) words.push('asks to authenticate by EAP');
  if (hasNotify(request, ANOTHER_AUTH_FOLLOWS)) words.push('announces another authentication');
  if (configuration !== undefined) words.push('asks for an address or settings');
  if (proposals !== undefined) {
    words.push(`offers ${offer(proposals)} for traffic between ${trafficWords(request)}`);
  }
  return `${who} ${words.length > 0 ? enumerate(words) : `sent ${payloadsWords(request)}`}`;
}

function askedChild(request: MessageReport, who: string, offer: OfferWords): string {
  const kind = childKind(request);
  const rekeyed = notifyOf(request, 'REKEY_SA')?.spi;
  const group =
    request.keyExchange === undefined
      ? 'without a key exchange of its own'
      : `with a key for ${request.keyExchange.name}`;
  const purpose =
    kind === 'rekey-ike'
      ? 'asked to rekey the IKE SA'
      : kind === 'rekey-child'
        ? `asked to rekey the child SA ${rekeyed ?? ''}`.trim()
        : `asked for another child SA between ${trafficWords(request)}`;
  return `${who} ${purpose}, offering ${offer(request.proposals)} ${group}`;
}

/** What a CREATE_CHILD_SA request is for (RFC 7296 1.3). */
export function childKind(request: MessageReport): 'rekey-ike' | 'rekey-child' | 'new-child' {
  if (hasNotify(request, 'REKEY_SA')) return 'rekey-child';
  return request.proposals?.[0]?.protocol === 'IKE' ? 'rekey-ike' : 'new-child';
}

function informed(message: MessageReport): string {
  const words: string[] = [];
  for (const { protocol, spis } of message.deletes ?? []) {
    words.push(deletionWords(protocol, spis));
  }
  const names = (message.notifies ?? []).map(({ name }) => name);
  if (names.includes('UPDATE_SA_ADDRESSES')) words.push('moved the SAs to its new address (MOBIKE)');
  const others = names.filter((name) => name !== 'UPDATE_SA_ADDRESSES' && !name.startsWith('NAT_DETECTION'));
  if (others.length > 0) words.push(`reported ${enumerate(others)}`);
  if (message.configuration !== undefined) words.push('sent settings');
  return words.length > 0 ? enumerate(words) : 'asked whether the other side is still there';
}

function answered(exchange: Untold, who: string): string {
  const { response, exchange: name } = exchange;
  if (response === undefined) return noAnswer(exchange, who);
  if (!response.readable) {
    return `${who} answered with ${sealed(response, name)}`;
  }
  if (name === 'INFORMATIONAL') return confirmed(response, who);
  const error = errorOf(response);
  const chosen = response.proposals?.[0];
  const words: string[] = [];
  if (response.idR !== undefined) words.push(`says it is ${quoted(response.idR.value)}`);
  if (response.authMethod !== undefined) words.push(`proves itself by ${methodOf(response)}`);
  if (response.eap !== undefined) words.push(`sent EAP ${eapWords(response.eap)}`);
  if (hasNotify(response, ANOTHER_AUTH_FOLLOWS)) words.push('announces another authentication');
  if (chosen !== undefined)
    words.push(`chose ${transformsWords(chosen.transforms)}${grantedWords(response)}`);
  if (error !== undefined) words.push(refusalWords(error.name, response));
  else if (hasNotify(response, 'COOKIE') && chosen === undefined)
    words.push('asked to repeat it with a cookie');
  return `${who} ${words.length > 0 ? enumerate(words) : `answered with ${payloadsWords(response)}`}`;
}

function confirmed(response: MessageReport, who: string): string {
  const says = (response.deletes?.length ?? 0) > 0 || (response.notifies?.length ?? 0) > 0;
  return says ? `${who} confirmed and ${informed(response)}` : `${who} confirmed`;
}

function refusalWords(name: string, response: MessageReport): string {
  if (name !== 'INVALID_KE_PAYLOAD') return `refused: ${name}`;
  const group = notifyOf(response, name)?.values?.group;
  return `wants another group${typeof group === 'string' ? `: ${group}` : ''} (INVALID_KE_PAYLOAD)`;
}

function grantedWords(response: MessageReport): string {
  return response.tsI === undefined ? '' : ` for traffic between ${trafficWords(response)}`;
}

function trafficWords({ tsI, tsR }: MessageReport): string {
  return `${selectorsWords(tsI)} and ${selectorsWords(tsR)}`;
}

function eapWords({ code, type, identity, step, desired }: EapReport): string {
  const words = [code, type, identity && quoted(identity)].filter(Boolean).join(' ');
  if (desired !== undefined) return `${words}: wants ${desired.join(' or ')}`;
  return step === undefined ? words : `${words}: ${step}`;
}

/** With EAP both sides prove at the end that they have its key, by the method of pre-shared keys (RFC 7296 2.16). */
function methodOf(message: MessageReport): string {
  return isEapKey(message) ? 'the key of EAP' : methodWords(methodName(message) ?? '');
}

function quoted(value: string): string {
  return `'${value}'`;
}

function payloadsWords({ payloads }: MessageReport): string {
  const inner = payloads.filter((name) => name !== 'SK' && name !== 'SKF');
  return inner.length > 0 ? inner.join(', ') : 'nothing';
}
