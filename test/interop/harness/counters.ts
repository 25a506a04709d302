import { expect } from 'vitest';
import type { Kit, Printed } from './kit.js';
import type { Lab } from './lab.js';

/** What a tunnel has counted until now. */
export function counters(kit: Kit): Promise<Printed<'stats'>> {
  const before = kit.all('stats').length;
  kit.child.signal('SIGUSR1');
  return kit.waitFor('stats', before + 1);
}

/**
 * Devices made from now on get no link-local address, from which the system sends messages of its own, for which no
 * tunnel is there.
 */
export async function silenceDevices(lab: Lab): Promise<void> {
  for (const host of lab.hosts)
    await lab.run(host, ['sh', '-c', 'echo 1 >/proc/sys/net/ipv6/conf/default/addr_gen_mode']);
}

/** Every packet that came was handed on, and every packet that was to leave has left. */
export function expectNoDrops(stats: Pick<Printed<'stats'>, 'drops' | 'childSas'>): void {
  expect(Object.entries(stats.drops).filter(([, count]) => count > 0)).toEqual([]);
  for (const child of stats.childSas)
    expect(child).toMatchObject({ icvFailures: 0, replays: 0, malformed: 0 });
}
