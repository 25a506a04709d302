import { describe, expect, it } from 'vitest';
import { clientOptions, serverOptions, type TunnelFlagValues } from '../../../src/cli/tunnel-options.js';
import { defaultPathPolicy } from '../../../src/lib/esp/path-policy.js';

const defaults: TunnelFlagValues = {
  port: 500,
  'nat-port': 4500,
  encap: true,
  df: 'copy',
  dscp: 'copy',
  'mss-clamp': 'auto',
  plane: 'auto',
  fragmentation: 'yes',
  'full-transcript': 'yes',
  'rekey-ike': '4h',
  'rekey-child': '1h',
  'rekey-child-bytes': '0',
  dpd: '30s',
};

describe('clientOptions', () => {
  const client = (gateway: string, flags: Partial<TunnelFlagValues> = {}) =>
    clientOptions(gateway, { ...defaults, ...flags, 'dns-mode': 'none' });

  it('translates the flags', () => {
    const options = client('vpn.example.com', {
      'local-ts': ['10.1.0.0/24, 10.2.0.0/24', 'fd00::/64'],
      'tun-name': 'tun5',
      duration: '1h30m',
      'rekey-child-bytes': '500M',
      dpd: '0',
    });
    expect(options).toMatchObject({
      gateway: 'vpn.example.com',
      dnsMode: 'none',
      localTs: ['10.1.0.0/24', '10.2.0.0/24', 'fd00::/64'],
      remoteTs: undefined,
      tunName: 'tun5',
      rekeyIke: 14_400_000,
      rekeyChild: 3_600_000,
      rekeyChildBytes: 500 * 2 ** 20,
      dpd: undefined,
      duration: 5_400_000,
    });
  });

  it.each(['', 'a b', 'host/path', 'x'.repeat(256)])('refuses %j as a gateway', (gateway) => {
    expect(() => client(gateway)).toThrow(expect.objectContaining({ code: 'E_GATEWAY', exitCode: 2 }));
  });

  it('says what packets outside show, and what fits', () => {
    expect(client('a').path).toEqual(defaultPathPolicy);
    const path = (flags: Partial<TunnelFlagValues>) => client('a', flags).path;
    expect(path({ df: 'set', dscp: 'clear', 'mss-clamp': 'off' })).toEqual({
      df: 'set',
      dscp: 'clear',
      mssClamp: 'off',
    });
    for (const dscp of [0, 46, 63]) expect(path({ dscp: String(dscp) })?.dscp).toBe(dscp);
    for (const bytes of [536, 65_495]) expect(path({ 'mss-clamp': String(bytes) })?.mssClamp).toBe(bytes);
    for (const dscp of ['64', '-1', '1.5', '', 'EF', '0x2e']) {
      expect(() => path({ dscp })).toThrow(expect.objectContaining({ code: 'E_DSCP', exitCode: 2 }));
    }
    for (const bytes of ['535', '65496', '-1', '', 'max', '1e3']) {
      expect(() => path({ 'mss-clamp': bytes })).toThrow(
        expect.objectContaining({ code: 'E_MSS_CLAMP', exitCode: 2 }),
      );
    }
  });

  it('refuses ports and names that cannot be', () => {
    expect(() => client('a', { port: 0 })).toThrow(expect.objectContaining({ code: 'E_PORT' }));
    expect(() => client('a', { 'tun-name': 'sixteen-letters!' })).toThrow(
      expect.objectContaining({ code: 'E_TUN_NAME' }),
    );
    expect(() => client('a', { 'rekey-ike': 'soon' })).toThrow('--rekey-ike');
    expect(() => client('a', { 'rekey-child-bytes': 'many' })).toThrow('--rekey-child-bytes');
  });
});

describe('serverOptions', () => {
  it('joins repeated and comma-separated lists', () => {
    const options = serverOptions({
      ...defaults,
      listen: ['192.0.2.1,2001:db8::1'],
      pool: ['10.9.0.0/24', 'fd09::/64'],
      dns: [' 10.2.0.53 ,'],
      'cookie-threshold': 7,
    });
    expect(options).toMatchObject({
      listen: ['192.0.2.1', '2001:db8::1'],
      pools: ['10.9.0.0/24', 'fd09::/64'],
      dns: ['10.2.0.53'],
      cookieThreshold: 7,
    });
    expect(serverOptions({ ...defaults, 'cookie-threshold': 0 })).toMatchObject({
      listen: [],
      pools: [],
      dns: [],
    });
  });
});
