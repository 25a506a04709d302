import { describe, expect, it } from 'vitest';
import { selectorFromCidr } from '../../../src/lib/ike/traffic-selectors.js';
import { PeerMoves } from '../../../src/lib/tunnel/peer-moves.js';
import { ikeSaInfo, path } from './fixtures.js';

/** Session 1 has a child SA to 203.0.113.0/24, session 2 one to 192.0.2.0/24, and 10.9.0.0/24 is leased. */
function setUp({ routes = true, lasts = true } = {}) {
  const said: string[] = [];
  const pinned = new Set<string>();
  const network = {
    protects: (peer: string) => pinned.has(peer),
    protectMoved: async (peer: string, port: number) => {
      if (peer.endsWith('.66')) throw new Error('no way outside');
      said.push(`pin ${peer} ${port}`);
      pinned.add(peer);
    },
    unprotect: async (peer: string) => {
      said.push(`unpin ${peer}`);
      pinned.delete(peer);
    },
  };
  const networks = ['203.0.113.', '192.0.2.', '10.9.0.'];
  const moves = new PeerMoves({
    tracker: {
      sessionsReaching: (address) => networks.flatMap((net, i) => (address.startsWith(net) ? [i + 1] : [])),
      ikeSaOf: () => (lasts ? ikeSaInfo() : undefined),
    },
    network: routes ? network : undefined,
    leased: [selectorFromCidr('10.9.0.0/24')],
    follow: (session, { remote }) => said.push(`follow ${session} ${remote.address}`),
    log: (level, message) => said.push(`${level} ${message}`),
  });
  const at = (address: string) => ({ ...path, remote: { address, port: 99 } });
  return { said, moves, at };
}

describe('PeerMoves', () => {
  it('leave alone where no child SA leads to', () => {
    const { moves } = setUp();
    expect(moves.allows('198.51.100.1')).toBe(true);
    for (const covered of ['203.0.113.1', '192.0.2.1', '10.9.0.1']) {
      expect(moves.allows(covered), covered).toBe(false);
    }
  });

  it('are followed when there is a way outside, made before', async () => {
    const { said, moves, at } = setUp();
    await moves.prepare(1, at('203.0.113.1'));
    expect(said).toEqual([`pin 203.0.113.1 ${path.local.port}`, 'follow 1 203.0.113.1']);
    expect(moves.allows('203.0.113.1')).toBe(true);
  });

  it.each([
    ['leased', '10.9.0.1', 'it is for the inside of tunnels'],
    ['of another client', '192.0.2.1', 'another client has it'],
    ['without a way outside', '203.0.113.66', 'no way outside'],
  ])('are not followed to an address that is %s, which is told once', async (_what, address, why) => {
    const { said, moves, at } = setUp();
    await moves.prepare(1, at(address));
    await moves.prepare(1, at(address));
    expect(said).toEqual([expect.stringMatching(new RegExp(`^warn .*${address}.*: ${why}$`))]);
    expect(moves.allows(address)).toBe(false);
    moves.forget(1);
    await moves.prepare(1, at(address));
    expect(said).toHaveLength(2);
  });

  it('are not followed where packets take no routes of the host', async () => {
    const { said, moves, at } = setUp({ routes: false });
    await moves.prepare(1, at('203.0.113.1'));
    expect(said).toEqual([expect.stringContaining('warn')]);
  });

  it('have one way made at a time, however often they are heard from elsewhere', async () => {
    const { said, moves, at } = setUp();
    const steps: (() => Promise<void>)[] = [];
    const queue = (step: () => Promise<void>) => {
      steps.push(step);
      return undefined;
    };
    for (const address of ['203.0.113.1', '203.0.113.2', '203.0.113.3']) moves.prepare(1, at(address), queue);
    moves.prepare(2, at('192.0.2.1'), queue);
    expect(steps).toHaveLength(2);
    for (const step of steps) await step();
    expect(said.filter((word) => word.startsWith('follow'))).toEqual([
      'follow 1 203.0.113.1',
      'follow 2 192.0.2.1',
    ]);
    await moves.prepare(1, at('203.0.113.4'));
    expect(said.at(-1)).toBe('follow 1 203.0.113.4');
  });

  it('leave no way behind for a session that has ended meanwhile', async () => {
    const { said, moves, at } = setUp({ lasts: false });
    await moves.prepare(1, at('203.0.113.1'));
    expect(said.at(-1)).toBe('unpin 203.0.113.1');
  });
});
