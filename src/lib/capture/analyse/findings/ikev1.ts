import { opening } from '../ike-outcome.js';
import { messageCount } from '../story-v1.js';
import type { ExchangeReport, IkeSaReport } from '../types.js';
import { isError, plural, times } from '../words.js';
import { type Emit, findingGroup } from './group.js';
import { answerer, asker, framesOf, initiatorOf, messagesIn, responderOf } from './queries.js';

const kinds = {
  'ikev1-used': {
    severity: 'medium',
    summary:
      'IKEv1 is used, which RFC 9395 declared historic: its algorithms and its protection against floods are of the past.',
    advice: 'Move both sides to IKEv2 (strongSwan: version = 2; libreswan: ikev2=insist).',
  },
  'ikev1-aggressive-psk': {
    severity: 'critical',
    summary:
      'Aggressive Mode with a pre-shared key sends a hash from which anybody who saw it, or merely asked for it, can guess the key offline (CVE-2002-1623).',
    advice:
      'Move to IKEv2, or at least to Main Mode (libreswan: aggressive=no) or certificates, and change the key: treat a short one as known.',
  },
  'ikev1-phase1-stopped': {
    severity: 'high',
    summary: 'Phase 1 of IKEv1 stopped in the middle.',
    advice:
      'After two messages: the firewall or the size of the third. After four: UDP port 4500 blocked, or IP fragments of a certificate lost. After five: the responder could not read or believe the fifth, so check pre-shared key and identities; its log tells.',
  },
  'ikev1-quick-mode-stopped': {
    severity: 'high',
    summary: 'Quick Mode was not answered: phase 1 is up, but there is no child SA.',
    advice:
      'Many gateways stay silent when networks, transforms or the PFS group of phase 2 do not fit: compare them on both sides (libreswan: leftsubnet, rightsubnet, esp=, pfs=); the log of the answering side tells.',
  },
  'ikev1-refused': {
    severity: 'high',
    summary: 'An IKEv1 peer reported an error.',
    advice: 'See the log of the side that reported it.',
  },
  'xauth-failed': {
    severity: 'high',
    summary: 'XAUTH ended with FAIL: user name or password were wrong.',
    advice: 'Check user name, group and password, and the authentication server of the gateway.',
  },
} as const;

type Id = keyof typeof kinds;

/** What only IKEv1 has. */
export const ikev1 = findingGroup('IKEv1', kinds, ({ report }, emit) => {
  for (const sa of report.ikeSas) {
    if (sa.version !== 1) continue;
    const frames = sa.exchanges[0] === undefined ? [sa.first.frame] : framesOf(sa.exchanges[0]);
    emit(
      'ikev1-used',
      [frames],
      `${initiatorOf(sa)} and ${responderOf(sa)} use IKEv1, which is deprecated (RFC 9395).`,
    );
    findExposedHash(sa, emit);
    findStops(sa, emit);
    findErrors(sa, emit);
    findXauth(sa, emit);
  }
});

/** Pre-shared key, and XAUTH with one (draft-beaulieu-ike-xauth-02 5). */
const pskMethods: ReadonlySet<number> = new Set([1, 65001, 65002]);

/** HASH_R and the identity are in the second message, in the clear (RFC 2409 5.4). */
function findExposedHash(sa: IkeSaReport, emit: Emit<Id>): void {
  for (const exchange of sa.exchanges) {
    const { response } = exchange;
    if (exchange.exchange !== 'Aggressive' || !response?.payloads.includes('HASH')) continue;
    const method = response.proposals?.[0]?.transforms.find(({ type }) => type === 'AUTH');
    if (method === undefined || !pskMethods.has(method.id)) continue;
    const identity = response.idR === undefined ? '' : ` for the identity '${response.idR.value}'`;
    emit(
      'ikev1-aggressive-psk',
      [response.frames],
      `${answerer(exchange)} showed a hash of its pre-shared key${identity} in Aggressive Mode to whoever listens.`,
    );
  }
}

