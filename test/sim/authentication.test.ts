import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/lib/core/bytes.js';
import { KitError } from '../../src/lib/core/errors.js';
import { Secret } from '../../src/lib/core/secret.js';
import { createSigner } from '../../src/lib/ike/auth/signature.js';
import type {
  AuthPolicy,
  CertificateTrust,
  EapAuthenticator,
  EapPeer,
  EapStep,
  LocalAuth,
  PeerCertificates,
  RemoteAuth,
} from '../../src/lib/ike/auth/types.js';
import { formatIdentity, parseIdentity } from '../../src/lib/ike/identity.js';
import { expectOnePair } from './expect.js';
import { clientPolicy, fairWeather, serverPolicy, World } from './world.js';

const MINUTE = 60_000;
const secret = Secret.fromText('a shared secret of the simulation');
const psk = { type: 'psk', secret } as const;
const nothing = { type: 'null' } as const;

const ours = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const theirs = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** Certificates are the validator's business; here they are labels of keys. */
const keys: Record<string, KeyObject> = { ours: ours.publicKey, theirs: theirs.publicKey };

const signature = (key: KeyObject, label: string): LocalAuth => ({
  type: 'signature',
  signer: createSigner({ key, certificates: [utf8(label), utf8('intermediate')] }),
});

function trust(seen: PeerCertificates[] = [], failure?: KitError): RemoteAuth {
  const validate = (peer: PeerCertificates): KeyObject => {
    seen.push(peer);
    if (failure) throw failure;
    return keys[Buffer.from(peer.certificates[0]!).toString()]!;
  };
  const authority: CertificateTrust = {
    authorities: [new Uint8Array(20).fill(7)],
    allowSha1: false,
    validate,
  };
  return { type: 'signature', trust: authority };
}

/** A made-up EAP method: the server counts down, both end with the same key. */
interface EapScene {
  steps?: number;
  /** What the client sends instead of going on, at its last step. */
  wrong?: boolean;
  mutual?: boolean;
  key?: Secret | undefined;
  open: number;
}

const packet = (code: number, rest: number): Uint8Array => Uint8Array.of(code, 1, 0, 5, rest);

function eapPeer(scene: EapScene): LocalAuth {
  const createPeer = (): EapPeer => {
    scene.open += 1;
    return {
      mutual: scene.mutual ?? false,
      step: (message): EapStep => {
        if (message[0] === 3) {
          const empty = new Uint8Array(0);
          return { type: 'success', message: empty, msk: scene.key, identity: 'ann', method: 'eap-test' };
        }
        if (message[0] === 4) return failure();
        return { type: 'send', message: packet(2, scene.wrong && message[4] === 1 ? 99 : message[4]!) };
      },
      close: () => {
        scene.open -= 1;
      },
    };
  };
  return { type: 'eap', createPeer };
}

const failure = (): EapStep => ({
  type: 'failure',
  message: packet(4, 0),
  error: new KitError('refused', 'E_EAP_PASSWORD', 'wrong'),
});

function eapServer(scene: EapScene): RemoteAuth {
  const createAuthenticator = (): EapAuthenticator => {
    scene.open += 1;
    return {
      start: (): EapStep => ({ type: 'send', message: packet(1, scene.steps ?? 3) }),
      step: (message): EapStep => {
        const left = message[4]!;
        if (left === 99) return failure();
        if (left > 1) return { type: 'send', message: packet(1, left - 1) };
        return {
          type: 'success',
          message: packet(3, 0),
          msk: scene.key,
          identity: 'ann',
          method: 'eap-test',
        };
      },
      close: () => {
        scene.open -= 1;
      },
    };
  };
  return { type: 'eap', createAuthenticator };
}

interface Sides {
  client: AuthPolicy;
  server: AuthPolicy;
}

