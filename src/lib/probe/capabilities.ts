import { ByteReader, equalBytes, toHex } from '../core/bytes.js';
import { findNotify, isErrorNotify, NotifyType } from '../ike/wire/notify.js';
import { type Payload, PayloadType } from '../ike/wire/types.js';
import type { InitAnswer, Redirect } from './oracle.js';
import type { InitExchanger } from './oracle-exchange.js';
import type { Ikev2Facts, Observation } from './types.js';

type Capabilities = Ikev2Facts['capabilities'];

const {
  IKEV2_FRAGMENTATION_SUPPORTED,
  SIGNATURE_HASH_ALGORITHMS,
  INTERMEDIATE_EXCHANGE_SUPPORTED,
  USE_PPK,
  CHILDLESS_IKEV2_SUPPORTED,
  REDIRECT_SUPPORTED,
  IKE_SA_INIT_FULL_TRANSCRIPT_AUTH,
  MULTIPLE_AUTH_SUPPORTED,
  NAT_DETECTION_SOURCE_IP,
  NAT_DETECTION_DESTINATION_IP,
} = NotifyType;

/** What an offer announces beyond the usual, because gateways only say that they support it to those who do. */
export const offerNotifies: readonly number[] = [
  INTERMEDIATE_EXCHANGE_SUPPORTED,
  USE_PPK,
  IKE_SA_INIT_FULL_TRANSCRIPT_AUTH,
  REDIRECT_SUPPORTED,
];

/** Announced in every question, see `encodeInit`. */
const alwaysAnnounced: readonly number[] = [IKEV2_FRAGMENTATION_SUPPORTED, SIGNATURE_HASH_ALGORITHMS];

/** Status notifies that a capability stands for, and those that IKE_SA_INIT needs anyway. */
const explained: ReadonlySet<number> = new Set<number>([
  ...offerNotifies,
  ...alwaysAnnounced,
  CHILDLESS_IKEV2_SUPPORTED,
  MULTIPLE_AUTH_SUPPORTED,
  NAT_DETECTION_SOURCE_IP,
  NAT_DETECTION_DESTINATION_IP,
  NotifyType.COOKIE,
  NotifyType.REDIRECT,
]);

/** CERTREQ: 20-octet hashes of the authorities' keys (RFC 7296 3.7). */
const KEY_HASH_BYTES = 20;
const MAX_AUTHORITIES = 1000;

/** So many questions in a row that get a cookie make a rule. */
const ALWAYS = 5;

const NO_ANSWER = 'the gateway gave no whole answer';

/** What the whole answers say that the gateway can do. */
export function capabilitiesOf(
  answers: readonly InitAnswer[],
  cookies: InitExchanger['cookies'],
  redirect: Redirect | undefined,
): Capabilities {
  const packets = answers.flatMap((answer) => answer.packets);
  /** Whether any answer has the notify; unknown unless one was to a question that announced it, where that is needed. */
  const announces = (type: number, asked: boolean): Observation => {
    const having = answers.find(({ payloads }) => findNotify(payloads, type) !== undefined);
    if (having !== undefined) return { value: true, packets: having.packets };
    const asking = answers.filter(
      ({ announced }) => !asked || alwaysAnnounced.includes(type) || announced.includes(type),
    );
    if (asking.length > 0) return { value: false, packets: asking[0]!.packets };
    return { value: undefined, note: answers.length === 0 ? NO_ANSWER : 'not asked', packets };
  };
  return {
    fragmentation: announces(IKEV2_FRAGMENTATION_SUPPORTED, true),
    signatureHashes: signatureHashes(answers),
    intermediate: announces(INTERMEDIATE_EXCHANGE_SUPPORTED, true),
    ppk: announces(USE_PPK, true),
    childless: announces(CHILDLESS_IKEV2_SUPPORTED, false),
    redirect: redirected(redirect, answers),
    downgradePrevention: announces(IKE_SA_INIT_FULL_TRANSCRIPT_AUTH, true),
    multipleAuth: announces(MULTIPLE_AUTH_SUPPORTED, false),
    natDetection: announces(NAT_DETECTION_SOURCE_IP, false),
    multipleKe: { value: undefined, note: 'not asked', packets: [] },
    certificateRequest: authorities(answers),
    cookies: cookieUse(cookies),
  };
}

