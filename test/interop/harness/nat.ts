import { fileURLToPath } from 'node:url';
import type { Lab } from './lab.js';
import type { Child } from './process.js';

const script = fileURLToPath(new URL('udp-relay.mjs', import.meta.url));

/**
 * A NAT on host 3 in front of the gateway on host b. `loss` percent of the datagrams vanish in it, and all that are
 * larger than `largest` bytes; `seed` (from 1) says which.
 */
export async function startNat(lab: Lab, { loss = 0, largest = 65_535, seed = 1 } = {}): Promise<Child> {
  const { v4 } = lab.host(3);
  const words = [v4, v4, lab.b.v4, loss, largest, seed].map(String);
  const relay = lab.spawn(lab.host(3), [process.execPath, script, ...words]);
  await relay.wait('the relay', () => relay.stdout.includes('ready') || undefined);
  return relay;
}
