import { addressOf } from '../evidence.js';
import type { ExchangeReport, IkeSaReport } from '../types.js';
import { plural, times } from '../words.js';
import { type Emit, findingGroup, type Scene } from './group.js';
import {
  answerer,
  asker,
  exchangesNamed,
  framesOf,
  groupBy,
  initiatorOf,
  isOvertaken,
  responderOf,
  secondsToEnd,
} from './queries.js';

const kinds = {
  'no-answer': {
    severity: 'high',
    summary: 'The first message of IKE was sent once and not answered.',
    advice:
      'See whether the request reaches the gateway (there: tcpdump -ni any udp port 500 or udp port 4500). If it does not, a firewall, a wrong address or a wrong port is in the way; if it does, the gateway has no connection for this pair of addresses or is not listening (strongSwan: swanctl --list-conns; libreswan: ipsec status).',
  },
  'only-retransmissions': {
    severity: 'high',
    summary: 'The first message of IKE was sent again and again and never answered.',
    advice:
      'See whether the requests reach the gateway (there: tcpdump -ni any udp port 500 or udp port 4500). If they do not, a firewall or provider drops UDP port 500, or the address is wrong; if they do, the gateway ignores them: no connection for this pair of addresses, not running, or too many half-open SAs from this address (strongSwan: charon.block_threshold; libreswan: ddos-mode).',
  },
  'ike-auth-not-answered': {
    severity: 'high',
    summary: 'IKE_SA_INIT was answered, IKE_AUTH was not.',
    advice:
      'The gateway is there, so look at what differs: UDP port 4500 may be blocked, the message may be too big for the path (its IP fragments are dropped), or the gateway silently drops a request it cannot authenticate; its log tells.',
  },
  'ike-auth-answer-lost': {
    severity: 'high',
    summary: 'IKE_AUTH was answered again and again, and its sender never got the answer.',
    advice:
      'Something between the gateway and the client drops the answers: see whether they arrive there (tcpdump on the client), and which firewall or NAT is in the way.',
  },
  'ike-fragments-missing': {
    severity: 'high',
    summary: 'Fragments of an IKE message (RFC 7383) did not come, so it could not be read or answered.',
    advice:
      'Lower the fragment size (strongSwan: charon.fragment_size = 1280 or less; libreswan: mtu of the interface) and look for a path that drops some of several packets sent at once.',
  },
  'ip-fragments-missing': {
    severity: 'high',
    summary: 'IP fragments of a big UDP datagram did not come: something on the path drops fragments.',
    advice:
      'Let IKE fragment instead of IP (RFC 7383; strongSwan: fragmentation = yes, libreswan: fragmentation=yes, on both sides), or make the message smaller: an ECDSA certificate, no intermediate certificates, fewer certificate requests.',
  },
  'exchange-not-answered': {
    severity: 'medium',
    summary: 'A request inside an IKE SA was not answered.',
    advice:
      'See whether the request arrives at the other side and what its log says; if later requests are answered, packets were lost on the path.',
  },
  'requests-retransmitted': {
    severity: 'info',
    summary: 'Messages had to be sent again before they were answered.',
    advice:
      'A few of them are ordinary packet loss; many of them, or long answers, deserve a look at the path.',
  },
  'one-sided-capture': {
    severity: 'low',
    summary: 'Only one direction of an IKE SA was captured, so what failed cannot be told.',
    advice:
      'Capture on an interface that both directions pass (tcpdump -i any), or look for asymmetric routing.',
  },
} as const;

/** Whether messages come through at all. */
export const reach = findingGroup('reach', kinds, (scene, emit) => {
  findSilentGateways(scene, emit);
  for (const sa of scene.report.ikeSas) {
    findUnansweredAuth(sa, emit);
    findLostAnswer(scene, sa, emit);
    findMissingFragments(sa, emit);
    findUnanswered(scene, sa, emit);
    const repeated = sa.exchanges.filter(
      ({ state, retransmissions }) => state === 'answered' && retransmissions > 0,
    );
    if (repeated.length > 0) {
      emit(
        'requests-retransmitted',
        repeated.flatMap(({ request, response }) => [
          request?.retransmissionFrames,
          response?.retransmissionFrames,
        ]),
        `Between ${initiatorOf(sa)} and ${responderOf(sa)}, ${plural(repeated.length, 'exchange')} needed retransmissions.`,
      );
    }
    findOneSided(sa, emit);
  }
  findMissingIpFragments(scene, emit);
});

