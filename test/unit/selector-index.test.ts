import { describe, expect, it } from 'vitest';
import { parseIp } from '../../src/lib/core/ip.js';
import { SelectorIndex } from '../../src/lib/ike/selector-index.js';
import { selectorFromCidr, selectorsCover } from '../../src/lib/ike/traffic-selectors.js';
import type { TrafficSelector } from '../../src/lib/ike/wire/types.js';
import { overlapping } from '../../src/lib/tunnel/routes.js';
import { createRandom } from '../fuzz/mutate.js';

const selectors = (...texts: string[]): TrafficSelector[] => texts.map(selectorFromCidr);

function indexOf(entries: Record<string, string[]>): SelectorIndex<string> {
  const index = new SelectorIndex<string>();
  for (const [name, texts] of Object.entries(entries)) index.add(selectors(...texts), name);
  return index;
}

const sites = {
  all: ['0.0.0.0/0'],
  ten: ['10.0.0.0/8'],
  host: ['10.1.2.3/32'],
  range: ['10.1.2.1-10.1.2.6'],
  other: ['10.1.3.0/24'],
  six: ['fd00::/64'],
  both: ['192.0.2.0/24', 'fd00::1/128'],
};

describe('SelectorIndex', () => {
  it.each([
    ['10.1.2.3', ['all', 'ten', 'host', 'range']],
    // 10.1.2.1-10.1.2.6 lies in 10.1.2.0/29.
    ['10.1.2.7', ['all', 'ten', 'range']],
    ['10.1.2.8', ['all', 'ten']],
    ['10.1.3.255', ['all', 'ten', 'other']],
    ['192.0.2.1', ['all', 'both']],
    ['fd00::1', ['six', 'both']],
    ['fd00::2', ['six']],
    ['::', []],
  ])('finds who may cover %s', (address, names) => {
    expect([...indexOf(sites).covering(parseIp(address))].sort()).toEqual([...names].sort());
  });

  it.each([
    ['10.1.2.0/24', ['all', 'ten', 'host', 'range']],
    ['10.1.2.3/32', ['all', 'ten', 'host', 'range']],
    ['10.1.2.8-10.1.2.9', ['all', 'ten']],
    ['::/0', ['six', 'both']],
    ['172.16.0.0/12', ['all']],
  ])('finds who may meet %s', (text, names) => {
    expect([...indexOf(sites).meeting(selectors(text))].sort()).toEqual([...names].sort());
  });

  it('keeps who has the same selectors apart, and forgets one of them', () => {
    const index = indexOf({ one: ['10.1.0.0/16'], two: ['10.1.0.0/16'] });
    index.remove(selectors('10.1.0.0/16'), 'one');
    expect([...index.covering(parseIp('10.1.0.1'))]).toEqual(['two']);
    index.remove(selectors('10.1.0.0/16'), 'two');
    index.remove(selectors('10.1.0.0/16'), 'two');
    expect([...index.covering(parseIp('10.1.0.1'))]).toEqual([]);
  });

  it.each([1, 2, 3, 4])('misses nobody, through many changes (seed %i)', (seed) => {
    const random = createRandom(seed);
    const index = new SelectorIndex<number>();
    const present = new Map<number, TrafficSelector[]>();
    const address = () => Uint8Array.of(10, 0, random(2), random(64));
    const selector = (): TrafficSelector => {
      const [a, b] = [address(), address()];
      const low = Buffer.compare(a, b) <= 0 ? a : b;
      const any = { type: 7, ipProtocol: 0, startPort: 0, endPort: 65_535 } as const;
      return { ...any, startAddress: low, endAddress: random(3) === 0 ? low : low === a ? b : a };
    };
    for (let step = 0; step < 1000; step++) {
      const id = random(40);
      const old = present.get(id);
      const fresh = [selector(), selector()];
      if (old) {
        index.remove(old, id);
        present.delete(id);
      } else {
        index.add(fresh, id);
        present.set(id, fresh);
      }
      const to = address();
      const covering = new Set(index.covering(to));
      const asked = [selector()];
      const meeting = new Set(index.meeting(asked));
      const wrong = [...covering, ...meeting].filter((each) => !present.has(each));
      const missed = [...present].filter(
        ([each, has]) =>
          (selectorsCover(has, to, 6, 80) && !covering.has(each)) ||
          (overlapping(has, asked) && !meeting.has(each)),
      );
      expect({ wrong, missed }).toEqual({ wrong: [], missed: [] });
    }
  });
});
