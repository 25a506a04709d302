import { describe, expect, it } from 'vitest';
import {
  addAddress,
  addPortRule,
  addRoute,
  removePortRuleCommand,
  removeRouteCommand,
  setUp,
} from '../../../src/lib/net/ip-command.js';

describe('ip commands', () => {
  it('are built in full', () => {
    const route = {
      to: '192.0.2.1',
      device: 'eth0',
      via: '10.0.0.1',
      source: '10.0.0.2',
      metric: 5,
      mtu: 1400,
    };
    expect(removeRouteCommand(route).join(' ')).toBe(
      'ip -4 route del 192.0.2.1 via 10.0.0.1 dev eth0 src 10.0.0.2 metric 5 mtu 1400',
    );
    expect(removeRouteCommand({ to: '2001:db8::/32', device: 'ikit0' }).join(' ')).toBe(
      'ip -6 route del 2001:db8::/32 dev ikit0',
    );
    expect(removeRouteCommand({ to: '192.0.2.1', device: 'eth0', table: 99 }).join(' ')).toBe(
      'ip -4 route del 192.0.2.1 dev eth0 table 99',
    );
    expect(removePortRuleCommand({ to: '2001:db8::1/128', sourcePort: 4500, table: 99 }).join(' ')).toBe(
      'ip -6 rule del pref 32765 to 2001:db8::1/128 ipproto udp sport 4500 lookup 99',
    );
  });

  it('take nothing but addresses, device names and counts', async () => {
    const refused = expect.objectContaining({ kind: 'bug', code: 'E_ROUTE' });
    for (const to of [
      'default',
      '-help',
      '10.0.0.0/33',
      '10.0.0.0/8/8',
      'fe80::1%eth0',
      '::/129',
      '',
      '10.0.0.0/ 8',
    ]) {
      await expect(addRoute({ to, device: 'lo' }), to).rejects.toEqual(refused);
    }
    for (const device of ['', '-x', 'a b', '../x', 'sixteen-letters-', 'a;b']) {
      await expect(addRoute({ to: '192.0.2.0/24', device }), device).rejects.toEqual(refused);
      await expect(setUp(device), device).rejects.toEqual(refused);
      await expect(addAddress(device, '192.0.2.1'), device).rejects.toEqual(refused);
    }
    await expect(addRoute({ to: '192.0.2.0/24', device: 'lo', metric: -1 })).rejects.toEqual(refused);
    await expect(addRoute({ to: '192.0.2.0/24', device: 'lo', via: 'x' })).rejects.toEqual(refused);
    await expect(addPortRule({ to: 'x', sourcePort: 1, table: 1 })).rejects.toEqual(refused);
    await expect(addPortRule({ to: '192.0.2.1', sourcePort: -1, table: 1 })).rejects.toEqual(refused);
  });
});
