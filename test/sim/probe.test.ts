import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KitError } from '../../src/lib/core/errors.js';
import { parseKeyword } from '../../src/lib/crypto/keywords.js';
import { TransformType } from '../../src/lib/crypto/transform.js';
import { NotifyType, notify } from '../../src/lib/ike/wire/notify.js';
import { type Payload, PayloadType } from '../../src/lib/ike/wire/types.js';
import { choicesOf } from '../../src/lib/probe/enumerate-box.js';
import { additionalClasses, plainClasses } from '../../src/lib/probe/enumerate-universe.js';
import { suiteOf } from '../../src/lib/probe/oracle-offer.js';
import type { AlgorithmKind, TargetFacts } from '../../src/lib/probe/types.js';
import { type Configured, transform, truth } from '../unit/probe/model-gateway.js';
import { SimulatedGateway } from './probe-gateway.js';
import { numbersOf, probeGateway, probeIn } from './probe-world.js';
import { SeededEntropy } from './world.js';

const { ENCR, PRF, INTEG, KE, ADDKE1, ADDKE2 } = TransformType;

const typeOf: Record<AlgorithmKind, number> = { encr: ENCR, prf: PRF, integ: INTEG, ke: KE, addke: ADDKE1 };
const kinds = Object.keys(typeOf) as AlgorithmKind[];
const START = 1_800_000_000_000;

/** Proposals in strongSwan's words. */
function proposals(text: string): Configured[] {
  return text.split(',').map((proposal) =>
    proposal.split('-').map((word) => {
      const found = parseKeyword(word);
      if (found === undefined) throw new Error(`no such keyword: ${word}`);
      return found;
    }),
  );
}

const strict = proposals('aes256-sha256-prfsha256-modp2048');
const tied = proposals(
  'aes128gcm16-prfsha256-ecp256,aes256-sha256-prfsha256-modp2048,3des-sha1-prfsha1-modp1024',
);
/** Much, as gateways have it that nobody configured. */
const generous = proposals(
  [
    'aes128-aes192-aes256-aes256ctr-camellia256-3des-sha256-sha384-sha512-sha1-aesxcbc',
    '-prfsha256-prfsha384-prfsha512-prfsha1-prfaesxcbc',
    '-ecp256-ecp384-ecp521-x25519-x448-modp3072-modp4096-modp2048,',
    'aes128gcm16-aes192gcm16-aes256gcm16-chacha20poly1305-aes256ccm16-aes128gcm12',
    '-prfsha256-prfsha384-prfsha512-ecp256-ecp384-ecp521-x25519-modp2048',
  ].join(''),
);

function expectTruth(facts: TargetFacts, configured: readonly Configured[]): void {
  for (const kind of kinds) {
    expect(numbersOf(facts.ikev2!.accepted[kind])).toEqual(truth(configured, typeOf[kind]));
    expect(facts.ikev2!.inconclusive[kind]).toEqual([]);
  }
}

/** Each accepted algorithm has packets that show it: a question and its answer. */
function expectEvidence({ ikev2, log }: TargetFacts): void {
  for (const kind of kinds) {
    for (const { id, keyLength } of ikev2!.accepted[kind]) {
      const shown = ikev2!.evidence!.find(
        (entry) => entry.kind === kind && entry.id === id && entry.keyLength === keyLength,
      );
      const packets = log.filter(({ number }) => shown?.packets.includes(number));
      expect(new Set(packets.map(({ direction }) => direction))).toEqual(new Set(['sent', 'received']));
    }
  }
}

/** Nothing was invented, and nothing that is configured passes for refused. */
function expectHonest(facts: TargetFacts, configured: readonly Configured[]): void {
  for (const kind of kinds) {
    const real = truth(configured, typeOf[kind]);
    const accepted = numbersOf(facts.ikev2!.accepted[kind]);
    const open = numbersOf(facts.ikev2!.inconclusive[kind]);
    expect(real).toEqual(expect.arrayContaining(accepted));
    expect([...accepted, ...open]).toEqual(expect.arrayContaining(real));
  }
}

const arbitraryProposals: fc.Arbitrary<Configured[]> = fc.array(
  fc
    .record({ kind: fc.nat(1), many: fc.boolean(), additional: fc.nat(9) })
    .chain(({ kind, many, additional }) => {
      const box = (additional === 0 ? additionalClasses : plainClasses)[kind]!;
      return fc
        .tuple(
          ...box.map(({ type }) =>
            fc.shuffledSubarray(
              // What the simulated gateway can carry through, so that it may also give whole answers.
              choicesOf(box, type).filter(
                ({ id }) => type !== KE || (id >= 14 && id <= 21) || id === 31 || id === 2,
              ),
              { minLength: 1, maxLength: many ? 6 : 2 },
            ),
          ),
        )
        .map((lists) => lists.flat());
    }),
  { maxLength: 4 },
);

