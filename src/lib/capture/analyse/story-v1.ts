import type { ExchangeReport, MessageReport } from './types.js';
import {
  deletionWords,
  enumerate,
  type OfferWords,
  plural,
  selectorsWords,
  times,
  transformsWords,
} from './words.js';

type Untold = Omit<ExchangeReport, 'story'>;

/** What happened in an exchange of IKEv1. */
export function tellStoryV1(exchange: Untold, asker: string, answerer: string, offer: OfferWords): string {
  if (/informational/i.test(exchange.exchange)) return `${asker} ${informed(exchange.request)}.`;
  const count = messageCount(exchange);
  const opening =
    exchange.request === undefined ? 'the request was not captured' : asked(exchange, asker, offer);
  const answer =
    exchange.response === undefined
      ? `${answerer} did not answer${exchange.retransmissions > 0 ? `, although asked ${times(exchange.retransmissions + 1)}` : ''}`
      : answered(exchange, answerer);
  const end = exchange.state === 'incomplete' ? `; it stopped after ${plural(count, 'message')}` : '';
  return `${opening}; ${answer}${end}.`;
}

/** Different messages of an exchange. */
export function messageCount({ request, response, further = [] }: Untold): number {
  return (request ? 1 : 0) + (response ? 1 : 0) + further.length;
}

function asked({ exchange, request }: Untold, who: string, offer: OfferWords): string {
  if (request?.proposals !== undefined) {
    const traffic =
      request.tsI === undefined
        ? ''
        : ` for traffic between ${selectorsWords(request.tsI)} and ${selectorsWords(request.tsR)}`;
    const id = request.idI === undefined ? '' : ` as '${request.idI.value}'`;
    return `${who} began ${exchange}${id} and offered ${offer(request.proposals)}${traffic}`;
  }
  if (request !== undefined && !request.readable) {
    return `${who} sent ${exchange}, which cannot be read without the keys`;
  }
  const configuration = request?.configuration;
  return configuration === undefined
    ? `${who} began ${exchange}`
    : `${who} sent ${configuration.type} (${configuration.attributes.join(', ')})`;
}

function answered({ response, exchange }: Untold, who: string): string {
  if (response === undefined) return '';
  const chosen = response.proposals?.[0];
  if (chosen !== undefined) return `${who} chose ${transformsWords(chosen.transforms)}`;
  if (!response.readable) return `${who} answered, which cannot be read without the keys`;
  return response.configuration === undefined
    ? `${who} answered ${exchange}`
    : `${who} sent ${response.configuration.type}`;
}

function informed(message: MessageReport | undefined): string {
  if (message === undefined || !message.readable) return 'sent a notice that cannot be read without the keys';
  const words = (message.deletes ?? []).map(({ protocol, spis }) => deletionWords(protocol, spis));
  const names = (message.notifies ?? []).map(({ name }) => name);
  if (names.includes('R-U-THERE')) words.push('asked whether the other side is still there (R-U-THERE)');
  if (names.includes('R-U-THERE-ACK')) words.push('said that it is still there (R-U-THERE-ACK)');
  const others = names.filter((name) => !name.startsWith('R-U-THERE'));
  if (others.length > 0) words.push(`reported ${enumerate(others)}`);
  return words.length > 0 ? enumerate(words) : 'sent an empty notice';
}
