import type { ChildSaStats } from '../plane/plane.js';

/*
 * Numbers that the thread of the data path writes and the main thread reads, in shared memory: a message for each
 * packet, or each question, would cost more than the packet.
 */

/** Places of the counters of one child SA. */
export const SaCounter = {
  PACKETS_IN: 0,
  PACKETS_OUT: 1,
  BYTES_IN: 2,
  BYTES_OUT: 3,
  ICV_FAILURES: 4,
  REPLAYS: 5,
  MALFORMED: 6,
  /** Milliseconds since the epoch; 0 before the first packet. */
  LAST_INBOUND_AT: 7,
} as const;

/** Memory for the counters of one child SA. */
export function createSaCounters(): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer(8 * Object.keys(SaCounter).length));
}

export function readSaCounters(counters: Float64Array): ChildSaStats {
  const at = (index: number): number => counters[index] ?? 0;
  return {
    packetsIn: at(SaCounter.PACKETS_IN),
    packetsOut: at(SaCounter.PACKETS_OUT),
    bytesIn: at(SaCounter.BYTES_IN),
    bytesOut: at(SaCounter.BYTES_OUT),
    icvFailures: at(SaCounter.ICV_FAILURES),
    replays: at(SaCounter.REPLAYS),
    malformed: at(SaCounter.MALFORMED),
    lastInboundAt: at(SaCounter.LAST_INBOUND_AT) || undefined,
  };
}

/**
 * Places of what a data path counts beside its SAs. Written out, so that the engine knows them as constants.
 */
export const PathCounter = {
  /** Inbound: no SA has this SPI. */
  unknownSpi: 0,
  /** Outbound: no child SA has selectors for the packet. */
  noChild: 1,
  /** Outbound: no whole IP packet; inbound: no ESP. */
  malformed: 2,
  /** Outbound: larger than the MTU of the device or of the path. */
  tooBig: 3,
  /** Outbound: the SA has used all its sequence numbers. */
  exhausted: 4,
  /** Inbound: the device took no more. */
  device: 5,
  /** Outbound: the queue of the socket stayed full. */
  sendQueue: 6,
  /** Outbound: the system refused to send. */
  unsent: 7,
  /** IKE messages that came faster than they were handled. */
  ikeQueue: 8,
  /** Reads and writes of the device, with the packets that they carried. */
  deviceReads: 9,
  devicePacketsOut: 10,
  deviceWrites: 11,
  devicePacketsIn: 12,
  /** Reads of sockets that brought something, and the datagrams that came. */
  socketReads: 13,
  datagramsIn: 14,
  /** Calls that sent something, and the datagrams that left. */
  socketWrites: 15,
  datagramsOut: 16,
  /** Both ways: the SA has carried as many bytes as it may. */
  expired: 17,
} as const;

export type PathCounter = keyof typeof PathCounter;

/** Memory for the counters of a data path. */
export function createPathCounters(): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer(8 * Object.keys(PathCounter).length));
}

export function readPathCounters(counters: Float64Array): Record<PathCounter, number> {
  return Object.fromEntries(
    Object.entries(PathCounter).map(([name, index]) => [name, counters[index] ?? 0]),
  ) as Record<PathCounter, number>;
}
