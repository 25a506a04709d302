import { describe, expect, it } from 'vitest';
import type { Milliseconds } from '../../src/lib/core/environment.js';
import { parseProposals } from '../../src/lib/ike/proposals.js';
import { createListener } from '../../src/lib/ike/session/listener.js';
import { judge } from '../../src/lib/probe/judge.js';
import type { TargetFacts } from '../../src/lib/probe/types.js';
import { type Attack, Downgrader } from './downgrader.js';
import { numbersOf, probeIn } from './probe-world.js';
import { generousLimits, SeededEntropy, serverPolicy } from './world.js';

const MIXED = parseProposals('aes256gcm16-aes128gcm16-prfsha384-prfsha1-x25519-modp2048-modp1024', 1);
const MODP1024 = 2;

/** Probes our own responder through somebody on the path. */
async function probeBehind(attack: Attack, seed: number, loss = 0): Promise<TargetFacts> {
  const listener = createListener(
    serverPolicy({ ikeProposals: MIXED }),
    generousLimits,
    new SeededEntropy(seed),
  );
  const middle = new Downgrader(attack);
  const listen =
    (port: number) =>
    (data: Uint8Array, now: Milliseconds): Uint8Array[] => {
      const path = {
        local: { address: '192.0.2.2', port },
        remote: { address: '192.0.2.1', port: 40_000 },
        natT: port === 4500,
      };
      const { toClient, toServer } = middle.fromClient(data);
      const answers = toServer.flatMap((each) =>
        listener.handle({ type: 'datagram', path, data: each }, now).send.map((sent) => sent.data),
      );
      return [...toClient, ...answers.flatMap((each) => middle.fromServer(each).toClient)];
    };
  const { facts } = await probeIn({ seed, loss, ports: { 500: listen(500), 4500: listen(4500) } });
  return facts;
}

const steering = (facts: TargetFacts) =>
  judge(facts, { active: false }).findings.find(({ id }) => id === 'IKE-DG-003');

describe.each([1, 2, 3])('seed %i: probing through somebody who forges INVALID_KE_PAYLOAD', (seed) => {
  it.each([
    ['where the group is offered', { steerTo: MODP1024 }, 0],
    ['everywhere', { steerTo: MODP1024, bluntly: true }, 0],
    ['everywhere, with loss', { steerTo: MODP1024, bluntly: true }, 0.1],
  ])('%s: the contradiction is found, and nothing is made up', async (_where, attack, loss) => {
    const facts = await probeBehind(attack, seed, loss);
    const { accepted } = facts.ikev2!;
    expect(['', '20/256', '20/128', '20/256,20/128', '20/128,20/256']).toContain(
      numbersOf(accepted.encr).join(),
    );
    expect(facts.limits.join()).toContain('cannot be told apart');
    expect(facts.packets.sent).toBeLessThan(60);
    expect(steering(facts)).toMatchObject({
      status: 'finding',
      severity: 'medium',
      evidence: [
        expect.stringMatching(
          /contradict each other: .* asked for 1024-bit MODP Group \(2\), and for Curve25519/,
        ),
      ],
    });
  });

  it('nobody there: all is found, and nothing contradicts', async () => {
    const facts = await probeBehind({}, seed);
    expect(numbersOf(facts.ikev2!.accepted.encr)).toEqual(['20/128', '20/256']);
    expect(facts.limits).toEqual([]);
    expect(steering(facts)?.status).toBe('pass');
  });
});
