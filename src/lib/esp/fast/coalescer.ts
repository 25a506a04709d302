import type { Arena } from '../../core/arena.js';
import { IPV6_BYTES } from '../ipv6-extensions.js';
import { Building, MAX_PACKET } from './building.js';
import { Checksum } from './checksum.js';
import {
  addressesAt,
  DONT_FRAGMENT,
  IPV4_BYTES,
  IpProtocol,
  PacketHeaders,
  TcpFlag,
  UDP_CHECKSUM,
} from './headers.js';
import { VIRTIO_BYTES, writePlainVirtio } from './virtio.js';

/** A packet, and what decryption leaves behind it: padding and trailer, at least 257 bytes. */
const MAX_PLACED = MAX_PACKET + 512;
/** Reserved bits and flags of TCP, without those that the last segment or any may have; ACK has to be set. */
const TCP_REQUIRED_MASK = 0x0f00 | TcpFlag.ACK | TcpFlag.SYN | TcpFlag.RST | TcpFlag.URG;
/** A virtio header ends where a cache line does, the packet begins there. */
const PACKET_AT = 64;
/** The most that IP and TCP headers of a packet that is merged have: IPv6, and TCP with all options. */
const MAX_HEADER_BYTES = 100;

export interface CoalescerOptions {
  /** Flows whose packets are merged at the same time. */
  flows?: number;
  /** Merges UDP datagrams too; for TUN devices of Linux 6.2 and later. */
  udp?: boolean;
}

/**
 * Merges packets of a flow as they are decrypted into super-segments, which a TUN device takes in one write each: the
 * reverse of the segmenter, by the rules of Linux (GRO). A packet is decrypted to where its payload would belong if it
 * went on with the flow of the packet before it: then nothing is moved. Otherwise its payload, or all of it, is copied
 * once.
 *
 * For each packet: {@link place}, then {@link accept} or {@link refuse}. Packets of a flow leave in the order they
 * came in, and what is held back leaves with {@link flush}, to be called whenever no more packets are at hand.
 */
export class Coalescer {
  /** Once it is false, whatever comes is written out packet by packet, as it is. */
  merging = true;
  readonly #arena: Arena;
  readonly #checksum: Checksum;
  readonly #write: (offset: number, length: number, packets: number) => void;
  readonly #udp: boolean;
  readonly #headers = new PacketHeaders();
  /** One more than flows: there is always an idle one for the packet at hand. */
  readonly #buildings: Building[] = [];
  /** Where what the headers of the packet at hand cover is kept. */
  readonly #saved: number;
  /** The flow that a packet was added to last; it may have been written out since. */
  #last: Building;
  /** Where the packet at hand is: at the end of a flow, or alone. */
  #host: Building;
  /** Its place, -1 when there is none, the size of it, and how many bytes of its host its headers cover. */
  #placed = -1;
  #size = 0;
  #covered = 0;
  /** Counts flows, to tell the oldest. */
  #begun = 0;

  /**
   * @param write takes a virtio header with a packet, and how many came for it; what is there may change after it returns
   * @throws RangeError when the arena is too small: about 65 KiB are needed for each flow and for one more
   */
  constructor(
    arena: Arena,
    write: (offset: number, length: number, packets: number) => void,
    { flows = 8, udp = false }: CoalescerOptions = {},
  ) {
    if (!(flows >= 1)) throw new RangeError('at least one flow has to be merged');
    this.#arena = arena;
    this.#checksum = new Checksum(arena);
    this.#write = write;
    this.#udp = udp;
    this.#saved = arena.reserve('bytes under headers', MAX_HEADER_BYTES).at;
    for (let i = 0; i <= flows; i++) {
      const { at } = arena.reserve(`packets of flow ${i}`, PACKET_AT + MAX_PLACED);
      this.#buildings.push(new Building(arena, this.#checksum, at + PACKET_AT));
    }
    this.#last = this.#buildings[0]!;
    this.#host = this.#last;
  }

