import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/core/secret.js';
import { IdType, parseIdentity } from '../../src/lib/ike/identity.js';
import { parseProposals } from '../../src/lib/ike/proposals.js';
import type { AddressPool, SessionPolicy } from '../../src/lib/ike/session/types.js';
import { anySelector, formatSelector, selectorFromCidr } from '../../src/lib/ike/traffic-selectors.js';
import { expectOnePair } from './expect.js';
import { clientPolicy, serverPolicy, World } from './world.js';

const MINUTE = 60_000;

function up(server: SessionPolicy = serverPolicy(), client: SessionPolicy = clientPolicy()) {
  const world = new World(7, { server });
  const peer = world.connect(client);
  world.run(MINUTE, () => peer.ledger.children.size > 0);
  world.run(100);
  return { world, client: peer, ours: peer.ledger, theirs: world.latestServed };
}

describe('rekeys', () => {
  it.each(['client', 'server'] as const)('the %s replaces the child SA with PFS', (side) => {
    const { world, client, ours, theirs } = up();
    const childId = [...(side === 'client' ? ours : theirs).children.keys()][0]!;
    world.command(side === 'client' ? client : 'server', { type: 'rekey-child', childId });
    world.run(MINUTE);
    expectOnePair(ours, theirs);
    expect(ours.count('child-sa-rekeyed')).toBe(1);
    expect(theirs.count('child-sa-rekeyed')).toBe(1);
    expect([...ours.children.values()][0]!.keSecret).toBeDefined();
  });

  it('replaces the child SA without PFS when no group is configured', () => {
    const espProposals = parseProposals('aes256gcm16', 3);
    const { world, client, ours, theirs } = up(
      serverPolicy({ espProposals }),
      clientPolicy({ espProposals }),
    );
    world.command(client, { type: 'rekey-child', childId: [...ours.children.keys()][0]! });
    world.run(MINUTE);
    expectOnePair(ours, theirs);
    expect([...ours.children.values()][0]!.keSecret).toBeUndefined();
  });

  it.each(['aes256gcm16-x25519,aes256gcm16', 'aes256gcm16-x25519-modpnone', 'default'])(
    'falls back from %s to a rekey without PFS when the peer has none',
    (offer) => {
      const { world, client, ours, theirs } = up(
        serverPolicy({ espProposals: parseProposals('aes256gcm16', 3) }),
        clientPolicy({ espProposals: parseProposals(offer, 3) }),
      );
      world.command(client, { type: 'rekey-child', childId: [...ours.children.keys()][0]! });
      world.run(MINUTE);
      expectOnePair(ours, theirs);
      expect(ours.count('child-sa-rekeyed')).toBe(1);
    },
  );

  it('switches to the group that the peer wants', () => {
    const { world, client, ours, theirs } = up(
      serverPolicy({ espProposals: parseProposals('aes256gcm16-ecp256', 3) }),
      clientPolicy({ espProposals: parseProposals('aes256gcm16-x25519-ecp256', 3) }),
    );
    world.command(client, { type: 'rekey-child', childId: [...ours.children.keys()][0]! });
    world.run(MINUTE);
    expectOnePair(ours, theirs);
    expect([...ours.children.values()][0]!.suite.ke?.id).toBe(19);
  });

  it('that the peer refuses leave the child SA as it is, and are told; what has carried too much ends', () => {
    const { world, client, ours, theirs } = up(
      serverPolicy({ espProposals: parseProposals('aes256gcm16-ecp256', 3) }),
      clientPolicy({ espProposals: parseProposals('aes256gcm16-x25519', 3) }),
    );
    const childId = [...ours.children.keys()][0]!;
    world.command(client, { type: 'rekey-child', childId });
    world.run(MINUTE / 2);
    expectOnePair(ours, theirs);
    const failed = ours.events.find((event) => event.type === 'child-sa-failed');
    expect(failed?.error.message).toMatch(/^A rekey failed: the peer accepts none of .*aes256gcm16-x25519/);
    expect(failed?.error.hint).toMatch(/forward secrecy.*--esp/);
    world.command(client, { type: 'delete-child', childId, reason: 'expired' });
    world.run(MINUTE / 2);
    expect(ours.events.filter((event) => event.type === 'child-sa-deleted')).toMatchObject([
      { reason: 'expired', child: { id: childId } },
    ]);
    expect(theirs.children.size).toBe(0);
  });

  it.each(['client', 'server'] as const)(
    'the %s replaces the IKE SA; the child stays and can be rekeyed',
    (side) => {
      const { world, client, ours, theirs } = up();
      const before = ours.ikeSa!;
      world.command(side === 'client' ? client : 'server', { type: 'rekey-ike' });
      world.run(MINUTE);
      expectOnePair(ours, theirs);
      expect(ours.ikeSa!.initiatorSpi).not.toBe(before.initiatorSpi);
      expect(ours.ikeSa!.role).toBe(side === 'client' ? 'initiator' : 'responder');
      world.command('server', { type: 'rekey-child', childId: [...theirs.children.keys()][0]! });
      world.run(MINUTE);
      expectOnePair(ours, theirs);
      expect(ours.ended).toBeUndefined();
    },
  );

  it.each(['rekey-ike', 'check-liveness'] as const)(
    'wait for an exchange that runs when both planes ask for them: %s',
    (type) => {
      const { world, client, ours, theirs } = up();
      world.command(client, { type });
      world.command(client, { type: 'rekey-child', childId: [...ours.children.keys()][0]! });
      world.run(1);
      world.command('server', { type: 'rekey-child', childId: [...theirs.children.keys()][0]! });
      world.run(5 * MINUTE);
      expectOnePair(ours, theirs);
      expect(ours.count('child-sa-rekeyed')).toBeGreaterThanOrEqual(1);
      expect(ours.count('ike-sa-rekeyed')).toBe(type === 'rekey-ike' ? 1 : 0);
      expect(ours.ended).toBeUndefined();
    },
  );

  it.each([
    ['aes256gcm16', undefined, 2 ** 52],
    ['aes256gcm16', 1e9, 1e9],
    ['3des-sha1', undefined, 64 * 2 ** 20],
    ['3des-sha1', 1e9, 64 * 2 ** 20],
    ['3des-sha1', 1e6, 1e6],
  ])('%s with a limit of %s bytes is good for %i bytes, or a little less', (esp, rekeyChildBytes, most) => {
    const espProposals = parseProposals(esp, 3);
    const { world, client, ours, theirs } = up(
      serverPolicy({ espProposals, rekeyChildBytes }),
      clientPolicy({ espProposals, rekeyChildBytes }),
    );
    world.command(client, { type: 'rekey-child', childId: [...ours.children.keys()][0]! });
    world.run(MINUTE);
    const limits = [ours, theirs].flatMap(({ events }) =>
      events.flatMap((event) =>
        event.type === 'child-sa-established' || event.type === 'child-sa-rekeyed'
          ? event.child.rekeyBytes
          : [],
      ),
    );
    expect(limits).toHaveLength(4);
    expect(new Set(limits).size).toBe(4);
    expect(Math.max(...limits)).toBeLessThanOrEqual(most);
    expect(Math.min(...limits)).toBeGreaterThanOrEqual(most * 0.9);
  });

  it('happen by themselves when lifetimes run out', () => {
    const lifetimes = { rekeyChild: 10 * MINUTE, rekeyIke: 25 * MINUTE };
    const { world, ours, theirs } = up(serverPolicy(), clientPolicy(lifetimes));
    world.run(120 * MINUTE);
    expectOnePair(ours, theirs);
    expect(ours.count('child-sa-rekeyed')).toBeGreaterThanOrEqual(11);
    expect(ours.count('ike-sa-rekeyed')).toBeGreaterThanOrEqual(4);
    expect(theirs.count('ike-sa-rekeyed')).toBe(ours.count('ike-sa-rekeyed'));
  });
});

