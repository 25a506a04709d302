import { describe, expect, it } from 'vitest';
import type { Milliseconds } from '../../src/lib/core/environment.js';
import type { ProposalTemplate } from '../../src/lib/ike/proposals.js';
import { defaultIkeProposals, parseProposals } from '../../src/lib/ike/proposals.js';
import { createListener, type ListenerLimits } from '../../src/lib/ike/session/listener.js';
import type { AlgorithmKind } from '../../src/lib/probe/types.js';
import { truth } from '../unit/probe/model-gateway.js';
import { numbersOf, probeIn, type Surroundings } from './probe-world.js';
import { generousLimits, SeededEntropy, serverPolicy } from './world.js';

const types: [AlgorithmKind, number][] = [
  ['encr', 1],
  ['prf', 2],
  ['integ', 3],
  ['ke', 4],
];

/** Probes our own responder. */
async function probeOurselves(
  ikeProposals: readonly ProposalTemplate[],
  limits: ListenerLimits = generousLimits,
  surroundings: Surroundings = {},
) {
  const listener = createListener(serverPolicy({ ikeProposals }), limits, new SeededEntropy(9));
  let ended = 0;
  const listen =
    (port: number) =>
    (data: Uint8Array, now: Milliseconds): Uint8Array[] => {
      const path = {
        local: { address: '192.0.2.2', port },
        remote: { address: '192.0.2.1', port: 40_000 },
        natT: port === 4500,
      };
      const output = listener.handle({ type: 'datagram', path, data }, now);
      ended += output.events.filter(({ event }) => event.type === 'ike-sa-deleted').length;
      return output.send.map((datagram) => datagram.data);
    };
  const { facts } = await probeIn({ ports: { 500: listen(500), 4500: listen(4500) }, ...surroundings });
  for (const [kind, type] of types) {
    const configured = ikeProposals.map(({ transforms }) => transforms);
    expect(numbersOf(facts.ikev2!.accepted[kind])).toEqual(truth(configured, type));
    expect(facts.ikev2!.inconclusive[kind]).toEqual([]);
  }
  return { facts, ended };
}

describe('probing our own responder', () => {
  it('finds its default proposals and leaves nothing half-open', async () => {
    const { facts, ended } = await probeOurselves(defaultIkeProposals);
    expect(facts.packets.sent).toBeLessThanOrEqual(100);
    expect(facts.ikev2!.preferred).toMatchObject({ encr: { id: 20, keyLength: 256 }, ke: { id: 31 } });
    expect(facts.ikev2!.capabilities).toMatchObject({
      fragmentation: { value: true },
      natDetection: { value: true },
    });
    expect(facts.amplification).toMatchObject({ unsolicited: 0 });
    expect(facts.ikev2!.halfOpenLeft).toBe(0);
    // Every SA that was chosen has come to its end.
    const opened = facts.log.filter(
      ({ direction, summary }) => direction === 'received' && summary.includes('SA, KE'),
    );
    expect(opened.length).toBeGreaterThan(1);
    expect(ended).toBe(opened.length);
  });

  it('finds suites that are tied to each other', async () => {
    const tied = parseProposals('aes256gcm16-prfsha384-ecp384,aes128-sha256-prfsha256-modp2048', 1);
    const { facts } = await probeOurselves(tied, generousLimits, { options: { suites: 'exact' } });
    expect(facts.ikev2).toMatchObject({ suitesComplete: true });
    expect(facts.ikev2!.suites).toHaveLength(2);
  });

  it('gets along with cookies and with the bound of half-open SAs for one address', async () => {
    const limits = { cookieThreshold: 0, maxHalfOpen: 10, maxHalfOpenPerAddress: 8 };
    const { facts } = await probeOurselves(defaultIkeProposals, limits);
    expect(facts.ikev2!.capabilities.cookies.value).toBe('always');
  });

  it('is not misled by loss', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { facts } = await probeOurselves(defaultIkeProposals, generousLimits, { seed, loss: 0.1 });
      expect(facts.verdict).toBe('answers');
    }
  });
});
