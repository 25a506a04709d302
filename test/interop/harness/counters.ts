import { setTimeout as sleep } from 'node:timers/promises';
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
 * What the ends of one tunnel have counted when nothing passes any more. Two ends are never read at one moment, and the
 * last segments of a stream are still under way when its program has ended: TCP repeats them after 200 ms at the
 * earliest.
 */
export async function finalCounters(ours: Kit, theirs: Kit): Promise<[Printed<'stats'>, Printed<'stats'>]> {
  for (let before = ''; ; ) {
    const read: [Printed<'stats'>, Printed<'stats'>] = [await counters(ours), await counters(theirs)];
    const now = JSON.stringify(read.map(({ childSas }) => childSas));
    if (now === before) return read;
    before = now;
    await sleep(500);
  }
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
