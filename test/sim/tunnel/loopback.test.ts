import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/lib/core/secret.js';
import { pskCredentials } from '../../../src/lib/tunnel/credentials.js';
import { innerPacket, innerText, type Side, startClient, startServer } from './harness.js';

const running: Side[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((side) => side.stop()));
});

async function serve(...args: Parameters<typeof startServer>) {
  const started = await startServer(...args);
  running.push(started.server);
  return started;
}
function connect(...args: Parameters<typeof startClient>) {
  const client = startClient(...args);
  running.push(client);
  return client;
}

describe.each(['127.0.0.1', '::1'])('a tunnel over %s', (address) => {
  it('comes up, carries packets both ways in both families, and closes', async () => {
    const { server, ports } = await serve({ listen: [address] });
    const client = connect(ports);
    await client.event('child-sa-established');

    expect(client.all('addresses-assigned')).toEqual([
      {
        event: 'addresses-assigned',
        addresses: ['10.9.0.1', 'fd00:9::1'],
        dns: ['10.9.0.53'],
        peer: expect.stringContaining(address),
      },
    ]);
    expect(client.all('ike-sa-established')[0]).toMatchObject({
      role: 'initiator',
      localId: 'alice@example.com',
      remoteId: 'gw.example.com',
      localAuth: 'psk',
      remoteAuth: 'psk',
    });
    expect(server.all('ike-sa-established')[0]).toMatchObject({
      role: 'responder',
      localId: 'gw.example.com',
      remoteId: 'alice@example.com',
    });
    const [ours, theirs] = [client, server].map((side) => side.all('child-sa-established')[0]!);
    expect(ours!.inboundSpi).toBe(theirs!.outboundSpi);
    expect(ours!.localTs).toEqual(theirs!.remoteTs);
    expect(ours!.proposal).toBe(theirs!.proposal);

    client.plane.inject(innerPacket('10.9.0.1', '192.0.2.1', 'up 4'));
    client.plane.inject(innerPacket('fd00:9::1', '2001:db8::1', 'up 6'));
    expect((await server.delivered(2)).map(innerText)).toEqual(['up 4', 'up 6']);
    server.plane.inject(innerPacket('192.0.2.1', '10.9.0.1', 'down 4'));
    server.plane.inject(innerPacket('2001:db8::1', 'fd00:9::1', 'down 6'));
    expect((await client.delivered(2)).map(innerText)).toEqual(['down 4', 'down 6']);

    expect(await client.stop()).toBeUndefined();
    await server.event('ike-sa-deleted');
    expect(client.all('child-sa-deleted')).toMatchObject([
      { reason: 'deleted-by-us', packetsIn: 2, packetsOut: 2 },
    ]);
    expect(server.all('child-sa-deleted')).toMatchObject([
      { reason: 'deleted-by-peer', packetsIn: 2, packetsOut: 2 },
    ]);
    expect(server.all('error')).toEqual([]);
    expect(await server.stop()).toBeUndefined();
  });
});

