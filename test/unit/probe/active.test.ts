import { describe, expect, it } from 'vitest';
import { KitError } from '../../../src/lib/core/errors.js';
import { Secret } from '../../../src/lib/core/secret.js';
import { keTransform, prfTransform } from '../../../src/lib/crypto/registry.js';
import { pskAuth, verifyPskAuth } from '../../../src/lib/ike/auth/psk.js';
import { parseIdentity } from '../../../src/lib/ike/identity.js';
import { parseProposals } from '../../../src/lib/ike/proposals.js';
import { notify } from '../../../src/lib/ike/wire/notify.js';
import type { Payload } from '../../../src/lib/ike/wire/types.js';
import { invalidValues } from '../../../src/lib/probe/active/invalid-values.js';
import { loadForCookies } from '../../../src/lib/probe/active/load.js';
import { type ActiveOptions, runActiveChecks } from '../../../src/lib/probe/active.js';
import { InitExchanger } from '../../../src/lib/probe/oracle-exchange.js';
import { SaKeeper } from '../../../src/lib/probe/oracle-sa.js';
import type { ActiveFacts } from '../../../src/lib/probe/types.js';
import { type DirectAsker, directAsker } from './direct-asker.js';
import { type GatewaySa, type InitGateway, type InitGatewayOptions, initGateway } from './init-gateway.js';

const suite = parseProposals('aes256gcm16-prfsha256-x25519', 1)[0]!.transforms;

interface Run {
  facts: ActiveFacts;
  asker: DirectAsker;
  gateway: InitGateway;
  pauses: number[];
}

async function run(options: InitGatewayOptions, active: Partial<ActiveOptions> = {}): Promise<Run> {
  const gateway = initGateway(options);
  const asker = directAsker(gateway.handle);
  const pauses: number[] = [];
  const facts = await runActiveChecks(asker, new SaKeeper(asker, new InitExchanger(asker)), {
    transforms: suite,
    groups: options.groups,
    pskGuesses: undefined,
    pause: async (duration) => {
      pauses.push(duration);
    },
    ...active,
  });
  return { facts, asker, gateway, pauses };
}

describe('invalid public values', () => {
  it.each([14, 19, 21, 28, 31, 32, 2, 24])('of group %i are what our own implementation refuses', (group) => {
    const values = invalidValues(group);
    expect(values.length).toBeGreaterThan(0);
    const { publicBytes, generate } = keTransform(group)!;
    for (const { publicValue, secrets } of values) {
      expect(publicValue).toHaveLength(publicBytes);
      expect(new Set(secrets.map(({ length }) => length)).size).toBe(1);
      expect(() => generate!().agree(publicValue)).toThrow(KitError);
    }
  });

  it('are refused by a gateway that checks them', async () => {
    const { facts, gateway, asker } = await run({ groups: [31, 14, 19] });
    expect(facts.invalidPublicValue).toMatchObject({ value: [], note: 'groups 31, 14, 19' });
    expect(gateway.halfOpen.size).toBe(0);
    expect(asker.counts.stayed).toBe(0);
    expect(asker.sent.filter(({ summary }) => summary.includes('invalid public value')).length).toBe(7);
  });

  it.each([
    [0, [31, 14, 19]],
    [1, [31, 14, 19]],
  ] as const)('are found where they are accepted (secret %i)', async (secret, groups) => {
    const { facts } = await run({ groups, invalid: 'accepted', secret });
    expect(facts.invalidPublicValue?.value).toEqual([
      { group: 31, value: '0' },
      { group: 14, value: '0' },
      { group: 14, value: '1' },
      { group: 14, value: 'p-1' },
      { group: 14, value: 'p' },
      { group: 19, value: 'the point (1, 0) off the curve' },
      { group: 19, value: 'the point (0, 0)' },
    ]);
  });

  it('are not accepted where only IKE_SA_INIT is answered', async () => {
    const { facts, gateway, asker } = await run(
      { groups: [14], invalid: 'refused later' },
      { transforms: modp() },
    );
    expect(facts.invalidPublicValue).toMatchObject({ value: [], note: 'groups 14' });
    expect(gateway.halfOpen.size).toBe(0);
    expect(asker.counts.stayed).toBe(0);
  });

  it('are reported as open where the gateway falls silent afterwards', async () => {
    const { facts, asker } = await run({ groups: [31], invalid: 'silent later' });
    expect(facts.invalidPublicValue?.value).toEqual([]);
    expect(facts.invalidPublicValue?.note).toContain('0 of group 31');
    expect(asker.counts.stayed).toBe(1);
  });

  it('are tried with a few groups, one of each kind first', async () => {
    const { facts } = await run({ groups: [31, 32, 14, 15, 19, 20] });
    expect(facts.invalidPublicValue?.note).toBe('groups 31, 14, 19, 32');
  });

  it('are not tried with groups that the suite does not go with', async () => {
    const gateway = initGateway({ groups: [31] });
    const asker = directAsker(gateway.handle);
    const facts = await runActiveChecks(asker, new SaKeeper(asker, new InitExchanger(asker)), {
      transforms: suite,
      groups: [14],
      pskGuesses: undefined,
      pause: async () => {},
    });
    expect(facts.invalidPublicValue).toMatchObject({ value: undefined, note: 'no group could be tried' });
  });
});

