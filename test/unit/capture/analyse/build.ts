import { createHash } from 'node:crypto';
import { type ConversationLimits, Conversations } from '../../../../src/lib/capture/analyse/conversations.js';
import { diagnose } from '../../../../src/lib/capture/analyse/diagnose.js';
import type { ConversationReport, Finding } from '../../../../src/lib/capture/analyse/types.js';
import { EapFlights } from '../../../../src/lib/capture/decrypt/eap-flights.js';
import { describeMessage, describePayloads } from '../../../../src/lib/capture/describe/describe.js';
import type { IncompleteDatagram } from '../../../../src/lib/capture/read/units.js';
import type { CaptureNote, DecodedPacket, Icv, Unit } from '../../../../src/lib/capture/types.js';
import { parseIp } from '../../../../src/lib/core/ip.js';
import { parseIdentity } from '../../../../src/lib/ike/identity.js';
import { parseProposals } from '../../../../src/lib/ike/proposals.js';
import { selectorFromCidr } from '../../../../src/lib/ike/traffic-selectors.js';
import type { Ikev1Payload } from '../../../../src/lib/ike/v1/types.js';
import { encodeIkev1Message, encodeIkev1Payloads } from '../../../../src/lib/ike/v1/wire.js';
import { encodeMessage, encodePayloads } from '../../../../src/lib/ike/wire/message.js';
import { NotifyType, notify } from '../../../../src/lib/ike/wire/notify.js';
import {
  ExchangeType,
  type Payload,
  type Proposal,
  type Transform,
} from '../../../../src/lib/ike/wire/types.js';

export const SPI_I = 0x1111111111111111n;
export const SPI_R = 0x2222222222222222n;
const START = Date.parse('2027-01-02T03:04:05Z');

type Side = 'i' | 'r';

export interface Host {
  address: string;
  port: number;
}

/** How an IKEv2 message of a made-up conversation differs from an ordinary one. */
export interface MessageOptions {
  from?: Side;
  /** Seconds from the start; otherwise a hundredth after the packet before. */
  at?: number;
  spiI?: bigint;
  spiR?: bigint;
  /** Original initiator of the SA, when it is not side i (after a rekey). */
  owner?: Side;
  port?: number;
  /** Payloads go in SK: opened (default), closed, or with a bad ICV. */
  sealed?: 'opened' | 'closed' | 'bad' | 'none';
  /** Bytes of the closed SK's body. */
  sealedBytes?: number;
  fragment?: { number: number; total: number };
}

/** Builds a conversation packet by packet out of real messages, described as the decoder describes them. */
export class Talk {
  readonly conversations: Conversations;
  readonly #flights = new EapFlights();
  i: Host = { address: '192.0.2.1', port: 500 };
  r: Host = { address: '192.0.2.2', port: 500 };
  incomplete: IncompleteDatagram[] = [];
  notes: CaptureNote[] = [];
  frame = 0;
  seconds = 0;

  constructor(limits: Partial<ConversationLimits> = {}) {
    this.conversations = new Conversations(limits);
  }