describe('serve', () => {
  it('carries five clients at once, each with its own address', async () => {
    const { server, ports } = await serve();
    const names = ['a', 'b', 'c', 'd', 'e'];
    const clients = names.map((name) => connect(ports, { localId: `${name}@example.com` }, name));
    await Promise.all(clients.map((client) => client.event('child-sa-established')));
    await server.event('child-sa-established', 5);
    const addresses = clients.map((client) => client.all('addresses-assigned')[0]!.addresses[0]!);
    expect([...addresses].sort()).toEqual(['10.9.0.1', '10.9.0.2', '10.9.0.3', '10.9.0.4', '10.9.0.5']);

    for (const [i, client] of clients.entries()) {
      client.plane.inject(innerPacket(addresses[i]!, '192.0.2.1', `from ${client.name}`));
      server.plane.inject(innerPacket('192.0.2.1', addresses[i]!, `to ${client.name}`));
    }
    expect((await server.delivered(5)).map(innerText).sort()).toEqual(names.map((name) => `from ${name}`));
    for (const client of clients) {
      expect((await client.delivered(1)).map(innerText)).toEqual([`to ${client.name}`]);
    }

    await clients[1]!.stop();
    await server.event('ike-sa-deleted');
    const next = connect(ports, { localId: 'f@example.com' }, 'f');
    await next.event('child-sa-established');
    expect(next.all('addresses-assigned')[0]!.addresses[0]).toBe('10.9.0.6');
    const again = connect(ports, { localId: 'b@example.com' }, 'b');
    await again.event('child-sa-established');
    expect(again.all('addresses-assigned')[0]!.addresses[0]).toBe(addresses[1]);
  });

  it('tells its clients when it leaves', async () => {
    const { server, ports } = await serve();
    const client = connect(ports);
    await client.event('child-sa-established');
    expect(await server.stop()).toBeUndefined();
    expect(server.all('ike-sa-deleted')).toMatchObject([{ reason: 'deleted-by-us' }]);
    expect((await client.event('ike-sa-deleted')).reason).toBe('deleted-by-peer');
  });

  it('refuses a client that claims the addresses of another, and keeps the first one going', async () => {
    const { server, ports } = await serve({ pools: [], remoteTs: ['10.0.0.0/8'], localTs: ['192.0.2.0/24'] });
    const alice = connect(ports, { localTs: ['10.1.0.0/16'] });
    await server.event('child-sa-established');
    const mallory = connect(ports, { localId: 'mallory', localTs: ['10.1.2.0/24'] });
    const refusal = await server.event('error');
    expect(refusal).toMatchObject({
      code: 'E_SELECTORS_IN_USE',
      message: 'mallory claims 10.1.2.0/24, which alice@example.com already has',
    });
    await mallory.event('ike-sa-deleted');
    server.plane.inject(innerPacket('192.0.2.1', '10.1.2.3', 'for alice'));
    expect((await alice.delivered(1)).map(innerText)).toEqual(['for alice']);
    expect(server.all('child-sa-established')).toHaveLength(1);
    expect(mallory.plane.delivered).toEqual([]);
  });

  it('refuses a client whose ranges would take thousands of routes', async () => {
    const { server, ports } = await serve({ pools: [], remoteTs: ['10.0.0.0/8'] });
    const ranges = Array.from({ length: 20 }, (_, i) => `10.${i}.0.1-10.${i}.255.254`);
    const client = connect(ports, { localTs: ranges, remoteTs: ['10.2.0.0/16'] });
    expect((await server.event('error')).code).toBe('E_TOO_MANY_ROUTES');
    await client.event('ike-sa-deleted');
    expect(server.all('child-sa-established')).toEqual([]);
  });

  it('lets a client that came back replace its old session', async () => {
    const { server, ports } = await serve({ pools: [], remoteTs: ['10.0.0.0/8'] });
    const first = connect(ports, { localTs: ['10.1.0.0/16'] });
    await server.event('child-sa-established');
    const second = connect(ports, { localTs: ['10.1.0.0/16'] });
    await second.event('child-sa-established');
    await server.event('child-sa-deleted');
    server.plane.inject(innerPacket('192.0.2.1', '10.1.2.3', 'newest'));
    expect((await second.delivered(1)).map(innerText)).toEqual(['newest']);
    await first.stop();
  });

  it('needs a pool or remote selectors', async () => {
    await expect(startServer({ pools: [] })).rejects.toThrow(/server ended/);
  });

  it('leaves after its duration', async () => {
    const { server } = await serve({ duration: 20 });
    expect(await server.ended).toBeUndefined();
  });
});

