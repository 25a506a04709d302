import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/lib/core/bytes.js';
import { Secret } from '../../src/lib/core/secret.js';
import { createSigner } from '../../src/lib/ike/auth/signature.js';
import type { AuthPolicy, LocalAuth, RemoteAuth } from '../../src/lib/ike/auth/types.js';
import { parseProposals } from '../../src/lib/ike/proposals.js';
import type { SessionPolicy } from '../../src/lib/ike/session/types.js';
import { NotifyType } from '../../src/lib/ike/wire/notify.js';
import { type Attack, Downgrader } from './downgrader.js';
import { expectOnePair } from './expect.js';
import { clientPolicy, fairWeather, type Ledger, SeededEntropy, serverPolicy, World } from './world.js';

const MINUTE = 60_000;
const SEEDS = [1, 2, 3, 4, 5];

/** Both sides know better, and allow what is weak. */
const MIXED = 'aes256gcm16-aes128gcm16-prfsha384-prfsha1-x25519-modp2048-modp1024';
const STRONG = ['1/20/256', '2/6', '4/31', '4/14'];

const MODP1024 = 2;
const X25519 = 31;
const { IKE_SA_INIT_FULL_TRANSCRIPT_AUTH, IKEV2_FRAGMENTATION_SUPPORTED, SIGNATURE_HASH_ALGORITHMS } =
  NotifyType;

const mixed: Partial<SessionPolicy> = { ikeProposals: parseProposals(MIXED, 1) };

/** Signs with SHA-1 for peers that do not say which hashes they know: worth taking that out. */
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const signs: LocalAuth = {
  type: 'signature',
  signer: createSigner({ key: pair.privateKey, certificates: [utf8('a certificate')] }),
};
const trusts: RemoteAuth = {
  type: 'signature',
  trust: { authorities: [], allowSha1: false, validate: () => pair.publicKey },
};
const bySignature: AuthPolicy = { local: [signs], remote: [[trusts]] };
const nothing: AuthPolicy = { local: [{ type: 'null' }], remote: [[{ type: 'null' }]] };

interface Scene {
  client?: Partial<SessionPolicy>;
  server?: Partial<SessionPolicy>;
  loss?: number;
}

/** A client and a server with somebody between them. */
function between(seed: number, attack: Attack, { client, server, loss = 0 }: Scene = {}) {
  const world = new World(seed, { server: serverPolicy({ ...mixed, ...server }) });
  world.weather = { ...fairWeather, loss };
  const middle = new Downgrader(attack);
  world.tamper = ({ from, data }) => {
    if (from === 'server') return middle.fromServer(data).toClient;
    const { toClient, toServer } = middle.fromClient(data);
    for (const forged of toClient) world.injectToClient(0, forged);
    return toServer;
  };
  const ours = world.connect(clientPolicy({ ...mixed, ...client })).ledger;
  world.run(5 * MINUTE);
  return { ours, theirs: [...world.served.values()].at(-1) };
}

const warnings = (ledger: Ledger): string[] =>
  ledger.events.flatMap((event) => (event.type === 'warning' ? [event.code] : []));

describe('covering both messages can be turned off', () => {
  it.each([
    { client: { fullTranscript: false }, server: {} },
    { client: {}, server: { fullTranscript: false } },
    { client: { fullTranscript: false }, server: { fullTranscript: false } },
  ])('by either side or both: $client $server', (scene) => {
    const { ours, theirs } = between(1, {}, scene);
    expectOnePair(ours, theirs!);
  });
});

