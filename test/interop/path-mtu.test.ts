import { describe, expect, test } from 'vitest';
import { addMachineBehind, openFarLink } from './harness/far-link.js';
import { connect, type Kit, serve } from './harness/kit.js';
import { type Host, type Lab, openLab } from './harness/lab.js';
import { run } from './harness/process.js';
import { ping, refusedPing, transferInHalves } from './harness/traffic.js';
import { connectFlags, connectToStrongSwan, expectTransfer, isUp, serveFlags } from './harness/tunnels.js';

const esp = 'aes256gcm16';
const narrow = 1300;
// 1300 - 20 IPv4 - 8 UDP - 8 ESP - 8 IV - 16 ICV = 1240, a multiple of 4; less 2 of trailer.
const inner = 1238;
const all = { sent: 3, received: 3 };

/** Moves a megabyte each way over one connection, in whose middle the path becomes narrow. */
async function expectStream(lab: Lab, from: Host, to: Host, between: () => Promise<void>): Promise<void> {
  const ends = await transferInHalves(
    lab,
    { host: from, address: from.inner4 },
    { host: to, address: to.inner4 },
    1_000_000,
    between,
  );
  expect(ends.server.received).toEqual(ends.client.sent);
  expect(ends.client.received).toEqual(ends.server.sent);
  expect(ends.client.sent.bytes).toBe(1_000_000);
}

/** Who sends too much is told, and what fits arrives. */
async function expectTold(lab: Lab, from: Host, to: Host): Promise<void> {
  expect(await refusedPing(lab, from, from.inner4, to.inner4, inner + 1 - 28)).toBe(inner);
  expect(await ping(lab, from, from.inner4, to.inner4, { size: inner - 28, whole: true })).toEqual(all);
  // Every link carries 1,280 bytes of IPv6: here in fragments outside.
  expect(await refusedPing(lab, from, from.inner6, to.inner6, 1281 - 48)).toBe(1280);
  expect(await ping(lab, from, from.inner6, to.inner6, { size: 1280 - 48, whole: true })).toEqual(all);
}

/** Both ends of a new connection hear of segments that fit: what arrives first has an MSS of so many bytes. */
async function expectMss(lab: Lab, from: Host, to: Host, bytes: number): Promise<void> {
  const syns = [from, to].map((host, i) => {
    const flags = i === 0 ? 'tcp-syn|tcp-ack' : 'tcp-syn';
    const filter = `dst host ${host.inner4} and tcp[tcpflags] == (${flags})`;
    return lab.spawn(host, ['tcpdump', '-lnti', 'eth0', '-c', '1', filter]);
  });
  for (const syn of syns) await syn.wait('tcpdump', () => syn.stderr.includes('listening') || undefined);
  await expectTransfer(lab, { host: from, address: from.inner4 }, { host: to, address: to.inner4 });
  for (const syn of syns) {
    const mss = await syn.wait('the MSS', () => /mss (\d+)/.exec(syn.stdout)?.[1]);
    expect(Number(mss)).toBe(bytes);
  }
}

/** What a tunnel says that it learned. */
async function learned(kit: Kit): Promise<object> {
  const { pathMtu, innerMtu } = await kit.waitFor('path-mtu');
  return { pathMtu, innerMtu };
}

