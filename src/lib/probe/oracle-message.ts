import { ByteReader } from '../core/bytes.js';
import type { Path } from '../core/endpoint.js';
import type { Entropy } from '../core/environment.js';
import { KitError } from '../core/errors.js';
import { formatIp } from '../core/ip.js';
import { printable } from '../core/printable.js';
import { signatureHashNotifyData } from '../ike/auth/signature-hashes.js';
import { checkSelected } from '../ike/negotiate.js';
import { natNotifies } from '../ike/session/nat.js';
import { decodeHeader, HEADER_LENGTH } from '../ike/wire/header.js';
import {
  decodeMessageLenient,
  encodeMessage,
  findPayload,
  type LenientMessage,
  type LenientPayload,
} from '../ike/wire/message.js';
import { findNotify, isErrorNotify, NotifyType, notify, notifyName } from '../ike/wire/notify.js';
import {
  ExchangeType,
  type KePayload,
  type NotifyPayload,
  type Payload,
  PayloadType,
  type Proposal,
  ProtocolId,
  type Transform,
} from '../ike/wire/types.js';

/** UDP payload of the smallest packet that every IPv6 path carries (RFC 8200 5), so that nothing is fragmented. */
const MAX_REQUEST = 1280 - 40 - 8;
/** Bytes of a question beside the proposals and the public value: headers, nonce, notifies. */
const FRAME = 270;
export const NONCE_BYTES = 32;
const NO_SPI = new Uint8Array(0);

/** Bytes that proposals may take beside a public value of this size. */
export function roomBeside(publicBytes: number): number {
  return MAX_REQUEST - FRAME - publicBytes;
}

/** Bytes of proposals in an SA payload (RFC 7296 3.3.1, 3.3.2, 3.3.5). */
export function proposalsBytes(proposals: readonly (readonly Transform[])[]): number {
  const transforms = proposals.flat();
  return (
    8 * (proposals.length + transforms.length) +
    4 * transforms.filter(({ keyLength }) => keyLength !== undefined).length
  );
}

/** An IKE_SA_INIT request of ours. */
export interface InitRequest {
  spi: bigint;
  nonce: Uint8Array;
  proposals: readonly Proposal[];
  group: number;
  publicValue: Uint8Array;
  cookie: Uint8Array | undefined;
  /** Notify types beyond those in every question, without data. */
  announce: readonly number[];
  path: Path;
}

/** Numbers proposals from 1 (RFC 7296 3.3.1). */
export function numbered(proposals: readonly (readonly Transform[])[]): Proposal[] {
  return proposals.map((transforms, i) => ({
    number: i + 1,
    protocolId: ProtocolId.IKE,
    spi: NO_SPI,
    transforms: [...transforms],
  }));
}

/** The request as bytes; a cookie comes first (RFC 7296 2.6). */
export function encodeInit(request: InitRequest, entropy: Entropy): Uint8Array {
  const { spi, nonce, proposals, group, publicValue, cookie, announce, path } = request;
  return encodeMessage(
    {
      initiatorSpi: spi,
      responderSpi: 0n,
      majorVersion: 2,
      minorVersion: 0,
      exchangeType: ExchangeType.IKE_SA_INIT,
      fromInitiator: true,
      isResponse: false,
      higherVersion: false,
      messageId: 0,
    },
    [
      ...(cookie === undefined ? [] : [notify(NotifyType.COOKIE, cookie)]),
      { type: PayloadType.SA, proposals: [...proposals] },
      { type: PayloadType.KE, group, data: publicValue },
      { type: PayloadType.NONCE, data: nonce },
      ...natNotifies(spi, 0n, path, false, entropy),
      notify(NotifyType.IKEV2_FRAGMENTATION_SUPPORTED),
      notify(NotifyType.SIGNATURE_HASH_ALGORITHMS, signatureHashNotifyData(true)),
      ...announce.map((type) => notify(type)),
    ],
  );
}

/** What an answer to IKE_SA_INIT says. */
export type InitReply =
  | { kind: 'cookie'; cookie: Uint8Array }
  | { kind: 'wanted'; group: number }
  | { kind: 'refused'; notify: number }
  /** `gateway`: where to; undefined: that cannot be read. */
  | { kind: 'redirect'; gateway?: string }
  | {
      kind: 'chosen';
      spiR: bigint;
      transforms: Transform[];
      ke: KePayload;
      nonce: Uint8Array;
      payloads: Payload[];
    }
  | { kind: 'ikev1' }
  /** It answers neither yes nor no. `isOpen`: it made an SA all the same. */
  | { kind: 'unclear'; problem: string; notify?: number; isOpen?: true };