  /** IKEv2. @returns the frame's number */
  send(
    exchangeType: number,
    messageId: number,
    isResponse: boolean,
    payloads: readonly Payload[],
    options: MessageOptions = {},
  ): number {
    const isInit = exchangeType === ExchangeType.IKE_SA_INIT;
    const { from = isResponse ? 'r' : 'i', owner = 'i', sealed = isInit ? 'none' : 'opened' } = options;
    const header = {
      initiatorSpi: options.spiI ?? SPI_I,
      responderSpi: options.spiR ?? (isInit && !isResponse ? 0n : SPI_R),
      majorVersion: 2,
      minorVersion: 0,
      exchangeType,
      fromInitiator: from === owner,
      isResponse,
      higherVersion: false,
      messageId,
    };
    const inner = encodePayloads([...payloads]);
    const body = new Uint8Array(options.sealedBytes ?? inner.bytes.length + 25).fill(messageId + 1);
    const closed: Payload = options.fragment
      ? {
          type: 53,
          nextPayload: options.fragment.number === 1 ? inner.first : 0,
          fragmentNumber: options.fragment.number,
          totalFragments: options.fragment.total,
          body,
        }
      : { type: 46, nextPayload: inner.first, body };
    const message = encodeMessage(header, sealed === 'none' ? [...payloads] : [closed]);
    const { ike } = describeMessage(message, { certificates: true });
    const isOpen = sealed === 'opened';
    const shown = !options.fragment || options.fragment.number === options.fragment.total;
    if (isOpen && shown) {
      const opened = describePayloads(2, inner.first, inner.bytes, { certificates: true });
      this.#flights.complete(ike, opened, inner.bytes, true);
      ike.payloads.push(...opened);
    }
    const icv: Icv = sealed === 'none' ? 'none' : isOpen ? 'good' : sealed === 'bad' ? 'bad' : 'unchecked';
    return this.#add({ protocol: 'IKEv2', ike, decrypted: isOpen, icv }, message, from, options);
  }

  init(isResponse: boolean, payloads: readonly Payload[], options: MessageOptions = {}): number {
    return this.send(ExchangeType.IKE_SA_INIT, 0, isResponse, payloads, options);
  }

  auth(
    messageId: number,
    isResponse: boolean,
    payloads: readonly Payload[],
    options: MessageOptions = {},
  ): number {
    return this.send(ExchangeType.IKE_AUTH, messageId, isResponse, payloads, options);
  }

  create(
    messageId: number,
    isResponse: boolean,
    payloads: readonly Payload[],
    options: MessageOptions = {},
  ): number {
    return this.send(ExchangeType.CREATE_CHILD_SA, messageId, isResponse, payloads, options);
  }

  info(
    messageId: number,
    isResponse: boolean,
    payloads: readonly Payload[],
    options: MessageOptions = {},
  ): number {
    return this.send(ExchangeType.INFORMATIONAL, messageId, isResponse, payloads, options);
  }

  /** IKEv1; encrypted messages are shown opened. */
  v1(
    exchangeType: number,
    messageId: number,
    payloads: readonly Ikev1Payload[],
    options: { from?: Side; at?: number; encrypted?: 'opened' | 'closed'; spiR?: bigint; port?: number } = {},
  ): number {
    const { from = 'i', encrypted, spiR = SPI_R } = options;
    const header = {
      initiatorSpi: SPI_I,
      responderSpi: spiR,
      majorVersion: 1,
      minorVersion: 0,
      exchangeType,
      encrypted: false,
      commit: false,
      authenticationOnly: false,
      messageId,
    };
    const message = encodeIkev1Message(header, payloads);
    if (encrypted !== undefined) message[19]! |= 1;
    const { ike } = describeMessage(message, { certificates: true });
    if (encrypted === 'opened') {
      const { first, bytes } = encodeIkev1Payloads([...payloads]);
      ike.payloads = describePayloads(1, first, bytes, { certificates: true });
    }
    const packet = { protocol: 'IKEv1', ike, decrypted: encrypted === 'opened', icv: 'none' } as const;
    return this.#add(packet, message, from, options);
  }

  esp(
    from: Side,
    spi: string,
    seq: number,
    options: {
      at?: number;
      icv?: Icv;
      length?: number;
      bare?: boolean;
      seqHigh?: number;
      error?: string;
      protocol?: 'ESP' | 'AH';
    } = {},
  ): number {
    const { icv = 'unchecked', length = 136, bare = false, seqHigh, error, protocol = 'ESP' } = options;
    const message = new Uint8Array(length);
    const packet = {
      protocol,
      decrypted: icv === 'good',
      icv,
      ...(protocol === 'ESP'
        ? { esp: { spi, seq, ...(seqHigh !== undefined && { seqHigh }) } }
        : { ah: { spi, seq, nextHeader: 4 } }),
      ...(error !== undefined && { error: { code: error, message: '' } }),
    };
    return this.#add(packet, message, from, { ...options, port: bare ? 0 : 4500 }, bare);
  }

