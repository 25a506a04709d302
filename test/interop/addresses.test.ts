import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connect, serve } from './harness/kit.js';
import { type Host, openLab } from './harness/lab.js';
import { leftovers, nothing, snapshot } from './harness/snapshot.js';
import { StrongSwan } from './harness/strongswan.js';
import { ping } from './harness/traffic.js';
import { expectTransfer, isUp, serveFlags, startInitiator, startResponder } from './harness/tunnels.js';

const all = { sent: 3, received: 3 };
const dns = ['10.77.2.53', 'fd77:0:0:2::53'];

describe('virtual addresses', () => {
  test('connect takes addresses and name servers from a strongSwan pool', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { a, b } = lab;
    const before = await snapshot(lab, a);
    const peer = await StrongSwan.start(lab, b, {
      local: b.v4,
      localTs: [b.net4, b.net6],
      pools: ['10.99.0.0/24', 'fd99::/64'],
      dns,
    });
    const kit = connect(lab, a, b.v4, { 'remote-ts': [b.net4, b.net6] });
    await isUp(kit);
    const assigned = await kit.waitFor('addresses-assigned');
    expect(assigned.addresses).toEqual(['10.99.0.1', 'fd99::1']);
    expect([...assigned.dns].sort()).toEqual([...dns].sort());
    expect(await peer.listSas()).toMatchObject([{ 'remote-vips': ['10.99.0.1', 'fd99::1'] }]);

    expect(await ping(lab, a, '10.99.0.1', b.inner4)).toEqual(all);
    expect(await ping(lab, b, b.inner6, 'fd99::1')).toEqual(all);
    await expectTransfer(lab, { host: a, address: '10.99.0.1' }, { host: b, address: b.inner4 });
    await expectTransfer(lab, { host: a, address: 'fd99::1' }, { host: b, address: b.inner6 });
    await kit.stop();
    expect(await leftovers(lab, a, before)).toEqual(nothing);
  });

  test('--dns-mode resolvectl sets the name servers of the device and takes them back', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { a, b } = lab;
    await startResponder(lab, {
      localTs: [b.net4],
      remoteTs: undefined,
      pools: ['10.99.0.0/24'],
      dns: [dns[0]!],
    });
    // A stand-in for systemd-resolved's program, which writes down how it is called.
    const programs = join(lab.dir, 'programs');
    const calls = join(lab.dir, 'resolvectl-calls');
    mkdirSync(programs);
    writeFileSync(join(programs, 'resolvectl'), `#!/bin/sh\necho "$*" >>${calls}\n`);
    chmodSync(join(programs, 'resolvectl'), 0o755);
    const kit = connect(lab, a, b.v4, { 'remote-ts': [b.net4], 'dns-mode': 'resolvectl' }, { programs });
    await isUp(kit);
    const { device } = await kit.waitFor('device-up');
    expect(await ping(lab, a, '10.99.0.1', b.inner4)).toEqual(all);
    const made = () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []);
    expect(made()).toContain(`dns ${device} ${dns[0]}`);
    expect(made()).not.toContain(`revert ${device}`);
    await kit.stop();
    expect(made()).toContain(`revert ${device}`);
  });

  test('a strongSwan client takes addresses and name servers from --pool and --dns', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { a, b } = lab;
    const kit = await serve(lab, b, {
      'local-ts': [b.net4, b.net6],
      pool: ['10.98.0.0/24', 'fd98::/64'],
      dns,
    });
    const peer = await startInitiator(lab, { localTs: undefined, virtualIps: ['0.0.0.0', '::'] });
    await peer.initiate();
    expect(await kit.waitFor('addresses-assigned')).toMatchObject({ addresses: ['10.98.0.1', 'fd98::1'] });
    expect(await peer.listSas()).toMatchObject([{ 'local-vips': ['10.98.0.1', 'fd98::1'] }]);
    for (const server of dns) expect(peer.resolvConf()).toContain(`nameserver ${server}`);

    expect(await ping(lab, a, '10.98.0.1', b.inner4)).toEqual(all);
    expect(await ping(lab, b, b.inner6, 'fd98::1')).toEqual(all);
    await expectTransfer(lab, { host: a, address: '10.98.0.1' }, { host: b, address: b.inner4 });
    await expectTransfer(lab, { host: b, address: b.inner6 }, { host: a, address: 'fd98::1' });
  });

  test('five clients at once on one serve, each its own address', async (context) => {
    const lab = await openLab(context, { hosts: 6, needs: ['strongswan'] });
    const server = lab.host(1);
    const kit = await serve(lab, server, { 'local-ts': [server.net4], pool: ['10.98.0.0/24'] });
    const ours = async (host: Host) => {
      const client = connect(lab, host, server.v4, {
        'local-id': `${host.namespace}.test`,
        'remote-ts': [server.net4],
      });
      await isUp(client);
      return (await client.waitFor('addresses-assigned')).addresses[0] ?? '';
    };
    const strongSwan = async (host: Host) => {
      const peer = await StrongSwan.start(lab, host, {
        local: host.v4,
        remote: server.v4,
        localId: `${host.namespace}.test`,
        remoteId: 'bob.test',
        remoteTs: [server.net4],
        virtualIps: ['0.0.0.0'],
      });
      await peer.initiate();
      return String((await peer.listSas())[0]?.['local-vips']);
    };
    const hosts = [2, 3, 4, 5, 6].map((n) => lab.host(n));
    const addresses = await Promise.all(
      hosts.map((host, i) => (i % 2 === 0 ? ours(host) : strongSwan(host))),
    );
    expect([...addresses].sort()).toEqual([1, 2, 3, 4, 5].map((n) => `10.98.0.${n}`));
    expect(kit.all('child-sa-established')).toHaveLength(5);

    await Promise.all(
      hosts.map(async (host, i) => {
        const address = addresses[i]!;
        expect(await ping(lab, host, address, server.inner4)).toEqual(all);
        expect(await ping(lab, server, server.inner4, address)).toEqual(all);
        const inside = { host: server, address: server.inner4 };
        await expectTransfer(lab, { host, address }, inside, 300_000);
      }),
    );
  });
});