describe('connect', () => {
  it('fails with one sentence and no plane when the PSK is wrong', async () => {
    const { server, ports } = await serve();
    const client = connect(ports, { credentials: pskCredentials(Secret.fromText('wrong')) });
    expect(await client.ended).toMatchObject({
      kind: 'refused',
      code: 'E_AUTHENTICATION_FAILED',
      message: expect.stringContaining(`Cannot connect to ${ports.address}: `),
      hint: expect.stringMatching(/PSK/),
    });
    expect(client.planes).toHaveLength(0);
    await server.event('error');
    expect(server.all('child-sa-established')).toEqual([]);
  });

  it('says what was offered when no proposal is acceptable', async () => {
    const { server, ports } = await serve({ ike: 'aes256gcm16-prfsha384-ecp384' });
    const client = connect(ports, { ike: 'aes128gcm16-prfsha256-x25519' });
    expect(await client.ended).toMatchObject({
      kind: 'refused',
      code: 'E_NO_PROPOSAL_CHOSEN',
      hint: expect.stringContaining('aes128gcm16-prfsha256-x25519'),
    });
    expect(client.said.filter((line) => line.startsWith('warn'))).toEqual([
      `warn: ${ports.address} answered NO_PROPOSAL_CHOSEN; that is not authenticated, so it is asked again for up to 1 s`,
    ]);
    expect(server.said.filter((line) => line.startsWith('warn'))).toEqual([
      expect.stringMatching(/^warn: .+ offered aes128gcm16-prfsha256-x25519 .+ accepted here \(aes256gcm16/),
    ]);
  });

  it('says that the child proposal is the matter when it is', async () => {
    const { ports } = await serve({ esp: 'aes256gcm16' });
    const client = connect(ports, { esp: 'aes128-sha256' });
    expect(await client.ended).toMatchObject({
      kind: 'refused',
      code: 'E_NO_PROPOSAL_CHOSEN',
      hint: expect.stringMatching(/--esp.*aes128-sha256/),
    });
  });

  it('fails when the gateway accepts no selectors', async () => {
    const { ports } = await serve({ pools: [], remoteTs: ['10.1.0.0/16'] });
    const client = connect(ports, { localTs: ['172.16.0.0/24'] });
    expect(await client.ended).toMatchObject({ kind: 'refused', code: 'E_TS_UNACCEPTABLE' });
  });

  it('fails when the gateway is someone else', async () => {
    const { ports } = await serve();
    const client = connect(ports, { remoteId: 'other.example.com' });
    expect(await client.ended).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('gw.example.com'),
    });
  });

  it('says that nothing answered', async () => {
    const { server, ports } = await startServer();
    await server.stop();
    const client = connect(ports);
    expect(await client.ended).toMatchObject({
      kind: 'network',
      message: expect.stringContaining(`nothing came from UDP 127.0.0.1:${ports.port}`),
    });
  });

  it('does not start without a NAT when encapsulation is off', async () => {
    const { server, ports } = await serve({ encap: false });
    const client = connect(ports, { encap: false });
    expect(await client.ended).toMatchObject({
      kind: 'environment',
      code: 'E_PLAIN_ESP',
      hint: expect.stringContaining('--encap'),
    });
    expect(client.all('child-sa-established')).toEqual([]);
    expect(server.all('child-sa-established')).toEqual([]);
    expect(await server.event('error')).toMatchObject({ code: 'E_PLAIN_ESP' });
  });

  it('waits for a plane that is slow where IKE is not in step with it', async () => {
    const order: string[] = [];
    const slow = (side: Side) => {
      const plane = side.plane;
      plane.prepare = () => {};
      Object.assign(plane, {
        settled: async () => {
          await new Promise((resolve) => setTimeout(resolve, 30));
          order.push(`${side.name} settled`);
        },
      });
      return plane;
    };
    const { server, ports } = await serve({ encap: false });
    slow(server);
    const client = connect(ports, { encap: false, rekeyChild: 50 });
    const { createPlane } = client.context;
    client.context.createPlane = (...args) => {
      createPlane?.(...args);
      return slow(client);
    };
    await client.event('child-sa-established');
    order.push('client up');
    await server.event('child-sa-deleted');
    order.push('old pair deleted');
    // The answer that lets the client send, and the delete of the pair that it sent on before.
    expect(order.slice(0, 2)).toEqual(['server settled', 'client up']);
    expect(order.indexOf('client settled')).toBeLessThan(order.indexOf('old pair deleted'));
    expect(order).toContain('client settled');
  });

  it('leaves after its duration, counted from the moment traffic flows', async () => {
    const { ports } = await serve();
    const client = connect(ports, { duration: 30 });
    expect(await client.ended).toBeUndefined();
    expect(client.all('child-sa-established')).toHaveLength(1);
    expect(client.all('ike-sa-deleted')).toMatchObject([{ reason: 'deleted-by-us' }]);
  });

  it('ends at once when it is interrupted while it waits for an answer', async () => {
    const { server, ports } = await startServer();
    await server.stop();
    const client = connect(ports);
    expect(await client.stop()).toBeUndefined();
  });

  it('connects again when the gateway deletes the IKE SA, and says why', async () => {
    const { server, ports } = await serve();
    const client = connect(ports);
    await client.event('child-sa-established');
    await server.stop();
    expect(await client.event('error')).toMatchObject({ code: 'E_IKE_SA_GONE' });
    expect(client.said).toContain(
      'warn: trying again in 0.02 s; until then traffic takes the routes of this host, not the tunnel',
    );
    const { server: reborn } = await serve({ port: ports.port, natPort: ports.natPort });
    await reborn.event('child-sa-established');
    await client.event('child-sa-established', 2);
    client.plane.inject(innerPacket('10.9.0.1', '192.0.2.1', 'again'));
    expect((await reborn.delivered(1)).map(innerText)).toEqual(['again']);
    expect(client.planes).toHaveLength(2);
  });
});

