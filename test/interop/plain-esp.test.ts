import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Capture, tsharkFields } from './harness/capture.js';
import { Guest, guestHost } from './harness/guest.js';
import { libreswanScript, openikedScript, serveScript, strongswanScript } from './harness/guest-peers.js';
import { expectGuestTraffic } from './harness/guest-traffic.js';
import { command, connect, type Flags, serve, verdict } from './harness/kit.js';
import { type Host, type Lab, openLab } from './harness/lab.js';
import { run } from './harness/process.js';
import { checkDocument } from './harness/schemas.js';
import { ping, startPing } from './harness/traffic.js';
import { connectFlags, expectTraffic, isUp, serveFlags } from './harness/tunnels.js';

type Outside = Pick<Host, 'v4' | 'v6'>;

/** What passes between two hosts, but for neighbour discovery. */
const between = (a: Outside, b: Outside) =>
  `(ip or ip6) and ((host ${a.v4} and host ${b.v4}) or (host ${a.v6} and host ${b.v6})) and not icmp6[0] == 135 and not icmp6[0] == 136`;
const plain: Flags = { 'no-encap': true };

/** How many packets of a capture have which protocol outside. */
async function outerProtocols(file: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [protocols = ''] of await tsharkFields(file, ['frame.protocols'])) {
    const name = protocols.split(':')[3] ?? protocols;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Nothing outside but IKE on port 500 and ESP without UDP; ICMP would be an answer to either. */
async function expectPlain(file: string, ikePort = 500): Promise<void> {
  const { esp = 0, udp = 0, ...others } = await outerProtocols(file);
  expect(esp).toBeGreaterThan(100);
  expect(udp).toBeGreaterThan(3);
  expect(others).toEqual({});
  const inUdp = await tsharkFields(file, ['frame.number'], {
    filter: ikePort === 500 ? 'udp.port == 4500' : 'esp && udp',
  });
  expect(inUdp).toEqual([]);
}

describe.each([4, 6] as const)('our own two sides over IPv%s', (family) => {
  test('carry ESP without UDP, through rekeys of both kinds, and decode reads it', async (context) => {
    const lab = await openLab(context, { needs: ['tcpdump', 'tshark'] });
    const { a, b } = lab;
    const capture = await Capture.start(lab, a, between(a, b));
    const keylog = join(lab.dir, 'keys');
    const server = await serve(lab, b, { ...serveFlags(lab), ...plain });
    const rekeys = { 'rekey-child': '3s', 'rekey-ike': '4s' };
    const gateway = family === 4 ? b.v4 : b.v6;
    const client = connect(lab, a, gateway, { ...connectFlags(lab), ...plain, ...rekeys, keylog });
    await isUp(client);
    const pings = [
      startPing(lab, a, a.inner4, b.inner4, { interval: 0.02 }),
      startPing(lab, b, b.inner6, a.inner6, { interval: 0.02 }),
    ];
    await expectTraffic(lab);
    await client.waitFor('child-sa-deleted', 2);
    await client.waitFor('ike-sa-rekeyed');
    for (const running of pings) {
      await running.answers(20);
      expect((await running.stop()).lost).toEqual([]);
    }
    client.child.signal('SIGUSR1');
    const { childSas, drops } = await client.waitFor('stats');
    expect(childSas).toMatchObject([{ icvFailures: 0, replays: 0, malformed: 0 }]);
    expect(drops).toMatchObject({ unknownSpi: 0, tooBig: 0, sendQueue: 0, unsent: 0, malformed: 0 });
    expect((await client.stop()).code).toBe(130);
    await server.waitFor('ike-sa-deleted');
    expect(server.all('peer-moved')).toEqual([]);
    await capture.stop();
    await expectPlain(capture.file);

    const argv = [process.execPath, command, 'decode', capture.file, '--keys', keylog, '--json'];
    const decoded = JSON.parse(await run(argv)) as { packets: { protocol: string; decrypted: boolean }[] };
    checkDocument('decode', decoded);
    const sealed = decoded.packets.filter(({ protocol }) => protocol === 'ESP');
    expect(sealed.length).toBeGreaterThan(1000);
    expect(sealed.filter(({ decrypted }) => !decrypted)).toEqual([]);
  });
});

test('one side may insist on UDP', async (context) => {
  const lab = await openLab(context);
  await serve(lab, lab.b, serveFlags(lab));
  const client = connect(lab, lab.a, lab.b.v4, { ...connectFlags(lab), ...plain });
  await isUp(client);
  await expectTraffic(lab);
});

test('a full tunnel leaves its own ESP outside', async (context) => {
  const lab = await openLab(context);
  const { a, b } = lab;
  const everything = ['0.0.0.0/0'];
  await serve(lab, b, { ...plain, 'local-ts': everything, 'remote-ts': [a.net4] });
  const client = connect(lab, a, b.v4, { ...plain, 'local-ts': [a.net4], 'remote-ts': everything });
  await isUp(client);
  expect(await ping(lab, a, a.inner4, b.inner4)).toEqual({ sent: 3, received: 3 });
});

test('without the right to open raw sockets it says what would help', async (context) => {
  const lab = await openLab(context);
  await serve(lab, lab.b, { ...serveFlags(lab), ...plain });
  const without = { wrapper: ['setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw'] };
  const client = connect(lab, lab.a, lab.b.v4, { ...connectFlags(lab), ...plain }, without);
  expect((await client.ended()).code).toBe(7);
  expect(verdict(client)).toMatchObject({
    code: 'E_PLAIN_ESP',
    hint: expect.stringContaining('CAP_NET_RAW'),
  });
  expect(await lab.run(lab.a, ['ip', '-o', 'link'])).not.toContain('tun');
});

describe('peers with the ESP of their kernel', () => {
  const suites = {
    libreswan: {
      script: libreswanScript,
      theirs: { ike: 'aes_gcm256-sha2_256-dh31', esp: 'aes_gcm256' },
      ours: { ike: 'aes256gcm16-prfsha256-x25519', esp: 'aes256gcm16' },
    },
    strongswan: {
      script: strongswanScript,
      theirs: { esp: 'aes256gcm16' },
      ours: { ike: 'aes256gcm16-prfsha256-x25519', esp: 'aes256gcm16' },
    },
    openiked: {
      script: openikedScript,
      theirs: {
        ike: 'enc aes-256 prf hmac-sha2-256 auth hmac-sha2-256 group modp2048',
        esp: 'auth hmac-sha2-512 enc aes-256',
      },
      ours: { ike: 'aes256-sha256-prfsha256-modp2048', esp: 'aes256-sha512' },
    },
  } as const;

  function flags(lab: Lab, peer: keyof typeof suites): Flags {
    return { ...suites[peer].ours, ...plain, 'local-ts': [lab.a.net4], 'remote-ts': [guestHost.net4] };
  }

  test.for([
    { peer: 'libreswan', outer: 4 },
    { peer: 'libreswan', outer: 6 },
    { peer: 'openiked', outer: 4 },
  ] as const)('connect to $peer over IPv$outer', async ({ peer, outer }, context) => {
    const lab = await openLab(context, { hosts: 1, needs: ['uml', peer, 'tcpdump', 'tshark'] });
    const { script, theirs } = suites[peer];
    const guest = await Guest.start(lab, script({ ...theirs, remoteTs: lab.a.net4, plain: true, outer }));
    const capture = await Capture.start(lab, lab.a, between(lab.a, guestHost));
    const kit = connect(lab, lab.a, outer === 4 ? guestHost.v4 : guestHost.v6, flags(lab, peer));
    await expectGuestTraffic(lab, kit, guest);
    expect((await kit.stop()).code).toBe(130);
    await capture.stop();
    await expectPlain(capture.file);
  });

  // With MOBIKE strongSwan moves IKE to port 4500, and its ESP stays without UDP where there is no NAT.
  test.for([
    { peer: 'libreswan', outer: 4, ikePort: 500 },
    { peer: 'strongswan', outer: 4, ikePort: 4500 },
    { peer: 'strongswan', outer: 6, ikePort: 4500 },
  ] as const)('serve $peer over IPv$outer', async ({ peer, outer, ikePort }, context) => {
    const lab = await openLab(context, { hosts: 1, needs: ['uml', peer, 'tcpdump', 'tshark'] });
    const { script, theirs } = suites[peer];
    const capture = await Capture.start(lab, lab.a, between(lab.a, guestHost));
    const ids = { 'local-id': 'alice.test', 'remote-id': 'bob.test' };
    const kit = await serve(lab, lab.a, { ...flags(lab, peer), ...ids });
    const guest = await Guest.start(
      lab,
      script({
        ...theirs,
        ...{ remoteTs: lab.a.net4, plain: true, outer, connection: { mobike: 'yes' } },
        initiatesTo: outer === 4 ? lab.a.v4 : lab.a.v6,
      }),
    );
    await kit.waitFor('child-sa-established');
    await expectGuestTraffic(lab, kit, guest);
    expect(kit.all('ike-sa-established')[0]?.peer).toMatch(new RegExp(`:${ikePort}$`));
    await capture.stop();
    await expectPlain(capture.file, ikePort);
  });
});

test('a system with ESP of its own counts the packets that are not for it, and keeps quiet', async (context) => {
  const lab = await openLab(context, { hosts: 1, needs: ['uml', 'tcpdump', 'tshark'] });
  const networks = ['--local-ts', guestHost.net4, '--remote-ts', lab.a.net4];
  const guest = await Guest.start(lab, serveScript(['--no-encap', ...networks]));
  const capture = await Capture.start(lab, lab.a, between(lab.a, guestHost));
  const flags = { ...plain, 'local-ts': [lab.a.net4], 'remote-ts': [guestHost.net4] };
  const kit = connect(lab, lab.a, guestHost.v4, flags);
  await expectGuestTraffic(lab, kit, guest);
  kit.child.signal('SIGUSR1');
  const { childSas } = await kit.waitFor('stats');
  expect(childSas).toMatchObject([{ icvFailures: 0, replays: 0, malformed: 0 }]);
  expect((await kit.stop()).code).toBe(130);
  await capture.stop();
  await expectPlain(capture.file);
  await guest.stop();
  const counted = /^XfrmInNoStates\s+(\d+)$/m.exec(guest.describe())?.[1];
  expect(Number(counted)).toBeGreaterThanOrEqual(childSas[0]!.packetsOut);
});
