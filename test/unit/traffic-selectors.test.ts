import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCidr, ipFromBigInt, ipToBigInt, parseIp } from '../../src/lib/core/ip.js';
import {
  anySelector,
  formatSelector,
  narrowSelectors,
  sameSelectors,
  selectorCidrs,
  selectorFromAddress,
  selectorFromCidr,
  selectorsCover,
} from '../../src/lib/ike/traffic-selectors.js';
import type { TrafficSelector } from '../../src/lib/ike/wire/types.js';

function selectors(...texts: string[]): TrafficSelector[] {
  return texts.map(selectorFromCidr);
}

/** A world small enough to try every packet: addresses 10.0.0.0 to .15, protocols 0 to 3, ports 0 to 15. */
const smallRange = (limit: number) =>
  fc.tuple(fc.nat(limit), fc.nat(limit)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const smallSelector: fc.Arbitrary<TrafficSelector> = fc
  .tuple(smallRange(15), smallRange(15), fc.nat(3), fc.boolean())
  .map(([[first, last], [startPort, endPort], ipProtocol, anyPort]) => ({
    type: 7,
    ipProtocol,
    startPort: anyPort ? 0 : startPort,
    endPort: anyPort ? 65535 : endPort,
    startAddress: Uint8Array.of(10, 0, 0, first),
    endAddress: Uint8Array.of(10, 0, 0, last),
  }));

describe('text of selectors', () => {
  it.each([
    '10.0.0.0/24',
    '10.0.0.1/32',
    '0.0.0.0/0',
    '::/0',
    '2001:db8::/64',
    '10.0.0.1-10.0.0.9',
    '2001:db8::1-2001:db8::5',
    '10.0.0.1/32[tcp/80]',
    '10.0.0.0/8[udp/1000-2000]',
    '10.0.0.0/8[icmp]',
    '10.0.0.0/8[99]',
    '10.0.0.0/8[any/53]',
    '10.0.0.0/8[sctp/opaque]',
  ])('%s round-trips', (text) => {
    expect(formatSelector(selectorFromCidr(text))).toBe(text);
  });

  it.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.0.0.1', '10.0.0.1/32'],
    ['10.0.0.0-10.0.0.255', '10.0.0.0/24'],
    ['10.0.0.0/24[6/443]', '10.0.0.0/24[tcp/443]'],
    ['10.0.0.0/24[TCP/any]', '10.0.0.0/24[tcp]'],
    ['10.0.0.0/24[any]', '10.0.0.0/24'],
  ])('%s reads as %s', (text, canonical) => {
    expect(formatSelector(selectorFromCidr(text))).toBe(canonical);
  });

  it.each([
    '10.0.0.0/24[tcp/80',
    '10.0.0.0/24[bogus]',
    '10.0.0.0/24[tcp/70000]',
    '10.0.0.0/24[tcp/9-8]',
    '10.0.0.9-10.0.0.1',
    '10.0.0.1-::1',
    '10.0.0.1-10.0.0.2-10.0.0.3',
    '10.0.0.0/24[300]',
    'x',
    '',
  ])('%j is refused', (text) => {
    expect(() => selectorFromCidr(text)).toThrowError(
      expect.objectContaining({ kind: 'usage', code: expect.stringMatching(/^E_(ADDRESS|SELECTOR)$/) }),
    );
  });

  it('shows a range that is none as it is', () => {
    const broken = { ...anySelector(4), startAddress: parseIp('10.0.0.2'), endAddress: parseIp('10.0.0.1') };
    expect(formatSelector(broken)).toBe('10.0.0.2-10.0.0.1');
  });
});