type Id = keyof typeof kinds;

/** Every attempt may have another SPI, so they are put together by their ends. */
function findSilentGateways({ report }: Scene, emit: Emit<Id>): void {
  const silent = report.ikeSas.filter(({ state }) => state === 'unanswered');
  for (const attempts of groupBy(
    silent,
    ({ initiator, responder }) => `${initiator}|${responder}`,
  ).values()) {
    const [first] = attempts;
    if (first === undefined) continue;
    const requests = attempts.flatMap(({ exchanges }) =>
      exchanges.flatMap(({ request }) => (request === undefined ? [] : [request])),
    );
    const sent = requests.reduce((sum, { retransmissions }) => sum + 1 + retransmissions, 0);
    const frames = requests.flatMap((request) => [request.frames, request.retransmissionFrames]);
    const who = `${initiatorOf(first)} sent ${nameOf(first)} to ${first.responder}`;
    if (sent === 1) emit('no-answer', frames, `${who} and got no answer at all.`);
    else emit('only-retransmissions', frames, `${who} ${times(sent)} and got no answer at all.`);
  }
}

function nameOf({ version, exchanges }: IkeSaReport): string {
  return version === 2 ? 'IKE_SA_INIT' : `IKEv1 ${exchanges[0]?.exchange ?? ''}`.trim();
}

/** Bytes of IKE that no longer fit into one packet of 1,500 bytes with UDP and IPv6 headers, and hardly through a tunnel. */
const BIG_MESSAGE = 1400;

/** An initiator that goes on to IKE_AUTH has got an answer, whether or not it was captured. */
function isOneSided(sa: IkeSaReport): 'requests' | 'responses' | undefined {
  const { exchanges } = sa;
  if (exchanges.length === 0) return undefined;
  if (exchanges.every(({ state }) => state === 'one-sided')) return 'responses';
  const goesOn = exchanges.some(({ exchange }) => exchange === 'IKE_AUTH');
  return goesOn && exchanges.every(({ response }) => response === undefined) ? 'requests' : undefined;
}

function findOneSided(sa: IkeSaReport, emit: Emit<Id>): void {
  const side = isOneSided(sa);
  if (side === undefined) return;
  emit(
    'one-sided-capture',
    sa.exchanges.map(framesOf),
    `Of the IKE SA between ${initiatorOf(sa)} and ${responderOf(sa)} only ${side} were captured.`,
  );
}

function findUnansweredAuth(sa: IkeSaReport, emit: Emit<Id>): void {
  if (isOneSided(sa) !== undefined) return;
  for (const exchange of exchangesNamed(sa, 'IKE_AUTH')) {
    const { request, state } = exchange;
    if (state !== 'unanswered' || request === undefined || isOvertaken(sa, exchange)) continue;
    const sent = request.retransmissions + 1;
    const on4500 = request.dst.endsWith(':4500') ? ' on port 4500' : '';
    emit(
      'ike-auth-not-answered',
      [...exchangesNamed(sa, 'IKE_SA_INIT').map(framesOf), request.frames, request.retransmissionFrames],
      `${answerer(exchange)} answered IKE_SA_INIT but not IKE_AUTH, which ${asker(exchange)} sent ${times(sent)}${on4500} (${request.length} bytes).`,
      authAdvice(request.length, request.fragments !== undefined, on4500 !== ''),
    );
  }
}

const FRAGMENT_ADVICE =
  'A message of this size goes in IP fragments, which firewalls and providers often drop: let IKE fragment instead (RFC 7383; strongSwan: fragmentation = yes, libreswan: fragmentation=yes, on both sides), or use ECDSA certificates and send fewer of them.';

function authAdvice(length: number, fragmented: boolean, on4500: boolean): string | undefined {
  if (length > BIG_MESSAGE && !fragmented) {
    return FRAGMENT_ADVICE;
  }
  if (on4500) {
    return 'IKE moved to UDP port 4500 here, where answers stopped: allow UDP 4500 in both directions at every firewall and forward it, beside 500, at the NAT before the gateway. If 4500 is open, the gateway drops the request: see its log for identities and pre-shared key.';
  }
  return undefined;
}