describe('rekeys', () => {
  it('replaces child and IKE SAs under traffic without losing a packet', async () => {
    const { server, ports } = await serve({ rekeyChild: 400, rekeyIke: 700 });
    const client = connect(ports, { rekeyChild: 300, rekeyIke: 900 });
    await client.event('child-sa-established');
    let sent = 0;
    const done = Promise.all([
      client.event('child-sa-rekeyed', 3),
      client.event('ike-sa-rekeyed', 2),
      server.event('child-sa-rekeyed', 3),
      server.event('ike-sa-rekeyed', 2),
    ]);
    const timer = setInterval(() => {
      sent++;
      client.plane.inject(innerPacket('10.9.0.1', '192.0.2.1', `up ${sent}`));
      server.plane.inject(innerPacket('192.0.2.1', '10.9.0.1', `down ${sent}`));
    }, 3);
    await done;
    clearInterval(timer);
    expect((await server.delivered(sent)).map(innerText)).toEqual(
      Array.from({ length: sent }, (_, i) => `up ${i + 1}`),
    );
    expect((await client.delivered(sent)).map(innerText)).toEqual(
      Array.from({ length: sent }, (_, i) => `down ${i + 1}`),
    );
    for (const rekeyed of [...client.all('child-sa-rekeyed'), ...server.all('child-sa-rekeyed')]) {
      expect(rekeyed.oldInboundSpi).not.toBe('0x00000000');
    }
    expect(client.all('error')).toEqual([]);
    expect(server.all('error')).toEqual([]);
  });

  it('rekeys a child SA whose sequence numbers run out', async () => {
    const { ports } = await serve();
    const client = connect(ports);
    const first = await client.event('child-sa-established');
    client.planeEvents[0]!.softLifetimeReached(client.childIds[0]!, 'sequence');
    expect((await client.event('child-sa-rekeyed')).oldInboundSpi).toBe(first.inboundSpi);
  });
});

describe('what may go wrong', () => {
  it('takes no offence at the old pair that goes after a rekey', async () => {
    const { server, ports } = await serve();
    const client = connect(ports);
    await client.event('child-sa-established');
    await server.event('child-sa-established');
    server.planeEvents[0]!.softLifetimeReached(server.childIds[0]!, 'bytes');
    await client.event('child-sa-rekeyed');
    await client.event('child-sa-deleted');
    expect(client.all('error')).toEqual([]);
  });

  it('does not mind a peer that moves', async () => {
    const { server, ports } = await serve();
    const client = connect(ports);
    await client.event('child-sa-established');
    await server.event('child-sa-established');
    const before = server.all('ike-sa-established')[0]!.peer;
    server.planeEvents[0]!.peerMoved(server.childIds[0]!, { address: '127.0.0.9', port: 4501 });
    expect(await server.event('peer-moved')).toMatchObject({ peer: '127.0.0.9:4501' });
    expect(before).not.toBe('127.0.0.9:4501');
    // The first authenticated packet from the old address leads back.
    client.plane.inject(innerPacket('10.9.0.1', '192.0.2.1', 'still here'));
    await server.delivered(1);
    expect((await server.event('peer-moved', 2)).peer).toBe(before);
    server.plane.inject(innerPacket('192.0.2.1', '10.9.0.1', 'found'));
    expect((await client.delivered(1)).map(innerText)).toEqual(['found']);
  });

  it('is given up when its time is over before it came up, without an end of what never was', async () => {
    const silent = createSocket('udp4').bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address();
    const client = connect({ address: '127.0.0.1', port, natPort: port }, { duration: 10 });
    expect(await client.ended).toMatchObject({ kind: 'network', code: 'E_NO_ANSWER' });
    expect(client.events).toEqual([]);
    silent.close();
  });

  it('survives a plane that breaks over one client', async () => {
    const { server, ports } = await serve();
    const install = server.plane.install.bind(server.plane);
    let broken = true;
    server.plane.install = (child) => {
      if (broken) throw new Error('out of order');
      install(child);
    };
    const unlucky = connect(ports, { localId: 'unlucky' });
    expect(await server.event('error')).toMatchObject({ code: 'E_INTERNAL', message: /out of order/ });
    await unlucky.event('ike-sa-deleted');
    await unlucky.stop();
    broken = false;
    const lucky = connect(ports, { localId: 'lucky' });
    await lucky.event('child-sa-established');
    lucky.plane.inject(innerPacket('10.9.0.2', '192.0.2.1', 'through'));
    expect((await server.delivered(1)).map(innerText)).toEqual(['through']);
  });

  it('ends with the reason when the device of the server fails', async () => {
    const { server, ports } = await startServer();
    const client = connect(ports);
    await client.event('child-sa-established');
    server.planeEvents[0]!.failed(new Error('device gone'));
    expect(await server.ended).toMatchObject({
      kind: 'environment',
      code: 'E_DEVICE',
      message: expect.stringContaining('device gone'),
    });
  });

  it('gets past cookies', async () => {
    const { ports } = await serve({ cookieThreshold: 0 });
    const client = connect(ports);
    await client.event('child-sa-established');
  });

  it('does not start where another runs', async () => {
    const { ports } = await serve();
    await expect(startServer({ port: ports.port })).rejects.toThrow(/server ended/);
  });
});