describe('what a gateway accepts', () => {
  it('is found in at most 40 packets of a gateway with one proposal, which is its only suite', async () => {
    const { facts, gateway } = await probeGateway({ proposals: strict });
    expectTruth(facts, strict);
    expectEvidence(facts);
    expect(facts).toMatchObject({
      verdict: 'answers',
      limits: [],
      ports: { ike: 'open', natT: 'open', tcp: 'closed' },
    });
    const suite = suiteOf([
      transform(ENCR, 12, 256),
      transform(PRF, 5),
      transform(INTEG, 12),
      transform(KE, 14),
    ]);
    expect(facts.ikev2).toMatchObject({
      preferred: suite,
      suites: [suite],
      suitesComplete: true,
      halfOpenLeft: 0,
    });
    expect(facts.packets.sent).toBeLessThanOrEqual(40);
    expect(gateway.halfOpen.size).toBe(0);
  });

  it('is found in at most 100 packets of a generous gateway, within 3 s at 30 ms of delay', async () => {
    const { facts, took, gateway } = await probeGateway({ proposals: generous }, { delay: 30 });
    expectTruth(facts, generous);
    expectEvidence(facts);
    expect(facts.packets.sent).toBeLessThanOrEqual(100);
    expect(took).toBeLessThanOrEqual(3000);
    expect(gateway.most).toBeLessThanOrEqual(2);
  });

  it('is found where suites are tied, one after the other', async () => {
    const { facts } = await probeGateway({ proposals: tied }, { options: { suites: 'exact' } });
    expectTruth(facts, tied);
    expect(facts.ikev2).toMatchObject({ suitesComplete: true, suitesMethod: 'exact' });
    expect(facts.ikev2!.suites).toHaveLength(3);
    expect(facts.packets.sent).toBeLessThanOrEqual(60);
  });

  it('is found with additional key exchanges, also where two are wanted', async () => {
    const hybrid = proposals('aes256gcm16-prfsha384-x25519').map((proposal) => [
      ...proposal,
      transform(ADDKE1, 36),
    ]);
    const one = await probeGateway({ proposals: hybrid });
    expectTruth(one.facts, hybrid);
    expect(one.facts.ikev2!.capabilities.multipleKe.value).toBe(true);
    const two = await probeGateway({
      proposals: hybrid.map((proposal) => [...proposal, transform(ADDKE2, 38)]),
    });
    expect(numbersOf(two.facts.ikev2!.accepted.addke)).toEqual(['36/undefined', '38/undefined']);
  });

  it('equals what is configured, whatever that is', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryProposals, fc.integer(), async (configured, seed) => {
        const { facts, gateway } = await probeGateway({ proposals: configured }, { seed });
        expectTruth(facts, configured);
        expect(gateway.halfOpen.size).toBeLessThanOrEqual(2);
        expect(facts.ikev2!.halfOpenLeft).toBe(gateway.halfOpen.size);
      }),
      { numRuns: 40 },
    );
  });

  it('is found with a cookie for every question', async () => {
    const { facts } = await probeGateway({ proposals: strict, cookiesFrom: 0 });
    expectTruth(facts, strict);
    expect(facts.ikev2!.capabilities.cookies.value).toBe('always');
    expect(facts.packets.sent).toBeLessThanOrEqual(40);
  });

  it('is found without tripping the limits of strongSwan', async () => {
    const { facts, gateway } = await probeGateway({ proposals: generous, cookiesFrom: 3, blindFrom: 5 });
    expectTruth(facts, generous);
    expect(gateway.most).toBeLessThan(3);
    expect(facts.ikev2!.capabilities.cookies.value).toBe('never');
  });

  it('is found where only old groups are known', async () => {
    const old = proposals('aes256-3des-sha256-sha1-prfsha256-prfsha1-modp2048-modp1024');
    const { facts } = await probeGateway({ proposals: old, knownGroups: [1, 2, 5, 14, 15] });
    expectTruth(facts, old);
  });

  it('lists pairs of algorithms within 250 packets', async () => {
    const { facts } = await probeGateway({ proposals: generous }, { options: { suites: 'pairwise' } });
    expectTruth(facts, generous);
    expect(facts.ikev2).toMatchObject({ suitesMethod: 'pairwise', suitesComplete: false });
    expect(facts.packets.sent).toBeLessThanOrEqual(250);
    const pairs = new Set(
      facts.ikev2!.suites.map(({ encr, prf }) => `${encr.id}/${encr.keyLength} ${prf.id}`),
    );
    expect(pairs.size).toBe(6 * 5 + 6 * 3);
  });
});

