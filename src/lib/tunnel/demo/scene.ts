import { randomBytes } from 'node:crypto';

/** What the demonstration is made of; addresses from the ranges reserved for documentation and private use. */
export const scene = {
  serverId: 'gateway.demo.example',
  clientId: 'alice@demo.example',
  /** Outer addresses, on a veth pair. */
  serverAddress: '192.0.2.1',
  clientAddress: '192.0.2.2',
  outerPrefix: 24,
  /** The network behind the server and the host in it that answers. */
  innerNetwork: '10.10.0.0/24',
  innerHost: '10.10.0.1',
  /** Where the client's virtual address comes from. */
  pool: '10.20.0.0/24',
  /** Lifetimes short enough to see both kinds of rekey while data flows. */
  rekeyChildMs: 2000,
  rekeyIkeMs: 5000,
  pingIntervalMs: 200,
  /** 10 MB, sent evenly over `transferMs`. */
  transferBytes: 10_000_000,
  transferMs: 7000,
  /** How long throughput is measured, each way. */
  measureMs: 1500,
} as const;

/** A pre-shared key for one demonstration, Base64 text of 256 random bits. */
export function generatePsk(): string {
  return randomBytes(32).toString('base64');
}

/** Waits without keeping the process. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Polls until `done` or the time is over; tells which. */
export async function eventually(done: () => boolean, timeoutMs: number): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  while (!done()) {
    if (Date.now() > end) return false;
    await pause(20);
  }
  return true;
}