describe('further children and deletes', () => {
  it('makes and deletes a second child', () => {
    const { world, client, ours, theirs } = up();
    const wide = { localTs: [selectorFromCidr('10.1.0.0/25')], remoteTs: [selectorFromCidr('10.2.0.0/25')] };
    world.command(client, { type: 'create-child', ...wide });
    world.run(MINUTE);
    expect(ours.children.size).toBe(2);
    expect(theirs.children.size).toBe(2);
    const second = [...theirs.children.values()][1]!;
    expect(second.remoteTs.map(formatSelector)).toEqual(['10.1.0.0/25']);
    world.command('server', { type: 'delete-child', childId: second.id, reason: 'deleted-by-us' });
    world.run(MINUTE);
    expectOnePair(ours, theirs);
  });

  it.each(['client', 'server'] as const)('the %s deletes the IKE SA', (side) => {
    const { world, client, ours, theirs } = up();
    world.command(side === 'client' ? client : 'server', { type: 'close' });
    world.run(5 * MINUTE);
    const [own, other] = side === 'client' ? [ours, theirs] : [theirs, ours];
    expect(own.ended?.reason).toBe('deleted-by-us');
    expect(other.ended?.reason).toBe('deleted-by-peer');
    expect(ours.children.size + theirs.children.size).toBe(0);
    expect(world.listener.size).toBe(0);
    expect(client.session.spent).toBe(true);
  });

  it('notices a dead peer', () => {
    const { world, ours } = up(serverPolicy(), clientPolicy({ dpd: 30_000 }));
    world.run(10 * MINUTE);
    expect(ours.ended).toBeUndefined();
    world.weather = { ...world.weather, loss: 1 };
    world.run(10 * MINUTE);
    expect(ours.ended?.reason).toBe('peer-dead');
    expect(ours.ended?.error?.code).toBe('E_PEER_DEAD');
  });
});

