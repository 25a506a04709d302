import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex, utf8 } from '../../../src/lib/core/bytes.js';
import { parseIdentity } from '../../../src/lib/ike/identity.js';
import { decodeIkev1Message, encodeIkev1Message } from '../../../src/lib/ike/v1/wire.js';
import type { Ikev1Suite } from '../../../src/lib/probe/types.js';
import { product } from '../../../src/lib/probe/v1/candidates.js';
import { Auth, type Phase1 } from '../../../src/lib/probe/v1/phase1.js';
import { type Ikev1Findings, type Ikev1Options, probeIkev1 } from '../../../src/lib/probe/v1.js';
import { type DirectAsker, type DirectOptions, directAsker } from './direct-asker.js';
import { type Ikev1Gateway, type Ikev1GatewayOptions, ikev1Gateway } from './v1-gateway.js';

const strong: Phase1 = { encr: 7, keyLength: 256, hash: 4, auth: Auth.PSK, group: 14 };
const old: Phase1 = { encr: 5, hash: 1, auth: Auth.PSK, group: 1 };
const remote: Phase1 = { encr: 7, keyLength: 128, hash: 2, auth: Auth.XAUTH_PSK, group: 2 };

interface Run extends Ikev1Findings {
  asker: DirectAsker;
  gateway: Ikev1Gateway;
}

async function probe(
  options: Ikev1GatewayOptions,
  probing: Partial<Ikev1Options> & DirectOptions = {},
): Promise<Run> {
  const gateway = ikev1Gateway(options);
  const asker = directAsker(gateway.handle, probing);
  const { identity, depth = 'full', answersIkev2 = true } = probing;
  return { ...(await probeIkev1(asker, { identity, depth, answersIkev2 })), asker, gateway };
}

function numbers(suites: readonly Ikev1Suite[]): string[] {
  return suites
    .map(({ encr, hash, auth, group }) => [encr.id, encr.keyLength, hash.id, auth.id, group.id].join('/'))
    .sort();
}

function asNumbers(suites: readonly Phase1[]): string[] {
  return suites.map((s) => [s.encr, s.keyLength, s.hash, s.auth, s.group].join('/')).sort();
}

