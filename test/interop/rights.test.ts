import { describe, expect, test } from 'vitest';
import { connect, type Flags, serve, verdict } from './harness/kit.js';
import { openLab } from './harness/lab.js';
import { ordinaryUser } from './harness/rights.js';
import { leftovers, nothing, snapshot } from './harness/snapshot.js';
import { connectFlags, expectTraffic, isUp, serveFlags } from './harness/tunnels.js';

const everything = ['0.0.0.0/0', '::/0'];

describe('an ordinary user with few capabilities', () => {
  test.for<{ flags: Flags; more: string[]; signal: NodeJS.Signals; name: string }>([
    { name: '--plane fast', flags: { plane: 'fast' }, more: [], signal: 'SIGKILL' },
    { name: '--plane simple', flags: { plane: 'simple' }, more: [], signal: 'SIGINT' },
    { name: '--no-encap', flags: { 'no-encap': true }, more: ['net_raw'], signal: 'SIGINT' },
  ])('has a whole tunnel with $name, and it goes without a trace', async (each, context) => {
    const { flags, more, signal } = each;
    const lab = await openLab(context);
    const { a, b } = lab;
    const listening = { wrapper: ordinaryUser('net_admin', 'net_bind_service', ...more) };
    const server = await serve(lab, b, { ...serveFlags(lab), 'local-ts': everything, ...flags }, listening);
    const before = await snapshot(lab, a);
    const dialling = { wrapper: ordinaryUser('net_admin', ...more) };
    const wanted = { ...connectFlags(lab), 'remote-ts': everything, ...flags };
    const client = connect(lab, a, b.v4, wanted, dialling);
    await isUp(client);
    await expectTraffic(lab);
    expect([...client.all('error'), ...server.all('error')]).toEqual([]);
    expect(await lab.run(a, ['ip', 'route'])).toMatch(new RegExp(`^${b.v4} dev eth0`, 'm'));
    await client.stop(signal);
    expect(await leftovers(lab, a, before)).toEqual(nothing);
    expect((await server.stop()).code).toBe(130);
  });

  test('hears what misses, all at once and before the gateway does', async (context) => {
    const lab = await openLab(context);
    const server = await serve(lab, lab.b, serveFlags(lab));
    const client = connect(lab, lab.a, lab.b.v4, connectFlags(lab), { wrapper: ordinaryUser('net_raw') });
    expect((await client.ended()).code).toBe(7);
    expect(verdict(client)).toMatchObject({
      code: 'E_PRIVILEGE',
      sentence: expect.stringContaining('CAP_NET_ADMIN'),
      hint: expect.stringMatching(/CAP_NET_ADMIN.*CAP_NET_BIND_SERVICE.*CAP_NET_RAW/),
    });
    expect(server.events.at(-1)?.event).toBe('listening');
  });

  test('may serve on other ports without more', async (context) => {
    const lab = await openLab(context);
    const { a, b } = lab;
    const wrapper = ordinaryUser('net_admin');
    await expect(serve(lab, b, serveFlags(lab), { wrapper })).rejects.toThrow(
      /E_PRIVILEGE[\s\S]*CAP_NET_BIND_SERVICE.*ports from 1024/,
    );
    const ports = { port: 1500, 'nat-port': 14_500 };
    await serve(lab, b, { ...serveFlags(lab), ...ports }, { wrapper });
    await isUp(connect(lab, a, b.v4, { ...connectFlags(lab), ...ports }, { wrapper }));
  });
});
