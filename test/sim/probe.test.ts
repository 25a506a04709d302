import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TransformType } from '../../src/lib/crypto/transform.js';
import { NotifyType, notify } from '../../src/lib/ike/wire/notify.js';
import { type Payload, PayloadType } from '../../src/lib/ike/wire/types.js';
import { suiteOf } from '../../src/lib/probe/oracle-offer.js';
import { transform } from '../unit/probe/model-gateway.js';
import { ikev1Gateway } from '../unit/probe/v1-gateway.js';
import {
  arbitraryProposals,
  expectEvidence,
  expectTruth,
  generous,
  proposals,
  strict,
  tied,
} from './probe-expect.js';
import { SimulatedGateway } from './probe-gateway.js';
import { numbersOf, probeGateway, probeIn } from './probe-world.js';
import { SeededEntropy } from './world.js';

const { ENCR, PRF, INTEG, KE, ADDKE1, ADDKE2 } = TransformType;

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

  it('is found in three seconds and 40 packets where IKEv1 is asked for and stays silent', async () => {
    const options = { ikev1: true };
    const { facts, took } = await probeGateway({ proposals: strict }, { delay: 30, options });
    expectTruth(facts, strict);
    expect(facts.ikev1!.enabled).toMatchObject({ value: false, note: expect.stringContaining('unanswered') });
    expect(facts.packets.sent).toBeLessThanOrEqual(40);
    expect(took).toBeLessThanOrEqual(3000);
  });

  it('is found with a cookie for every question', async () => {
    const { facts } = await probeGateway({ proposals: strict, cookiesFrom: 0 });
    expectTruth(facts, strict);
    const { cookies } = facts.ikev2!.capabilities;
    expect(cookies).toMatchObject({
      value: 'always',
      note: expect.stringContaining('questions of this run'),
    });
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
    expect(facts.limits).toEqual([]);
    const pairs = new Set(
      facts.ikev2!.suites.map(({ encr, prf }) => `${encr.id}/${encr.keyLength} ${prf.id}`),
    );
    expect(pairs.size).toBe(6 * 5 + 6 * 3);
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

  it.each<[string, Uint8Array, string]>([
    ['an IPv4 address', Uint8Array.of(1, 4, 192, 0, 2, 77), '192.0.2.77'],
    ['an IPv6 address', Uint8Array.of(2, 16, 0x20, 1, 0xd, 0xb8, ...new Uint8Array(11), 7), '2001:db8::7'],
    ['a name that is no good', Uint8Array.of(3, 4, 0x67, 0x77, 0x1b, 0x32, 9, 9), 'gw\\x1b2'],
    ['less than it says', Uint8Array.of(1, 4, 192), 'somewhere that cannot be read'],
  ])('shows where it sends us: %s', async (_, redirects, gateway) => {
    const { facts } = await probeGateway({ proposals: strict, redirects });
    expect(facts.ikev2!.capabilities.redirect).toMatchObject({
      value: true,
      note: `it sent us to ${gateway}`,
    });
    expect(facts.ikev2!.suites).toHaveLength(1);
  });

  it('keeps questions and answers in the log beside a flood that nobody asked for', async () => {
    const flood = new SimulatedGateway({ proposals: strict }, new SeededEntropy(5));
    const noise = Array.from({ length: 1000 }, () => new Uint8Array(40));
    const listen = (data: Uint8Array, now: number) => [...flood.receive(data, now), ...noise];
    const { facts } = await probeIn({ ports: { 500: listen, 4500: listen } });
    expect(facts.packets.received).toBeGreaterThan(10_000);
    expect(facts.log.filter(({ direction }) => direction === 'sent')).toHaveLength(facts.packets.sent);
    expectEvidence(facts);
    expect(facts.limits.join()).toContain('Not every packet is in the log');
  });

  it('counts answers that nobody asked for', async () => {
    const once = await probeGateway({ proposals: strict });
    expect(once.facts.amplification.unsolicited).toBe(0);
    const thrice = await probeGateway({ proposals: strict, repeats: 3 });
    expect(thrice.facts.amplification.unsolicited).toBeGreaterThan(10);
  });

  it('counts them where only IKEv1 answers, too', async () => {
    const suite = { encr: 7, keyLength: 256, hash: 4, auth: 1, group: 14 };
    const unasked = async (times: number): Promise<number> => {
      const gateway = ikev1Gateway({ mainMode: [suite] });
      const listen = (data: Uint8Array): Uint8Array[] =>
        data[17] !== 0x10
          ? []
          : gateway.handle(data).flatMap((reply) => Array.from({ length: times }, () => reply));
      const { facts } = await probeIn({ ports: { 500: listen }, options: { ikev1: true } });
      expect(facts).toMatchObject({ verdict: 'answers', ikev2: undefined });
      return facts.amplification.unsolicited;
    };
    expect(await unasked(1)).toBe(0);
    expect(await unasked(3)).toBeGreaterThan(10);
  });

  it('does not take garbage for unasked as long as it comes once for each question', async () => {
    const garbage = new Uint8Array(40);
    const unasked = async (times: number): Promise<number> => {
      const gateway = new SimulatedGateway({ proposals: strict }, new SeededEntropy(5));
      const listen = (data: Uint8Array, now: number): Uint8Array[] =>
        data[17] === 0x20 ? gateway.receive(data, now) : Array.from({ length: times }, () => garbage);
      const { facts } = await probeIn({ ports: { 500: listen, 4500: listen }, options: { ikev1: true } });
      expect(facts.log.filter(({ bytes }) => bytes === garbage.length).length).toBeGreaterThan(times);
      return facts.amplification.unsolicited;
    };
    expect(await unasked(1)).toBe(0);
    expect(await unasked(20)).toBeGreaterThan(10);
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
