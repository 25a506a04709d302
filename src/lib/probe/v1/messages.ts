import { ByteReader, ByteWriter, fromHex, toHex } from '../../core/bytes.js';
import type { Entropy } from '../../core/environment.js';
import { WireError } from '../../core/errors.js';
import type { Identity } from '../../ike/identity.js';
import { ikev1NotifyName } from '../../ike/v1/names.js';
import { encodePayloadBody } from '../../ike/v1/payloads.js';
import {
  type Ikev1DataPayload,
  Ikev1ExchangeType,
  type Ikev1IdPayload,
  type Ikev1NotifyPayload,
  type Ikev1Payload,
  Ikev1PayloadType,
  type Ikev1SaPayload,
} from '../../ike/v1/types.js';
import { decodeIkev1MessageLenient, encodeIkev1Message } from '../../ike/v1/wire.js';
import {
  type ChosenPhase1,
  chosenOf,
  IPSEC_DOI,
  offerOf,
  type Phase1,
  PROTO_ISAKMP,
  phase1Text,
} from './phase1.js';

const { VID, KE, NONCE, HASH } = Ikev1PayloadType;
const NO_PROPOSAL_CHOSEN = 14;

/**
 * What makes gateways show vendor ids of their own: XAUTH, NAT-T (RFC 3947), dead peer detection (RFC 3706),
 * fragmentation.
 */
const vendorIds: readonly Uint8Array[] = [
  '09002689dfd6b712',
  '4a131c81070358455c5728f20e95452f',
  'afcad71368a1f1c96b8696fc77570100',
  '4048b7d56ebce88525e7de7f00d6c2d3',
].map(fromHex);

/** Two nonces of it and of 32 bytes fit what hashcat takes. */
const NONCE_BYTES = 20;

/** First message of an exchange, with what the answer is read with. */
export interface FirstMessage {
  spiI: bigint;
  datagram: Uint8Array;
  candidates: readonly Phase1[];
  /** As sent, without generic header: parts of what HASH_R covers. */
  saBody: Uint8Array;
  publicValue: Uint8Array;
  nonce: Uint8Array;
}

/** What a datagram says to a first message. */
export type FirstReply =
  | { kind: 'accepted'; chosen: ChosenPhase1 | undefined; spiR: bigint; payloads: Ikev1Payload[] }
  | { kind: 'refused'; notify: number }
  /** Of another major version. */
  | { kind: 'other version' };

/** Main Mode's first message (RFC 2409 5). @param extended with vendor ids, so that the gateway shows its own */
export function mainModeFirst(
  candidates: readonly Phase1[],
  entropy: Entropy,
  extended: boolean,
): FirstMessage {
  const sa = offerOf(candidates);
  const vendors = extended ? vendorPayloads() : [];
  return first(Ikev1ExchangeType.IDENTITY_PROTECTION, candidates, sa, [sa, ...vendors], entropy);
}

/**
 * Aggressive Mode's first message (RFC 2409 5.4).
 * @param candidates all of one group
 * @param publicValue of that group
 */
export function aggressiveFirst(
  candidates: readonly Phase1[],
  publicValue: Uint8Array,
  identity: Identity,
  entropy: Entropy,
): FirstMessage {
  const sa = offerOf(candidates);
  const nonce: Ikev1DataPayload = { type: NONCE, data: entropy.bytes(NONCE_BYTES) };
  const id: Ikev1IdPayload = { type: 5, ipProtocol: 0, port: 0, ...identity };
  const payloads = [sa, { type: KE, data: publicValue }, nonce, id, ...vendorPayloads()];
  const message = first(Ikev1ExchangeType.AGGRESSIVE, candidates, sa, payloads, entropy);
  return { ...message, publicValue, nonce: nonce.data };
}

function first(
  exchangeType: number,
  candidates: readonly Phase1[],
  sa: Ikev1SaPayload,
  payloads: readonly Ikev1Payload[],
  entropy: Entropy,
): FirstMessage {
  const spiI = new ByteReader(entropy.bytes(8)).u64();
  const empty = new Uint8Array(0);
  return {
    spiI,
    datagram: encodeIkev1Message(headerOf(exchangeType, spiI, 0n), payloads),
    candidates,
    saBody: bodyOf(sa),
    publicValue: empty,
    nonce: empty,
  };
}

function vendorPayloads(): Ikev1DataPayload[] {
  return vendorIds.map((data) => ({ type: VID, data }));
}