function run({ client, server }: Sides, prepare: (world: World) => void = () => {}) {
  const world = new World(77, { server: serverPolicy({ auth: server }) });
  prepare(world);
  const peer = world.connect(clientPolicy({ auth: client }));
  world.run(3 * MINUTE, () => peer.ledger.children.size > 0 || peer.session.closed);
  world.run(100);
  return { world, peer };
}

const fresh = (overrides: Partial<EapScene> = {}): EapScene => ({
  key: new Secret(new Uint8Array(64).fill(3)),
  open: 0,
  ...overrides,
});

const byKey = signature(ours.privateKey, 'ours');
const byRsa = signature(theirs.privateKey, 'theirs');

function combinations(): [name: string, sides: Sides, words: [string, string]][] {
  const plain = fresh();
  const keyless = fresh({ key: undefined });
  const mutual = fresh({ mutual: true });
  const late = fresh();
  const ecdsa = 'ECDSA P-256 with SHA-256';
  const rsa = 'RSA (PKCS#1 v1.5) with SHA-256';
  return [
    [
      'PSK and PSK',
      { client: { local: [psk], remote: [[psk]] }, server: { local: [psk], remote: [[psk]] } },
      ['psk', 'psk'],
    ],
    [
      'signature and signature',
      { client: { local: [byKey], remote: [[trust()]] }, server: { local: [byRsa], remote: [[trust()]] } },
      [ecdsa, rsa],
    ],
    [
      'PSK and signature',
      { client: { local: [psk], remote: [[trust()]] }, server: { local: [byRsa], remote: [[psk]] } },
      ['psk', rsa],
    ],
    [
      'signature and PSK, where the server takes both',
      { client: { local: [byKey], remote: [[psk]] }, server: { local: [psk], remote: [[psk], [trust()]] } },
      [ecdsa, 'psk'],
    ],
    [
      'NULL and signature',
      { client: { local: [nothing], remote: [[trust()]] }, server: { local: [byRsa], remote: [[nothing]] } },
      ['null', rsa],
    ],
    [
      'EAP and signature',
      {
        client: { local: [eapPeer(plain)], remote: [[trust()]] },
        server: { local: [byRsa], remote: [[eapServer(plain)]] },
      },
      ['eap-test', rsa],
    ],
    [
      'EAP without keys and signature',
      {
        client: { local: [eapPeer(keyless)], remote: [[trust()]] },
        server: { local: [byRsa], remote: [[eapServer(keyless)]] },
      },
      ['eap-test', rsa],
    ],
    [
      'EAP alone',
      {
        client: { local: [eapPeer(mutual)], remote: [[{ type: 'eap-only' }]] },
        server: { local: [{ type: 'eap-only' }], remote: [[eapServer(mutual)]] },
      },
      ['eap-test', 'eap-test (mutual)'],
    ],
    [
      'signature and then EAP',
      {
        client: { local: [byKey, eapPeer(late)], remote: [[trust()]] },
        server: { local: [byRsa], remote: [[trust(), eapServer(late)]] },
      },
      [`${ecdsa} + eap-test`, rsa],
    ],
    [
      'EAP and then PSK',
      {
        client: { local: [eapPeer(late), psk], remote: [[trust()]] },
        server: { local: [byRsa], remote: [[eapServer(late), psk]] },
      },
      ['eap-test + psk', rsa],
    ],
    [
      'two rounds of the server',
      {
        client: { local: [psk], remote: [[trust(), psk]] },
        server: { local: [byRsa, psk], remote: [[psk]] },
      },
      ['psk', `${rsa} + psk`],
    ],
    [
      'two rounds of both',
      {
        client: { local: [byKey, psk], remote: [[trust(), psk]] },
        server: { local: [byRsa, psk], remote: [[trust(), psk]] },
      },
      [`${ecdsa} + psk`, `${rsa} + psk`],
    ],
  ];
}

