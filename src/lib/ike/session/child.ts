import type { Milliseconds } from '../../core/environment.js';
import { KitError } from '../../core/errors.js';
import { Secret } from '../../core/secret.js';
import type { KeyExchange } from '../../crypto/transform.js';
import { formatIdentity } from '../identity.js';
import { deriveChildKeys } from '../keys.js';
import { resolveChildSuite, selectProposal } from '../negotiate.js';
import type { ChildSuite } from '../suite.js';
import { narrowSelectors } from '../traffic-selectors.js';
import { findPayload } from '../wire/message.js';
import { NotifyType, notify } from '../wire/notify.js';
import {
  type NotifyPayload,
  type Payload,
  PayloadType,
  type Proposal,
  ProtocolId,
  type TrafficSelector,
  type Transform,
} from '../wire/types.js';
import { Child } from './child-sa.js';
import { ownRefusal } from './failure.js';
import type { IkeSa } from './ike-sa.js';
import { generateKe } from './key-exchange.js';
import type { SessionState } from './state.js';

/** More selectors than a side has networks; every packet is compared with all of them, so a peer does not get more. */
const MAX_SELECTORS = 64;

/**
 * What one key may protect with blocks of 64 bits, of which two are likely to be alike after 32 GiB (CVE-2016-2183,
 * "Sweet32"): 2^23 blocks, where that has a probability of about 2^-19.
 */
const BYTES_OF_SMALL_BLOCKS = 64 * 2 ** 20;
/**
 * What one key may protect with any other cipher: 2^48 blocks of AES, even where extended sequence numbers would allow
 * 2^53 packets. It is also as far as counters of bytes are exact.
 */
const MAX_BYTES = 2 ** 52;

/** Nonces of the exchange that makes a child, in the order of that exchange. */
export interface ExchangeNonces {
  nonceI: Uint8Array;
  nonceR: Uint8Array;
}

interface AgreedChild extends ExchangeNonces {
  ikeSa: IkeSa;
  /** This side's role in the exchange that makes the child (RFC 7296 2.17). */
  role: 'initiator' | 'responder';
  inboundSpi: number;
  /** The peer's SPI as its proposal carried it. */
  peerSpi: Uint8Array;
  transforms: Transform[];
  keSecret: Uint8Array | undefined;
  localTs: TrafficSelector[];
  remoteTs: TrafficSelector[];
}

/** Derives the keys of an agreed child and registers it. Emitting its event is the caller's, who knows its story. */
export function createChild(state: SessionState, agreed: AgreedChild, now: Milliseconds): Child {
  const { ikeSa, nonceI, nonceR } = agreed;
  const suite = resolveChildSuite(agreed.transforms);
  const outboundSpi = readSpi(agreed.peerSpi);
  // RFC 4303 2.1: 0 is never sent.
  if (outboundSpi === 0) throw new KitError('protocol', 'E_SPI', 'The peer named the ESP SPI 0');
  const keSecret = agreed.keSecret && new Secret(agreed.keSecret);
  const child = new Child({
    id: state.hooks.childId(),
    ikeSa,
    role: agreed.role,
    inboundSpi: agreed.inboundSpi,
    outboundSpi,
    suite,
    keys: deriveChildKeys({
      suite,
      prf: ikeSa.secrets.suite.prf,
      skD: ikeSa.secrets.keys.skD,
      nonceI,
      nonceR,
      ...(keSecret && { keSecret }),
    }),
    keSecret,
    localTs: agreed.localTs,
    remoteTs: agreed.remoteTs,
    rekeyAt: state.rekeyMoment(state.policy.rekeyChild, now),
    rekeyBytes: rekeyBytes(state, suite),
  });
  state.children.set(child.id, child);
  return child;
}

/** Inner bytes in one direction after which a child is to be rekeyed. */
function rekeyBytes(state: SessionState, { encr }: ChildSuite): number {
  const most = encr.kind === 'cipher' && encr.blockBytes === 8 ? BYTES_OF_SMALL_BLOCKS : MAX_BYTES;
  return state.shortened(Math.min(state.policy.rekeyChildBytes ?? most, most));
}

/** The 4 bytes of an ESP SPI. */
export function spiBytes(spi: number): Uint8Array {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(spi);
  return new Uint8Array(out);
}