describe.each(SEEDS)('seed %i: between a client and a server that allow weak algorithms', (seed) => {
  it('nobody changes anything: the best is chosen, and nothing is said', () => {
    const { ours, theirs } = between(seed, {});
    expectOnePair(ours, theirs!);
    expect(ours.ikeSa?.suite).toMatchObject({ ke: { id: X25519 }, keyLength: 256, prf: { id: 6 } });
    expect(warnings(ours)).toEqual([]);
  });

  it('the client is steered to a weak group once: the server insists on a strong one, the client tells of both', () => {
    const { ours, theirs } = between(seed, { steerTo: MODP1024, steerings: 1 }, { loss: 0.1 });
    expectOnePair(ours, theirs!);
    expect(ours.ikeSa?.suite.ke.id).toBe(X25519);
    expect(warnings(ours)).toEqual(['W_KE_CONTRADICTION']);
  });

  it('the client is steered to a weak group again and again: there is no tunnel, and it is said why', () => {
    const { ours, theirs } = between(seed, { steerTo: MODP1024 });
    expect(ours.count('ike-sa-established')).toBe(0);
    expect(theirs).toBeUndefined();
    expect(warnings(ours)).toEqual(['W_KE_CONTRADICTION']);
    const { error } = ours.ended!;
    expect(error?.code).toBe('E_KE_CONTRADICTION');
    expect(error?.message).toContain('modp1024, then x25519');
    expect(error?.hint).toContain('on the path');
  });

  it('what the server says to that is hidden: the client does not know, and says what it was asked for', () => {
    const { ours } = between(seed, { steerTo: MODP1024, hideSteering: true });
    expect(ours.count('ike-sa-established')).toBe(0);
    expect(ours.ended?.error).toMatchObject({ code: 'E_NO_ANSWER' });
    expect(ours.ended?.error?.message).toMatch(/modp1024 instead of x25519/);
    expect(ours.ended?.error?.hint).toContain('forged');
  });

  it.each([
    ['strong transforms are taken out', { transforms: STRONG }],
    ['strong transforms are taken out, and the client is steered', { transforms: STRONG, steerTo: MODP1024 }],
    ['one strong transform is taken out', { transforms: ['1/20/256'] }],
    ['the notify of fragments is taken out', { requestNotifies: [IKEV2_FRAGMENTATION_SUPPORTED] }],
    ['the notify of transcripts is taken out', { requestNotifies: [IKE_SA_INIT_FULL_TRANSCRIPT_AUTH] }],
  ])('%s of the request: AUTH fails, and both sides say what that may mean', (_what, attack) => {
    const { ours, theirs } = between(seed, attack, { loss: 0.1 });
    expect(ours.count('ike-sa-established')).toBe(0);
    expect(theirs!.count('ike-sa-established')).toBe(0);
    for (const { ended } of [ours, theirs!]) {
      expect(ended?.error?.code).toBe('E_AUTHENTICATION_FAILED');
      expect(ended?.error?.hint).toMatch(/somebody on the path may have changed the IKE_SA_INIT messages/);
    }
  });

  it('the notify of fragments is taken out of the response: the server notices it, because AUTH covers both', () => {
    const { ours, theirs } = between(seed, { responseNotifies: [IKEV2_FRAGMENTATION_SUPPORTED] });
    expect(theirs!.ended?.error?.code).toBe('E_AUTHENTICATION_FAILED');
    expect(ours.ended?.error?.code).toBe('E_AUTHENTICATION_FAILED');
    expect(theirs!.count('ike-sa-established')).toBe(0);
  });

  it.each([
    ['PSKs', undefined],
    ['signatures', bySignature],
    ['nothing, which SK_p binds all the same', nothing],
  ])(
    'the notify of transcripts is taken out of the response: the server knows that for sure, by %s',
    (_how, auth) => {
      const policy = auth ? { auth } : {};
      const { ours, theirs } = between(
        seed,
        { responseNotifies: [IKE_SA_INIT_FULL_TRANSCRIPT_AUTH] },
        { client: policy, server: policy },
      );
      const { error } = theirs!.ended!;
      expect(error?.code).toBe('E_DOWNGRADE');
      expect(error?.message).toContain('did not see our IKE_SA_INIT message as we sent it');
      expect(error?.hint).toContain('on the path');
      expect(ours.ended?.error?.code).toBe('E_AUTHENTICATION_FAILED');
    },
  );

  it.each([
    ['the request', { requestNotifies: [SIGNATURE_HASH_ALGORITHMS] }],
    ['the response', { responseNotifies: [SIGNATURE_HASH_ALGORITHMS] }],
    [
      'the request, with the strong transforms',
      { transforms: STRONG, requestNotifies: [SIGNATURE_HASH_ALGORITHMS] },
    ],
  ])('the hashes of signatures are taken out of %s: the signature does not verify', (_what, attack) => {
    const policy = { auth: bySignature };
    const { ours, theirs } = between(seed, attack, { client: policy, server: policy });
    const toClient = 'responseNotifies' in attack;
    expect(warnings(ours).includes('W_SIGNATURE_SHA1')).toBe(toClient);
    expect(ours.count('ike-sa-established') + theirs!.count('ike-sa-established')).toBe(0);
    expect(theirs!.ended?.error?.code).toBe('E_SIGNATURE_INVALID');
    expect(theirs!.ended?.error?.hint).toContain('somebody changed the exchange');
    expect(ours.ended?.error?.hint).toContain('somebody on the path');
  });

  it('the key is wrong and nobody changes anything: no downgrade is claimed', () => {
    const secret = Secret.fromText('another secret');
    const other: AuthPolicy = { local: [{ type: 'psk', secret }], remote: [[{ type: 'psk', secret }]] };
    const { ours, theirs } = between(seed, {}, { client: { auth: other } });
    expect(theirs!.ended?.error?.code).toBe('E_AUTHENTICATION_FAILED');
    expect(theirs!.ended?.error?.hint).toMatch(/^Compare the PSK on both sides byte for byte/);
    expect(ours.ended?.error?.code).toBe('E_AUTHENTICATION_FAILED');
  });
});

