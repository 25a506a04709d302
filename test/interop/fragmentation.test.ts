import { describe, expect, test } from 'vitest';
import { Capture, tsharkFields } from './harness/capture.js';
import { connect, type Kit, serve } from './harness/kit.js';
import { type Host, type Lab, openLab } from './harness/lab.js';
import { startNat } from './harness/nat.js';
import { certFlags, certPeer, issuePeople, type People } from './harness/people.js';
import type { StrongSwanOptions } from './harness/strongswan-config.js';
import { startPing } from './harness/traffic.js';
import {
  connectFlags,
  expectTraffic,
  isUp,
  serveFlags,
  startInitiator,
  startResponder,
} from './harness/tunnels.js';

const needs = ['strongswan', 'tcpdump', 'tshark'] as const;

/** IKE_AUTH as captured: the size of the IP datagram, and whether it is a fragment (RFC 7383: payload 53). */
interface AuthDatagram {
  bytes: number;
  fragment: boolean;
}

async function authDatagrams(capture: Capture, from: Host): Promise<AuthDatagram[]> {
  const filter = `isakmp.exchangetype == 35 and ip.src == ${from.v4} and not icmp`;
  const rows = await tsharkFields(capture.file, ['ip.len', 'isakmp.nextpayload'], { filter });
  return rows.map(([bytes, payloads = '']) => ({
    bytes: Number(bytes),
    fragment: payloads.split(',').includes('53'),
  }));
}

const sizes = (datagrams: readonly AuthDatagram[]) => datagrams.map(({ bytes }) => bytes);

/** All of `from`'s IKE_AUTH came in pieces, none larger than `limit`, and more than `count` of them. */
async function expectFragments(capture: Capture, from: Host, limit: number, count: number): Promise<void> {
  const datagrams = await authDatagrams(capture, from);
  expect(datagrams.filter(({ fragment }) => !fragment)).toEqual([]);
  expect(Math.max(...sizes(datagrams))).toBeLessThanOrEqual(limit);
  expect(datagrams.length).toBeGreaterThan(count);
}

/** Signs in vain for a while if it must: with every fifth datagram lost some exchanges take long. */
const patient = { retransmit_timeout: '1', retransmit_base: '1.4', retransmit_tries: '12' };

const peerOf = (people: People, own: People['alice'], size: number): Partial<StrongSwanOptions> => ({
  ...certPeer(people, own),
  connection: { fragmentation: 'yes' },
  charon: { fragment_size: size, ...patient },
});

/** Pings until some were answered, though others are lost. */
async function expectSomeTraffic(lab: Lab): Promise<void> {
  const running = startPing(lab, lab.a, lab.a.inner4, lab.b.inner4);
  await running.answers(20);
  await running.stop();
}

const up = (kit: Kit) => kit.waitFor('device-up', 1, 60_000);

describe.concurrent.each([
  { size: 500, keyType: 'ecdsa-p256' },
  { size: 1280, keyType: 'rsa-2048' },
] as const)('fragments of $size bytes, every fifth datagram lost', ({ size, keyType }) => {
  test('connect to strongSwan', async (context) => {
    const lab = await openLab(context, { hosts: 3, needs });
    const people = await issuePeople(lab, { keyType, intermediate: true });
    await startNat(lab, { loss: 20 });
    const capture = await Capture.start(lab, lab.a);
    await startResponder(lab, peerOf(people, people.bob, size));
    const kit = connect(lab, lab.a, lab.host(3).v4, {
      ...connectFlags(lab),
      ...certFlags(people, people.alice),
      'fragment-size': size,
    });
    await up(kit);
    await expectSomeTraffic(lab);
    await capture.stop();
    await expectFragments(capture, lab.a, size, 1);
    await expectFragments(capture, lab.host(3), size, 1);
  });

  test('serve for strongSwan', async (context) => {
    const lab = await openLab(context, { hosts: 3, needs });
    const people = await issuePeople(lab, { keyType, intermediate: true });
    await startNat(lab, { loss: 20 });
    const capture = await Capture.start(lab, lab.b);
    const kit = await serve(lab, lab.b, {
      ...serveFlags(lab),
      ...certFlags(people, people.bob),
      'fragment-size': size,
    });
    const peer = await startInitiator(lab, {
      ...peerOf(people, people.alice, size),
      remote: lab.host(3).v4,
    });
    await peer.initiate(60);
    await kit.waitFor('child-sa-established');
    await expectSomeTraffic(lab);
    await capture.stop();
    await expectFragments(capture, lab.b, size, 1);
    await expectFragments(capture, lab.host(3), size, 1);
  });
});

