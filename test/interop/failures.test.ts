import { describe, expect, test } from 'vitest';
import { connect, type Flags, serve, verdict } from './harness/kit.js';
import { type Lab, openLab } from './harness/lab.js';
import type { Child } from './harness/process.js';
import { leftovers, nothing, snapshot } from './harness/snapshot.js';
import type { StrongSwanOptions } from './harness/strongswan-config.js';
import { ping } from './harness/traffic.js';
import { connectFlags, isUp, serveFlags, startInitiator, startResponder } from './harness/tunnels.js';

/** Sockets on host b that take everything and answer nothing; resolves when they are there. */
async function startSink(lab: Lab): Promise<Child> {
  const sink = lab.spawn(lab.b, [
    process.execPath,
    '-e',
    `for (const port of [500, 4500]) {
      const socket = require('node:dgram').createSocket('udp4');
      socket.on('message', () => console.log('heard'));
      socket.bind(port, '${lab.b.v4}', () => console.log('bound'));
    }`,
  ]);
  await sink.wait('the sockets', () => /bound\nbound/.exec(sink.stdout)?.[0]);
  return sink;
}

/** Runs a `connect` that must fail; its exit code, sentence, hint and event, and that nothing of it is left. */
async function failing(lab: Lab, gateway: string, flags: Flags, psk?: string) {
  const before = await snapshot(lab, lab.a);
  const kit = connect(lab, lab.a, gateway, flags, psk === undefined ? {} : { psk });
  const { code } = await kit.ended();
  expect(await leftovers(lab, lab.a, before)).toEqual(nothing);
  expect(kit.all('child-sa-established')).toEqual([]);
  const { sentence, hint, event, code: name } = verdict(kit);
  expect(event).toMatchObject({ code: name, message: sentence, hint });
  expect(hint).toBeTruthy();
  return { exit: code, sentence };
}

interface Refusal {
  name: string;
  peer: Partial<StrongSwanOptions>;
  flags: Flags;
  psk?: string;
  sentence: RegExp;
}

const refusals: Refusal[] = [
  {
    name: 'wrong PSK',
    peer: {},
    flags: {},
    psk: 'not the key',
    sentence: /10\.77\.0\.2.*AUTHENTICATION_FAILED/,
  },
  {
    name: 'the gateway does not know our identity',
    peer: { remoteId: 'alice.test' },
    flags: { 'local-id': 'mallory.test' },
    sentence: /10\.77\.0\.2.*AUTHENTICATION_FAILED/,
  },
  {
    name: 'the gateway is not whom we ask for',
    peer: {},
    flags: { 'remote-id': 'carol.test' },
    sentence: /10\.77\.0\.2.*AUTHENTICATION_FAILED/,
  },
  {
    name: 'no common IKE proposal',
    peer: { ike: 'aes128-sha256-modp3072' },
    flags: { ike: 'aes256gcm16-prfsha256-x25519' },
    sentence: /10\.77\.0\.2.*NO_PROPOSAL_CHOSEN/,
  },
  {
    name: 'no common ESP proposal',
    peer: { esp: 'aes128-sha256' },
    flags: { esp: 'aes256gcm16' },
    sentence: /10\.77\.0\.2.*NO_PROPOSAL_CHOSEN/,
  },
  {
    name: 'unacceptable selectors',
    peer: {},
    flags: { 'remote-ts': '10.200.0.0/24' },
    sentence: /10\.77\.0\.2.*TS_UNACCEPTABLE/,
  },
];

describe.concurrent('connect says why, exits 6 and leaves nothing behind', () => {
  for (const { name, peer, flags, psk, sentence } of refusals) {
    test(name, async (context) => {
      const lab = await openLab(context, { needs: ['strongswan'] });
      await startResponder(lab, peer);
      const outcome = await failing(lab, lab.b.v4, { ...connectFlags(lab), ...flags }, psk);
      expect(outcome).toEqual({ exit: 6, sentence: expect.stringMatching(sentence) });
    });
  }
});

describe.concurrent('a silent gateway: connect exits 4', () => {
  test('sockets that never answer', async (context) => {
    const lab = await openLab(context);
    const { b } = lab;
    await startSink(lab);
    const outcome = await failing(lab, b.v4, connectFlags(lab));
    expect(outcome).toEqual({ exit: 4, sentence: expect.stringMatching(/10\.77\.0\.2 did not answer.*500/) });
  });

  test('a closed port', async (context) => {
    const lab = await openLab(context);
    expect(await failing(lab, lab.b.v4, connectFlags(lab))).toMatchObject({ exit: 4 });
  });

  test('an address that nobody has', async (context) => {
    const lab = await openLab(context, { hosts: 1 });
    const flags = { 'local-ts': lab.a.net4, 'remote-ts': '10.77.2.0/24' };
    expect(await failing(lab, '10.77.0.99', flags)).toMatchObject({ exit: 4 });
  });

  test('a name that does not resolve', async (context) => {
    const lab = await openLab(context, { hosts: 1 });
    const flags = { 'local-ts': lab.a.net4, 'remote-ts': '10.77.2.0/24' };
    expect(await failing(lab, 'gateway.invalid', flags)).toMatchObject({ exit: 4 });
  });
});