/** Status notifies that no capability stands for, by number. */
export function otherNotifies(answers: readonly InitAnswer[]): number[] {
  const types = answers.flatMap(({ payloads }) =>
    payloads.flatMap((payload) => (payload.type === PayloadType.NOTIFY ? [payload.notifyType] : [])),
  );
  return [...new Set(types)]
    .filter((type) => !isErrorNotify(type) && !explained.has(type))
    .sort((a, b) => a - b);
}

/** Vendor ids of all answers, each once, in the order in which they came. */
export function vendorIdsOf(answers: readonly InitAnswer[]): Uint8Array[] {
  const ids = new Map<string, Uint8Array>();
  for (const payload of answers.flatMap(({ payloads }) => payloads)) {
    if (payload.type === PayloadType.VENDOR) ids.set(toHex(payload.data), payload.data.slice());
  }
  return [...ids.values()];
}

/** Whether the gateway used a public value or a nonce twice. */
export function repeatsOf(answers: readonly InitAnswer[]): Ikev2Facts['repeats'] {
  const pairs = answers.flatMap((a, i) => answers.slice(i + 1).map((b) => [a, b] as const));
  const compare = (
    comparable: typeof pairs,
    same: (a: InitAnswer, b: InitAnswer) => boolean,
  ): Observation => {
    if (comparable.length === 0)
      return { value: undefined, note: 'fewer than two whole answers', packets: [] };
    const repeat = comparable.find(([a, b]) => same(a, b)) ?? comparable[0]!;
    return { value: same(...repeat), packets: repeat.flatMap(({ packets }) => packets) };
  };
  return {
    publicValue: compare(
      pairs.filter(([a, b]) => a.ke.group === b.ke.group),
      (a, b) => equalBytes(a.ke.data, b.ke.data),
    ),
    nonce: compare(pairs, (a, b) => equalBytes(a.nonce, b.nonce)),
  };
}

function signatureHashes(answers: readonly InitAnswer[]): Observation<number[]> {
  const [first] = answers;
  if (first === undefined) return { value: undefined, note: NO_ANSWER, packets: [] };
  for (const { payloads, packets } of answers) {
    const data = findNotify(payloads, SIGNATURE_HASH_ALGORITHMS)?.data;
    if (data !== undefined) return { value: ids16(data), packets };
  }
  return { value: [], packets: first.packets };
}

function ids16(data: Uint8Array): number[] {
  const reader = new ByteReader(data);
  const ids: number[] = [];
  while (reader.remaining >= 2) ids.push(reader.u16());
  return ids;
}

/** A gateway does not say that it redirects until it does (RFC 5685 3). */
function redirected(redirect: Redirect | undefined, answers: readonly InitAnswer[]): Observation {
  if (redirect !== undefined) {
    const { gateway = 'somewhere that cannot be read', packets } = redirect;
    return { value: true, note: `it sent us to ${gateway}`, packets };
  }
  const asked = answers.find(({ announced }) => announced.includes(REDIRECT_SUPPORTED));
  if (asked === undefined) return { value: undefined, note: NO_ANSWER, packets: [] };
  return { value: false, note: 'it did not redirect us', packets: asked.packets };
}

function authorities(answers: readonly InitAnswer[]): Observation<string[]> {
  const [first] = answers;
  if (first === undefined) return { value: undefined, note: NO_ANSWER, packets: [] };
  const requests = (payloads: readonly Payload[]): Uint8Array[] =>
    payloads.flatMap((payload) => (payload.type === PayloadType.CERTREQ ? [payload.data] : []));
  const asking = answers.find(({ payloads }) => requests(payloads).length > 0);
  if (asking === undefined) return { value: [], note: 'no CERTREQ', packets: first.packets };
  const hashes = requests(asking.payloads).flatMap((data) => {
    const count = Math.min(MAX_AUTHORITIES, Math.floor(data.length / KEY_HASH_BYTES));
    return Array.from({ length: count }, (_, i) =>
      toHex(data.subarray(i * KEY_HASH_BYTES, (i + 1) * KEY_HASH_BYTES)),
    );
  });
  return { value: [...new Set(hashes)], packets: asking.packets };
}

function cookieUse({ answered, asked, first, packets }: InitExchanger['cookies']): Capabilities['cookies'] {
  if (answered === 0) return { value: undefined, note: 'the gateway answered nothing', packets: [] };
  if (asked === 0) return { value: 'never', packets: [] };
  if (first !== true || asked < answered) return { value: 'under load', packets };
  if (answered < ALWAYS)
    return {
      value: undefined,
      note: `asked for at each of ${answered} questions, which are too few to tell`,
      packets,
    };
  return { value: 'always', note: `asked for at each of the ${answered} questions of this run`, packets };
}
