import type { CapturedFrame, CaptureNote, Unit } from '../types.js';

/** An IP datagram of which not all fragments came. */
export interface IncompleteDatagram {
  src: string;
  dst: string;
  /** IP protocol number. */
  protocol: number;
  /** UDP or TCP ports, when the first fragment is there. */
  ports?: { src: number; dst: number };
  frames: number[];
  time: bigint;
  /** Payload bytes that came, and how many there should be when the last fragment is there. */
  received: number;
  total?: number;
  reason: 'missing' | 'overlap' | 'cut';
}

export interface UnitExtractorOptions {
  /** UDP ports with IKE or ESP besides 500 and 4500; whether there is a non-ESP marker is found out. */
  ports: readonly number[];
  /** TCP ports to be read as RFC 9329 streams even when their beginning was not captured; 4500 is. */
  tcpPorts?: readonly number[];
}

/** Finds IKE messages, ESP and AH packets in frames. Synchronous; bounded memory. */
export class UnitExtractor {
  readonly notes: CaptureNote[] = [];
  readonly incomplete: IncompleteDatagram[] = [];

  constructor(_options: UnitExtractorOptions) {}

  take(_frame: CapturedFrame): Unit[] {
    return [];
  }

  /** Ends the reading: what is still incomplete goes to `incomplete`, counts to `notes`. */
  finish(): void {}
}

/** The units of one whole IP packet, such as a decrypted one. Fragments and TCP streams are left alone. */
export function unitsOfIp(_packet: Uint8Array, _frame: number, _time: bigint): Unit[] {
  return [];
}

/** One line on a plaintext IP packet, such as `ICMP 10.0.0.1 → 10.0.0.2 echo request`. */
export function describeIp(_packet: Uint8Array): string {
  return '';
}
