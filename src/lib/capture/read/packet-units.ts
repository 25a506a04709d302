import type { Unit } from '../types.js';
import { AddressBook } from './addresses.js';
import { createIpHeader, type IpHeader, Protocol, readIp, u16 } from './ip.js';
import type { Reassembler } from './reassembly.js';
import type { TcpStreams } from './tcp.js';
import { markedContent, udpContent } from './udp.js';

/** IP in IP in IP …; what is deeper is left alone. */
const MAX_DEPTH = 4;
/** SPI and sequence number, without which nothing can be said of an ESP packet or of an AH header. */
const ESP_HEADER = 8;
const AH_HEADER = 12;
const UDP_HEADER = 8;

export interface PacketUnitsOptions {
  /** UDP ports besides 500 and 4500. */
  udpPorts: ReadonlySet<number>;
  /** Without it fragments are passed over. */
  reassembler?: Reassembler;
  /** Without it TCP is passed over. */
  streams?: TcpStreams;
  /** Called for a UDP datagram that claims to be longer than its IP packet. */
  onBadLength?: (frame: number) => void;
}

/** Looks into IP packets: through extension headers, AH, tunnels, fragments and TCP streams, for what is IPsec. */
export class PacketUnits {
  readonly #options: PacketUnitsOptions;
  readonly #addresses = new AddressBook();
  readonly #header: IpHeader = createIpHeader();
  #frame = 0;
  #time = 0n;
  /** Set when the packet was put together; offsets in the frame have no meaning then. */
  #frames: number[] | undefined;
  #units: Unit[] = [];

  constructor(options: PacketUnitsOptions) {
    this.#options = options;
  }

  /** The units that the IP packet at `start` completes. */
  take(data: Uint8Array, start: number, frame: number, time: bigint): Unit[] {
    this.#frame = frame;
    this.#time = time;
    this.#frames = undefined;
    this.#units = [];
    this.#packet(data, start, 0);
    return this.#units;
  }

  #packet(data: Uint8Array, start: number, depth: number): void {
    const header = this.#header;
    if (!readIp(data, start, header)) return;
    // A first fragment that the capture cut is shown as far as it goes: it can never be put together.
    const isCut = header.end < header.declaredEnd;
    if (header.fragmentOffset === 0 && (!header.moreFragments || isCut)) {
      this.#upper(data, header, depth);
      return;
    }
    const whole = this.#options.reassembler?.add(data, header, this.#frame, this.#time);
    if (whole === undefined || depth === MAX_DEPTH) return;
    this.#frames = whole.frames;
    this.#packet(whole.packet, 0, depth + 1);
  }

  #upper(data: Uint8Array, header: IpHeader, depth: number): void {
    for (;;) {
      const { payload, end, protocol } = header;
      if (protocol === Protocol.AH && payload + AH_HEADER <= end) {
        this.#add(data, header, 'ip', 'ah', 0, 0, payload, end, false);
        // In units of 4 bytes, less two (RFC 4302 2.2).
        header.payload += Math.max((data[payload + 1]! + 2) * 4, AH_HEADER);
      } else if (protocol === Protocol.DESTINATION && payload + 8 <= end) {
        header.payload += (data[payload + 1]! + 1) * 8;
      } else {
        this.#carrier(data, header, depth);
        return;
      }
      header.protocol = data[payload]!;
      if (header.payload > end) return;
    }
  }

  #carrier(data: Uint8Array, header: IpHeader, depth: number): void {
    const { payload, end, protocol } = header;
    if (protocol === Protocol.UDP) this.#udp(data, header);
    else if (protocol === Protocol.TCP) this.#tcp(data, header);
    else if (protocol === Protocol.ESP && payload + ESP_HEADER <= end) {
      this.#add(data, header, 'ip', 'esp', 0, 0, payload, end, false);
    } else if ((protocol === Protocol.IPV4 || protocol === Protocol.IPV6) && depth < MAX_DEPTH) {
      this.#packet(data.subarray(0, end), payload, depth + 1);
    }
  }

  #udp(data: Uint8Array, header: IpHeader): void {
    const start = header.payload;
    const at = start + UDP_HEADER;
    if (at > header.end) return;
    const src = u16(data, start);
    const dst = u16(data, start + 2);
    const length = u16(data, start + 4);
    // Length 0 stands for a jumbogram, or for what segmentation offload shows.
    const declaredEnd = length === 0 ? header.declaredEnd : start + length;
    const end = Math.min(declaredEnd, header.end);
    const content = udpContent(data, at, end, src, dst, this.#options.udpPorts);
    if (content === undefined) return;
    if (declaredEnd > header.declaredEnd && !header.moreFragments) this.#options.onBadLength?.(this.#frame);
    const { kind, skip } = content;
    // On port 500 a message stands alone; everything else in UDP is the encapsulation of RFC 3948.
    this.#add(data, header, 'udp', kind, src, dst, at + skip, end, skip > 0 || kind !== 'ike');
  }

  #tcp(data: Uint8Array, header: IpHeader): void {
    const messages = this.#options.streams?.take(data, header, this.#frame);
    if (messages === undefined) return;
    const src = u16(data, header.payload);
    const dst = u16(data, header.payload + 2);
    for (const message of messages) {
      const content = markedContent(message.data, 0, message.data.length);
      if (content === undefined) continue;
      const { skip, kind } = content;
      const unit = this.#unit(data, header, 'tcp', kind, src, dst, message.data.subarray(skip), true);
      const frames = message.frames ?? this.#frames;
      if (frames !== undefined) unit.frames = frames;
      else if (message.offset !== undefined) unit.offset = message.offset + skip;
    }
  }

  /** A unit that is one piece of the packet. */
  #add(
    data: Uint8Array,
    header: IpHeader,
    carrier: Unit['carrier'],
    kind: Unit['kind'],
    srcPort: number,
    dstPort: number,
    at: number,
    end: number,
    encapsulated: boolean,
  ): void {
    const unit = this.#unit(
      data,
      header,
      carrier,
      kind,
      srcPort,
      dstPort,
      data.subarray(at, end),
      encapsulated,
    );
    if (this.#frames === undefined) unit.offset = at;
    else unit.frames = this.#frames;
  }

  #unit(
    data: Uint8Array,
    header: IpHeader,
    carrier: Unit['carrier'],
    kind: Unit['kind'],
    srcPort: number,
    dstPort: number,
    bytes: Uint8Array,
    encapsulated: boolean,
  ): Unit {
    const unit: Unit = {
      frame: this.#frame,
      time: this.#time,
      src: this.#addresses.source(data, header, srcPort),
      dst: this.#addresses.destination(data, header, dstPort),
      carrier,
      kind,
      encapsulated,
      data: bytes,
      ip: data.subarray(header.start, header.end),
    };
    this.#units.push(unit);
    return unit;
  }
}
