import { describe, expect, test } from 'vitest';
import { connect, type Kit, serve } from './harness/kit.js';
import { openLab } from './harness/lab.js';
import { until } from './harness/process.js';
import { acceptAnySource, rewriteSource } from './harness/rewriting.js';
import { leftovers, nothing, snapshot } from './harness/snapshot.js';
import { ping, startPing } from './harness/traffic.js';
import { isUp } from './harness/tunnels.js';

const all = { sent: 3, received: 3 };

/** What a command says on stderr. */
const says = (kit: Kit, text: string) =>
  kit.child.wait(`'${text}' on stderr`, () => kit.child.stderr.includes(text) || undefined);

describe('a peer that seems to be inside of the tunnel', () => {
  test.for([
    { plane: 'fast', what: 'ESP' },
    { plane: 'fast', what: 'IKE' },
    { plane: 'simple', what: 'ESP' },
  ] as const)(
    'is not followed there for its $what, with the $plane plane',
    async ({ plane, what }, context) => {
      const lab = await openLab(context, { needs: ['nft'] });
      const { a, b } = lab;
      await acceptAnySource(lab, b);
      const kit = await serve(lab, b, { plane, 'local-ts': ['0.0.0.0/0'], pool: ['10.98.0.0/24'] });
      const client = connect(lab, a, b.v4, { plane, 'remote-ts': [b.net4], dpd: '1s' });
      await isUp(client);
      const restore = await rewriteSource(lab, a, a.v4, '10.98.0.1', what);
      const pings = what === 'ESP' ? startPing(lab, a, '10.98.0.1', b.inner4) : undefined;
      await says(kit, 'packets of a peer came from 10.98.0.1');
      await restore();
      await pings?.stop();
      expect(await ping(lab, b, b.inner4, '10.98.0.1', { size: 1200 })).toEqual(all);
      expect(kit.all('peer-moved')).toEqual([]);
      await client.stop();
      // Sealed again and again, a packet makes ten thousands a second.
      const deleted = await kit.waitFor('child-sa-deleted');
      expect(deleted.packetsOut).toBeLessThan(1000);
    },
  );
});

describe('an outer address that the tunnel covers', () => {
  test('is kept outside by a full-tunnel client, wherever its gateway moves', async (context) => {
    const lab = await openLab(context, { needs: ['nft'] });
    const { a, b } = lab;
    await acceptAnySource(lab, a);
    await lab.run(a, ['ip', 'route', 'add', 'default', 'via', b.v4]);
    const before = await snapshot(lab, a);
    await serve(lab, b, { 'local-ts': ['0.0.0.0/0'], pool: ['10.98.0.0/24'] });
    const client = connect(lab, a, b.v4, { 'remote-ts': ['0.0.0.0/0'] });
    await isUp(client);
    const { device } = await client.waitFor('device-up');
    const routeTo = (...words: string[]) => lab.run(a, ['ip', 'route', 'get', ...words]);
    expect(await routeTo(b.v4)).toContain('dev eth0');

    const running = startPing(lab, b, b.inner4, '10.98.0.1');
    await running.answers(2);
    const restore = await rewriteSource(lab, b, b.v4, '203.0.113.7');
    expect((await client.waitFor('peer-moved')).peer).toBe('203.0.113.7:4500');
    await running.answers(10);
    // Nothing but the tunnel itself goes to there outside, and nothing at all to where it went before.
    const { local } = await client.waitFor('peer-moved');
    const port = local.slice(local.lastIndexOf(':') + 1);
    expect(await routeTo('203.0.113.7', 'ipproto', 'udp', 'sport', port)).toContain('dev eth0');
    expect(await routeTo('203.0.113.7')).toContain(`dev ${device}`);
    await until('the old route to go', async () => {
      return (await lab.run(a, ['ip', 'route', 'show', 'exact', `${b.v4}/32`])) === '';
    });

    await restore();
    expect((await client.waitFor('peer-moved', 2)).peer).toBe(`${b.v4}:4500`);
    await running.answers(10);
    await running.stop();
    await client.stop();
    expect(await leftovers(lab, a, before)).toEqual(nothing);
  });

  test('is kept outside by serve, when a client with a network moves within it', async (context) => {
    const lab = await openLab(context, { needs: ['nft'] });
    const { a, b } = lab;
    await acceptAnySource(lab, b);
    const network = '10.88.0.0/16';
    for (const address of ['10.88.7.1', '10.88.200.1']) {
      await lab.run(a, ['ip', 'addr', 'add', `${address}/32`, 'dev', 'lo']);
    }
    await lab.run(a, ['ip', 'route', 'add', b.v4, 'dev', 'eth0', 'src', '10.88.7.1']);
    await lab.run(b, ['ip', 'route', 'add', 'default', 'via', a.v4]);
    const before = await snapshot(lab, b);
    const kit = await serve(lab, b, { 'local-ts': [b.net4], 'remote-ts': [network] });
    const client = connect(lab, a, b.v4, { 'local-ts': [network], 'remote-ts': [b.net4] });
    await isUp(client);
    const running = startPing(lab, a, '10.88.200.1', b.inner4);
    await running.answers(2);
    await rewriteSource(lab, a, '10.88.7.1', '10.88.8.1');
    expect((await kit.waitFor('peer-moved')).peer).toMatch(/^10\.88\.8\.1:/);
    await running.answers(10);
    await running.stop();
    await client.stop();
    await kit.stop();
    expect(await leftovers(lab, b, before)).toEqual(nothing);
  });
});