describe('load', () => {
  it('draws a cookie from a gateway that has a limit', async () => {
    const { facts, gateway } = await run({ groups: [31], cookiesFrom: 3 }, { groups: [] });
    expect(facts.cookiesUnderLoad).toMatchObject({
      value: true,
      note: 'a cookie was asked for after 3 half-open SAs',
    });
    expect(gateway.halfOpen.size).toBe(0);
  });

  it('draws none from others, in less than 70 packets, and leaves nothing half-open', async () => {
    const { facts, gateway, asker } = await run({ groups: [31] }, { groups: [] });
    expect(facts.cookiesUnderLoad?.value).toBe(false);
    expect(gateway.most()).toBe(32);
    expect(gateway.halfOpen.size).toBe(0);
    expect(asker.counts.unasked).toBe(0);
    expect(asker.sent.length).toBeLessThan(70);
  });

  it('counts what it has no packets left to clear', async () => {
    const gateway = initGateway({ groups: [31] });
    const asker = directAsker(gateway.handle);
    const poor = { ...asker, tell: () => undefined };
    const facts = await loadForCookies(poor, suite);
    expect(facts.value).toBe(false);
    expect(asker.counts.stayed).toBe(gateway.halfOpen.size);
  });

  it('says nothing where the gateway falls silent instead', async () => {
    const { facts, gateway } = await run({ groups: [31], silentFrom: 5 }, { groups: [] });
    expect(facts.cookiesUnderLoad).toMatchObject({
      value: undefined,
      note: 'after 5 half-open SAs, without having asked for a cookie: no answer',
    });
    expect(gateway.halfOpen.size).toBe(0);
  });
});