describe('narrowing (RFC 7296 2.9)', () => {
  it.each([
    [['0.0.0.0/0'], ['10.0.0.0/8'], ['10.0.0.0/8']],
    [['10.0.0.5/32'], ['10.0.0.0/8'], ['10.0.0.5/32']],
    [
      ['10.0.0.0/16', '192.168.0.0/16'],
      ['10.0.1.0/24', '192.168.5.0/24'],
      ['10.0.1.0/24', '192.168.5.0/24'],
    ],
    [['10.0.0.0-10.0.0.20'], ['10.0.0.10-10.0.0.30'], ['10.0.0.10-10.0.0.20']],
    [['0.0.0.0/0', '::/0'], ['::/0'], ['::/0']],
    [['0.0.0.0/0[tcp]'], ['10.0.0.0/8'], ['10.0.0.0/8[tcp]']],
    [['0.0.0.0/0'], ['10.0.0.0/8[tcp/80]'], ['10.0.0.0/8[tcp/80]']],
    [['0.0.0.0/0[tcp]'], ['10.0.0.0/8[udp]'], []],
    [['0.0.0.0/0[tcp/80-90]'], ['10.0.0.0/8[tcp/85-100]'], ['10.0.0.0/8[tcp/85-90]']],
    [['0.0.0.0/0[tcp/80]'], ['10.0.0.0/8[tcp/81]'], []],
    [['172.16.0.0/12'], ['10.0.0.0/8'], []],
    [['0.0.0.0/0'], ['::/0'], []],
    [[], ['10.0.0.0/8'], []],
  ])('%j by %j is %j', (offered, allowed, expected) => {
    expect(narrowSelectors(selectors(...offered), selectors(...allowed)).map(formatSelector)).toEqual(
      expected,
    );
  });

  it('drops the packet that a following selector includes, and duplicates', () => {
    const offered = selectors('10.0.0.5/32[icmp]', '10.0.0.0/24', '10.0.0.0/24');
    expect(narrowSelectors(offered, selectors('10.0.0.0/8')).map(formatSelector)).toEqual(['10.0.0.0/24']);
  });

  it('lets opaque ports into any port only', () => {
    const opaque = selectors('10.0.0.0/24[sctp/opaque]');
    expect(narrowSelectors(opaque, selectors('0.0.0.0/0')).map(formatSelector)).toEqual([
      '10.0.0.0/24[sctp/opaque]',
    ]);
    expect(narrowSelectors(opaque, selectors('0.0.0.0/0[sctp/80]'))).toEqual([]);
  });

  it('leaves out selectors of unknown types', () => {
    const label = { type: 'unknown', selectorType: 10, ipProtocol: 0, raw: new Uint8Array(4) } as const;
    expect(narrowSelectors([label], [anySelector(4)])).toEqual([]);
  });

  it('selects exactly the packets both sides select', () => {
    const list = fc.array(smallSelector, { maxLength: 4 });
    fc.assert(
      fc.property(list, list, (offered, allowed) => {
        const narrowed = narrowSelectors(offered, allowed);
        for (let host = 0; host < 16; host++) {
          const address = Uint8Array.of(10, 0, 0, host);
          for (let protocol = 0; protocol < 4; protocol++) {
            for (let port = 0; port < 16; port++) {
              const both =
                selectorsCover(offered, address, protocol, port) &&
                selectorsCover(allowed, address, protocol, port);
              if (selectorsCover(narrowed, address, protocol, port) !== both) {
                throw new Error(`10.0.0.${host} protocol ${protocol} port ${port}`);
              }
            }
          }
        }
        expect(narrowSelectors(narrowed, allowed)).toEqual(narrowed);
      }),
      { numRuns: 60 },
    );
  });

  it('stays bounded when the offer is as large as it can be', () => {
    const offered = Array.from({ length: 255 }, (_, i) => selectorFromAddress(`10.0.${i}.1`));
    const allowed = Array.from({ length: 10 }, (_, i) => selectorFromCidr(`10.0.0.0/16[tcp/${i + 1}]`));
    expect(narrowSelectors(offered, allowed)).toHaveLength(255);
  });
});

describe('coverage', () => {
  it('asks address, protocol and port', () => {
    const web = selectors('10.0.0.0/24[tcp/80]');
    expect(selectorsCover(web, parseIp('10.0.0.9'), 6, 80)).toBe(true);
    expect(selectorsCover(web, parseIp('10.0.1.0'), 6, 80)).toBe(false);
    expect(selectorsCover(web, parseIp('10.0.0.9'), 17, 80)).toBe(false);
    expect(selectorsCover(web, parseIp('10.0.0.9'), 6, 81)).toBe(false);
    expect(selectorsCover(selectors('0.0.0.0/0'), parseIp('::1'), 6, 80)).toBe(false);
    expect(selectorsCover(selectors('::/0'), parseIp('::1'), 58, 0)).toBe(true);
  });
});

describe('CIDRs of a selector', () => {
  it.each([
    ['0.0.0.0/0', ['0.0.0.0/0']],
    ['10.0.0.1-10.0.0.6', ['10.0.0.1/32', '10.0.0.2/31', '10.0.0.4/31', '10.0.0.6/32']],
    ['255.255.255.255', ['255.255.255.255/32']],
    ['::/0', ['::/0']],
    ['2001:db8::-2001:db8::2', ['2001:db8::/127', '2001:db8::2/128']],
  ])('%s', (text, cidrs) => {
    expect(selectorCidrs(selectorFromCidr(text)).map(formatCidr)).toEqual(cidrs);
  });

  it.each([
    ['0.0.0.1-255.255.255.254', 62],
    ['::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe', 254],
  ])('%s takes the most: %i', (text, count) => {
    expect(selectorCidrs(selectorFromCidr(text))).toHaveLength(count);
  });

  it('are none for a range that ends before it starts', () => {
    expect(
      selectorCidrs({ ...anySelector(6), startAddress: parseIp('::2'), endAddress: parseIp('::1') }),
    ).toEqual([]);
  });

  it('make up the range without gap or overlap', () => {
    const value = fc.bigInt({ min: 0n, max: 0xffff_ffffn });
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [start, end] = a < b ? [a, b] : [b, a];
        let next = start;
        for (const { address, prefix } of selectorCidrs({
          ...anySelector(4),
          startAddress: ipFromBigInt(start, 4),
          endAddress: ipFromBigInt(end, 4),
        })) {
          expect(ipToBigInt(address)).toBe(next);
          next += 1n << BigInt(32 - prefix);
        }
        expect(next).toBe(end + 1n);
      }),
    );
  });
});

describe('sameness', () => {
  it('compares every field in order', () => {
    const [a, b] = selectors('10.0.0.0/24', '::/0') as [TrafficSelector, TrafficSelector];
    expect(sameSelectors([a, b], selectors('10.0.0.0/24', '::/0'))).toBe(true);
    expect(sameSelectors([a, b], [b, a])).toBe(false);
    expect(sameSelectors([a], [a, b])).toBe(false);
    expect(sameSelectors([a], [{ ...a, endPort: 1 }])).toBe(false);
    expect(sameSelectors([a], [{ ...a, ipProtocol: 6 }])).toBe(false);
  });
});
