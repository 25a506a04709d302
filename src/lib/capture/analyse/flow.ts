import type { Icv } from '../types.js';
import { noteFrame } from './evidence.js';
import { SequenceTracker } from './sequence.js';
import type { FlowReport } from './types.js';

/** One ESP or AH packet as a flow counts it. */
export interface FlowPacket {
  protocol: 'ESP' | 'AH';
  /** `0x` and 8 hex digits. */
  spi: string;
  seq: number;
  seqHigh: number | undefined;
  icv: Icv;
  /** The ICV is right as HMAC-SHA-256 cut to 96 bits. */
  truncated: boolean;
  length: number;
  frame: number;
  time: string;
  /** Nanoseconds. */
  at: bigint;
  src: string;
  dst: string;
  /** The same without port. */
  srcAddress: string;
  dstAddress: string;
  encapsulated: boolean;
}

const MIXED = -1;
/** Hosts that receive under one SPI; honest SPIs are random, so more are an attack on whoever keeps count. */
const MAX_RECEIVERS = 16;

/** The packets of one SPI towards one host. */
export class Flow {
  readonly protocol: 'ESP' | 'AH';
  readonly spi: string;
  readonly srcAddress: string;
  readonly dstAddress: string;
  readonly encapsulated: boolean;
  readonly firstAt: bigint;
  lastAt: bigint;
  packets = 0;
  readonly #src: string;
  readonly #dst: string;
  readonly #first: { frame: number; time: string };
  #lastFrame = 0;
  #lastTime = '';
  #bytes = 0;
  #modulo8: number;
  readonly #sequence = new SequenceTracker();
  readonly #icv = { good: 0, bad: 0, unchecked: 0, truncated: 0 };
  readonly #frames: number[] = [];
  readonly #badIcvFrames: number[] = [];
  readonly #duplicateFrames: number[] = [];
  readonly #lateFrames: number[] = [];

  constructor(packet: FlowPacket) {
    this.protocol = packet.protocol;
    this.spi = packet.spi;
    this.#src = packet.src;
    this.#dst = packet.dst;
    this.srcAddress = packet.srcAddress;
    this.dstAddress = packet.dstAddress;
    this.encapsulated = packet.encapsulated;
    this.#first = { frame: packet.frame, time: packet.time };
    this.firstAt = this.lastAt = packet.at;
    this.#modulo8 = packet.length % 8;
  }

  /** The high word is believed only with a good ICV; packets with a bad one say nothing about the order. */
  take(packet: FlowPacket): void {
    const { frame, icv, length } = packet;
    this.packets++;
    this.#bytes += length;
    this.lastAt = packet.at;
    this.#lastFrame = frame;
    this.#lastTime = packet.time;
    if (length % 8 !== this.#modulo8) this.#modulo8 = MIXED;
    // The last place is for the last frame.
    if (this.#frames.length < 8) noteFrame(this.#frames, frame);
    if (icv === 'bad') {
      this.#icv.bad++;
      if (packet.truncated) this.#icv.truncated++;
      noteFrame(this.#badIcvFrames, frame);
      return;
    }
    this.#icv[icv === 'good' ? 'good' : 'unchecked']++;
    const outcome = this.#sequence.take(packet.seq, icv === 'good' ? packet.seqHigh : undefined);
    if (outcome === 'duplicate') noteFrame(this.#duplicateFrames, frame);
    else if (outcome === 'late') noteFrame(this.#lateFrames, frame);
  }

  report(childSa?: string): FlowReport {
    const sequence = this.#sequence;
    const frames = [...this.#frames];
    if (frames.at(-1) !== this.#lastFrame) frames.push(this.#lastFrame);
    return {
      protocol: this.protocol,
      spi: this.spi,
      src: this.#src,
      dst: this.#dst,
      encapsulated: this.encapsulated,
      first: { ...this.#first },
      last: { frame: this.#lastFrame, time: this.#lastTime },
      packets: this.packets,
      bytes: this.#bytes,
      lost: sequence.lost,
      duplicated: sequence.duplicated,
      duplicateFrames: [...this.#duplicateFrames],
      reordered: sequence.reordered,
      lowestSeq: sequence.lowest,
      highestSeq: sequence.highest,
      replay: sequence.verdict(),
      lateFrames: [...this.#lateFrames],
      icv: { ...this.#icv },
      badIcvFrames: [...this.#badIcvFrames],
      frames,
      ...(this.#modulo8 !== MIXED && { lengthModulo8: this.#modulo8 }),
      ...(childSa !== undefined && { childSa }),
    };
  }
}

/** All flows, by SPI and destination. */
export class FlowTable {
  readonly flows: Flow[] = [];
  /** Packets that belong to none of the flows kept. */
  omittedPackets = 0;
  readonly #bySpi = new Map<string, Flow[]>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  take(packet: FlowPacket): void {
    const candidates = this.#bySpi.get(packet.spi);
    const known = candidates === undefined ? undefined : find(candidates, packet);
    if (known !== undefined) known.take(packet);
    else if (this.flows.length < this.#limit && (candidates?.length ?? 0) < MAX_RECEIVERS)
      this.#start(packet, candidates);
    else this.omittedPackets++;
  }

  #start(packet: FlowPacket, candidates: Flow[] | undefined): void {
    const flow = new Flow(packet);
    flow.take(packet);
    this.flows.push(flow);
    if (candidates === undefined) this.#bySpi.set(packet.spi, [flow]);
    else candidates.push(flow);
  }
}

/**
 * An SPI belongs to its receiver (RFC 4301 4.1). A receiver that moves (MOBIKE, or another NAT binding) keeps it: an
 * encapsulated packet from the same sender is taken for the same flow.
 */
function find(candidates: readonly Flow[], packet: FlowPacket): Flow | undefined {
  for (const flow of candidates) {
    if (flow.dstAddress === packet.dstAddress && flow.protocol === packet.protocol) return flow;
  }
  if (!packet.encapsulated) return undefined;
  return candidates.find(
    (flow) => flow.encapsulated && flow.srcAddress === packet.srcAddress && flow.protocol === packet.protocol,
  );
}