describe('guesses at a pre-shared key', () => {
  const identity = parseIdentity('alice@example.com')!;
  const words = (...list: string[]) => list.map((word) => Secret.fromText(word));

  /** A gateway that takes one key from one identity, and may find fault with the child SA. */
  const takes =
    (psk: string, child: Payload[] = []) =>
    (request: readonly Payload[], sa: GatewaySa): readonly Payload[] => {
      const id = request.find(({ type }) => type === 35);
      const auth = request.find(({ type }) => type === 39);
      if (request.some(({ type }) => type === 42)) return [];
      if (id?.type !== 35 || auth?.type !== 39) return [notify(24)];
      const octets = {
        prf: prf(),
        initMessage: sa.request,
        peerNonce: sa.nonceR,
        identity: { idType: id.idType, data: id.data },
        skP: sa.keys.skPi,
      };
      if (!verifyPskAuth(Secret.fromText(psk), octets, auth.data)) return [notify(24)];
      return [...proof(psk, sa), ...child];
    };

  const gatewayId = { idType: 2, data: Uint8Array.of(1, 2, 3) };
  const proof = (psk: string, sa: GatewaySa): Payload[] => {
    const octets = {
      prf: prf(),
      initMessage: sa.response,
      peerNonce: sa.nonceI,
      identity: gatewayId,
      skP: sa.keys.skPr,
    };
    return [
      { type: 36, ...gatewayId },
      { type: 39, method: 2, data: pskAuth(Secret.fromText(psk), octets) },
    ];
  };

  it.each<[string, InitGatewayOptions['auth'], string]>([
    [
      'an AUTH that is made of nothing',
      () => [
        { type: 36, ...gatewayId },
        { type: 39, method: 2, data: new Uint8Array(32) },
      ],
      'without a proof',
    ],
    ['an AUTH of another key', (_, sa) => proof('other', sa), 'without a proof'],
    ['no AUTH', () => [], 'neither EAP nor an error'],
    ['INVALID_SYNTAX', () => [notify(7)], 'INVALID_SYNTAX'],
    ['TEMPORARY_FAILURE', () => [notify(43)], 'TEMPORARY_FAILURE'],
  ])('are neither right nor wrong where the answer is %s', async (_, auth, why) => {
    const { facts } = await run(
      { groups: [31], auth: auth! },
      { pskGuesses: { identity, words: words('alpha', 'beta') }, groups: [] },
    );
    expect(facts.pskGuesses?.value).toBeUndefined();
    expect(facts.pskGuesses?.note).toContain('stopped after 0 guesses');
    expect(facts.pskGuesses?.note).toContain(why);
  });

  it.each<[string, Payload[]]>([
    ['a child SA', []],
    ['none', [notify(38)]],
  ])('find the key, whether it comes with %s, and leave', async (_, child) => {
    const { facts, gateway, pauses } = await run(
      { groups: [31], auth: takes('swordfish', child) },
      { pskGuesses: { identity, words: words('alpha', 'beta', 'swordfish', 'gamma') }, groups: [] },
    );
    expect(facts.pskGuesses?.value).toEqual({ tried: 3, foundLine: 3 });
    expect(pauses).toEqual([1000, 1000]);
    expect(gateway.halfOpen.size).toBe(0);
  });

  it('count the lines of the list, and pass over empty ones', async () => {
    const { facts } = await run(
      { groups: [31], auth: takes('swordfish') },
      { pskGuesses: { identity, words: words('', 'alpha', '', '', 'swordfish') }, groups: [] },
    );
    expect(facts.pskGuesses?.value).toEqual({ tried: 2, foundLine: 5 });
  });

  it('end with the list', async () => {
    const { facts, asker } = await run(
      { groups: [31], auth: takes('swordfish') },
      { pskGuesses: { identity, words: words('alpha', 'beta') }, groups: [] },
    );
    expect(facts.pskGuesses).toMatchObject({ value: { tried: 2, foundLine: undefined } });
    expect(facts.pskGuesses?.note).toBeUndefined();
    expect(JSON.stringify([facts, asker.sent.map(({ summary }) => summary)])).not.toContain('alpha');
  });

  it('are at most twenty', async () => {
    const list = Array.from({ length: 30 }, (_, i) => `word${i}`);
    const { facts, pauses } = await run(
      { groups: [31], auth: takes('word25') },
      { pskGuesses: { identity, words: words(...list) }, groups: [] },
    );
    expect(facts.pskGuesses?.value).toEqual({ tried: 20, foundLine: undefined });
    expect(facts.pskGuesses?.note).toContain('10 words');
    expect(pauses).toHaveLength(19);
  });

  it('stop where the gateway says nothing any more', async () => {
    let attempts = 0;
    const gateway = initGateway({ groups: [31], auth: takes('swordfish') });
    const asker = directAsker((datagram) =>
      datagram[18] === 35 && attempts++ > 0 ? [] : gateway.handle(datagram),
    );
    const facts = await runActiveChecks(asker, new SaKeeper(asker, new InitExchanger(asker)), {
      transforms: suite,
      groups: [],
      pskGuesses: { identity, words: words('alpha', 'beta', 'swordfish') },
      pause: async () => {},
    });
    expect(facts.pskGuesses).toMatchObject({
      value: { tried: 1, foundLine: undefined },
      note: 'stopped after 1 guess: IKE_AUTH: no answer',
    });
  });

  it('are not made without an identity', async () => {
    const { facts } = await run({ groups: [31] }, { groups: [] });
    expect(facts.pskGuesses).toBeUndefined();
  });
});

function modp() {
  return suite.map((transform) => (transform.type === 4 ? { ...transform, id: 14 } : transform));
}

function prf() {
  const { id } = suite.find(({ type }) => type === 2)!;
  return prfTransform(id)!;
}