const advices: Readonly<Record<number, string>> = {
  2: 'The first round passed and the third message got no answer: it is bigger (a key) and may be dropped, or the group was refused silently.',
  4: 'The fifth message goes to UDP port 4500 when there is a NAT, and in IP fragments when it has a certificate: let both pass, or use IKEv2 fragmentation.',
  5: 'The responder did not answer the fifth message, the first that is encrypted: with another pre-shared key it cannot be read. Check the key on both sides, then the identities, in that order; then UDP port 4500.',
};

function findStops(sa: IkeSaReport, emit: Emit<Id>): void {
  const phase1 = opening(sa.exchanges, 1);
  const told = messagesIn(sa).some(({ message }) => message.notifies?.some(isError));
  if (phase1?.state === 'incomplete' && !told && sa.state === 'half-open') {
    const count = messageCount(phase1);
    emit(
      'ikev1-phase1-stopped',
      [framesOf(phase1)],
      `${phase1.exchange} between ${initiatorOf(sa)} and ${responderOf(sa)} stopped after ${plural(count, 'message')}.`,
      phase1.exchange.startsWith('Identity') ? advices[count] : undefined,
    );
  }
  for (const exchange of sa.exchanges) {
    if (exchange.exchange !== 'Quick Mode' || exchange.state !== 'unanswered' || told) continue;
    const request = exchange.request!;
    if (request.retransmissions === 0) continue;
    emit(
      'ikev1-quick-mode-stopped',
      [request.frames, request.retransmissionFrames],
      `${answerer(exchange)} did not answer Quick Mode of ${asker(exchange)}, sent ${times(request.retransmissions + 1)}.`,
    );
  }
}

/** What errors usually mean; NO-PROPOSAL-CHOSEN and selectors have findings of their own. */
const meanings: Readonly<Record<string, string>> = {
  'PAYLOAD-MALFORMED':
    'Right after the fifth message of Main Mode this means another pre-shared key: the message decrypted to nonsense. Check the key on both sides, then the identities.',
  'INVALID-KEY-INFORMATION':
    'The key exchange group does not fit: configure the same group for phase 1 or phase 2 on both sides.',
  'AUTHENTICATION-FAILED': 'Check the pre-shared key or certificates, then the identities, on both sides.',
  'INVALID-HASH-INFORMATION':
    'The pre-shared keys differ, or the identity belongs to another key: check both sides.',
  'INVALID-SIGNATURE': 'The certificate or its private key do not fit what the other side trusts.',
  'INVALID-CERTIFICATE': 'The certificate was not believed: check its chain, validity and revocation.',
  'INVALID-CERT-AUTHORITY': 'The CA of the certificate is not trusted by the other side.',
  'CERTIFICATE-UNAVAILABLE': 'One side has no certificate that the other asks for.',
  'INVALID-ID-INFORMATION':
    'The identity (phase 1) or the networks (phase 2) are not those configured on the other side.',
  'INVALID-COOKIE': 'The other side does not know this SA any more, for example after a restart.',
  'INVALID-SPI': 'The other side does not know this SA any more, for example after a restart.',
};

function findErrors(sa: IkeSaReport, emit: Emit<Id>): void {
  for (const { message } of messagesIn(sa)) {
    for (const { name, number } of message.notifies ?? []) {
      if (!isError({ name, number }) || name === 'NO-PROPOSAL-CHOSEN') continue;
      const selectors = name === 'INVALID-ID-INFORMATION' && hasQuickMode(sa.exchanges);
      if (!selectors)
        emit('ikev1-refused', [message.frames], `${message.src} reported ${name}.`, meanings[name]);
    }
  }
}

function hasQuickMode(exchanges: readonly ExchangeReport[]): boolean {
  return exchanges.some(({ exchange, request }) => exchange === 'Quick Mode' && request?.tsI !== undefined);
}

function findXauth(sa: IkeSaReport, emit: Emit<Id>): void {
  const failed = messagesIn(sa).find(({ message }) =>
    message.configuration?.attributes.some((attribute) => attribute === 'XAUTH_STATUS FAIL'),
  );
  if (failed === undefined) return;
  emit('xauth-failed', [failed.message.frames], `${failed.message.src} refused the XAUTH login of its peer.`);
}
