import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KitError } from '../../src/lib/core/errors.js';
import { TransformType } from '../../src/lib/crypto/transform.js';
import { truth } from '../unit/probe/model-gateway.js';
import { arbitraryProposals, expectHonest, expectTruth, generous, strict, typeOf } from './probe-expect.js';
import { numbersOf, probeGateway, probeIn } from './probe-world.js';

const { ENCR, PRF, INTEG, KE, ADDKE1 } = TransformType;

const START = 1_800_000_000_000;

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

  it('keeps packets for clearing every SA that its load opened', async () => {
    const { facts } = await probeGateway({ proposals: strict }, { options: { active: true } });
    expect(facts.active?.cookiesUnderLoad?.value).toBe(false);
    const whole = facts.packets.sent;
    for (let budget = whole - 70; budget < whole; budget += 7) {
      const poor = await probeGateway({ proposals: strict }, { options: { active: true, budget } });
      expect({ budget, halfOpen: poor.gateway.halfOpen.size }).toEqual({ budget, halfOpen: 0 });
      expect(poor.facts.ikev2?.halfOpenLeft).toBe(0);
      expect(poor.facts.packets.sent).toBeLessThanOrEqual(budget);
    }
  });

  it('does not say that a port is silent which it never asked', async () => {
    for (const depth of ['full', 'quick'] as const) {
      for (let budget = 1; budget < 8; budget++) {
        const { facts } = await probeGateway({ proposals: strict }, { options: { depth, budget } });
        expect({ depth, budget, ...facts.ports }).not.toMatchObject({ natT: 'silent' });
        expect({ depth, budget, ...facts.ports }).not.toMatchObject({ ike: 'silent' });
      }
    }
  });

  it('asks the first port first, however few packets there are', async () => {
    for (let budget = 1; budget < 6; budget++) {
      const { facts } = await probeGateway({ proposals: strict }, { tcp: 'open', options: { budget } });
      expect({ budget, ike: facts.ports.ike }).toEqual({ budget, ike: 'open' });
      expect(facts.log[0]!.summary).toMatch(/^IKE_SA_INIT/);
      expect(facts.packets.sent).toBeLessThanOrEqual(budget);
    }
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
    expect(broken.facts).toMatchObject({ verdict: 'unfinished', unfinished: 'error', failure: 'bug' });
    expect(broken.facts.limits).toEqual(['An error ended the run: a bad port.']);
    const full = new KitError('environment', 'E_SOCKET', 'This host has no socket left');
    expect((await probeIn({ failure: full })).facts.failure).toBe('environment');
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