describe('Main Mode', () => {
  it('finds one suite, and nothing else', async () => {
    const { facts, asker, gateway } = await probe({ mainMode: [strong] });
    expect(facts.enabled.value).toBe(true);
    expect(numbers(facts.mainMode)).toEqual(asNumbers([strong]));
    expect(facts.mainMode[0]).toMatchObject({
      encr: { name: 'AES-CBC', keyLength: 256 },
      hash: { name: 'SHA2-256' },
      auth: { name: 'pre-shared key' },
      group: { name: '2048-bit MODP Group' },
      packets: [1, 2],
    });
    expect(facts.aggressiveMode).toEqual([]);
    expect(facts.inconclusive).toEqual([]);
    expect(gateway.halfOpen.size).toBe(0);
    expect(asker.sent.length).toBeLessThan(60);
  });

  it('counts the SAs whose end nobody confirmed', async () => {
    const main = await probe({ mainMode: [strong] });
    const begun = main.asker.sent.filter(({ summary }) => summary === 'Main Mode, taken back');
    expect(begun.length).toBeGreaterThan(0);
    expect(main.facts.halfOpenLeft).toBe(begun.length);
    const confirming = await probe({ aggressiveMode: [strong] });
    expect(confirming.facts.aggressiveMode).toHaveLength(1);
    expect(confirming.facts.halfOpenLeft).toBe(0);
    const gateway = ikev1Gateway({ aggressiveMode: [strong] });
    const ignorant = directAsker((datagram) =>
      gateway.handle(datagram).filter((reply) => reply[18] !== 5 || !isEnd(datagram)),
    );
    const isEnd = (datagram: Uint8Array): boolean => datagram.subarray(8, 16).some((byte) => byte !== 0);
    const { facts } = await probeIkev1(ignorant, { identity: undefined, depth: 'full', answersIkev2: true });
    expect(facts.halfOpenLeft).toBeGreaterThan(0);
  });

  it('finds the key length of a gateway that does not repeat it', async () => {
    const short = { ...strong, keyLength: 128 };
    const { facts } = await probe({ mainMode: [short], omits: 'key length' });
    expect(numbers(facts.mainMode)).toEqual(asNumbers([short]));
    const vague = await probe({ mainMode: [short], omits: 'key length and number' });
    expect(vague.facts.enabled.value).toBe(true);
    expect(numbers(vague.facts.mainMode)).not.toEqual(asNumbers([strong]));
  });

  it('finds suites that have no algorithm in common', async () => {
    const { facts } = await probe({ mainMode: [old, strong] });
    expect(numbers(facts.mainMode)).toEqual(asNumbers([old, strong]));
  });

  it('finds all combinations of what may be combined', async () => {
    const mainMode = product(
      [strong, { ...strong, encr: 7, keyLength: 128, hash: 2, group: 19 }, { ...strong, hash: 6 }],
      Auth.PSK,
    );
    const { facts } = await probe({ mainMode });
    expect(mainMode).toHaveLength(12);
    expect(numbers(facts.mainMode)).toEqual(asNumbers(mainMode));
  });

  it.each([['checked'], ['silent']] as const)('tells methods apart when others are %s', async (methods) => {
    const mainMode = [strong, { ...strong, auth: Auth.RSA }, { ...strong, auth: Auth.RSA_ENCRYPTION }];
    const { facts } = await probe({ mainMode, methods });
    expect(numbers(facts.mainMode)).toEqual(asNumbers(mainMode));
    expect(facts.inconclusive.filter((each) => each.startsWith('Main Mode'))).toEqual([]);
  });

  it('says so when the gateway takes any method', async () => {
    const { facts, gateway } = await probe({ mainMode: [strong, old], methods: 'any' });
    expect(numbers(facts.mainMode)).toEqual(asNumbers([strong, old].map((suite) => ({ ...suite, auth: 0 }))));
    expect(facts.inconclusive).toHaveLength(1);
    expect(facts.inconclusive[0]).toContain('authentication methods');
    expect(gateway.halfOpen.size).toBe(0);
  });

  it('finds remote access with XAUTH where nothing else is configured', async () => {
    const { facts } = await probe({ mainMode: [remote], methods: 'silent' });
    expect(numbers(facts.mainMode)).toEqual(asNumbers([remote]));
  });

  it('stops at a number of suites, and says so', async () => {
    const mainMode = product(
      [1, 2, 4, 5, 6]
        .flatMap((hash) => [2, 5, 14, 19].map((group) => ({ ...strong, hash, group })))
        .concat([
          { ...strong, keyLength: 128 },
          { ...old, group: 2 },
        ]),
      Auth.PSK,
    );
    const { facts, asker } = await probe({ mainMode });
    expect(mainMode.length).toBeGreaterThan(50);
    expect(facts.mainMode.length).toBeGreaterThanOrEqual(40);
    expect(new Set(facts.inconclusive)).toEqual(
      new Set(['Main Mode with pre-shared key: not all combinations of the accepted algorithms were asked']),
    );
    expect(asker.sent.length).toBeLessThan(250);
    // every algorithm is known all the same
    expect(new Set(facts.mainMode.map(({ group }) => group.id))).toEqual(new Set([2, 5, 14, 19]));
    expect(new Set(facts.mainMode.map(({ hash }) => hash.id))).toEqual(new Set([1, 2, 4, 5, 6]));
  });

  it('is right when one packet in eight is lost', async () => {
    const mainMode = [strong, old, { ...strong, keyLength: 192, group: 21 }];
    const { facts } = await probe({ mainMode }, { lost: (index) => index % 8 === 0 });
    expect(numbers(facts.mainMode)).toEqual(asNumbers(mainMode));
    expect(facts.inconclusive).toEqual([]);
  });

  it('takes a key length that the answer leaves out for that of the offer', async () => {
    const gateway = ikev1Gateway({ mainMode: [strong] });
    const asker = directAsker((datagram) =>
      gateway.handle(datagram).map((reply) => {
        const { header, payloads } = decodeIkev1Message(reply);
        for (const payload of payloads) {
          if (payload.type !== 1) continue;
          const [transform] = payload.proposals[0]!.transforms;
          transform!.attributes = transform!.attributes.filter(({ type }) => type !== 14);
        }
        return encodeIkev1Message(header, payloads);
      }),
    );
    const { facts } = await probeIkev1(asker, { identity: undefined, depth: 'full', answersIkev2: true });
    expect(facts.mainMode.map(({ encr }) => encr.id)).toContain(7);
  });

  it('does not ask for ever when the gateway chooses what it was not offered', async () => {
    const gateway = ikev1Gateway({ mainMode: [strong] });
    const asker = directAsker((datagram) =>
      gateway.handle(datagram).map((reply) => {
        const { header, payloads } = decodeIkev1Message(reply);
        for (const payload of payloads) {
          if (payload.type === 1) payload.proposals[0]!.transforms[0]!.attributes[0]!.value = 99;
        }
        return encodeIkev1Message(header, payloads);
      }),
    );
    const { facts } = await probeIkev1(asker, { identity: undefined, depth: 'full', answersIkev2: true });
    expect(facts.enabled.value).toBe(true);
    expect(facts.mainMode).toEqual([]);
    expect(asker.sent.length).toBeLessThan(60);
  });

  it('asks one question in quick mode', async () => {
    const { facts, asker } = await probe({ mainMode: [strong], methods: 'any' }, { depth: 'quick' });
    expect(numbers(facts.mainMode)).toHaveLength(1);
    expect(asker.sent.map(({ summary }) => summary)).toEqual([
      'Main Mode, pre-shared key or RSA signatures, 36 transforms',
      'Main Mode, taken back',
    ]);
  });

  it('keeps every question within what passes in one piece', async () => {
    const { asker } = await probe({ mainMode: [strong, old], aggressiveMode: [strong] });
    expect(Math.max(...asker.sent.map(({ datagram }) => datagram.length))).toBeLessThanOrEqual(1402);
  });
});