describe('bad weather', () => {
  it('makes nothing pass for refused, and nothing up', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryProposals,
        fc.integer(),
        fc.constantFrom(0.1, 0.3, 0.6),
        async (configured, seed, loss) => {
          const { facts } = await probeGateway({ proposals: configured }, { seed, loss });
          if (facts.ikev2 !== undefined) expectHonest(facts, configured);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('never leads to a question without a proposal', async () => {
    const hybrid = [
      { type: ENCR, id: 13, keyLength: 128 },
      { type: PRF, id: 6 },
      { type: INTEG, id: 6 },
      { type: KE, id: 20 },
      { type: ADDKE1, id: 35 },
    ];
    // The gateway of the simulation refuses to read such a message.
    const { facts } = await probeGateway({ proposals: [hybrid] }, { seed: 1479103666, loss: 0.3 });
    expectHonest(facts, [hybrid]);
  });

  it('of one lost packet in ten leaves the result whole', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { facts, gateway } = await probeGateway({ proposals: generous }, { seed, loss: 0.1 });
      expectTruth(facts, generous);
      expect(gateway.halfOpen.size).toBeLessThanOrEqual(2);
    }
  });

  it('of a gateway that hears ten packets a second makes us slow, not wrong', async () => {
    const { facts } = await probeGateway({ proposals: generous, heardPerSecond: 10 });
    expectTruth(facts, generous);
  });

  it('of a gateway that is deaf for a while is waited out, and told', async () => {
    const deaf = (now: number): boolean => now > START + 200 && now < START + 10_000;
    const { facts, events } = await probeGateway({ proposals: generous, deaf });
    expectTruth(facts, generous);
    expect(facts.limits).toEqual(['The gateway stopped answering; it answered again after 26 s.']);
    expect(events.filter(({ type }) => type === 'pause')).toHaveLength(1);
  });
});