/** Seen at the gateway: the same request comes again after its answer, and nothing else ever. */
function findLostAnswer({ flowsOf }: Scene, sa: IkeSaReport, emit: Emit<Id>): void {
  const last = sa.exchanges.at(-1);
  const { request, response } = last ?? {};
  if (last?.exchange !== 'IKE_AUTH' || request === undefined || response === undefined) return;
  const asked = request.retransmissionFrames.filter((frame) => frame > (response.frames.at(-1) ?? 0));
  if (asked.length < 2 || response.retransmissions === 0) return;
  if (flowsOf(sa.initiator, sa.responder).some(({ src }) => addressOf(src) === addressOf(request.src)))
    return;
  emit(
    'ike-auth-answer-lost',
    [request.frames, response.frames, asked, response.retransmissionFrames],
    `${answerer(last)} answered IKE_AUTH (${response.length} bytes), but ${asker(last)} asked again ${times(asked.length)} and never went on: the answer does not arrive.`,
    response.length > BIG_MESSAGE && response.fragments === undefined ? FRAGMENT_ADVICE : undefined,
  );
}

/** In what was not answered, and in answers after which nothing more came. */
function findMissingFragments(sa: IkeSaReport, emit: Emit<Id>): void {
  sa.exchanges.forEach((exchange, i) => {
    const message = exchange.response ?? exchange.request;
    if (message?.fragments === undefined || (exchange.response !== undefined && i < sa.exchanges.length - 1))
      return;
    const { total, seen } = message.fragments;
    if (total > 0 && seen.length >= total) return;
    const of = total > 0 ? ` of ${total}` : '';
    emit(
      'ike-fragments-missing',
      [message.frames, message.retransmissionFrames],
      `Of the ${exchange.exchange} message from ${message.src} only ${plural(seen.length, 'fragment')}${of} came.`,
    );
  });
}

/** Long enough after the request that an answer or a retransmission should have come. */
const PATIENCE_SECONDS = 3;

function findUnanswered({ report }: Scene, sa: IkeSaReport, emit: Emit<Id>): void {
  for (const exchange of sa.exchanges) {
    const { request } = exchange;
    if (exchange.state !== 'unanswered' || request === undefined || hasOwnFinding(exchange, sa.version))
      continue;
    if (isOvertaken(sa, exchange)) continue;
    if (request.retransmissions === 0 && secondsToEnd(report, request.time) < PATIENCE_SECONDS) continue;
    emit(
      'exchange-not-answered',
      [request.frames, request.retransmissionFrames],
      `${answerer(exchange)} did not answer the ${exchange.exchange} request of ${asker(exchange)}, sent ${times(request.retransmissions + 1)}.`,
    );
  }
}

function hasOwnFinding({ exchange, messageId }: ExchangeReport, version: 1 | 2): boolean {
  if (version === 1) return messageId === 0 || exchange !== 'Transaction (Config Mode)';
  return exchange === 'IKE_SA_INIT' || exchange === 'IKE_AUTH' || exchange === 'INFORMATIONAL';
}

const UDP = 17;

function findMissingIpFragments({ ikeSasOf, incomplete }: Scene, emit: Emit<Id>): void {
  for (const datagram of incomplete) {
    const { src, dst, frames, received, total, reason, protocol, ports } = datagram;
    if (protocol !== UDP || (reason !== 'missing' && reason !== 'overlap')) continue;
    const sas = ikeSasOf(src, dst);
    if (ports === undefined && sas.length === 0) continue;
    const waiting = sas.some(({ state }) => state === 'half-open' || state === 'encrypted');
    const what = waiting ? 'IKE_AUTH' : 'UDP';
    const size = total === undefined ? `only ${received} bytes` : `only ${received} of ${total} bytes`;
    emit(
      'ip-fragments-missing',
      [frames],
      reason === 'missing'
        ? `IP fragments are missing: of ${waiting ? 'an' : 'a'} ${what} datagram from ${src} to ${dst} ${size} came.`
        : `IP fragments of a UDP datagram from ${src} to ${dst} overlap, so it cannot be put together.`,
    );
  }
}