describe('Aggressive Mode', () => {
  it('finds the suites, and a hash that the key explains', async () => {
    const aggressiveMode = [{ ...strong, hash: 2 }, { ...strong, hash: 4, group: 5 }, old];
    const { facts, gateway } = await probe({ aggressiveMode, methods: 'silent', psk: 'swordfish' });
    expect(facts.enabled.value).toBe(true);
    expect(facts.mainMode).toEqual([]);
    expect(numbers(facts.aggressiveMode)).toEqual(asNumbers(aggressiveMode));
    expect(facts.aggressiveIdentity).toBe('gw.example.com');
    expect(facts.aggressiveHash).toMatchObject({ identity: 'gw.example.com', hash: 'md5' });
    expect(computedHash(facts.aggressiveHash!.line, 'md5', 'swordfish')).toBe(
      lastField(facts.aggressiveHash!.line),
    );
    expect(computedHash(facts.aggressiveHash!.line, 'md5', 'catfish')).not.toBe(
      lastField(facts.aggressiveHash!.line),
    );
    expect(gateway.halfOpen.size).toBe(0);
  });

  it.each([
    [4, 'sha256'],
    [5, 'sha384'],
    [6, 'sha512'],
  ])('takes a hash of kind %i', async (hash, name) => {
    const { facts } = await probe({ aggressiveMode: [{ ...strong, hash }], psk: 'swordfish' });
    const { line } = facts.aggressiveHash!;
    expect(facts.aggressiveHash!.hash).toBe(name);
    expect(computedHash(line, name, 'swordfish')).toBe(lastField(line));
  });

  it('writes a line that hashcat takes where the group is small enough', async () => {
    const { facts } = await probe({ aggressiveMode: [{ ...strong, hash: 2, group: 2 }], psk: 'swordfish' });
    const fields = facts.aggressiveHash!.line.split(':').map((field) => field.length / 2);
    expect(fields).toHaveLength(9);
    expect(fields.slice(0, 6).reduce((sum, length) => sum + length)).toBeLessThanOrEqual(512);
    expect(fields[6]! + fields[7]!).toBeLessThanOrEqual(64);
  });

  it('finds XAUTH with a group key', async () => {
    const { facts } = await probe({ aggressiveMode: [remote], methods: 'silent', mainMode: [strong] });
    expect(numbers(facts.aggressiveMode)).toEqual(asNumbers([remote]));
    expect(facts.aggressiveHash?.hash).toBe('sha1');
  });

  it('finds a group that is seldom, with a method that is answered', async () => {
    const aggressiveMode = [{ ...remote, group: 5 }];
    const { facts } = await probe({ aggressiveMode, methods: 'silent', mainMode: [strong] });
    expect(numbers(facts.aggressiveMode)).toEqual(asNumbers(aggressiveMode));
  });

  it('tells methods apart in one question where Main Mode is refused', async () => {
    const { facts, asker } = await probe({ aggressiveMode: [{ ...remote, hash: 4 }], methods: 'silent' });
    expect(numbers(facts.aggressiveMode)).toEqual([]);
    // All the same questions again, and no new ones: it ignores all methods, not only this.
    expect(new Set(asker.sent.map(({ summary }) => summary)).size).toBe(5);
    const also = await probe({ aggressiveMode: [{ ...remote, hash: 4 }], methods: 'checked' });
    expect(numbers(also.facts.aggressiveMode)).toEqual(asNumbers([{ ...remote, hash: 4 }]));
  });

  it('says who we are with the identity that was given', async () => {
    const { asker } = await probe({ aggressiveMode: [strong] }, { identity: parseIdentity('vpn-users') });
    const [first] = asker.sent.filter(({ summary }) => summary.startsWith('Aggressive'));
    const id = decodeIkev1Message(first!.datagram).payloads.find(({ type }) => type === 5);
    expect(id).toMatchObject({ idType: 2, data: utf8('vpn-users') });
  });

  it('may be silent for us alone, which is said', async () => {
    const { facts } = await probe({ mainMode: [strong], methods: 'silent' });
    expect(facts.aggressiveMode).toEqual([]);
    expect(facts.inconclusive).toEqual([
      'Aggressive Mode: no answer to us as 192.0.2.1; another identity may get one',
    ]);
  });

  it.each([19, 31])('finds group %i where it is all that IKEv1 has', async (group) => {
    const aggressiveMode = [{ ...strong, group }];
    const { facts } = await probe({ aggressiveMode, methods: 'silent' });
    expect(facts.enabled.value).toBe(true);
    expect(numbers(facts.aggressiveMode)).toEqual(asNumbers(aggressiveMode));
  });

  it.each([
    [18, 'INVALID-ID-INFORMATION'],
    [24, 'AUTHENTICATION-FAILED'],
  ])('is not called off when it is we who are refused, with notify %i', async (refusesUs, name) => {
    const { facts } = await probe({ aggressiveMode: [strong], methods: 'silent', refusesUs });
    expect(facts.enabled.value).toBe(true);
    expect(facts.aggressiveMode).toEqual([]);
    expect(facts.inconclusive).toEqual([
      `Aggressive Mode: ${name} for us as 192.0.2.1; another identity may get in`,
    ]);
  });

  it('has no hash to show where signatures authenticate', async () => {
    const { facts } = await probe({ aggressiveMode: [{ ...strong, auth: Auth.RSA }] });
    expect(facts.aggressiveMode).toHaveLength(1);
    expect(facts.aggressiveHash).toBeUndefined();
  });
});

