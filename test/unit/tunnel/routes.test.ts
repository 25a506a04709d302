import { describe, expect, it } from 'vitest';
import { anySelector, selectorFromCidr } from '../../../src/lib/ike/traffic-selectors.js';
import { listenBindings } from '../../../src/lib/tunnel/listen.js';
import { gatewayAddresses } from '../../../src/lib/tunnel/resolve.js';
import {
  coversAddress,
  leftOutside,
  overlapping,
  sourceWithin,
  tunnelRoutes,
} from '../../../src/lib/tunnel/routes.js';

const ts = (...texts: string[]) => texts.map(selectorFromCidr);
const host = [
  { device: 'lo', address: '127.0.0.1' },
  { device: 'lo', address: '::1' },
  { device: 'eth0', address: '192.0.2.10' },
  { device: 'eth1', address: '10.1.0.5' },
  { device: 'eth1', address: '2001:db8::5' },
];

describe('leftOutside', () => {
  const all = [anySelector(4), anySelector(6)];
  it('names a family that was asked for and is missing in a full tunnel', () => {
    expect(leftOutside(all, [anySelector(4)])).toEqual([6]);
    expect(leftOutside(all, [anySelector(6)])).toEqual([4]);
  });

  it('is silent about what nobody asked for, and about tunnels to some networks', () => {
    expect(leftOutside(all, all)).toEqual([]);
    expect(leftOutside([anySelector(4)], [anySelector(4)])).toEqual([]);
    expect(leftOutside(all, ts('10.2.0.0/24'))).toEqual([]);
    expect(leftOutside(all, [anySelector(4), ...ts('fd09::/64')])).toEqual([]);
  });
});

describe('tunnelRoutes', () => {
  it('makes halves of a default route, so that the default of the host stays', () => {
    expect(tunnelRoutes([anySelector(4), anySelector(6)], [anySelector(4), anySelector(6)])).toEqual([
      '0.0.0.0/1',
      '128.0.0.0/1',
      '::/1',
      '8000::/1',
    ]);
  });

  it('routes only families that this side has', () => {
    expect(tunnelRoutes(ts('10.9.0.1/32'), [anySelector(6), ...ts('10.1.0.0/16')])).toEqual(['10.1.0.0/16']);
    expect(tunnelRoutes([], ts('10.1.0.0/16'))).toEqual([]);
  });

  it('says every destination once, whatever the protocol', () => {
    expect(tunnelRoutes(ts('10.0.0.1'), ts('10.1.0.0/16[tcp/80]', '10.1.0.0/16[udp]', '10.2.0.1'))).toEqual([
      '10.1.0.0/16',
      '10.2.0.1/32',
    ]);
  });
});

describe('coversAddress', () => {
  it('looks at the address alone', () => {
    expect(coversAddress(ts('10.0.0.0/8[tcp/443]'), '10.1.2.3')).toBe(true);
    expect(coversAddress(ts('10.0.0.0/8'), '11.1.2.3')).toBe(false);
    expect(coversAddress([anySelector(6)], '10.1.2.3')).toBe(false);
  });
});

describe('sourceWithin', () => {
  it('finds an address of the host that the selectors allow', () => {
    expect(sourceWithin(ts('10.1.0.0/16'), 4, host)).toBe('10.1.0.5');
    expect(sourceWithin(ts('2001:db8::/64'), 6, host)).toBe('2001:db8::5');
    expect(sourceWithin(ts('10.7.0.0/16'), 4, host)).toBeUndefined();
    expect(sourceWithin(ts('10.1.0.0/16'), 6, host)).toBeUndefined();
  });
});

describe('overlapping', () => {
  it('is about packets that both could take', () => {
    expect(overlapping(ts('10.0.0.0/8'), ts('10.9.0.1/32'))).toBe(true);
    expect(overlapping(ts('10.9.0.1/32'), ts('10.9.0.2/32'))).toBe(false);
    expect(overlapping(ts('10.9.0.1[tcp/80]'), ts('10.9.0.1[tcp/443]'))).toBe(false);
    expect(overlapping(ts('10.9.0.1[tcp/80]'), ts('10.9.0.1[udp/80]'))).toBe(false);
    expect(overlapping(ts('10.9.0.1[tcp]'), ts('10.9.0.1'))).toBe(true);
    expect(overlapping(ts('10.9.0.1[udp/opaque]'), ts('10.9.0.1[udp/opaque]'))).toBe(true);
    expect(overlapping(ts('10.9.0.1[udp/opaque]'), ts('10.9.0.1'))).toBe(true);
    expect(overlapping(ts('10.9.0.1[udp/opaque]'), ts('10.9.0.1[udp/0-100]'))).toBe(false);
    expect(overlapping([anySelector(4)], [anySelector(6)])).toBe(false);
  });
});

describe('listenBindings', () => {
  it('opens both ports of every address', () => {
    expect(listenBindings(['192.0.2.10', '2001:DB8:0::5'], host, 500, 4500)).toEqual([
      { address: '192.0.2.10', port: 500, natT: false },
      { address: '192.0.2.10', port: 4500, natT: true },
      { address: '2001:db8::5', port: 500, natT: false },
      { address: '2001:db8::5', port: 4500, natT: true },
    ]);
  });

  it('takes all addresses without a choice, and those of a family for its wildcard', () => {
    const addresses = (listen: string[]) =>
      listenBindings(listen, host, 500, 4500)
        .filter(({ natT }) => natT)
        .map(({ address }) => address);
    expect(addresses([])).toEqual(['127.0.0.1', '192.0.2.10', '10.1.0.5', '::1', '2001:db8::5']);
    expect(addresses(['0.0.0.0'])).toEqual(['127.0.0.1', '192.0.2.10', '10.1.0.5']);
    expect(addresses(['::', '::1'])).toEqual(['::1', '2001:db8::5']);
  });

  it('refuses what is no address, and a host without any', () => {
    expect(() => listenBindings(['example.com'], host, 500, 4500)).toThrow(
      expect.objectContaining({ code: 'E_ADDRESS', kind: 'usage' }),
    );
    expect(() => listenBindings(['::'], host.slice(0, 1), 500, 4500)).toThrow(
      expect.objectContaining({ code: 'E_ADDRESS', kind: 'environment' }),
    );
  });
});

describe('gatewayAddresses', () => {
  const resolver = async () => [
    { address: '2001:db8::2', family: 6 },
    { address: '192.0.2.2', family: 4 },
    { address: '2001:db8::1', family: 6 },
    { address: '192.0.2.1', family: 4 },
  ];

  it('prefers IPv4, in the order of the resolver', async () => {
    const expected = ['192.0.2.2', '192.0.2.1', '2001:db8::2', '2001:db8::1'];
    expect(await gatewayAddresses('vpn.example.com', resolver)).toEqual(expected);
  });

  it('asks nobody about an address', async () => {
    const never = () => Promise.reject(new Error('asked'));
    expect(await gatewayAddresses('192.0.2.9', never)).toEqual(['192.0.2.9']);
    expect(await gatewayAddresses('[2001:DB8::0:1]', never)).toEqual(['2001:db8::1']);
  });

  it('says which name cannot be resolved', async () => {
    const failing = () => Promise.reject(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }));
    await expect(gatewayAddresses('no.such.example', failing)).rejects.toMatchObject({
      kind: 'network',
      code: 'E_RESOLVE',
      message: expect.stringMatching(/no\.such\.example.*ENOTFOUND/),
    });
  });
});