/** @throws KitError `E_SPI` (kind `protocol`) when it is not 4 bytes */
export function readSpi(spi: Uint8Array): number {
  if (spi.length !== 4) throw new KitError('protocol', 'E_SPI', `An ESP SPI has 4 bytes, not ${spi.length}`);
  return Buffer.from(spi).readUInt32BE();
}

/** How the responder of an exchange that makes a child answers it. */
export type ChildAnswer = { child: Child; payloads: Payload[] } | { refusal: NotifyPayload };

export interface ChildRequest {
  ikeSa: IkeSa;
  payloads: readonly Payload[];
  /** `ignored` in IKE_AUTH, `optional` in CREATE_CHILD_SA. */
  ke: 'ignored' | 'optional';
  nonceI: Uint8Array;
  /** The nonce of our response. */
  nonceR: Uint8Array;
  localAllowed: readonly TrafficSelector[];
  remoteAllowed: readonly TrafficSelector[];
}

/**
 * Answers a request for a child SA (RFC 7296 1.2, 1.3.1, 1.3.3): chooses the proposal, narrows the selectors, makes keys.
 * The payloads are SA, KE where one was agreed, TSi and TSr; the nonce is the caller's.
 */
export function answerChild(state: SessionState, request: ChildRequest, now: Milliseconds): ChildAnswer {
  const { ikeSa, payloads, nonceI, nonceR } = request;
  const sa = findPayload(payloads, PayloadType.SA);
  const tsi = findPayload(payloads, PayloadType.TSi);
  const tsr = findPayload(payloads, PayloadType.TSr);
  const ke = findPayload(payloads, PayloadType.KE);
  if (!sa || !tsi || !tsr) return { refusal: notify(NotifyType.INVALID_SYNTAX) };

  const selected = selectProposal(sa.proposals, state.policy.espProposals, {
    ke: request.ke,
    ...(ke && { preferKe: ke.group, preferWeakerKe: true }),
  });
  if (selected?.spi.length !== 4) return { refusal: notify(NotifyType.NO_PROPOSAL_CHOSEN) };

  const group = selected.transforms.find((t) => t.type === 4 && t.id !== 0)?.id;
  if (group !== undefined && ke?.group !== group) {
    return { refusal: notify(NotifyType.INVALID_KE_PAYLOAD, Uint8Array.of(group >> 8, group & 0xff)) };
  }
  // RFC 7296 2.9: a responder may take any part of what was offered.
  const remoteTs = narrowSelectors(tsi.selectors, request.remoteAllowed).slice(0, MAX_SELECTORS);
  const localTs = narrowSelectors(tsr.selectors, request.localAllowed).slice(0, MAX_SELECTORS);
  if (localTs.length === 0 || remoteTs.length === 0) return { refusal: notify(NotifyType.TS_UNACCEPTABLE) };

  const exchange: KeyExchange | undefined = group === undefined ? undefined : generateKe(group);
  const keSecret = exchange && ke && exchange.agree(ke.data);
  const inboundSpi = state.hooks.claimSpi();
  const child = createChild(
    state,
    {
      ikeSa,
      role: 'responder',
      inboundSpi,
      peerSpi: selected.spi,
      transforms: selected.transforms,
      nonceI,
      nonceR,
      keSecret,
      localTs,
      remoteTs,
    },
    now,
  );
  const proposal: Proposal = {
    number: selected.number,
    protocolId: ProtocolId.ESP,
    spi: spiBytes(inboundSpi),
    transforms: selected.transforms,
  };
  return {
    child,
    payloads: [
      { type: PayloadType.SA, proposals: [proposal] },
      ...(exchange && group !== undefined
        ? [{ type: PayloadType.KE, group, data: exchange.publicValue }]
        : []),
      { type: PayloadType.TSi, selectors: remoteTs },
      { type: PayloadType.TSr, selectors: localTs },
    ],
  };
}

/** Tells why this side refuses a child, and passes the notify on for the answer. */
export function reportRefusal(
  state: SessionState,
  ikeSa: IkeSa,
  payloads: readonly Payload[],
  refused: NotifyPayload,
): NotifyPayload {
  const error = ownRefusal(refused.notifyType, {
    peer: ikeSa.remoteId ? formatIdentity(ikeSa.remoteId) : 'the peer',
    payloads,
    accepted: state.policy.espProposals,
    localAllowed: state.localAllowed ?? [],
    remoteAllowed: state.remoteAllowed ?? [],
  });
  state.emit({ type: 'child-sa-failed', error });
  return refused;
}