describe('whether IKEv1 is enabled', () => {
  it('is false where everything is refused', async () => {
    const { facts, asker } = await probe({ methods: 'any' });
    expect(facts.enabled).toMatchObject({ value: false, note: expect.stringContaining('refused') });
    expect(asker.sent.length).toBeLessThan(25);
  });

  it('is false where IKEv2 is answered and this is not, however often it is asked', async () => {
    const { facts, asker } = await probe({ methods: 'silent' });
    expect(facts.enabled).toMatchObject({ value: false, note: expect.stringContaining('unanswered') });
    expect(asker.sent.length).toBe(2 * 5);
  });

  it('is true where an answer comes after everything was lost once', async () => {
    const { facts } = await probe({ mainMode: [strong] }, { lost: (index) => index < 6 });
    expect(facts.enabled.value).toBe(true);
    expect(numbers(facts.mainMode)).toEqual(asNumbers([strong]));
  });

  it('is unknown where it was asked little: a quick run, or no packets left', async () => {
    const quick = await probe({ methods: 'silent' }, { depth: 'quick' });
    expect(quick.facts.enabled).toMatchObject({ value: undefined, note: 'no answer to one offer of IKEv1' });
    const poor = await probe({ methods: 'silent' }, { budget: 7 });
    const note = 'not every offer of IKEv1 was made: The budget is used up.';
    expect(poor.facts.enabled).toMatchObject({ value: undefined, note });
    const none = await probe({ mainMode: [strong] }, { budget: 0 });
    expect(none.facts.enabled).toMatchObject({
      value: undefined,
      note: 'IKEv1 was not asked: The budget is used up.',
    });
    const refused = await probe({ methods: 'any' }, { budget: 2 });
    expect(refused.facts.enabled.value).toBeUndefined();
  });

  it('is unknown where nothing is answered', async () => {
    const { facts } = await probe({ methods: 'silent' }, { answersIkev2: false });
    expect(facts.enabled.value).toBeUndefined();
  });

  it.each(['closed', 'blocked'] as const)('is unknown where the target is %s', async (outcome) => {
    const { facts, asker } = await probe({ mainMode: [strong] }, { gone: { from: 0, outcome } });
    expect(facts.enabled.value).toBeUndefined();
    expect(facts.enabled.note).toContain(outcome);
    expect(asker.sent.length).toBeLessThan(8);
  });

  it('is false where the answer is of IKEv2', async () => {
    const asker = directAsker((datagram) => {
      const reply = datagram.slice(0, 28);
      reply[17] = 0x20;
      return [reply];
    });
    const { facts } = await probeIkev1(asker, { identity: undefined, depth: 'full', answersIkev2: true });
    expect(facts.enabled).toMatchObject({ value: false, note: expect.stringContaining('another version') });
  });

  it('survives garbage', async () => {
    const asker = directAsker((datagram) => [
      new Uint8Array(0),
      datagram.slice(0, 20),
      datagram.slice(0, 27),
      new Uint8Array(60).fill(255),
      Uint8Array.from([...datagram.slice(0, 8), ...new Uint8Array(60).fill(255)]),
    ]);
    const { facts } = await probeIkev1(asker, { identity: undefined, depth: 'full', answersIkev2: false });
    expect(facts.enabled.value).not.toBe(true);
  });
});

it('keeps vendor ids, each once', async () => {
  const vendorIds = ['afcad71368a1f1c96b8696fc77570100', '12f5f28c457168a9702d9fe274cc0100'];
  const { vendorIds: found } = await probe({ mainMode: [strong, old], vendorIds });
  expect(found.map(toHex)).toEqual(vendorIds);
});

/** HASH_R from the first eight fields of psk-crack's line (RFC 2409 5). */
function computedHash(line: string, hash: string, psk: string): string {
  const [publicR, publicI, spiR, spiI, sa, id, nonceI, nonceR] = line.split(':').map(fromHex);
  const skeyid = createHmac(hash, psk).update(nonceI!).update(nonceR!).digest();
  const mac = createHmac(hash, skeyid);
  for (const field of [publicR, publicI, spiR, spiI, sa, id]) mac.update(field!);
  return mac.digest('hex');
}

function lastField(line: string): string | undefined {
  return line.split(':').at(-1);
}
