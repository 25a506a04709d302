import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../../src/lib/core/bytes.js';
import { formatIp, parseIp } from '../../../src/lib/core/ip.js';
import { narrowestMatch, readInnerPacket } from '../../../src/lib/esp/inner.js';
import { ipv4, ipv6, ports, selector } from './inner-packets.js';

const a4 = { from: '10.0.0.1', to: '10.0.0.2' };
const a6 = { from: '2001:db8::1', to: '2001:db8::2' };

describe('readInnerPacket', () => {
  it('reads addresses, protocol and ports', () => {
    const four = readInnerPacket(ipv4({ ...a4, protocol: 6, body: ports(1024, 80) }))!;
    expect(formatIp(four.source)).toBe(a4.from);
    expect(formatIp(four.destination)).toBe(a4.to);
    expect(four).toMatchObject({
      nextHeader: 4,
      length: 28,
      protocol: 6,
      sourcePort: 1024,
      destinationPort: 80,
    });
    const six = readInnerPacket(ipv6({ ...a6, nextHeader: 17, body: ports(53, 5353) }))!;
    expect(formatIp(six.source)).toBe(a6.from);
    expect(formatIp(six.destination)).toBe(a6.to);
    expect(six).toMatchObject({
      nextHeader: 41,
      length: 48,
      protocol: 17,
      sourcePort: 53,
      destinationPort: 5353,
    });
  });

  it('reads ICMP type and code as ports (RFC 7296 3.13.1)', () => {
    const echo = readInnerPacket(ipv4({ ...a4, protocol: 1, body: ports(0x0800) }));
    expect(echo).toMatchObject({ sourcePort: 0x0800, destinationPort: 0x0800 });
  });

  it('sees no ports in later fragments and in protocols without ports', () => {
    const later = readInnerPacket(ipv4({ ...a4, protocol: 6, body: ports(1024, 80), fragmentOffset: 1 }));
    expect(later).toMatchObject({ protocol: 6, sourcePort: undefined, destinationPort: undefined });
    const first = readInnerPacket(
      ipv4({ ...a4, protocol: 6, body: ports(1024, 80), fragmentOffset: 0x2000 }),
    );
    expect(first).toMatchObject({ sourcePort: 1024 });
    expect(readInnerPacket(ipv4({ ...a4, protocol: 47 }))).toMatchObject({ sourcePort: undefined });
  });

  it('walks IPv6 extension headers', () => {
    const hopByHop = Uint8Array.of(60, 0, 0, 0, 0, 0, 0, 0);
    const destinationOptions = Uint8Array.of(44, 1, ...new Uint8Array(14));
    const fragment = (offset: number) => Uint8Array.of(6, 0, offset >> 8, offset & 0xff, 0, 0, 0, 1);
    const body = concatBytes(hopByHop, destinationOptions, fragment(1), ports(1024, 80));
    expect(readInnerPacket(ipv6({ ...a6, nextHeader: 0, body }))).toMatchObject({
      protocol: 6,
      sourcePort: 1024,
      destinationPort: 80,
    });
    const later = concatBytes(fragment(8), ports(1024, 80));
    expect(readInnerPacket(ipv6({ ...a6, nextHeader: 44, body: later }))).toMatchObject({
      protocol: 6,
      sourcePort: undefined,
    });
    const endless = new Uint8Array(8 * 9);
    expect(readInnerPacket(ipv6({ ...a6, nextHeader: 0, body: endless }))).toBeUndefined();
  });

  it('trims nothing itself but says where TFC padding begins', () => {
    const padded = concatBytes(ipv4(a4), new Uint8Array(100));
    expect(readInnerPacket(padded)?.length).toBe(28);
  });

  it('refuses what is cut short or no IP', () => {
    const whole = [ipv4({ ...a4, body: ports(1, 2) }), ipv6({ ...a6, body: ports(1, 2) })];
    for (const packet of whole) {
      for (let length = 0; length < packet.length; length++) {
        expect(readInnerPacket(packet.subarray(0, length))).toBeUndefined();
      }
    }
    expect(readInnerPacket(Uint8Array.of(0x54, ...new Uint8Array(40)))).toBeUndefined();
    const shortHeader = ipv4(a4);
    shortHeader[0] = 0x44;
    expect(readInnerPacket(shortHeader)).toBeUndefined();
  });

  it('takes any bytes without throwing', () => {
    const anyPacket = fc
      .tuple(fc.constantFrom(0x45, 0x4f, 0x60, 0x00), fc.uint8Array({ maxLength: 120 }))
      .map(([first, rest]) => Uint8Array.of(first, ...rest));
    fc.assert(
      fc.property(anyPacket, (data) => {
        const packet = readInnerPacket(data);
        if (packet !== undefined) expect(packet.length).toBeLessThanOrEqual(data.length);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('narrowestMatch', () => {
  const match = (selectors: Parameters<typeof narrowestMatch>[0], ip: string, protocol = 6, port?: number) =>
    narrowestMatch(selectors, parseIp(ip), protocol, port);

  it('takes both ends of a range and nothing beyond', () => {
    const selectors = [selector('10.1.0.0/16')];
    for (const ip of ['10.1.0.0', '10.1.255.255', '10.1.7.9']) expect(match(selectors, ip)).toBeDefined();
    for (const ip of ['10.0.255.255', '10.2.0.0', '0.0.0.0', '255.255.255.255', '::']) {
      expect(match(selectors, ip)).toBeUndefined();
    }
    const odd = { ...selector('10.1.0.0/16'), endAddress: parseIp('10.3.0.5') };
    expect(match([odd], '10.2.255.255')).toBeDefined();
    expect(match([odd], '10.3.0.5')).toBeDefined();
    expect(match([odd], '10.3.0.6')).toBeUndefined();
  });

  it('restricts protocol and ports', () => {
    const web = [selector('0.0.0.0/0', { protocol: 6, startPort: 80, endPort: 90 })];
    expect(match(web, '1.2.3.4', 6, 80)).toBeDefined();
    expect(match(web, '1.2.3.4', 6, 90)).toBeDefined();
    expect(match(web, '1.2.3.4', 6, 79)).toBeUndefined();
    expect(match(web, '1.2.3.4', 6, 91)).toBeUndefined();
    expect(match(web, '1.2.3.4', 17, 80)).toBeUndefined();
    // Ports that cannot be seen match ANY and OPAQUE only.
    expect(match(web, '1.2.3.4', 6)).toBeUndefined();
    expect(match([selector('0.0.0.0/0', { startPort: 65535, endPort: 0 })], '1.2.3.4', 6)).toBeDefined();
    expect(
      match([selector('0.0.0.0/0', { startPort: 65535, endPort: 0 })], '1.2.3.4', 6, 80),
    ).toBeUndefined();
  });

  it('prefers longer prefixes, then protocol and ports', () => {
    const order = [
      selector('0.0.0.0/0'),
      selector('0.0.0.0/0', { startPort: 80, endPort: 80 }),
      selector('0.0.0.0/0', { protocol: 6 }),
      selector('0.0.0.0/0', { protocol: 6, startPort: 80, endPort: 80 }),
      selector('10.0.0.0/7'),
      selector('10.0.0.0/8'),
      selector('10.1.2.3/32'),
    ].map((entry) => match([entry], '10.1.2.3', 6, 80)!);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(new Set(order).size).toBe(order.length);
    expect(match([selector('10.0.0.0/8'), selector('10.1.2.3/32'), selector('0.0.0.0/0')], '10.1.2.3')).toBe(
      match([selector('10.1.2.3/32')], '10.1.2.3'),
    );
  });
});