describe('a run that cannot know', () => {
  it('says so when the gateway goes blind to us', async () => {
    const { facts, events } = await probeGateway({ proposals: generous, blind: (now) => now > START + 150 });
    expect(facts.verdict).toBe('blocked');
    expect(facts.limits.join()).toContain('went blind to us');
    expect(events.filter(({ type }) => type === 'pause')).toHaveLength(1);
    expectHonest(facts, generous);
  });

  it('calls a gateway blocked that answers nothing any more', async () => {
    const { facts } = await probeGateway({ proposals: generous, deaf: (now) => now > START + 200 });
    expect(facts.verdict).toBe('blocked');
    expect(facts.limits.join()).toContain('stopped answering');
    expectHonest(facts, generous);
    expect(facts.ikev2!.inconclusive.encr.length).toBeGreaterThan(20);
  });

  it('does not believe a gateway that refuses what it took before', async () => {
    const { facts } = await probeGateway({ proposals: generous, refusesAll: (now) => now > START + 200 });
    expect(facts.limits.join()).toContain('refused what it took before');
    expectHonest(facts, generous);
  });

  it('does not take silence for refusal', async () => {
    const { facts } = await probeGateway({ proposals: generous, silentRefusals: true });
    expect(facts.verdict).toBe('answers');
    expectHonest(facts, generous);
    for (const kind of ['encr', 'prf', 'integ', 'ke'] as const) {
      expect(numbersOf(facts.ikev2!.accepted[kind])).toEqual(truth(generous, typeOf[kind]));
      expect(facts.ikev2!.inconclusive[kind].length).toBeGreaterThan(0);
    }
  });

  it('claims nothing of a gateway that asks for its group before it looks at the proposals', async () => {
    const { facts } = await probeGateway({ proposals: strict, insistsOn: 14 });
    expectHonest(facts, strict);
    expect(facts.ikev2!.accepted.encr).toHaveLength(1);
    expect(facts.limits.join()).toContain('cannot be told apart');
  });

  it('ends with what is known when it is interrupted', async () => {
    const { facts, took, gateway } = await probeGateway({ proposals: generous }, { interruptAt: 150 });
    expect(took).toBe(150);
    expectHonest(facts, generous);
    expect(facts.limits).toEqual(['The run was interrupted.']);
    expect(gateway.halfOpen.size).toBe(0);
  });

  it('clears what is half-open whenever it is interrupted', async () => {
    for (let interruptAt = 1; interruptAt < 800; interruptAt += 13) {
      const { gateway, took } = await probeGateway({ proposals: strict }, { interruptAt, delay: 30 });
      expect({ interruptAt, halfOpen: gateway.halfOpen.size }).toEqual({ interruptAt, halfOpen: 0 });
      expect(took).toBeLessThanOrEqual(interruptAt + 70);
    }
  });

  it('does not wait long for a silent gateway when it is interrupted', async () => {
    const ports = { 500: 'filtered', 4500: 'filtered' } as const;
    const options = { timeout: 30_000 };
    const { took } = await probeIn({ ports, options, interruptAt: 500 });
    expect(took).toBeLessThanOrEqual(1500);
  });

  it('does not say that a target is silent which it had no time to hear', async () => {
    const ports = { 500: 'filtered', 4500: 'filtered' } as const;
    const patient = await probeIn({ ports });
    expect(patient.facts).toMatchObject({ verdict: 'no answer', limits: [] });
    expect(patient.facts.unfinished).toBeUndefined();
    const stopped = await probeIn({ ports, interruptAt: 500 });
    expect(stopped.facts).toMatchObject({ verdict: 'unfinished', unfinished: 'interrupted' });
    expect(stopped.facts.limits).toEqual(['The run was interrupted.']);
    const poor = await probeIn({ ports, options: { budget: 3 } });
    expect(poor.facts).toMatchObject({ verdict: 'unfinished', unfinished: 'budget' });
  });

  it('makes an error of ours the outcome of the target that it hit', async () => {
    const unreachable = new KitError('network', 'E_NO_ROUTE', 'This host has no route to 192.0.2.2');
    const lost = await probeIn({ failure: unreachable });
    expect(lost.facts).toMatchObject({ verdict: 'no answer', limits: [unreachable.message] });
    expect(lost.facts.packets.sent).toBeLessThanOrEqual(1);
    const broken = await probeIn({ failure: new RangeError('a bad port') });
    expect(broken.facts).toMatchObject({ verdict: 'unfinished', unfinished: 'error' });
    expect(broken.facts.limits).toEqual(['An error ended the run: a bad port.']);
    const port = new KitError('environment', 'E_PORT_IN_USE', 'UDP port 500 is in use by another program');
    await expect(probeIn({ failure: port })).rejects.toBe(port);
  });

  it('listens to a signal that many targets share without adding to its listeners', async () => {
    const { signal } = new AbortController();
    const listeners: number[] = [];
    const runs = Array.from({ length: 12 }, async () => {
      const run = probeGateway({ proposals: strict }, { signal });
      listeners.push(getEventListeners(signal, 'abort').length);
      await run;
    });
    await Promise.all(runs);
    expect(listeners).toEqual(listeners.map(() => 0));
  });

  it('keeps to its budget', async () => {
    for (const budget of [1, 2, 3, 7, 20]) {
      const { facts, gateway } = await probeGateway({ proposals: generous }, { options: { budget } });
      expect(facts.packets.sent).toBeLessThanOrEqual(budget);
      expect(facts.limits.join()).toContain('packet budget');
      if (facts.ikev2 !== undefined) expectHonest(facts, generous);
      expect(gateway.halfOpen.size).toBeLessThanOrEqual(budget === 1 ? 1 : 0);
    }
  });

  it('asks for what is preferred and little else with five packets', async () => {
    const options = { depth: 'quick' as const, budget: 5 };
    const { facts, gateway } = await probeGateway({ proposals: generous }, { options });
    expect(facts.packets.sent).toBeLessThanOrEqual(5);
    expect(facts.ports).toEqual({ ike: 'open', natT: 'open', tcp: 'not tried' });
    expect(facts.ikev2!.preferred).toBeDefined();
    expect(facts.ikev2!.capabilities.fragmentation.value).toBe(true);
    expect(gateway.halfOpen.size).toBe(0);
    expectHonest(facts, generous);
  });
});