  /** A message again, byte for byte, as `send` with the same arguments makes it. */
  report(): ConversationReport {
    return this.conversations.finish();
  }

  findings(): Finding[] {
    return diagnose(this.conversations, this.notes, this.incomplete);
  }

  ids(): string[] {
    return this.findings().map(({ id }) => id);
  }

  /** The only finding of that id. */
  only(id: string): Finding {
    const found = this.findings().filter((finding) => finding.id === id);
    if (found.length !== 1) throw new Error(`${found.length} findings ${id} among ${this.ids().join(' ')}`);
    return found[0]!;
  }

  #add(
    packet: Pick<DecodedPacket, 'protocol' | 'decrypted' | 'icv'> & Partial<DecodedPacket>,
    data: Uint8Array,
    from: Side,
    { at, port }: { at?: number; port?: number },
    bare = false,
  ): number {
    this.frame++;
    this.seconds = at ?? this.seconds + 0.01;
    const nanoseconds = BigInt(START) * 1_000_000n + BigInt(Math.round(this.seconds * 1e9));
    const [own, other] = from === 'i' ? [this.i, this.r] : [this.r, this.i];
    const src = { address: own.address, port: port ?? own.port };
    const dst = { address: other.address, port: port ?? other.port };
    const text = (end: Host) =>
      bare
        ? end.address
        : end.address.includes(':')
          ? `[${end.address}]:${end.port}`
          : `${end.address}:${end.port}`;
    const encapsulated = src.port === 4500;
    const unit: Unit = {
      frame: this.frame,
      time: nanoseconds,
      src,
      dst,
      carrier: bare ? 'ip' : 'udp',
      kind: 'ike',
      encapsulated,
      data,
      ip: data,
    };
    const milliseconds = new Date(Number(nanoseconds / 1_000_000n)).toISOString().slice(0, 23);
    const rest = (nanoseconds % 1_000_000n).toString().padStart(6, '0');
    this.conversations.add(
      {
        frame: this.frame,
        time: `${milliseconds}${rest}Z`,
        src: text(src),
        dst: text(dst),
        length: data.length,
        ...packet,
      },
      unit,
    );
    return this.frame;
  }
}

export function transform(type: number, id: number, keyLength?: number): Transform {
  return { type, id, ...(keyLength !== undefined && { keyLength }) };
}

/** An SA payload of proposals written with keywords, or of given transforms. */
export function sa(text: string | Transform[][], protocolId: 1 | 3 = 1, spi?: string): Payload {
  const lists =
    typeof text === 'string' ? parseProposals(text, protocolId).map(({ transforms }) => transforms) : text;
  const bytes = spi === undefined ? new Uint8Array(0) : Uint8Array.from(Buffer.from(spi, 'hex'));
  const proposals: Proposal[] = lists.map((transforms, i) => ({
    number: i + 1,
    protocolId,
    spi: bytes,
    transforms,
  }));
  return { type: 33, proposals };
}

/** @param fill differs where a side makes a new key for another attempt */
export function ke(group: number, fill = 7): Payload {
  return { type: 34, group, data: new Uint8Array(32).fill(fill) };
}

export const nonce: Payload = { type: 40, data: new Uint8Array(32).fill(9) };

export function id(type: 35 | 36, text: string): Payload {
  return { type, ...parseIdentity(text)! };
}

export const pskAuth: Payload = { type: 39, method: 2, data: new Uint8Array(32).fill(5) };

export function ts(type: 44 | 45, cidr: string): Payload {
  return { type, selectors: [selectorFromCidr(cidr)] };
}