/** Whether a datagram is about this request: an IKEv2 response, or IKEv1 that does not know the version. */
export function answersInit(reply: Uint8Array, spi: bigint): boolean {
  if (reply.length < HEADER_LENGTH) return false;
  const header = decodeHeader(reply);
  return header.initiatorSpi === spi && (header.isResponse || header.majorVersion === 1);
}

/** Reads what {@link answersInit} let through. */
export function readInit(reply: Uint8Array, request: Pick<InitRequest, 'proposals' | 'group'>): InitReply {
  const message = decodeMessageLenient(reply);
  const { header, payloads } = message;
  if (header.majorVersion === 1) return { kind: 'ikev1' };
  const cookie = findNotify(payloads, NotifyType.COOKIE);
  const sa = findPayload(payloads, PayloadType.SA);
  if (cookie !== undefined && sa === undefined) return readCookie(cookie);
  if (sa !== undefined) return readChosen(message, sa.proposals, request);
  const redirect = findNotify(payloads, NotifyType.REDIRECT);
  if (redirect !== undefined) return readRedirect(redirect);
  const error = payloads.find(isError);
  if (error === undefined) return { kind: 'unclear', problem: 'answered without SA and without an error' };
  const { notifyType } = error;
  if (notifyType === NotifyType.NO_PROPOSAL_CHOSEN) return { kind: 'refused', notify: notifyType };
  if (notifyType === NotifyType.INVALID_KE_PAYLOAD) return readWanted(error, request);
  return { kind: 'unclear', problem: `answered ${notifyName(notifyType)}`, notify: notifyType };
}

function isError(payload: LenientPayload): payload is NotifyPayload {
  return payload.type === PayloadType.NOTIFY && isErrorNotify(payload.notifyType);
}

/** RFC 7296 2.6: 1 to 64 octets. */
function readCookie({ data }: NotifyPayload): InitReply {
  if (data.length === 0 || data.length > 64)
    return { kind: 'unclear', problem: 'sent a cookie of a forbidden size' };
  return { kind: 'cookie', cookie: data.slice() };
}

/** RFC 5685 3.2, 10: type and length of the identity of the other gateway: an address, or a name. */
function readRedirect({ data }: NotifyPayload): InitReply {
  const [type = 0, size = 0] = data;
  const id = data.subarray(2, 2 + size);
  if (size === 0 || id.length !== size) return { kind: 'redirect' };
  if ((type === 1 && size === 4) || (type === 2 && size === 16)) {
    return { kind: 'redirect', gateway: formatIp(id) };
  }
  return type === 3 ? { kind: 'redirect', gateway: printable(id) } : { kind: 'redirect' };
}

/** RFC 7296 2.7, 3.10.1: two octets, one of the groups that were offered, not that of the KE payload. */
function readWanted({ data }: NotifyPayload, request: Pick<InitRequest, 'proposals' | 'group'>): InitReply {
  if (data.length !== 2) return { kind: 'unclear', problem: 'named no group in INVALID_KE_PAYLOAD' };
  const group = new ByteReader(data).u16();
  if (group === request.group) return { kind: 'unclear', problem: 'asked for the group that it got' };
  const offered = request.proposals.some(({ transforms }) =>
    transforms.some(({ type, id }) => type === 4 && id === group),
  );
  if (!offered) return { kind: 'unclear', problem: `asked for group ${group}, which was not offered` };
  return { kind: 'wanted', group };
}

function readChosen(
  { header, payloads }: LenientMessage,
  selected: readonly Proposal[],
  request: Pick<InitRequest, 'proposals' | 'group'>,
): InitReply {
  const ke = findPayload(payloads, PayloadType.KE);
  const nonce = findPayload(payloads, PayloadType.NONCE);
  if (ke === undefined || nonce === undefined || header.responderSpi === 0n) {
    return { kind: 'unclear', problem: 'chose without KE, nonce or SPI', isOpen: true };
  }
  try {
    const { transforms } = checkSelected(request.proposals, selected);
    if (ke.group !== request.group || !transforms.some(({ type, id }) => type === 4 && id === ke.group)) {
      return { kind: 'unclear', problem: 'chose another group than that of its KE payload', isOpen: true };
    }
    return {
      kind: 'chosen',
      spiR: header.responderSpi,
      transforms,
      ke,
      nonce: nonce.data,
      payloads: payloads.filter((payload) => payload.type !== 'malformed'),
    };
  } catch (error) {
    if (error instanceof KitError)
      return { kind: 'unclear', problem: `chose something impossible (${error.message})`, isOpen: true };
    throw error;
  }
}