describe('routes', () => {
  test('a full tunnel keeps the path to the gateway', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { a, b } = lab;
    // The gateway is beyond the default route, which the tunnel covers.
    const gateway = '203.0.113.1';
    await lab.run(b, ['ip', 'addr', 'add', `${gateway}/32`, 'dev', 'lo']);
    await lab.run(a, ['ip', 'route', 'add', 'default', 'via', b.v4]);
    const before = await snapshot(lab, a);
    await startResponder(lab, {
      local: gateway,
      localTs: ['0.0.0.0/0'],
      remoteTs: undefined,
      pools: ['10.99.0.0/24'],
    });
    const kit = connect(lab, a, gateway, { 'remote-ts': ['0.0.0.0/0'], 'rekey-ike': '2s' });
    await isUp(kit);
    const { device } = await kit.waitFor('device-up');
    const routeTo = (address: string) => lab.run(a, ['ip', 'route', 'get', address]);
    expect(await routeTo('198.51.100.1')).toContain(`dev ${device}`);
    expect(await routeTo(gateway)).toContain('dev eth0');
    expect(await ping(lab, a, '10.99.0.1', b.inner4)).toEqual(all);
    // IKE still gets through, and so does what is sent by it.
    await kit.waitFor('ike-sa-rekeyed');
    expect(await ping(lab, a, '10.99.0.1', b.inner4)).toEqual(all);
    await kit.stop();
    expect(await leftovers(lab, a, before)).toEqual(nothing);
  });

  test('serve takes its device and routes back', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { a, b } = lab;
    const before = await snapshot(lab, b);
    const kit = await serve(lab, b, serveFlags(lab));
    const peer = await startInitiator(lab);
    await peer.initiate();
    expect(await ping(lab, a, a.inner4, b.inner4)).toEqual(all);
    expect((await kit.stop()).code).toBe(130);
    expect(await leftovers(lab, b, before)).toEqual(nothing);
  });
});
