import { fileURLToPath } from 'node:url';
import type { Lab } from './lab.js';
import { type Child, urgently } from './process.js';

const script = fileURLToPath(new URL('stream.mjs', import.meta.url));
const node = [...urgently, process.execPath, script];
const PORT = '5900';

export interface StreamResult {
  bytes: number;
  /** Milliseconds; see stream.mjs. */
  gap: number;
  stall: number;
}

/**
 * A TCP stream from host a to host b, through the tunnel between them, for so many seconds.
 * @param pace bytes every 5 ms
 * @param carriers what carries the tunnel, by `ipsec-kit` or otherwise
 */
export async function stream(
  lab: Lab,
  { seconds, pace, carriers }: { seconds: number; pace: number; carriers: readonly Child[] },
): Promise<StreamResult> {
  const { a, b } = lab;
  const pids = carriers.map(({ pid }) => String(pid));
  const listener = lab.spawn(b, [...node, 'listen', b.inner4, b.v4, PORT, ...pids]);
  const listening = () => listener.stdout.match(/listening/g)?.length === 2 || undefined;
  await listener.wait('both listeners', listening);
  const words = [b.inner4, b.v4, PORT, a.inner4, seconds, pace].map(String);
  lab.spawn(a, [...node, 'connect', ...words]);
  const result = () => /^\{.*\}$/m.exec(listener.stdout)?.[0];
  const line = await listener.wait('the end of the stream', result, seconds * 1000 + 30_000);
  return JSON.parse(line) as StreamResult;
}
