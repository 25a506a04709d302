import type { ExchangeReport, IkeSaReport } from '../types.js';
import { hasNotify, isError, times } from '../words.js';
import { type Emit, type FindingKind, findingGroup } from './group.js';
import { answerer, asker, exchangesNamed, framesOf, messagesIn } from './queries.js';

/** Error notifies of IKEv2 that have no rule of their own, with the finding that reports each. */
const idOfNotify = {
  UNSUPPORTED_CRITICAL_PAYLOAD: 'unsupported-critical-payload',
  INVALID_IKE_SPI: 'invalid-ike-spi',
  INVALID_MAJOR_VERSION: 'invalid-major-version',
  INVALID_SYNTAX: 'invalid-syntax',
  INVALID_MESSAGE_ID: 'invalid-message-id',
  INVALID_SPI: 'invalid-spi',
  SINGLE_PAIR_REQUIRED: 'single-pair-required',
  NO_ADDITIONAL_SAS: 'no-additional-sas',
  INTERNAL_ADDRESS_FAILURE: 'internal-address-failure',
  FAILED_CP_REQUIRED: 'failed-cp-required',
  INVALID_SELECTORS: 'invalid-selectors',
  TEMPORARY_FAILURE: 'temporary-failure',
  CHILD_SA_NOT_FOUND: 'child-sa-not-found',
  AUTHORIZATION_FAILED: 'authorization-failed',
} as const;

/** Errors that other groups explain. */
const explained: ReadonlySet<string> = new Set([
  'NO_PROPOSAL_CHOSEN',
  'INVALID_KE_PAYLOAD',
  'AUTHENTICATION_FAILED',
  'TS_UNACCEPTABLE',
]);

const kinds = {
  'unsupported-critical-payload': {
    severity: 'high',
    summary: 'A payload marked critical is not supported by the peer, which drops the whole request.',
    advice:
      'Turn off the extension that the payload belongs to on the side that sent it, or update the peer.',
  },
  'invalid-ike-spi': {
    severity: 'medium',
    summary: 'The peer does not know the IKE SA that is used: it was restarted or has deleted it.',
    advice:
      'The notice is not authenticated, so the other side has to notice by itself: enable dead peer detection there (strongSwan: dpd_delay; libreswan: dpddelay).',
  },
  'invalid-major-version': {
    severity: 'high',
    summary: 'The peer does not speak this version of IKE.',
    advice:
      'Configure the same version on both sides (strongSwan: version; libreswan: ikev2), IKEv2 if you can.',
  },
  'invalid-syntax': {
    severity: 'high',
    summary: 'The peer could not parse a message, or found it against the rules.',
    advice:
      'Look at the request with its payloads; the log of the peer names the one it dislikes. An IKE_AUTH that does not decrypt is often reported so, too.',
  },
  'invalid-message-id': {
    severity: 'medium',
    summary: 'A message id outside the window was used: the two sides are out of step.',
    advice:
      'Restart the IKE SA; if it happens again, one side has a bug or restored an old state (failover).',
  },
  'invalid-spi': {
    severity: 'high',
    summary: 'The peer got ESP or AH for an SPI it does not know: one side lost its child SA.',
    advice:
      'Restart the connection on the side that sends; dead peer detection on both sides (strongSwan: dpd_delay; libreswan: dpddelay) heals it by itself next time.',
  },
  'single-pair-required': {
    severity: 'high',
    summary: 'The peer accepts only a child SA for a single pair of addresses.',
    advice:
      'Ask for one pair of networks in each child SA (strongSwan: several children; libreswan: several connections).',
  },
  'no-additional-sas': {
    severity: 'medium',
    summary: 'The peer takes no more child SAs on this IKE SA.',
    advice:
      'Put all networks into one child SA, or use one IKE SA for each; some gateways allow one only. If it answers a rekey so, the tunnel ends at the lifetime: start it again then (strongSwan: reauth_time).',
  },
  'internal-address-failure': {
    severity: 'high',
    summary: 'The responder had no address for the client: no pool, or an exhausted one.',
    advice:
      'Enlarge or attach the address pool on the gateway (strongSwan: pools; libreswan: rightaddresspool).',
  },
  'failed-cp-required': {
    severity: 'high',
    summary: 'The responder wants the client to ask for an address, and it did not.',
    advice: 'Let the client ask for one (strongSwan: vips = 0.0.0.0; libreswan: leftmodecfgclient=yes).',
  },
  'invalid-selectors': {
    severity: 'medium',
    summary: 'The peer got a packet in an SA whose selectors do not cover it.',
    advice:
      'Compare the traffic selectors of both sides with the routes and NAT rules that lead traffic into the tunnel.',
  },
  'temporary-failure': {
    severity: 'low',
    summary: 'The peer was busy with another exchange on the same SA and asks to try again.',
    advice: 'Ordinary when both sides rekey at once; different rekey times on the two sides avoid it.',
  },
  'child-sa-not-found': {
    severity: 'low',
    summary: 'A rekey named a child SA that the peer does not have: deleted at the same time, or lost.',
    advice: 'Ordinary once; if it repeats, restart the connection and look at the log of the peer.',
  },
  'authorization-failed': {
    severity: 'high',
    summary: 'The peer knows who asks and does not allow it.',
    advice: 'Check the groups or attributes that the gateway or its RADIUS server demands of this user.',
  },
  'other-error': {
    severity: 'medium',
    summary: 'A peer reported an error of another kind.',
    advice: 'See the log of the side that reported it, and the RFC of the notify in the registry of IANA.',
  },
  'cookie-requested': {
    severity: 'info',
    summary: 'The responder asked for a cookie: it has many half-open SAs, or always does.',
    advice: 'Nothing to do; if the gateway is not under load, look for clients that begin and never finish.',
  },
  'cookie-loop': {
    severity: 'high',
    summary: 'The responder asks for a cookie again although it was given one.',
    advice:
      'The cookie does not verify: the address or port of the client changes between its packets (a NAT with several addresses), a load balancer spreads them over gateways with different secrets, or the client sends the cookie wrongly.',
  },
  redirected: {
    severity: 'info',
    summary: 'The gateway sends the client to another gateway (RFC 5685).',
    advice: 'Nothing to do if the client follows; otherwise configure the other gateway in it.',
  },
} as const satisfies Record<string, FindingKind>;