/** NAT detection of a sender, over the addresses it believes in. */
export function natd(source: Host, destination: Host, spiR = 0n): Payload[] {
  const hash = ({ address, port }: Host) =>
    Uint8Array.from(
      createHash('sha1')
        .update(
          Buffer.from(SPI_I.toString(16).padStart(16, '0') + spiR.toString(16).padStart(16, '0'), 'hex'),
        )
        .update(parseIp(address))
        .update(Buffer.of(port >> 8, port & 0xff))
        .digest(),
    );
  return [
    notify(NotifyType.NAT_DETECTION_SOURCE_IP, hash(source)),
    notify(NotifyType.NAT_DETECTION_DESTINATION_IP, hash(destination)),
  ];
}

export const IKE_SUITE = 'aes256gcm16-prfsha256-x25519';
export const ESP_SUITE = 'aes256gcm16';

/** IKE_SA_INIT and IKE_AUTH of a session that nothing is wrong with: child SPIs c0000001 (to i) and c0000002 (to r). */
export function goodSession(talk: Talk, options: { sealed?: 'closed' } = {}): void {
  talk.init(false, [sa(IKE_SUITE), ke(31), nonce, ...natd(talk.i, talk.r)]);
  talk.init(true, [sa(IKE_SUITE), ke(31), nonce, ...natd(talk.r, talk.i, SPI_R)]);
  talk.auth(1, false, authRequest(), { port: 4500, ...options });
  talk.auth(1, true, authResponse(), { port: 4500, ...options });
}

export function authRequest(): Payload[] {
  return [
    id(35, 'alice.example'),
    id(36, 'gw.example'),
    pskAuth,
    sa(ESP_SUITE, 3, 'c0000001'),
    ts(44, '10.1.0.0/24'),
    ts(45, '10.2.0.0/24'),
  ];
}

export function authResponse(): Payload[] {
  return [
    id(36, 'gw.example'),
    pskAuth,
    sa(ESP_SUITE, 3, 'c0000002'),
    ts(44, '10.1.0.0/24'),
    ts(45, '10.2.0.0/24'),
  ];
}

/** Traffic in both directions. */
export function traffic(talk: Talk, count = 5, toI = '0xc0000001', toR = '0xc0000002', first = 1): void {
  for (let seq = first; seq < first + count; seq++) {
    talk.esp('i', toR, seq, { icv: 'good' });
    talk.esp('r', toI, seq, { icv: 'good' });
  }
}

/** An EAP payload. @param data what follows the type */
export function eap(code: number, type?: number, data: Uint8Array = new Uint8Array(0)): Payload {
  const body = Uint8Array.from([...(type === undefined ? [] : [type]), ...data]);
  const length = 4 + body.length;
  return { type: 48, message: Uint8Array.from([code, 1, length >> 8, length & 0xff, ...body]) };
}

/** IKE_AUTH with EAP: the gateway proves itself, then requests and responses take turns, each in a message of its own. */
export function eapTalk(
  turns: readonly Payload[],
  { proof = signature, certificates = [] }: { proof?: Payload; certificates?: Payload[] } = {},
): Talk {
  const talk = new Talk();
  talk.init(false, [sa(IKE_SUITE), ke(31), nonce]);
  talk.init(true, [sa(IKE_SUITE), ke(31), nonce]);
  const [first, ...rest] = turns;
  talk.auth(
    1,
    false,
    authRequest().filter(({ type }) => type !== 39),
  );
  talk.auth(1, true, [id(36, 'gw.example'), ...certificates, proof, ...(first ? [first] : [])]);
  rest.forEach((payload, at) => {
    talk.auth(2 + (at >> 1), at % 2 === 1, [payload]);
  });
  return talk;
}

/** By method 14: ecdsa-with-sha256. */
export const signature: Payload = {
  type: 39,
  method: 14,
  data: Buffer.concat([Buffer.from('0c300a06082a8648ce3d040302', 'hex'), new Uint8Array(64).fill(5)]),
};
