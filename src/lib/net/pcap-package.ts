import { KitError } from '../core/errors.js';
import type { LiveFrame } from './live-frame.js';

/** What is used of the optional package `pcap`. */
interface PcapSession {
  link_type: string;
  on(event: 'packet', listener: (packet: RawPacket) => void): void;
  close(): void;
}

interface RawPacket {
  /** Reused from packet to packet. */
  buf: Buffer;
  /** Four 32-bit numbers of the host: seconds, microseconds, captured length, length. */
  header: Buffer;
  link_type: string;
}

type CreateSession = (device: string, options: { filter: string; promiscuous: boolean }) => PcapSession;

/** The names that the package gives link types. */
const LINK_TYPES: Readonly<Record<string, number>> = {
  LINKTYPE_NULL: 0,
  LINKTYPE_ETHERNET: 1,
  LINKTYPE_RAW: 101,
  LINKTYPE_LINUX_SLL: 113,
};
const UNKNOWN = 65_535;

/**
 * Captures through the package `pcap` (libpcap).
 * @throws {KitError} `E_NO_CAPTURE` (environment) when it is not installed; `E_CAPTURE` when libpcap refuses
 */
export async function capturePcap(
  iface: string,
  onFrame: (frame: LiveFrame) => void,
  signal: AbortSignal,
): Promise<{ dropped: number }> {
  const createSession = await loadPcap();
  let session: PcapSession;
  try {
    session = createSession(iface, { filter: '', promiscuous: true });
  } catch (cause) {
    throw new KitError('environment', 'E_CAPTURE', `Capturing on ${iface} failed: ${String(cause)}`, {
      hint: 'Run as root or with CAP_NET_RAW, or pipe a capture in: `sudo tcpdump -w - | ipsec-kit decode -`.',
      cause,
    });
  }
  let count = 0;
  session.on('packet', ({ buf, header, link_type }) => {
    if (signal.aborted) return;
    count += 1;
    onFrame({
      frame: count,
      time: BigInt(header.readUInt32LE(0)) * 1_000_000_000n + BigInt(header.readUInt32LE(4)) * 1000n,
      linkType: LINK_TYPES[link_type] ?? UNKNOWN,
      data: Uint8Array.from(buf.subarray(0, header.readUInt32LE(8))),
      originalLength: header.readUInt32LE(12),
    });
  });
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }
  session.close();
  return { dropped: 0 };
}

async function loadPcap(): Promise<CreateSession> {
  // By a variable, because its types are not installed either.
  const name = 'pcap';
  try {
    const found: { createSession?: CreateSession; default?: { createSession?: CreateSession } } =
      await import(name);
    const createSession = found.createSession ?? found.default?.createSession;
    if (createSession !== undefined) return createSession;
  } catch {
    // Not installed, or not built for this system: the error below says what to do.
  }
  throw new KitError('environment', 'E_NO_CAPTURE', 'Live capture needs the optional package koffi or pcap', {
    hint: 'Install one (`npm install koffi`), or pipe a capture in: `tcpdump -w - | ipsec-kit decode -`.',
  });
}