describe('a long chain', () => {
  const long = { keyType: 'rsa-3072', intermediate: true } as const;

  test.for(['connect', 'serve'] as const)(
    '%s with strongSwan in many small fragments',
    async (role, context) => {
      const lab = await openLab(context, { needs });
      const { a, b } = lab;
      const people = await issuePeople(lab, long);
      const capture = await Capture.start(lab, a);
      const flags = { 'fragment-size': 500 };
      if (role === 'connect') {
        await startResponder(lab, peerOf(people, people.bob, 500));
        await isUp(
          connect(lab, a, b.v4, { ...connectFlags(lab), ...certFlags(people, people.alice), ...flags }),
        );
      } else {
        const kit = await serve(lab, b, { ...serveFlags(lab), ...certFlags(people, people.bob), ...flags });
        const peer = await startInitiator(lab, peerOf(people, people.alice, 500));
        await peer.initiate();
        await kit.waitFor('child-sa-established');
      }
      await expectTraffic(lab);
      await capture.stop();
      await expectFragments(capture, a, 500, 4);
      await expectFragments(capture, b, 500, 4);
    },
  );

  test('connect goes on with small fragments where large datagrams vanish', async (context) => {
    const lab = await openLab(context, { hosts: 3, needs });
    const people = await issuePeople(lab, long);
    await startNat(lab, { largest: 700 });
    const capture = await Capture.start(lab, lab.a);
    await startResponder(lab, peerOf(people, people.bob, 600));
    const kit = connect(lab, lab.a, lab.host(3).v4, {
      ...connectFlags(lab),
      ...certFlags(people, people.alice),
    });
    await up(kit);
    await expectSomeTraffic(lab);
    await capture.stop();
    const tried = sizes(await authDatagrams(capture, lab.a));
    expect(Math.max(...tried)).toBeGreaterThan(1200);
    expect(tried.at(-1)).toBeLessThanOrEqual(728);
  });

  test('serve answers in fragments no larger than those it gets', async (context) => {
    const lab = await openLab(context, { needs });
    const people = await issuePeople(lab, long);
    const capture = await Capture.start(lab, lab.b);
    const kit = await serve(lab, lab.b, { ...serveFlags(lab), ...certFlags(people, people.bob) });
    const peer = await startInitiator(lab, peerOf(people, people.alice, 600));
    await peer.initiate();
    await kit.waitFor('child-sa-established');
    await expectTraffic(lab);
    await capture.stop();
    await expectFragments(capture, lab.b, 600, 3);
  });

  test.for([
    { who: 'we', flags: { fragmentation: 'no' }, connection: { fragmentation: 'yes' } },
    { who: 'strongSwan', flags: {}, connection: { fragmentation: 'no' } },
  ])('none when $who do not want any', async ({ flags, connection }, context) => {
    const lab = await openLab(context, { needs });
    const { a, b } = lab;
    const people = await issuePeople(lab, long);
    const capture = await Capture.start(lab, a);
    await startResponder(lab, { ...certPeer(people, people.bob), connection });
    const kit = connect(lab, a, b.v4, { ...connectFlags(lab), ...certFlags(people, people.alice), ...flags });
    await isUp(kit);
    await expectTraffic(lab);
    await capture.stop();
    const datagrams = [...(await authDatagrams(capture, a)), ...(await authDatagrams(capture, b))];
    expect(datagrams.filter(({ fragment }) => fragment)).toEqual([]);
    expect(datagrams).not.toEqual([]);
  });
});