  /**
   * Where the next packet is to be decrypted to. What lies before it is not to be changed, neither are bytes from
   * `size` on.
   * @param size bytes that may be written there
   * @throws RangeError when it is more than a packet of 65,535 bytes takes, or the packet before it is undecided
   */
  place(size: number): number {
    if (this.#placed !== -1) throw new RangeError('the packet before was neither accepted nor refused');
    if (!(size >= 0 && size <= MAX_PLACED)) throw new RangeError(`there is no place for ${size} bytes`);
    const { packet, end, headerBytes } = this.#last;
    const at = end - headerBytes;
    // Not over the headers of the first packet: those are what the packet is compared with.
    if (this.#last.open && at >= packet + headerBytes && at + size <= packet + MAX_PLACED) {
      this.#host = this.#last;
      this.#placed = at;
      this.#covered = headerBytes;
      this.#checksum.copy(this.#saved, at, headerBytes);
    } else {
      this.#host = this.#idle();
      this.#placed = this.#host.packet;
      this.#covered = 0;
    }
    this.#size = size;
    return this.#placed;
  }

  /**
   * Takes the packet that was placed: merges it, or writes it out when it cannot be merged.
   * @param offset where it is, as {@link place} said
   * @param length its bytes, no more than `place` was told; those that its IP header does not claim are cut off
   * @returns false when it is no whole IP packet and was dropped
   * @throws RangeError when it is not there
   */
  accept(offset: number, length: number): boolean {
    if (this.#placed === -1 || offset !== this.#placed || !(length >= 0 && length <= this.#size)) {
      throw new RangeError(`no packet of ${length} bytes was placed at ${offset}`);
    }
    const headers = this.#headers;
    if (!headers.read(this.#arena.view, offset, length)) {
      this.#uncover();
      return false;
    }
    if (!this.#isPlain()) {
      this.#passUnknown(headers.length);
      return true;
    }
    const flow = this.#flowOf(offset);
    const fit = this.merging && this.#isMergeable(offset) && this.#checksumsHold(offset);
    if (flow !== undefined && fit && flow.continues(offset, headers.length)) {
      this.#merge(flow, offset);
      return true;
    }
    const building = this.#moveOut(headers.length);
    if (flow !== undefined) this.#writeOut(flow);
    if (fit) {
      this.#begin(building);
    } else {
      this.#pass(building, headers.length);
    }
    return true;
  }

  /** Forgets the packet that was placed, whatever was written there. */
  refuse(): void {
    this.#uncover();
  }

  /**
   * Writes out all that was held back.
   * @throws RangeError when a packet is placed and undecided
   */
  flush(): void {
    if (this.#placed !== -1) throw new RangeError('the packet before was neither accepted nor refused');
    for (const building of this.#buildings) if (building.open) this.#writeOut(building);
  }

  /** No options or extension headers, and if it is TCP or UDP, a whole header, which fragments have not. */
  #isPlain(): boolean {
    const { version, networkBytes, protocol, transportBytes } = this.#headers;
    if (networkBytes !== (version === 4 ? IPV4_BYTES : IPV6_BYTES)) return false;
    return transportBytes !== 0 || (protocol !== IpProtocol.TCP && protocol !== IpProtocol.UDP);
  }

  /** What Linux merges, checksums aside. */
  #isMergeable(at: number): boolean {
    const { view } = this.#arena;
    const { version, networkBytes, protocol, transportBytes, length } = this.#headers;
    if (transportBytes === 0 || networkBytes + transportBytes === length || length > MAX_PACKET) return false;
    if (version === 4 && (view.getUint16(at + 6) & ~DONT_FRAGMENT) !== 0) return false;
    const transport = at + networkBytes;
    if (protocol === IpProtocol.TCP) {
      return (view.getUint16(transport + 12) & TCP_REQUIRED_MASK) === TcpFlag.ACK;
    }
    const hasChecksum = view.getUint16(transport + UDP_CHECKSUM) !== 0;
    return this.#udp && hasChecksum && view.getUint16(transport + 4) === length - networkBytes;
  }

  /** The addresses are right before the header of TCP or UDP: one sum for those of the pseudo-header and the rest. */
  #checksumsHold(at: number): boolean {
    const { version, networkBytes, protocol, length } = this.#headers;
    if (version === 4 && this.#checksum.sum(at, networkBytes, 0) !== 0xffff) return false;
    const addresses = addressesAt(version);
    const pseudo = protocol + length - networkBytes;
    return this.#checksum.sum(at + addresses, length - addresses, pseudo) === 0xffff;
  }

  #flowOf(at: number): Building | undefined {
    for (const building of this.#buildings) {
      if (building.open && building.hasFlow(at, this.#headers)) return building;
    }
    return undefined;
  }

  #merge(flow: Building, offset: number): void {
    const payload = this.#headers.length - flow.headerBytes;
    const from = offset + flow.headerBytes;
    if (from !== flow.end) this.#checksum.copy(flow.end, from, payload);
    flow.add(payload, offset);
    this.#uncover();
    this.#last = flow;
    if (flow.complete) this.#writeOut(flow);
  }

  /** Waits for more of the flow of a packet, if there can be more. */
  #begin(building: Building): void {
    building.begin(this.#headers, this.#begun++);
    if (building.complete) {
      this.#writeOut(building);
      return;
    }
    this.#last = building;
    let oldest = building;
    for (const each of this.#buildings) {
      if (!each.open) return;
      if (each.begun < oldest.begun) oldest = each;
    }
    this.#writeOut(oldest);
  }

  /** A packet that may belong to any flow, as fragments do: nothing may overtake it or be overtaken. */
  #passUnknown(length: number): void {
    const building = this.#moveOut(length);
    this.flush();
    this.#pass(building, length);
  }

  #pass(building: Building, length: number): void {
    writePlainVirtio(this.#arena.view, building.packet - VIRTIO_BYTES);
    this.#write(building.packet - VIRTIO_BYTES, VIRTIO_BYTES + length, 1);
  }

  #writeOut(building: Building): void {
    const length = building.close();
    this.#write(building.packet - VIRTIO_BYTES, length, building.packets);
  }

  /** Takes the packet at hand off the flow that it lies on. @returns where it is now, at the beginning */
  #moveOut(length: number): Building {
    if (this.#covered === 0) {
      this.#placed = -1;
      return this.#host;
    }
    const building = this.#idle();
    this.#checksum.copy(building.packet, this.#placed, length);
    this.#uncover();
    return building;
  }

  /** Puts back what the headers of the packet at hand cover. */
  #uncover(): void {
    if (this.#covered !== 0) this.#checksum.copy(this.#placed, this.#saved, this.#covered);
    this.#covered = 0;
    this.#placed = -1;
  }

  #idle(): Building {
    for (const building of this.#buildings) if (!building.open) return building;
    throw new RangeError('there is always an idle one');
  }
}
