import { fileURLToPath } from 'node:url';
import type { Attack } from '../../sim/downgrader.js';
import type { Lab } from './lab.js';
import type { Child } from './process.js';

const script = fileURLToPath(new URL('downgrade-relay.ts', import.meta.url));

/** Somebody on host 3 between clients that dial it and the gateway on host b, who changes IKE_SA_INIT. */
export async function startDowngrade(lab: Lab, attack: Attack): Promise<Child> {
  const { v4 } = lab.host(3);
  const words = [v4, v4, lab.b.v4, JSON.stringify(attack)];
  const relay = lab.spawn(lab.host(3), [process.execPath, '--import', 'tsx', script, ...words]);
  await relay.wait('the relay', () => relay.stdout.includes('ready') || undefined);
  return relay;
}

/** Whether it had anything to change. */
export const hasInterfered = (relay: Child): boolean => relay.stdout.includes('changed');
