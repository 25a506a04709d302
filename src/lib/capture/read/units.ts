import { formatIp } from '../../core/ip.js';
import type { CapturedFrame, CaptureNote, Unit } from '../types.js';
import { Protocol } from './ip.js';
import { ipOffset, UNKNOWN_LINK } from './link.js';
import { PacketUnits } from './packet-units.js';
import { type IncompleteReason, type LostDatagram, portsOf, Reassembler } from './reassembly.js';
import { TcpStreams } from './tcp.js';

export { describeIp } from './describe-ip.js';

/** An IP datagram of which not all fragments came, and which may carry IKE, ESP or AH. */
export interface IncompleteDatagram {
  src: string;
  dst: string;
  /** IP protocol number. */
  protocol: number;
  /** UDP ports, when the first fragment is there. */
  ports?: { src: number; dst: number };
  /** In the order of the capture. */
  frames: number[];
  /** Of its first frame. */
  time: bigint;
  /** Payload bytes that came, and how many there should be when the last fragment is there. */
  received: number;
  total?: number;
  reason: IncompleteReason;
}

export interface UnitExtractorOptions {
  /** UDP ports with IKE or ESP besides 500 and 4500; whether there is a non-ESP marker is found out. */
  ports: readonly number[];
  /** TCP ports to be read as RFC 9329 streams even when their beginning was not captured, besides 4500. */
  tcpPorts?: readonly number[];
}

const NAT_T_PORT = 4500;
/** Incomplete datagrams, and kinds of notes, that are listed; more incomplete ones are only counted. */
const MAX_LISTED = 1000;

interface Tally {
  code: `N_${string}`;
  message: string;
  frame: number;
  count: number;
}

/** Finds IKE messages, ESP and AH packets in frames. Synchronous; bounded memory; never throws. */
export class UnitExtractor {
  /** What was passed over; complete after {@link finish}. */
  readonly notes: CaptureNote[] = [];
  /** Datagrams given up so far, at most 1,000; complete after {@link finish}. */
  readonly incomplete: IncompleteDatagram[] = [];
  /** All datagrams given up, listed or not. */
  incompleteCount = 0;
  readonly #ports: ReadonlySet<number>;
  readonly #streams: TcpStreams;
  readonly #reassembler = new Reassembler((datagram) => this.#lose(datagram));
  readonly #packets: PacketUnits;
  readonly #tallies = new Map<string, Tally>();

  constructor(options: UnitExtractorOptions) {
    this.#ports = new Set(options.ports);
    this.#streams = new TcpStreams(new Set([NAT_T_PORT, ...(options.tcpPorts ?? [])]));
    this.#packets = new PacketUnits({
      udpPorts: this.#ports,
      reassembler: this.#reassembler,
      streams: this.#streams,
      onBadLength: (frame) =>
        this.#tally('N_UDP_LENGTH', 'UDP lengths beyond the end of the IP packet', frame),
    });
  }

  /** The units that the frame completes, as views into the frame wherever they came in one. */
  take(frame: CapturedFrame): Unit[] {
    if (frame.originalLength > frame.data.length) {
      this.#tally('N_CUT_FRAME', 'Frames cut by the snapshot length of the capture', frame.frame);
    }
    const start = ipOffset(frame.linkType, frame.data);
    if (start >= 0) return this.#packets.take(frame.data, start, frame.frame, frame.time);
    if (start === UNKNOWN_LINK) {
      this.#tally('N_LINK_TYPE', `Link type ${frame.linkType}, which is not read`, frame.frame);
    }
    return [];
  }

  /** Ends the reading: what is still incomplete goes to `incomplete`, what was counted to `notes`. */
  finish(): void {
    this.#reassembler.finish();
    const { gaps } = this.#streams;
    if (gaps.count > 0) {
      const message = `TCP streams with IKE or ESP lack bytes in ${gaps.count} places, first before frame ${gaps.frame}`;
      this.notes.push({ code: 'N_TCP_GAP', message, frame: gaps.frame });
    }
    for (const { code, message, frame, count } of this.#tallies.values()) {
      const frames = count === 1 ? `frame ${frame}` : `${count} frames, the first is ${frame}`;
      this.notes.push({ code, message: `${message}: ${frames}`, frame });
    }
    this.#tallies.clear();
  }

  #tally(code: Tally['code'], message: string, frame: number): void {
    const known = this.#tallies.get(message);
    if (known !== undefined) known.count += 1;
    else if (this.#tallies.size < MAX_LISTED) this.#tallies.set(message, { code, message, frame, count: 1 });
  }

  #lose(datagram: LostDatagram): void {
    const ports = portsOf(datagram);
    if (!this.#mayBeIpsec(datagram.protocol, ports)) return;
    this.incompleteCount += 1;
    if (this.incomplete.length === MAX_LISTED) return;
    const { header, protocol, frames, time, received, total, reason } = datagram;
    const [at, length] = header[0]! >> 4 === 4 ? [12, 4] : [8, 16];
    this.incomplete.push({
      src: formatIp(header.subarray(at, at + length)),
      dst: formatIp(header.subarray(at + length, at + 2 * length)),
      protocol,
      ...(ports === undefined ? {} : { ports }),
      frames,
      time,
      received,
      ...(total === undefined ? {} : { total }),
      reason,
    });
  }

  #mayBeIpsec(protocol: number, ports: { src: number; dst: number } | undefined): boolean {
    if (protocol === Protocol.ESP || protocol === Protocol.AH) return true;
    if (protocol !== Protocol.UDP) return false;
    return ports === undefined || this.#isIkePort(ports.src) || this.#isIkePort(ports.dst);
  }

  #isIkePort(port: number): boolean {
    return port === 500 || port === NAT_T_PORT || this.#ports.has(port);
  }
}

const alone = new PacketUnits({ udpPorts: new Set() });

/** The units of one whole IP packet, such as a decrypted one. Fragments and TCP streams are left alone. */
export function unitsOfIp(packet: Uint8Array, frame: number, time: bigint): Unit[] {
  return alone.take(packet, 0, frame, time);
}
