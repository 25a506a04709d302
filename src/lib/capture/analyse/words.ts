import type { MessageReport, NotifyReport, ProposalReport, TransformReport } from './types.js';

/*
 * Words that stories and findings share.
 */

/** First status type of IKEv2 (RFC 7296 3.10.1), and of IKEv1 (RFC 2408 3.14.1). */
const FIRST_STATUS = 16384;

export function isError({ number }: NotifyReport): boolean {
  return number < FIRST_STATUS;
}

/** The first error a message reports. */
export function errorOf(message: MessageReport | undefined): NotifyReport | undefined {
  return message?.notifies?.find(isError);
}

export function hasNotify(message: MessageReport | undefined, name: string): boolean {
  return notifyOf(message, name) !== undefined;
}

export function notifyOf(message: MessageReport | undefined, name: string): NotifyReport | undefined {
  return message?.notifies?.find((notify) => notify.name === name);
}

/** IANA's name of the method of pre-shared keys, and of the key that EAP leaves. */
export const SHARED_KEY = 'Shared Key Message Integrity Code';

/** Authentication methods as everybody calls them. */
export function methodWords(methods: string): string {
  return methods.replaceAll(SHARED_KEY, 'pre-shared key');
}

/** IANA's name without its prefix, with the key length: `AES_GCM_16-256`; ESN as everybody calls it. */
export function transformWord({ type, id, name, keyLength }: TransformReport): string {
  if (type === 'SN' && id === 1) return 'ESN';
  const short = name.replace(/^(ENCR|AUTH)_(?!\d+$)/, '');
  return keyLength === undefined ? short : `${short}-${keyLength}`;
}

/** Alternatives of a type joined by `or`, types by `/`: `AES_CBC-256 or AES_CBC-128 / PRF_HMAC_SHA2_256`. */
export function transformsWords(transforms: readonly TransformReport[]): string {
  const byType = new Map<string, string[]>();
  for (const transform of transforms) {
    if (isImplied(transform)) continue;
    const words = byType.get(transform.type) ?? [];
    words.push(transformWord(transform));
    byType.set(transform.type, words);
  }
  return [...byType.values()].map((words) => alternatives(words)).join(' / ');
}

/** 32-bit sequence numbers and a lone "none" go without saying. */
function isImplied({ type, id }: TransformReport): boolean {
  return id === 0 && (type === 'SN' || type === 'INTEG' || type === 'KE');
}

function alternatives(words: readonly string[]): string {
  const most = 6;
  const shown = words.slice(0, most).join(' or ');
  return words.length > most ? `${shown} or ${words.length - most} more` : shown;
}

/** Says what is offered. */
export type OfferWords = (proposals: readonly ProposalReport[] | undefined) => string;

/** All proposals of an offer: `2 proposals (…; …)`. */
export function offerWords(proposals: readonly ProposalReport[] | undefined): string {
  if (proposals === undefined || proposals.length === 0) return 'no proposal';
  const most = 3;
  const shown = proposals.slice(0, most).map(({ transforms }) => transformsWords(transforms));
  if (proposals.length > most) shown.push(`${proposals.length - most} more`);
  return `${proposals.length === 1 ? 'one proposal' : `${proposals.length} proposals`} (${shown.join('; ')})`;
}

/** An offer in short: how much it is, and what comes first of each type, which the sender prefers (RFC 7296 3.3). */
export function preferenceWords(proposals: readonly ProposalReport[] | undefined): string {
  const [first] = proposals ?? [];
  if (proposals === undefined || first === undefined) return offerWords(proposals);
  const types = new Set<string>();
  const preferred = first.transforms.filter(({ type }) => !types.has(type) && types.add(type));
  if (proposals.length === 1 && preferred.length === first.transforms.length) return offerWords(proposals);
  return `${proposals.length === 1 ? 'one proposal' : `${proposals.length} proposals`}, preferring ${transformsWords(preferred)}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function enumerate(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** `once`, `3 times`. */
export function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

export function selectorsWords(selectors: readonly string[] | undefined): string {
  return selectors === undefined || selectors.length === 0 ? 'nothing' : enumerate(selectors);
}

export function deletionWords(protocol: string, spis: readonly string[]): string {
  if (protocol === 'IKE') return 'deleted the IKE SA';
  return `deleted the ${protocol} SA${spis.length === 1 ? '' : 's'} ${enumerate(spis)}`;
}