describe('authentication', () => {
  it.each(combinations())('%s', (_, sides, [client, server]) => {
    const { world, peer } = run(sides);
    expect(peer.ledger.ended?.error).toBeUndefined();
    expectOnePair(peer.ledger, world.latestServed);
    expect(peer.ledger.ikeSa).toMatchObject({ localAuth: client, remoteAuth: server });
    expect(world.latestServed.ikeSa).toMatchObject({ localAuth: server, remoteAuth: client });
    const eap = client.includes('eap-test') ? 'ann' : undefined;
    expect(world.latestServed.ikeSa?.eapIdentity).toBe(eap);
  });

  it.each(combinations())('%s, with loss, duplication and reordering', (_, sides) => {
    for (let seed = 0; seed < 25; seed++) {
      const world = new World(seed, {
        server: serverPolicy({ auth: sides.server }),
        weather: { loss: 0.2, duplication: 0.2, delay: [1, 400] },
      });
      world.taskTime = seed * 40;
      const peer = world.connect(clientPolicy({ auth: sides.client }));
      world.run(5 * MINUTE, () => peer.ledger.children.size > 0 || peer.session.closed);
      world.weather = fairWeather;
      world.run(MINUTE / 2);
      expect(peer.ledger.ended?.error?.code).toBeUndefined();
      expectOnePair(peer.ledger, world.latestServed);
    }
  });

  it.each(['pss', 'pkcs1'] as const)('signs as the client did, with %s', (rsaScheme) => {
    const signer = createSigner({ key: theirs.privateKey, certificates: [utf8('theirs')], rsaScheme });
    const { peer } = run({
      client: { local: [{ type: 'signature', signer }], remote: [[trust()]] },
      server: { local: [byRsa], remote: [[trust()]] },
    });
    expect(peer.ledger.ikeSa?.remoteAuth).toBe(peer.ledger.ikeSa?.localAuth);
  });

  it('leaves no EAP conversation open', () => {
    const scene = fresh();
    const sides: Sides = {
      client: { local: [eapPeer(scene)], remote: [[trust()]] },
      server: { local: [byRsa], remote: [[eapServer(scene)]] },
    };
    run(sides);
    expect(scene.open).toBe(0);
    const world = new World(78, { server: serverPolicy({ auth: sides.server }) });
    let seen = 0;
    world.tamper = () => ++seen < 7;
    const peer = world.connect(clientPolicy({ auth: sides.client }));
    world.run(1000);
    expect(scene.open).toBe(2);
    world.run(10 * MINUTE);
    expect(peer.session.spent).toBe(true);
    expect(world.listener.size).toBe(0);
    expect(scene.open).toBe(0);
  });

  it('hands the certificates, the identity and the role to the validator', () => {
    const seen: PeerCertificates[] = [];
    run({
      client: { local: [byKey], remote: [[trust(seen)]] },
      server: { local: [byRsa], remote: [[trust(seen)]] },
    });
    const told = seen.map(({ certificates, identity, role }) => [
      certificates.map((der) => Buffer.from(der).toString()),
      formatIdentity(identity),
      role,
    ]);
    expect(told).toEqual([
      [['ours', 'intermediate'], 'client.test', 'initiator'],
      [['theirs', 'intermediate'], 'server.test', 'responder'],
    ]);
  });

  const expired = new KitError('refused', 'E_CERT_EXPIRED', 'expired');
  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const one = fresh();
  const wrong = fresh({ wrong: true });
  const oneSided = fresh({ mutual: false });
  it.each<[string, Sides, client: string, server: string]>([
    [
      'a certificate of the server that the client does not believe',
      {
        client: { local: [psk], remote: [[trust([], expired)]] },
        server: { local: [byRsa], remote: [[psk]] },
      },
      'E_CERT_EXPIRED',
      'E_AUTHENTICATION_FAILED',
    ],
    [
      'a certificate of the client that the server does not believe',
      {
        client: { local: [byKey], remote: [[psk]] },
        server: { local: [psk], remote: [[trust([], expired)]] },
      },
      'E_AUTHENTICATION_FAILED',
      'E_CERT_EXPIRED',
    ],
    [
      'a signature by another key than the certificate has',
      {
        client: { local: [signature(foreign, 'ours')], remote: [[psk]] },
        server: { local: [psk], remote: [[trust()]] },
      },
      'E_AUTHENTICATION_FAILED',
      'E_SIGNATURE_INVALID',
    ],
    [
      'a server that proves a PSK where a certificate is demanded',
      { client: { local: [psk], remote: [[trust()]] }, server: { local: [psk], remote: [[psk]] } },
      'E_AUTH_METHOD',
      'E_AUTHENTICATION_FAILED',
    ],
    [
      'a client that proves a PSK where a certificate is demanded',
      { client: { local: [psk], remote: [[psk]] }, server: { local: [psk], remote: [[trust()]] } },
      'E_AUTHENTICATION_FAILED',
      'E_AUTH_METHOD',
    ],
    [
      'a client that proves nothing where a PSK is demanded',
      { client: { local: [nothing], remote: [[psk]] }, server: { local: [psk], remote: [[psk]] } },
      'E_AUTHENTICATION_FAILED',
      'E_AUTH_METHOD',
    ],
    [
      'a server that proves nothing',
      { client: { local: [psk], remote: [[psk]] }, server: { local: [nothing], remote: [[psk]] } },
      'E_AUTH_METHOD',
      'E_AUTHENTICATION_FAILED',
    ],
    [
      'a wrong EAP password',
      {
        client: { local: [eapPeer(wrong)], remote: [[trust()]] },
        server: { local: [byRsa], remote: [[eapServer(wrong)]] },
      },
      'E_EAP_PASSWORD',
      'E_EAP_PASSWORD',
    ],
    [
      'EAP where the server does not know it',
      { client: { local: [eapPeer(one)], remote: [[psk]] }, server: { local: [psk], remote: [[psk]] } },
      'E_AUTHENTICATION_FAILED',
      'E_AUTH_METHOD',
    ],
    [
      'EAP alone by a method that does not prove the server',
      {
        client: { local: [eapPeer(oneSided)], remote: [[{ type: 'eap-only' }]] },
        server: { local: [{ type: 'eap-only' }], remote: [[eapServer(oneSided)]] },
      },
      'E_EAP_ONLY',
      'E_PEER_GAVE_UP',
    ],
    [
      'EAP alone that the client does not want',
      {
        client: { local: [eapPeer(one)], remote: [[trust()]] },
        server: { local: [{ type: 'eap-only' }], remote: [[eapServer(one)]] },
      },
      'E_AUTHENTICATION_FAILED',
      'E_EAP_ONLY',
    ],
    [
      'a client that stops after the first of two rounds',
      { client: { local: [byKey], remote: [[psk]] }, server: { local: [psk], remote: [[trust(), psk]] } },
      'E_AUTHENTICATION_FAILED',
      'E_AUTH_METHOD',
    ],
    [
      'a server that stops after the first of two rounds',
      { client: { local: [psk], remote: [[trust(), psk]] }, server: { local: [byRsa], remote: [[psk]] } },
      'E_AUTH_METHOD',
      'E_AUTHENTICATION_FAILED',
    ],
    [
      'several rounds with a server that knows one',
      { client: { local: [byKey, psk], remote: [[psk]] }, server: { local: [psk], remote: [[trust()]] } },
      'E_MULTIPLE_AUTH',
      '',
    ],
    [
      'a third round that the server does not want',
      {
        client: { local: [byKey, psk, psk], remote: [[psk]] },
        server: { local: [psk], remote: [[trust(), psk]] },
      },
      'E_AUTHENTICATION_FAILED',
      'E_AUTH_METHOD',
    ],
  ])('refuses %s', (_, sides, client, server) => {
    const { world, peer } = run(sides);
    expect(peer.ledger.ended?.error?.code).toBe(client);
    expect(peer.ledger.children.size).toBe(0);
    world.run(5 * MINUTE);
    const told = [...world.served.values()].map((ledger) => ledger.ended?.error?.code ?? '');
    expect(told.join()).toBe(server);
    expect(world.listener.size).toBe(0);
    expect(peer.session.spent).toBe(true);
    for (const scene of [one, wrong, oneSided]) expect(scene.open).toBe(0);
  });

  it.each([
    ['a certificate', [[trust()]], 'use --auth cert, or allow its method with --client-auth'],
    ['a certificate and then EAP', [[trust(), eapServer(one)]], 'needs --auth cert+eap-mschapv2'],
  ])('tells a client that begins with EAP that expected is %s', (expected, remote, hint) => {
    const { world } = run({
      client: { local: [eapPeer(one)], remote: [[trust()]] },
      server: { local: [byRsa], remote },
    });
    const [ledger] = world.served.values();
    expect(ledger?.ended?.error?.message).toContain(`wants EAP, expected is ${expected}`);
    expect(ledger?.ended?.error?.hint).toContain(hint);
  });

  it('blames no client whose proof it collects', () => {
    const proofs: string[] = [];
    const unknown = new Secret(utf8('nobody knows this key'));
    const onProof = ({ identity }: { identity: Parameters<typeof formatIdentity>[0] }): void => {
      proofs.push(formatIdentity(identity));
    };
    const { world } = run({
      client: { local: [psk], remote: [[psk]] },
      server: { local: [psk], remote: [[{ type: 'psk', secret: unknown, onProof }]] },
    });
    const [ledger] = world.served.values();
    expect(proofs).toHaveLength(1);
    expect(ledger?.ended?.error).toMatchObject({ code: 'E_AUTHENTICATION_FAILED' });
    expect(ledger?.ended?.error?.message).toBe(
      `${proofs[0]} proved its PSK and was refused, as everybody is here`,
    );
    expect(ledger?.ended?.error?.hint).toBeUndefined();
  });

  it('keeps nobody waiting for a task that never ends', () => {
    const { world, peer } = run(
      { client: { local: [psk], remote: [[trust()]] }, server: { local: [byRsa], remote: [[psk]] } },
      (sky) => {
        sky.taskTime = Number.MAX_SAFE_INTEGER;
      },
    );
    expect(peer.ledger.ended?.error?.code).toBe('E_TASK_TIMEOUT');
    world.run(10 * MINUTE);
    expect(peer.session.spent).toBe(true);
  });

  it('ends while a task is out, and does not mind its outcome', () => {
    const world = new World(5, {
      server: serverPolicy({ auth: { local: [byRsa], remote: [[psk]] } }),
    });
    world.taskTime = 1000;
    const peer = world.connect(clientPolicy({ auth: { local: [psk], remote: [[trust()]] } }));
    world.run(500);
    world.command(peer, { type: 'close' });
    world.run(10 * MINUTE);
    expect(peer.ledger.ended?.reason).toBe('deleted-by-us');
    expect(peer.ledger.count('ike-sa-established')).toBe(0);
    expect(peer.session.spent).toBe(true);
  });

  it('does not let a client that proves nothing drop the SAs of another by INITIAL_CONTACT', () => {
    const world = new World(6, {
      server: serverPolicy({ auth: { local: [psk], remote: [[psk], [nothing]] } }),
    });
    const localId = parseIdentity('client.test');
    const honest = world.connect(clientPolicy({ localId, auth: { local: [psk], remote: [[psk]] } }));
    world.run(MINUTE, () => honest.ledger.children.size > 0);
    const nobody = world.connect(clientPolicy({ localId, auth: { local: [nothing], remote: [[psk]] } }));
    world.run(MINUTE, () => nobody.ledger.children.size > 0);
    expect(nobody.ledger.children.size).toBe(1);
    world.command(honest, { type: 'check-liveness' });
    world.run(MINUTE);
    expect([...world.served.values()].map((ledger) => ledger.ended)).toEqual([undefined, undefined]);
  });
});
