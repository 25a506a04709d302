import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Alarms, type Sleeper } from '../../src/lib/ike/session/alarms.js';

interface Named extends Sleeper {
  id: number;
}

const sleeper = (id: number): Named => ({ id, wakeAt: undefined, place: -1 });

describe('Alarms', () => {
  it('wake whom a plain list of times would wake, in order, whatever was moved before', () => {
    const change = fc.record({
      who: fc.nat(19),
      at: fc.option(fc.nat(50), { nil: undefined }),
      take: fc.option(fc.nat(50), { nil: undefined, freq: 3 }),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const sleepers = Array.from({ length: 20 }, (_, id) => sleeper(id));
        const alarms = new Alarms<Named>();
        const times = new Map<number, number>();
        for (const { who, at, take } of changes) {
          alarms.set(sleepers[who]!, at);
          if (at === undefined) times.delete(who);
          else times.set(who, at);
          if (take !== undefined) {
            const due = [...times].filter(([, time]) => time <= take);
            const woken = alarms.take(take);
            expect(new Set(woken.map(({ id }) => id))).toEqual(new Set(due.map(([id]) => id)));
            const order = woken.map(({ id }) => times.get(id)!);
            expect(order).toEqual([...order].sort((a, b) => a - b));
            for (const [id] of due) times.delete(id);
          }
          expect(alarms.soonest).toBe(times.size === 0 ? undefined : Math.min(...times.values()));
          expect(sleepers[who]!.wakeAt).toBe(times.get(who));
        }
      }),
    );
  });
});