describe('a gateway that knows weak groups only', () => {
  it('is taken, with a warning that names the group', () => {
    const server = { ikeProposals: parseProposals('aes256gcm16-prfsha384-modp1024', 1) };
    const { ours, theirs } = between(7, {}, { server });
    expectOnePair(ours, theirs!);
    const told = ours.events.filter((event) => event.type === 'warning');
    expect(told).toMatchObject([{ code: 'W_WEAKER_GROUP' }]);
    expect(told[0]?.message).toMatch(/asked for the group modp1024, which is weaker than x25519/);
  });

  it('is refused where such groups are not offered, whatever it asks for', () => {
    const { ours } = between(
      7,
      { steerTo: MODP1024, bluntly: true },
      { client: { ikeProposals: parseProposals('default', 1) } },
    );
    expect(ours.count('ike-sa-established')).toBe(0);
    expect(ours.ended?.error?.code).toBe('E_INVALID_KE');
  });

  it('may ask for a group that is no weaker without a word', () => {
    const client = { ikeProposals: parseProposals('aes256gcm16-prfsha384-x25519-ecp384', 1) };
    const server = { ikeProposals: parseProposals('aes256gcm16-prfsha384-ecp384', 1) };
    const { ours, theirs } = between(7, {}, { client, server });
    expectOnePair(ours, theirs!);
    expect(warnings(ours)).toEqual([]);
  });
});

describe('one changed bit of an IKE_SA_INIT message', () => {
  it.each(['client', 'server'] as const)('of the %s never ends in a tunnel', (side) => {
    let reachedAuth = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const entropy = new SeededEntropy(seed);
      const [where, bit] = [entropy.next(), Math.floor(entropy.next() * 8)];
      const world = new World(seed, { server: serverPolicy(mixed) });
      world.tamper = ({ from, data }) => {
        // 34 is IKE_SA_INIT, in octet 18 of the header.
        if (from !== side || data[18] !== 34) return true;
        const changed = data.slice();
        const at = Math.floor(where * changed.length);
        changed[at] = changed[at]! ^ (1 << bit);
        return [changed];
      };
      const { ledger } = world.connect(clientPolicy(mixed));
      world.run(5 * MINUTE);
      expect(ledger.count('ike-sa-established'), `seed ${seed}`).toBe(0);
      for (const theirs of world.served.values()) {
        expect(theirs.count('ike-sa-established'), `seed ${seed}`).toBe(0);
        reachedAuth += theirs.ended?.error?.code === 'E_AUTHENTICATION_FAILED' ? 1 : 0;
      }
    }
    expect(reachedAuth).toBeGreaterThan(10);
  });
});