function bodyOf(payload: Ikev1SaPayload | Ikev1IdPayload): Uint8Array {
  const writer = new ByteWriter();
  encodePayloadBody(payload, writer);
  return writer.finish();
}

/** Bytes of an ID payload after its generic header: what HASH_R covers. */
export function identityBody(payload: Ikev1IdPayload): Uint8Array {
  return bodyOf(payload);
}

/**
 * Takes back what a gateway accepted in Main Mode: an error in the clear, upon which strongSwan forgets the SA. Others
 * ignore it and forget on their own.
 */
export function mainModeRefusal(spiI: bigint, spiR: bigint): Uint8Array {
  const notify: Ikev1NotifyPayload = {
    type: 11,
    doi: IPSEC_DOI,
    protocolId: PROTO_ISAKMP,
    spi: new ByteWriter().u64(spiI).u64(spiR).finish(),
    notifyType: NO_PROPOSAL_CHOSEN,
    data: new Uint8Array(0),
  };
  return encodeIkev1Message(headerOf(Ikev1ExchangeType.INFORMATIONAL, spiI, spiR), [notify]);
}

/** Ends an Aggressive Mode: a HASH_I that cannot be right makes strongSwan and libreswan forget the SA. */
export function aggressiveEnd(spiI: bigint, spiR: bigint, hashBytes: number, entropy: Entropy): Uint8Array {
  const hash: Ikev1DataPayload = { type: HASH, data: entropy.bytes(hashBytes) };
  return encodeIkev1Message(headerOf(Ikev1ExchangeType.AGGRESSIVE, spiI, spiR), [hash]);
}

function headerOf(exchangeType: number, initiatorSpi: bigint, responderSpi: bigint) {
  return {
    initiatorSpi,
    responderSpi,
    majorVersion: 1,
    minorVersion: 0,
    exchangeType,
    encrypted: false,
    commit: false,
    authenticationOnly: false,
    messageId: 0,
  };
}

/** Reads an answer to a first message; undefined for anything that is none. Never throws. */
export function readFirstReply(datagram: Uint8Array, spiI: bigint): FirstReply | undefined {
  let message: ReturnType<typeof decodeIkev1MessageLenient>;
  try {
    message = decodeIkev1MessageLenient(datagram);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
  const { header } = message;
  if (header.initiatorSpi !== spiI) return undefined;
  if (header.majorVersion !== 1) return { kind: 'other version' };
  const payloads = message.payloads.filter((payload) => payload.type !== 'malformed');
  const notify = payloads.find((payload) => payload.type === 11);
  if (header.exchangeType === Ikev1ExchangeType.INFORMATIONAL) {
    return notify && { kind: 'refused', notify: notify.notifyType };
  }
  const sa = payloads.find((payload) => payload.type === 1);
  if (header.responderSpi === 0n || sa === undefined) {
    return notify && { kind: 'refused', notify: notify.notifyType };
  }
  return { kind: 'accepted', chosen: chosenOf(sa), spiR: header.responderSpi, payloads };
}

/** An answer in a few words, for the packet log. */
export function replyText(datagram: Uint8Array, spiI: bigint): string {
  const reply = readFirstReply(datagram, spiI);
  switch (reply?.kind) {
    case 'accepted':
      return reply.chosen === undefined ? 'SA that cannot be read' : `chose ${phase1Text(reply.chosen)}`;
    case 'refused':
      return ikev1NotifyName(reply.notify);
    case 'other version':
      return 'a message of another IKE version';
    default:
      return 'a message that is no answer';
  }
}

/** The value of a KE, NONCE, HASH or SIG payload. */
export function dataOf(payloads: readonly Ikev1Payload[], type: 4 | 8 | 9 | 10): Uint8Array | undefined {
  const found = payloads.find((payload) => payload.type === type);
  return found !== undefined && 'data' in found ? found.data : undefined;
}

/** One line of psk-crack and hashcat (modes 5300 and 5400): what HASH_R is made of, and HASH_R itself. */
export function pskCrackLine(
  sent: FirstMessage,
  spiR: bigint,
  received: { publicValue: Uint8Array; identityBody: Uint8Array; nonce: Uint8Array; hash: Uint8Array },
): string {
  const spi = (value: bigint): Uint8Array => new ByteWriter().u64(value).finish();
  return [
    received.publicValue,
    sent.publicValue,
    spi(spiR),
    spi(sent.spiI),
    sent.saBody,
    received.identityBody,
    sent.nonce,
    received.nonce,
    received.hash,
  ]
    .map(toHex)
    .join(':');
}
