import { addressOf } from '../evidence.js';
import type { ChildSaReport, FlowReport, IkeSaReport } from '../types.js';
import { plural } from '../words.js';
import { type Emit, findingGroup } from './group.js';
import { flowsOf, initiatorOf, responderOf } from './queries.js';

const kinds = {
  'icv-sha256-96': {
    severity: 'high',
    summary:
      'One side cuts HMAC-SHA-256 to 96 bits, not to the 128 of RFC 4868: the SAs are up, and every packet fails its integrity check.',
    advice:
      'Let both sides cut alike: set the old behaviour for this peer (strongSwan: sha256_96 = yes; libreswan: sha2-truncbug=yes), upgrade the side that cuts to 96 bits (Linux before 2.6.33, old Android and gateways), or take AES-GCM or another integrity algorithm.',
  },
  'icv-all-failed': {
    severity: 'high',
    summary: 'The integrity check failed for every packet of an SA.',
    advice:
      'Either the keys given are not those of this SA (a rekey replaced them, another SPI), or sender and receiver disagree about the algorithm or its truncation, or a middlebox changes the packets. If the receiver counts integrity failures, too (ip -s xfrm state), the keys are not to blame.',
  },
  'icv-some-failed': {
    severity: 'medium',
    summary:
      'The integrity check failed for some packets of an SA: changed on the path, forged, or cut by the capture.',
    advice:
      'Look at the failing frames: packets that a middlebox changed, damaged memory or cards, offloading bugs (try ethtool -K … esp-hw-offload off), or an attack. Packets that the capture cut cannot be checked.',
  },
  'ike-icv-failed': {
    severity: 'high',
    summary: 'The integrity check of IKE messages failed although keys for the SA were given.',
    advice:
      'Check that the keys belong to this SA and to this direction and algorithm; if other messages of the SA are right, these were changed or forged on the path.',
  },
} as const;

type Id = keyof typeof kinds;

/** Integrity checks, where keys were given. */
export const icv = findingGroup('integrity', kinds, ({ report }, emit) => {
  for (const child of report.childSas) {
    for (const flow of flowsOf(child)) findFlow(flow, child, emit);
  }
  for (const flow of report.flows) findFlow(flow, undefined, emit);
  for (const sa of report.ikeSas) findIke(sa, emit);
});

function findFlow(flow: FlowReport, child: ChildSaReport | undefined, emit: Emit<Id>): void {
  const { good, bad, truncated } = flow.icv;
  const which = `${flow.protocol} SPI ${flow.spi} from ${addressOf(flow.src)} to ${addressOf(flow.dst)}`;
  if (good === 0 && (truncated > 0 || looksTruncated(flow, child))) {
    const proof =
      truncated > 0
        ? 'its packets are right once cut so'
        : 'its packets have lengths that only an ICV of 96 bits explains';
    emit(
      'icv-sha256-96',
      [truncated > 0 ? flow.badIcvFrames : flow.frames],
      `The sender of ${which} cuts HMAC-SHA-256 to 96 bits instead of the negotiated 128: ${proof}.`,
    );
  } else if (bad > 0 && good === 0) {
    emit(
      'icv-all-failed',
      [flow.badIcvFrames],
      `The integrity check failed for ${bad === 1 ? 'the only packet' : `all ${bad} packets`} of ${which}.`,
    );
  } else if (bad > 0) {
    emit(
      'icv-some-failed',
      [flow.badIcvFrames],
      `The integrity check failed for ${bad} of ${plural(good + bad, 'packet')} of ${which}.`,
    );
  }
}

/** Packets of one length prove little; a tunnel with any traffic has more. */
const LEAST_PACKETS = 2;

/**
 * Header, IV and blocks of a block cipher are a multiple of 8 bytes: what is left over is the ICV's, 0 for 128 bits and
 * 4 for 96 (RFC 4303 2, RFC 4868 2.6).
 */
function looksTruncated(flow: FlowReport, child: ChildSaReport | undefined): boolean {
  const names = child?.suite?.transforms.map(({ name }) => name) ?? [];
  const isBlockCipher = names.some((name) => name.endsWith('_CBC') || name === 'ENCR_3DES');
  const isSha256 = names.includes('AUTH_HMAC_SHA2_256_128');
  return isBlockCipher && isSha256 && flow.lengthModulo8 === 4 && flow.packets >= LEAST_PACKETS;
}

function findIke(sa: IkeSaReport, emit: Emit<Id>): void {
  if (sa.icvFailures === 0) return;
  emit(
    'ike-icv-failed',
    [sa.badIcvFrames],
    `The integrity check failed for ${plural(sa.icvFailures, 'message')} of the IKE SA between ${initiatorOf(sa)} and ${responderOf(sa)} (${sa.spiI}).`,
  );
}