describe('who answers at all', () => {
  it('is nobody behind a filter', async () => {
    const { facts, took } = await probeIn({ ports: { 500: 'filtered', 4500: 'filtered' }, tcp: 'silent' });
    expect(facts).toMatchObject({
      verdict: 'no answer',
      ikev2: undefined,
      ports: { ike: 'silent', natT: 'silent' },
    });
    expect(took).toBeLessThanOrEqual(10_000);
  });

  it('is nobody on closed ports', async () => {
    const { facts, took } = await probeIn({ ports: {} });
    expect(facts).toMatchObject({
      verdict: 'closed',
      ports: { ike: 'closed', natT: 'closed', tcp: 'closed' },
    });
    expect(took).toBeLessThanOrEqual(100);
  });

  it('is something else that sends garbage', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (garbage) => {
        const { facts } = await probeGateway({ proposals: strict, garbage });
        expect(facts).toMatchObject({ verdict: 'not ike', ikev2: undefined });
      }),
      { numRuns: 30 },
    );
  });

  it('is found on the NAT-T port when that is the only one', async () => {
    const gateway = new SimulatedGateway({ proposals: strict }, new SeededEntropy(3));
    const { facts } = await probeIn({ ports: { 4500: (data, now) => gateway.receive(data, now) } });
    expectTruth(facts, strict);
    expect(facts.ports).toMatchObject({ ike: 'closed', natT: 'open' });
  });
});

describe('what a gateway says besides', () => {
  const announces: Payload[] = [
    notify(NotifyType.SIGNATURE_HASH_ALGORITHMS, Uint8Array.of(0, 2, 0, 4)),
    notify(NotifyType.USE_PPK),
    notify(NotifyType.QUICK_CRASH_DETECTION),
    { type: PayloadType.CERTREQ, encoding: 4, data: new Uint8Array(40).fill(5) },
    { type: PayloadType.VENDOR, data: Uint8Array.of(1, 2, 3) },
  ];

  it('is told with the packets that show it', async () => {
    const { facts } = await probeGateway({ proposals: strict, announces });
    expect(facts.ikev2!.capabilities).toMatchObject({
      fragmentation: { value: true },
      signatureHashes: { value: [2, 4] },
      ppk: { value: true },
      intermediate: { value: false },
      downgradePrevention: { value: false },
      certificateRequest: { value: ['05'.repeat(20)] },
      natDetection: { value: false },
      redirect: { value: false },
    });
    expect(facts.ikev2!.otherNotifies).toEqual([NotifyType.QUICK_CRASH_DETECTION]);
    expect(facts.vendorIds.map(({ hex }) => hex)).toEqual(['010203']);
    for (const number of facts.ikev2!.capabilities.ppk.packets) {
      expect(facts.log.some((packet) => packet.number === number)).toBe(true);
    }
  });

  it('speaks for an implementation: its cookies and refusals do', async () => {
    const { facts } = await probeGateway({ proposals: strict, cookiesFrom: 0 });
    expect(facts.fingerprint).toMatchObject({ implementation: 'strongSwan' });
    expect(facts.fingerprint?.reasons).toEqual(
      expect.arrayContaining(['refusals without responder SPI', 'cookies of 24 bytes: a time and a SHA-1']),
    );
  });

  it('shows whether nonces and public values are fresh', async () => {
    const fresh = await probeGateway({ proposals: strict });
    expect(fresh.facts.ikev2!.repeats).toMatchObject({
      nonce: { value: false },
      publicValue: { value: false },
    });
    const stale = await probeGateway({ proposals: strict, stale: true });
    expect(stale.facts.ikev2!.repeats).toMatchObject({
      nonce: { value: true },
      publicValue: { value: true },
    });
  });

  it('counts answers that nobody asked for', async () => {
    const once = await probeGateway({ proposals: strict });
    expect(once.facts.ikev2!.amplification.unsolicited).toBe(0);
    const thrice = await probeGateway({ proposals: strict, repeats: 3 });
    expect(thrice.facts.ikev2!.amplification.unsolicited).toBeGreaterThan(10);
  });

  it('shows what it prefers when weak and strong are offered together', async () => {
    const weakFirst = proposals('3des-sha1-prfsha1-modp1024,aes256-sha256-prfsha256-modp2048');
    const { facts } = await probeGateway({ proposals: weakFirst });
    expect(facts.ikev2!.mixedChoice.value).toMatchObject({ encr: { id: 3 }, ke: { id: 2 } });
    expect(facts.ikev2!.steering[0]).toMatchObject({ sent: 31, wanted: 2 });
    const strong = await probeGateway({ proposals: strict });
    expect(strong.facts.ikev2!.mixedChoice.value).toBeUndefined();
  });
});