describe('negotiation', () => {
  it('answers INVALID_KE_PAYLOAD and continues with the right group', () => {
    const ours = clientPolicy({ ikeProposals: parseProposals('aes256gcm16-prfsha256-x25519-ecp384', 1) });
    const theirs = serverPolicy({ ikeProposals: parseProposals('aes256gcm16-prfsha256-ecp384', 1) });
    const { ours: ledger } = up(theirs, ours);
    expect(ledger.ikeSa?.suite.ke.id).toBe(20);
  });

  it('narrows the selectors of both sides', () => {
    const { ours } = up(
      serverPolicy({ localTs: [selectorFromCidr('10.2.0.0/25')] }),
      clientPolicy({ remoteTs: [anySelector(4), anySelector(6)] }),
    );
    const [child] = [...ours.children.values()];
    expect(child!.remoteTs.map(formatSelector)).toEqual(['10.2.0.0/25']);
  });

  it('takes no more selectors than a side has networks', () => {
    const localTs = Array.from({ length: 200 }, (_, i) => selectorFromCidr(`10.1.0.1[tcp/${2 * i}]`));
    const { ours, theirs } = up(serverPolicy(), clientPolicy({ localTs }));
    expectOnePair(ours, theirs);
    expect([...theirs.children.values()][0]!.remoteTs).toEqual(localTs.slice(0, 64));
  });

  const pool: AddressPool = {
    assign: (_owner, families) => ({
      addresses: families.map((family) => (family === 4 ? '10.99.0.1' : 'fd99::1')),
      dns: ['10.99.0.53'],
    }),
    release: () => {},
  };
  const empty: AddressPool = { assign: () => undefined, release: () => {} };

  it('assigns addresses of both families', () => {
    const { ours, theirs } = up(
      serverPolicy({ pool, remoteTs: undefined, localTs: [anySelector(4), anySelector(6)] }),
      clientPolicy({ localTs: undefined, remoteTs: undefined }),
    );
    expectOnePair(ours, theirs);
    const [child] = [...ours.children.values()];
    expect(child!.localTs.map(formatSelector)).toEqual(['10.99.0.1/32', 'fd99::1/128']);
    expect(ours.events.find((event) => event.type === 'addresses-assigned')).toMatchObject({
      assigned: { addresses: ['10.99.0.1', 'fd99::1'], dns: ['10.99.0.53'] },
    });
  });

  it('gives a client with an address that address, and the networks of clients to those who ask for none', () => {
    const server = serverPolicy({ pool, remoteTs: [anySelector(4)], localTs: [anySelector(4)] });
    const { world, ours } = up(server, clientPolicy({ localTs: undefined }));
    expect([...ours.children.values()][0]!.localTs.map(formatSelector)).toEqual([
      '10.99.0.1/32',
      'fd99::1/128',
    ]);
    const site = world.connect(clientPolicy({ localId: undefined }));
    world.run(MINUTE);
    expect([...site.ledger.children.values()][0]!.localTs.map(formatSelector)).toEqual(['10.1.0.0/24']);
  });

  const other = { type: 'psk', secret: Secret.fromText('another secret') } as const;
  it.each<[string, Partial<SessionPolicy>, Partial<SessionPolicy>]>([
    ['E_INTERNAL_ADDRESS_FAILURE', { pool: empty, remoteTs: undefined }, { localTs: undefined }],
    ['E_FAILED_CP_REQUIRED', { pool, remoteTs: undefined }, {}],
    ['E_NO_ADDRESS', { localTs: [anySelector(4)], remoteTs: [anySelector(4)] }, { localTs: undefined }],
    ['E_TS_UNACCEPTABLE', { localTs: [selectorFromCidr('172.16.0.0/16')] }, {}],
    ['E_NO_PROPOSAL_CHOSEN', { espProposals: parseProposals('chacha20poly1305', 3) }, {}],
    ['E_NO_PROPOSAL_CHOSEN', { ikeProposals: parseProposals('aes256-sha256-modp2048', 1) }, {}],
    ['E_AUTHENTICATION_FAILED', { auth: { local: [other], remote: [[other]] } }, {}],
    ['E_AUTHENTICATION_FAILED', { remoteId: parseIdentity('nobody.test') }, {}],
    ['E_IDENTITY_MISMATCH', {}, { remoteId: parseIdentity('other.test') }],
  ])('fails cleanly with %s', (code, server, client) => {
    const world = new World(3, { server: serverPolicy(server) });
    const peer = world.connect(clientPolicy(client));
    world.run(5 * MINUTE);
    expect(peer.ledger.ended?.error?.code).toBe(code);
    expect(peer.ledger.ended?.error?.exitCode).toBe(6);
    expect(peer.ledger.children.size).toBe(0);
    expect(peer.session.spent).toBe(true);
    expect(world.listener.size).toBe(0);
  });

  it('gives up on a silent gateway only after the whole schedule', () => {
    const world = new World(3, { weather: { loss: 1, duplication: 0, delay: [1, 1] } });
    const start = world.now;
    const peer = world.connect();
    world.run(5 * MINUTE, () => peer.session.closed);
    expect(peer.ledger.ended?.error).toMatchObject({ code: 'E_NO_ANSWER', exitCode: 4 });
    expect(world.sent).toBe(8);
    expect(world.now - start).toBeCloseTo(
      Array.from({ length: 8 }, (_, i) => 500 * 1.6 ** i).reduce((a, b) => a + b),
      3,
    );
  });

  it('does not believe an unauthenticated refusal before the schedule is through', () => {
    const theirs = serverPolicy({ ikeProposals: parseProposals('aes256-sha256-modp2048', 1) });
    const world = new World(3, { server: theirs });
    const peer = world.connect();
    world.run(5 * MINUTE, () => peer.session.closed);
    expect(peer.ledger.ended?.error?.code).toBe('E_NO_PROPOSAL_CHOSEN');
    expect(world.sent).toBe(16);
    const told = peer.ledger.events.filter((event) => event.type === 'refused-unconfirmed');
    expect(told).toMatchObject([{ error: { code: 'E_NO_PROPOSAL_CHOSEN' } }]);
    expect(peer.ledger.events[0]).toBe(told[0]);
  });
});

describe('INITIAL_CONTACT', () => {
  it('replaces the older SA of the same identity', () => {
    const { world, theirs } = up();
    const again = world.connect();
    world.run(MINUTE);
    expect(again.ledger.children.size).toBe(1);
    expect(theirs.ended?.reason).toBe('replaced');
    expect(world.latestServed.children.size).toBe(1);
  });

  it('leaves the SA of another identity alone, even one that reads the same in a log', () => {
    const unprintable = Uint8Array.of(1);
    const { world, theirs } = up(
      serverPolicy(),
      clientPolicy({ localId: { idType: IdType.FQDN, data: unprintable } }),
    );
    world.connect(clientPolicy({ localId: { idType: IdType.RFC822_ADDR, data: unprintable } }));
    world.run(MINUTE);
    expect(world.served.size).toBe(2);
    expect(theirs.ended).toBeUndefined();
  });
});
