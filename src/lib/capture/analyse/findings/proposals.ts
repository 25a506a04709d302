import { opening } from '../ike-outcome.js';
import { childKind } from '../story.js';
import type { ExchangeReport, IkeSaReport, MessageReport, ProposalReport } from '../types.js';
import { enumerate, hasNotify, offerWords } from '../words.js';
import { onlyWeak } from './algorithms-of.js';
import { type Emit, findingGroup } from './group.js';
import {
  indexSpoken,
  type Miss,
  missWords,
  nearestMiss,
  oddities,
  type SpokenIndex,
} from './nearest-miss.js';
import { answerer, asker, exchangesNamed, framesOf, messagesIn, responderOf } from './queries.js';

const kinds = {
  'no-proposal-chosen': {
    severity: 'high',
    summary: 'Every proposal for the IKE SA was refused.',
    advice:
      'Compare the IKE proposals of both sides (strongSwan: proposals in swanctl.conf, and its log lines "received proposals" and "configured proposals"; libreswan: ike=). A gateway without any connection for these addresses also answers so. The answer is not authenticated: anybody on the path could have sent it.',
  },
  'child-no-proposal-chosen': {
    severity: 'high',
    summary: 'Every proposal for a child SA was refused: the IKE SA stands, but carries no traffic.',
    advice:
      'Compare the ESP proposals of both sides (strongSwan: esp_proposals in swanctl.conf; libreswan: esp=): cipher and key length, integrity, extended sequence numbers, and for rekeys the group for perfect forward secrecy.',
  },
  'offers-only-weak': {
    severity: 'medium',
    summary:
      'An offer contains nothing but deprecated algorithms of some type, so a careful gateway refuses it.',
    advice:
      'Offer current algorithms, for example aes256gcm16-prfsha256-ecp256 (RFC 8247). Windows offers only 1024-bit MODP by default: Set-VpnConnectionIPsecConfiguration with -DHGroup ECP256 or Group14 changes it.',
  },
  'child-without-pfs': {
    severity: 'low',
    summary:
      'A child SA was made by CREATE_CHILD_SA or Quick Mode without a key exchange of its own: no perfect forward secrecy.',
    advice:
      'Add a group to the ESP proposals on both sides (strongSwan: esp_proposals = aes256gcm16-ecp256; libreswan: pfs=yes and a group in esp=). If only one side asks for it, the tunnel works until the first rekey, which then fails.',
  },
} as const;

/** What was offered and refused. */
export const proposals = findingGroup('proposals', kinds, ({ report }, emit) => {
  const spoken = indexSpoken(report);
  for (const sa of report.ikeSas) {
    if (sa.version === 2) findRefusals(spoken, sa, emit);
    else findRefusalsV1(spoken, sa, emit);
    findWeakOffers(sa, emit);
    findMissingPfs(sa, emit);
  }
});

type Id = keyof typeof kinds;

function findRefusals(spoken: SpokenIndex, sa: IkeSaReport, emit: Emit<Id>): void {
  for (const exchange of sa.exchanges) {
    const { request, response } = exchange;
    if (!hasNotify(response, 'NO_PROPOSAL_CHOSEN')) continue;
    const isIke = exchange.exchange === 'IKE_SA_INIT';
    const rekeysIke =
      request !== undefined && exchange.exchange === 'CREATE_CHILD_SA' && childKind(request) === 'rekey-ike';
    const asked = request?.proposals === undefined ? firstOffer(sa, exchange) : request;
    const what = isIke ? 'IKE' : rekeysIke ? 'IKE rekeying' : `${asked?.proposals?.[0]?.protocol ?? 'ESP'}`;
    const pfs = !isIke && exchange.exchange === 'CREATE_CHILD_SA' && !asked?.keyExchange;
    emit(
      isIke ? 'no-proposal-chosen' : 'child-no-proposal-chosen',
      [asked?.frames, framesOf(exchange)],
      refusal(spoken, exchange, what, asked, pfs),
      pfs
        ? 'The request has no key exchange of its own, which a peer that demands perfect forward secrecy refuses: add its group to the ESP proposals (strongSwan: esp_proposals = …-ecp256; libreswan: pfs=yes). IKE_AUTH hides this, as it never has one.'
        : undefined,
    );
  }
}

