import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KitError } from '../../../src/lib/core/errors.js';
import { VirtualAddressPool } from '../../../src/lib/tunnel/pool.js';

function lease(pool: VirtualAddressPool, owner: string, families: (4 | 6)[] = [4], wanted: string[] = []) {
  return pool.assign(owner, families, wanted)?.addresses;
}

describe('VirtualAddressPool', () => {
  it('starts at the first host address and goes up', () => {
    const pool = new VirtualAddressPool(['10.9.0.0/29', 'fd00:9::/64']);
    const owners = ['a', 'b', 'c', 'd', 'e'];
    expect(owners.map((owner) => lease(pool, owner, [4, 6]))).toEqual([
      ['10.9.0.1', 'fd00:9::1'],
      ['10.9.0.2', 'fd00:9::2'],
      ['10.9.0.3', 'fd00:9::3'],
      ['10.9.0.4', 'fd00:9::4'],
      ['10.9.0.5', 'fd00:9::5'],
    ]);
    expect(pool.size).toBe(5);
  });

  it('skips network and broadcast address, but not of a /31 or /32', () => {
    const all = (cidr: string) => {
      const pool = new VirtualAddressPool([cidr]);
      return [...'abcdef'].flatMap((owner) => lease(pool, owner, [4, 6]) ?? []);
    };
    expect(all('192.0.2.0/30')).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(all('192.0.2.4/31')).toEqual(['192.0.2.4', '192.0.2.5']);
    expect(all('192.0.2.7/32')).toEqual(['192.0.2.7']);
    expect(all('2001:db8::/127')).toEqual(['2001:db8::', '2001:db8::1']);
    expect(all('2001:db8::/126')).toEqual(['2001:db8::1', '2001:db8::2', '2001:db8::3']);
  });

  it('is undefined when nothing is left, and partial when one family is left', () => {
    const pool = new VirtualAddressPool(['192.0.2.0/30', '2001:db8::/64']);
    lease(pool, 'a');
    lease(pool, 'b');
    expect(pool.assign('c', [4], [])).toBeUndefined();
    expect(lease(pool, 'c', [4, 6])).toEqual(['2001:db8::1']);
    expect(new VirtualAddressPool(['192.0.2.0/30']).assign('d', [6], [])).toBeUndefined();
  });

  it('gives a returning identity its address again, also on a new connection', () => {
    const pool = new VirtualAddressPool(['10.0.0.0/24']);
    lease(pool, 'alice/1');
    lease(pool, 'bob/2');
    pool.release('bob/2');
    expect(lease(pool, 'carol/3')).toEqual(['10.0.0.3']);
    expect(lease(pool, 'bob/9')).toEqual(['10.0.0.2']);
  });

  it('gives two connections of one identity two addresses', () => {
    const pool = new VirtualAddressPool(['10.0.0.0/24']);
    expect([lease(pool, 'a/1'), lease(pool, 'a/2')]).toEqual([['10.0.0.1'], ['10.0.0.2']]);
    pool.release('a/1');
    pool.release('a/2');
    expect([lease(pool, 'a/3'), lease(pool, 'a/4')]).toEqual([['10.0.0.1'], ['10.0.0.2']]);
  });

  it('takes the address that was released longest ago when there is no other', () => {
    const pool = new VirtualAddressPool(['192.0.2.0/29']);
    for (const owner of 'abcdef') lease(pool, owner);
    pool.release('c');
    pool.release('a');
    expect(lease(pool, 'new')).toEqual(['192.0.2.3']);
    expect(lease(pool, 'c')).toEqual(['192.0.2.1']);
  });

  it('honours a wish that is free and inside, and no other', () => {
    const pool = new VirtualAddressPool(['10.0.0.0/24']);
    expect(lease(pool, 'a', [4], ['10.0.0.77'])).toEqual(['10.0.0.77']);
    for (const wish of ['10.0.0.77', '10.0.1.1', '0.0.0.0', '10.0.0.255', 'nonsense', '::1']) {
      expect(lease(pool, `b${wish}`, [4], [wish])![0]).toMatch(/^10\.0\.0\.[1-9]$/);
    }
  });

  it('leaves a remembered address to its identity while others are free', () => {
    const pool = new VirtualAddressPool(['10.0.0.0/24']);
    lease(pool, 'a');
    pool.release('a');
    expect(lease(pool, 'thief', [4], ['10.0.0.1'])).toEqual(['10.0.0.2']);
    expect(lease(pool, 'a')).toEqual(['10.0.0.1']);
  });

  it('answers the same owner the same while it holds the lease', () => {
    const pool = new VirtualAddressPool(['10.0.0.0/24', 'fd00::/64'], ['10.0.0.254', 'fd00::53']);
    expect(pool.assign('a', [4], [])).toEqual({ addresses: ['10.0.0.1'], dns: ['10.0.0.254'] });
    expect(pool.assign('a', [4, 6], [])).toEqual({
      addresses: ['10.0.0.1', 'fd00::1'],
      dns: ['10.0.0.254', 'fd00::53'],
    });
    expect(pool.assign('a', [4], ['10.0.0.9'])?.addresses).toEqual(['10.0.0.1']);
  });

  it('refuses pools that overlap', () => {
    expect(() => new VirtualAddressPool(['10.0.0.0/8', '10.1.0.0/16'])).toThrow(
      expect.objectContaining({ code: 'E_POOL', kind: 'usage' }),
    );
    expect(() => new VirtualAddressPool(['10.0.0.0/33'])).toThrow(KitError);
  });

  it('stays small and quick over a huge prefix', () => {
    const pool = new VirtualAddressPool(['2001:db8::/32']);
    const seen = new Set<string>();
    for (let i = 0; i < 20_000; i++) {
      seen.add(lease(pool, `owner-${i}`, [6])![0]!);
      pool.release(`owner-${i}`);
    }
    // No more addresses come into play than are remembered, plus the one in use.
    expect(seen.size).toBeLessThanOrEqual(4098);
  });

  it('never leases one address twice, and every lease lies in a pool (property)', () => {
    const step = fc.record({
      owner: fc.integer({ min: 0, max: 9 }).map((n) => `id${n % 6}/${n}`),
      release: fc.boolean(),
      families: fc.constantFrom<(4 | 6)[]>([4], [6], [4, 6]),
      wanted: fc.array(
        fc.integer({ min: 0, max: 9 }).map((n) => `10.0.0.${n}`),
        { maxLength: 2 },
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const pool = new VirtualAddressPool(['10.0.0.0/29', 'fd00::/125']);
        const held = new Map<string, string[]>();
        for (const { owner, release, families, wanted } of steps) {
          if (release) {
            pool.release(owner);
            held.delete(owner);
            continue;
          }
          const others = [...held].filter(([name]) => name !== owner).flatMap(([, addresses]) => addresses);
          const assigned = pool.assign(owner, families, wanted);
          const usedV4 = others.filter((address) => !address.includes(':')).length;
          const usedV6 = others.length - usedV4;
          const expected = (families.includes(4) && usedV4 < 6) || (families.includes(6) && usedV6 < 7);
          expect(assigned !== undefined).toBe(expected);
          for (const address of assigned?.addresses ?? []) {
            expect(others).not.toContain(address);
            expect(address).toMatch(/^(10\.0\.0\.[1-6]|fd00::[1-7])$/);
          }
          if (assigned) held.set(owner, [...new Set([...(held.get(owner) ?? []), ...assigned.addresses])]);
        }
        expect(pool.size).toBe(held.size);
      }),
      { numRuns: 300 },
    );
  });
});

describe('pools that make no sense', () => {
  it.each(['0.0.0.0/0', '127.0.0.0/24', '224.0.0.0/24', '::/0', '::1', 'ff00::/64'])('refuses %s', (cidr) => {
    expect(() => new VirtualAddressPool([cidr])).toThrow(expect.objectContaining({ code: 'E_POOL' }));
  });
});