type Id = keyof typeof kinds;

/** What peers report in so many words. */
export const errors = findingGroup<Id>('reported errors', kinds, ({ report }, emit) => {
  for (const sa of report.ikeSas) {
    if (sa.version !== 2) continue;
    findErrors(sa, emit);
    findCookies(sa, emit);
  }
});

function findErrors(sa: IkeSaReport, emit: Emit<Id>): void {
  for (const { message, exchange } of messagesIn(sa)) {
    for (const notify of message.notifies ?? []) {
      const { name } = notify;
      const reply = message === exchange.response ? ` to ${exchange.exchange} of ${asker(exchange)}` : '';
      if (name === 'REDIRECT') {
        const gateway = notify.values?.gateway;
        emit(
          'redirected',
          [message.frames],
          `${message.src} redirects its client${typeof gateway === 'string' ? ` to ${gateway}` : ''}.`,
        );
      } else if (isError(notify) && !explained.has(name)) {
        const isListed = Object.hasOwn(idOfNotify, name);
        const id = isListed ? idOfNotify[name as keyof typeof idOfNotify] : 'other-error';
        const spi = notify.spi === undefined ? '' : ` for SPI ${notify.spi}`;
        emit(
          id,
          [message === exchange.response ? framesOf(exchange) : message.frames],
          `${message.src} reported ${name}${spi}${reply}.`,
        );
      }
    }
  }
}

/** A request for a cookie has nothing but the COOKIE notify (RFC 7296 2.6). */
function wantsCookie({ response }: ExchangeReport): boolean {
  return hasNotify(response, 'COOKIE') && response?.proposals === undefined;
}

function findCookies(sa: IkeSaReport, emit: Emit<Id>): void {
  const asked = exchangesNamed(sa, 'IKE_SA_INIT').filter(wantsCookie);
  const [first] = asked;
  if (first === undefined) return;
  const again = asked.filter(({ request }) => hasNotify(request, 'COOKIE'));
  const frames = asked.map(framesOf);
  if (again.length > 0) {
    emit(
      'cookie-loop',
      frames,
      `${answerer(first)} asked ${asker(first)} for a cookie ${times(asked.length)}, although it was given one.`,
    );
  } else {
    emit('cookie-requested', frames, `${answerer(first)} asked ${asker(first)} for a cookie first.`);
  }
}