/** With EAP the offer came in the first IKE_AUTH. */
function firstOffer(sa: IkeSaReport, { exchange }: ExchangeReport): MessageReport | undefined {
  return exchangesNamed(sa, exchange).find(({ request }) => request?.proposals !== undefined)?.request;
}

function refusal(
  spoken: SpokenIndex,
  exchange: ExchangeReport,
  what: string,
  asked: MessageReport | undefined,
  lacksPfs: boolean,
): string {
  const refuser = answerer(exchange);
  const offered = asked?.proposals ?? [];
  if (offered.length === 0)
    return `${refuser} refused the ${what} proposals of ${asker(exchange)}, which could not be read.`;
  const miss = nearestMiss(spoken, refuser, offered);
  const reason = reasonWords(miss, refuser, offered, lacksPfs);
  return `${refuser} refused the ${what} offer of ${asker(exchange)} (NO_PROPOSAL_CHOSEN), ${offerWords(offered)}: ${reason}.`;
}

function reasonWords(
  miss: Miss | undefined,
  refuser: string,
  offered: readonly ProposalReport[],
  lacksPfs: boolean,
): string {
  // What fitted IKE_AUTH, where there is no key exchange, may be refused here for the lack of one.
  const fits = miss === undefined || miss.types.length === 0;
  if (lacksPfs && fits) return 'it has no key exchange of its own (no perfect forward secrecy)';
  if (miss !== undefined) return missWords(miss, refuser);
  const odd = oddities(offered);
  return odd.length > 0
    ? `about the offer it is notable that ${enumerate(odd)}`
    : 'nothing about the offer is unusual and the capture does not show what it would accept';
}

/** IKEv1 refuses in an Informational of its own; before phase 1 ends it means phase 1. */
function findRefusalsV1(spoken: SpokenIndex, sa: IkeSaReport, emit: Emit<Id>): void {
  const refused = messagesIn(sa).find(({ message }) => hasNotify(message, 'NO-PROPOSAL-CHOSEN'));
  if (refused === undefined) return;
  const phase1 = opening(sa.exchanges, 1);
  const isPhase1 = phase1?.state !== 'answered';
  const asked = isPhase1
    ? phase1
    : sa.exchanges.findLast(
        ({ exchange, request }) =>
          exchange === 'Quick Mode' && (request?.frames[0] ?? 0) <= refused.message.frames[0]!,
      );
  if (asked === undefined) return;
  emit(
    isPhase1 ? 'no-proposal-chosen' : 'child-no-proposal-chosen',
    [asked.request?.frames, refused.message.frames],
    refusal(spoken, { ...asked, response: refused.message }, isPhase1 ? 'IKE' : 'ESP', asked.request, false),
  );
}

function findWeakOffers(sa: IkeSaReport, emit: Emit<Id>): void {
  const request = opening(sa.exchanges, sa.version)?.request;
  const offered = request?.proposals ?? [];
  const weak = [
    ['KE', 'key exchange groups'],
    ['ENCR', 'ciphers'],
    ['PRF', 'pseudorandom functions'],
  ].filter(([type = '']) => onlyWeak(offered, type));
  if (request === undefined || weak.length === 0) return;
  emit(
    'offers-only-weak',
    [request.frames],
    `${asker(opening(sa.exchanges, sa.version)!)} offers ${responderOf(sa)} only deprecated ${enumerate(weak.map(([, name = '']) => name))}: ${offerWords(offered)}.`,
  );
}

function findMissingPfs(sa: IkeSaReport, emit: Emit<Id>): void {
  for (const exchange of sa.exchanges) {
    const { request, response } = exchange;
    const name = exchange.exchange;
    if (name !== 'CREATE_CHILD_SA' && name !== 'Quick Mode') continue;
    if (!request?.readable || !response?.readable || response.proposals === undefined) continue;
    if (sa.version === 2 && childKind(request) === 'rekey-ike') continue;
    const hasGroup = response.proposals.some(({ transforms }) =>
      transforms.some(({ type, id }) => type === 'KE' && id !== 0),
    );
    if (response.keyExchange !== undefined || hasGroup) continue;
    emit(
      'child-without-pfs',
      [framesOf(exchange)],
      `The child SA that ${asker(exchange)} and ${answerer(exchange)} made by ${name} has no key exchange of its own, so its keys depend on those of the IKE SA.`,
    );
  }
}