interface Rejection {
  name: string;
  flags: Flags;
  peer: Partial<StrongSwanOptions>;
  /** In strongSwan's log. */
  says: RegExp;
  /** The message of our error event; absent for what anyone could provoke without a key. */
  event?: RegExp;
}

const rejections: Rejection[] = [
  {
    name: 'no common IKE proposal',
    flags: { ike: 'aes128-sha256-modp3072' },
    peer: { ike: 'aes256gcm16-prfsha256-x25519' },
    says: /received NO_PROPOSAL_CHOSEN/,
  },
  {
    name: 'wrong PSK',
    flags: {},
    peer: { psk: 'not the key' },
    says: /received AUTHENTICATION_FAILED/,
    event: /alice\.test.*PSK/,
  },
  {
    name: 'wrong identity',
    flags: { 'remote-id': 'carol.test' },
    peer: {},
    says: /received AUTHENTICATION_FAILED/,
    event: /alice\.test.*carol\.test/,
  },
  {
    name: 'no common ESP proposal',
    flags: { esp: 'aes128-sha256' },
    peer: { esp: 'aes256gcm16' },
    says: /received NO_PROPOSAL_CHOSEN/,
    // What the client offered; it is we who refuse.
    event: /^(?!.*it answered).*aes256gcm16/,
  },
  {
    name: 'unacceptable selectors',
    flags: {},
    peer: { remoteTs: ['10.200.0.0/24'] },
    says: /received TS_UNACCEPTABLE/,
    event: /^(?!.*it answered).*10\.200\.0\.0\/24/,
  },
];

describe.concurrent('serve refuses, tells it and goes on', () => {
  for (const { name, flags, peer, says, event } of rejections) {
    test(name, async (context) => {
      const lab = await openLab(context, { needs: ['strongswan'] });
      const { a, b } = lab;
      const before = await snapshot(lab, b);
      const kit = await serve(lab, b, { ...serveFlags(lab), ...flags });
      const client = await startInitiator(lab, peer);
      await expect(client.initiate()).rejects.toThrow();
      expect(client.log()).toMatch(says);
      if (event) expect((await kit.waitFor('error')).message).toMatch(event);
      await client.stop();

      const good = connect(lab, a, b.v4, {
        ...connectFlags(lab),
        'local-id': flags['remote-id'] ?? 'alice.test',
        ike: flags.ike,
        esp: flags.esp,
      });
      await isUp(good);
      expect(await ping(lab, a, a.inner4, b.inner4)).toEqual({ sent: 3, received: 3 });
      await good.stop();
      expect((await kit.stop()).code).toBe(130);
      expect(await leftovers(lab, b, before)).toEqual(nothing);
    });
  }
});

describe('an end by signal leaves nothing behind', () => {
  test.for(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)('%s', async (signal, context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { a, b } = lab;
    // A gateway behind the tunnel's own routes, so that a route outside the tunnel's device is at stake too.
    await lab.run(b, ['ip', 'addr', 'add', '203.0.113.1/32', 'dev', 'lo']);
    await lab.run(a, ['ip', 'route', 'add', 'default', 'via', b.v4]);
    const before = await snapshot(lab, a);
    await startResponder(lab, { local: '203.0.113.1', localTs: ['0.0.0.0/0', '::/0'] });
    const kit = connect(lab, a, '203.0.113.1', {
      'local-ts': [a.net4, a.net6],
      'remote-ts': ['0.0.0.0/0', '::/0'],
    });
    await isUp(kit);
    expect(await ping(lab, a, a.inner4, b.inner4)).toEqual({ sent: 3, received: 3 });
    expect((await leftovers(lab, a, before, 0)).added).not.toEqual([]);
    const exit = await kit.stop(signal);
    expect(exit).toEqual(signal === 'SIGKILL' ? { code: null, signal } : { code: 130, signal: null });
    expect(await leftovers(lab, a, before)).toEqual(nothing);
  });

  test('a SIGINT while the gateway is silent', async (context) => {
    const lab = await openLab(context);
    const sink = await startSink(lab);
    const before = await snapshot(lab, lab.a);
    const kit = connect(lab, lab.a, lab.b.v4, connectFlags(lab));
    await sink.wait('a request', () => /heard/.exec(sink.stdout)?.[0]);
    const { code } = await kit.stop();
    expect(code).toBe(130);
    expect(await leftovers(lab, lab.a, before)).toEqual(nothing);
  });
});
