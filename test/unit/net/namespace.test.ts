import { describe, expect, it } from 'vitest';
import { inNamespace, whyNoNamespace } from './namespace.js';

const reason = whyNoNamespace();
if (reason !== undefined) console.warn(`Skipped, this user gets no namespace with a TUN device: ${reason}`);

describe.skipIf(reason !== undefined)('TUN device', () => {
  it('carries IPv4 and IPv6 both ways with the MTU asked for, and goes on close', async () => {
    expect(await inNamespace('tun-ping')).toEqual({ answered: 5, mtu: 1380, dropped: 0, gone: true });
  });

  it('lets the process leave by itself when closed idle', async () => {
    expect(await inNamespace('tun-idle-close')).toEqual({ names: ['ikit0', 'ikit1'], writes: false });
  });

  it('drops and counts what the system does not take', async () => {
    expect(await inNamespace('tun-down')).toEqual({ taken: [false, false, false], dropped: 3 });
  });

  it('says when it is gone', async () => {
    expect(await inNamespace('tun-gone')).toEqual({ code: 'E_TUN' });
  });

  it('says when the name is taken', async () => {
    expect(await inNamespace('tun-busy')).toEqual({ code: 'E_TUN_BUSY' });
  });

  it('is known beforehand to be possible or not', async () => {
    const codes = ['no error', 'E_TUN_BUSY', 'no error', 'no error', 'E_TUN_NAME'];
    expect(await inNamespace('tun-check')).toEqual(codes);
  });

  it('has nothing of who used it before, and no offloads where the system knows none', async () => {
    expect(await inNamespace('tun-kept')).toEqual({
      checksum: 0xffff,
      // Of UDP behind IPv4, and bytes of all headers with ten of payload.
      checksumStart: 20,
      length: 10 + 20 + 8 + 10,
      bare: ['ikit0', 'none'],
      taken: 'E_TUN_BUSY',
    });
  });

  it('leaves timers their turn under a flood', async () => {
    expect(await inNamespace('tun-flood')).toMatchObject({ packets: expect.any(Number) });
  });
});

describe.skipIf(reason !== undefined)('host network', () => {
  it('is changed and asked through ip', async () => {
    expect(await inNamespace('ip-command')).toEqual({
      twice: 'E_IP_COMMAND',
      found: { device: 'esp-test', via: '10.9.0.2', source: '10.9.0.1' },
      six: { device: 'esp-test', source: 'fd00:9::1' },
      narrow: { device: 'esp-test', via: '10.9.0.2', source: '10.9.0.1', mtu: 1200 },
      after: 'E_NO_ROUTE',
      mtu: 1300,
    });
  });

  it('tells how an address would be reached without a device', async () => {
    const { name, ...found } = (await inNamespace('route-beside')) as { name: string };
    expect(found).toEqual({
      none: 'E_NO_ROUTE',
      byDefault: { device: name, via: '192.0.2.8' },
      byPrefix: { device: name, via: '192.0.2.6' },
      onLink: { device: name },
      byHost: { device: name, via: '192.0.2.4' },
    });
  });

  it('without a route says so', async () => {
    expect(await inNamespace('no-route')).toEqual({ local: 'E_NO_ROUTE', asked: 'E_NO_ROUTE' });
  });

  it('without the right to change it says so', async () => {
    const wrapper = ['setpriv', '--bounding-set', '-net_admin'];
    expect(await inNamespace('no-privilege', wrapper)).toEqual({
      tun: 'E_PRIVILEGE',
      check: 'E_PRIVILEGE',
      route: 'E_PRIVILEGE',
    });
  });
});

describe.skipIf(reason !== undefined)('undo guardian', () => {
  it('removes a route after SIGKILL', async () => {
    expect(await inNamespace('undo-killed')).toEqual({ before: true });
  });

  it('outlives a SIGINT to the process group and removes the route then', async () => {
    expect(await inNamespace('undo-interrupted')).toEqual({});
  });
});
