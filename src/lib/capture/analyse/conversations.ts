import type { DecodedPacket, Unit } from '../types.js';
import { assignFlows } from './child-flows.js';
import { ChildTable } from './child-sa.js';
import { addressOf } from './evidence.js';
import { IKE_SA_INIT } from './exchange.js';
import { FlowTable } from './flow.js';
import { IkeTable, inferRekeys } from './ike-table.js';
import type { ConversationReport, Moment } from './types.js';

/** What is kept; more is counted. The defaults hold some 100 MB at the worst. */
export interface ConversationLimits {
  ikeSas: number;
  exchangesPerSa: number;
  /** Of all IKE SAs together. */
  exchanges: number;
  childSas: number;
  flows: number;
}

const defaults: ConversationLimits = {
  ikeSas: 2048,
  exchangesPerSa: 256,
  exchanges: 8192,
  childSas: 8192,
  flows: 8192,
};

/** IPsec inside IPsec inside …; the decryptor stops earlier. */
const MAX_DEPTH = 8;

/** Where a packet came from; the packet inside another has the time and frame of the outer one. */
interface Origin {
  at: bigint;
  encapsulated: boolean;
  srcAddress: string;
  dstAddress: string;
  data: Uint8Array | undefined;
}

/** Puts packets together to IKE SAs, exchanges, child SAs and flows. Memory is bounded; counters go on beyond it. */
export class Conversations {
  readonly #ike: IkeTable;
  readonly #children: ChildTable;
  readonly #flows: FlowTable;
  #first: Moment | undefined;
  #last: DecodedPacket | undefined;
  #report: ConversationReport | undefined;

  constructor(limits: Partial<ConversationLimits> = {}) {
    const { ikeSas, exchangesPerSa, exchanges, childSas, flows } = { ...defaults, ...limits };
    this.#ike = new IkeTable(ikeSas, { perSa: exchangesPerSa, left: exchanges });
    this.#children = new ChildTable(childSas, (sa) => this.#ike.expect(sa));
    this.#flows = new FlowTable(flows);
  }

  /** Takes one packet, in the order of the capture. `unit` is what it was decoded from. */
  add(packet: DecodedPacket, unit: Unit): void {
    this.#first ??= { frame: packet.frame, time: packet.time };
    this.#last = packet;
    this.#report = undefined;
    this.#take(packet, {
      at: unit.time,
      encapsulated: unit.encapsulated,
      srcAddress: unit.src.address,
      dstAddress: unit.dst.address,
      data: unit.data,
    });
    const inner = packet.inner?.packet;
    if (inner !== undefined) this.#takeInner(inner, unit.time, 1);
  }

  /** What is known now. May be called again after more packets. */
  finish(): ConversationReport {
    this.#report ??= this.#makeReport();
    return this.#report;
  }

  #makeReport(): ConversationReport {
    inferRekeys(this.#ike.sas);
    const { childSas, flows } = assignFlows(this.#children.children, this.#flows.flows);
    const last = this.#last;
    return {
      ikeSas: this.#ike.sas.map((sa) => sa.report()),
      childSas,
      flows,
      ...(this.#first !== undefined && { first: { ...this.#first } }),
      ...(last !== undefined && { last: { frame: last.frame, time: last.time } }),
      omitted: {
        ikeMessages: this.#ike.omitted,
        childSas: this.#children.omitted,
        flowPackets: this.#flows.omittedPackets,
      },
    };
  }

  #takeInner(packet: DecodedPacket, at: bigint, depth: number): void {
    this.#take(packet, {
      at,
      encapsulated: false,
      srcAddress: addressOf(packet.src),
      dstAddress: addressOf(packet.dst),
      data: undefined,
    });
    const inner = packet.inner?.packet;
    if (inner !== undefined && depth < MAX_DEPTH) this.#takeInner(inner, at, depth + 1);
  }

  #take(packet: DecodedPacket, origin: Origin): void {
    const { esp, ah, ike } = packet;
    if (esp !== undefined) this.#takeFlow('ESP', esp.spi, esp.seq, esp.seqHigh, packet, origin);
    else if (ah !== undefined) this.#takeFlow('AH', ah.spi, ah.seq, undefined, packet, origin);
    else if (ike !== undefined) this.#takeIke(packet, origin);
    else if (packet.protocol === 'NAT-keepalive') {
      const sa = this.#ike.between(origin.srcAddress, origin.dstAddress);
      if (sa !== undefined) sa.keepalives++;
    }
  }

  #takeFlow(
    protocol: 'ESP' | 'AH',
    spi: string,
    seq: number,
    seqHigh: number | undefined,
    { icv, length, frame, time, src, dst, error }: DecodedPacket,
    { at, srcAddress, dstAddress, encapsulated }: Origin,
  ): void {
    this.#flows.take({
      protocol,
      spi,
      seq,
      seqHigh,
      icv,
      truncated: error?.code === 'E_ICV_TRUNCATED',
      length,
      frame,
      time,
      at,
      src,
      dst,
      srcAddress,
      dstAddress,
      encapsulated,
    });
  }

  #takeIke(packet: DecodedPacket, { at, encapsulated, srcAddress, dstAddress, data }: Origin): void {
    const ike = packet.ike!;
    const needsDigest = ike.version === 1 || ike.exchangeNumber === IKE_SA_INIT;
    const digest = needsDigest && data !== undefined ? digestOf(data) : packet.length;
    const seen = { packet, ike, at, encapsulated, srcAddress, dstAddress, digest };
    const sa = this.#ike.find(seen);
    if (sa === undefined) return;
    this.#children.settle(sa, sa.take(seen));
  }
}

/** FNV-1a, 32 bits: tells retransmissions from other messages of an exchange; nothing depends on it being hard to fool. */
function digestOf(data: Uint8Array): number {
  let digest = 0x811c9dc5;
  for (let i = 0; i < data.length; i++) digest = Math.imul(digest ^ data[i]!, 0x01000193);
  return digest;
}