describe('a path that becomes narrow', () => {
  test('under a stream between machines behind connect and serve', async (context) => {
    const lab = await openLab(context, { hosts: 3, needs: ['tcpdump'] });
    const { a, b } = lab;
    const far = await openFarLink(lab);
    const machines = [await addMachineBehind(lab, a), await addMachineBehind(lab, b)] as const;
    const server = await serve(lab, b, { ...serveFlags(lab), esp });
    const client = connect(lab, a, b.v4, { ...connectFlags(lab), esp });
    await isUp(client);
    expect(
      await ping(lab, machines[0], machines[0].inner4, machines[1].inner4, { size: 1372, whole: true }),
    ).toEqual(all);
    await expectStream(lab, ...machines, () => far.setMtu(narrow));
    for (const kit of [client, server]) {
      expect(await learned(kit)).toEqual({ pathMtu: narrow, innerMtu: inner });
    }
    await expectTold(lab, machines[0], machines[1]);
    await expectTold(lab, machines[1], machines[0]);
    await expectMss(lab, machines[0], machines[1], inner - 40);
    expect(server.all('error')).toEqual([]);
    expect(client.all('error')).toEqual([]);
  });

  test('under a stream between connect itself and strongSwan', async (context) => {
    const lab = await openLab(context, { hosts: 3, needs: ['strongswan'] });
    const { a, b } = lab;
    const far = await openFarLink(lab);
    const { kit } = await connectToStrongSwan(lab, { flags: { esp }, peer: { esp } });
    expect(await ping(lab, a, a.inner4, b.inner4, { size: 1372, whole: true })).toEqual(all);
    await expectStream(lab, a, b, () => far.setMtu(narrow));
    expect(await learned(kit)).toEqual({ pathMtu: narrow, innerMtu: inner });
    await expectTold(lab, a, b);
    expect(kit.all('error')).toEqual([]);
  });

  test('which the simple plane leaves to the system', async (context) => {
    const lab = await openLab(context, { hosts: 3 });
    const { a, b } = lab;
    const far = await openFarLink(lab);
    const plane = 'simple';
    await serve(lab, b, { ...serveFlags(lab), esp, plane });
    await isUp(connect(lab, a, b.v4, { ...connectFlags(lab), esp, plane }));
    await expectStream(lab, a, b, () => far.setMtu(narrow));
    expect(await ping(lab, a, a.inner4, b.inner4, { size: 1372, whole: true })).toEqual(all);
  });

  test('without UDP', async (context) => {
    const lab = await openLab(context, { hosts: 3 });
    const { a, b } = lab;
    const far = await openFarLink(lab);
    await serve(lab, b, { ...serveFlags(lab), esp, 'no-encap': true });
    const client = connect(lab, a, b.v4, { ...connectFlags(lab), esp, 'no-encap': true });
    await isUp(client);
    await expectStream(lab, a, b, () => far.setMtu(narrow));
    expect(await learned(client)).toEqual({ pathMtu: narrow, innerMtu: inner + 8 });
    expect(await refusedPing(lab, a, a.inner4, b.inner4, inner + 9 - 28)).toBe(inner + 8);
  });

  test('over IPv6', async (context) => {
    const lab = await openLab(context, { hosts: 3 });
    const { a, b } = lab;
    const far = await openFarLink(lab);
    await serve(lab, b, { ...serveFlags(lab), esp });
    const client = connect(lab, a, b.v6, { ...connectFlags(lab), esp });
    await isUp(client);
    await expectStream(lab, a, b, () => far.setMtu(narrow));
    expect(await learned(client)).toEqual({ pathMtu: narrow, innerMtu: inner - 20 });
    expect(await refusedPing(lab, a, a.inner4, b.inner4, inner - 19 - 28)).toBe(inner - 20);
    expect(await ping(lab, a, a.inner6, b.inner6, { size: 1280 - 48, whole: true })).toEqual(all);
  });
});

test('an MTU that the path is known not to take is told once, with what fits', async (context) => {
  const lab = await openLab(context);
  const { a, b } = lab;
  const wanted = { esp, mtu: 1500 };
  const warning = { code: 'W_MTU', message: expect.stringMatching(/--mtu 1500 .* 1500 bytes .* 1438 /) };
  const server = await serve(lab, b, { ...serveFlags(lab), ...wanted });
  const client = connect(lab, a, b.v4, { ...connectFlags(lab), ...wanted });
  await isUp(client);
  expect(client.all('warning')).toMatchObject([{ ...warning, peer: `${b.v4}:4500` }]);
  expect(await server.waitFor('warning')).toMatchObject(warning);
  await client.stop();

  // What fits is no news, and the server has said what there is to say.
  await run(['ip', '-n', a.namespace, 'route', 'add', b.v4, 'dev', 'eth0', 'mtu', String(narrow)]);
  const fitting = connect(lab, a, b.v4, { ...connectFlags(lab), esp, mtu: inner });
  await isUp(fitting);
  await fitting.stop();
  const tooLarge = connect(lab, a, b.v4, { ...connectFlags(lab), esp, mtu: inner + 1 });
  await isUp(tooLarge);
  expect(fitting.all('warning')).toEqual([]);
  expect(tooLarge.all('warning')).toMatchObject([{ message: expect.stringContaining(`${inner} would`) }]);
  await server.waitFor('child-sa-established', 3);
  expect(server.all('warning')).toHaveLength(1);
});
