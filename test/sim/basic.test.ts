import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/lib/core/bytes.js';
import { World } from './world.js';

describe('a session in fair weather', () => {
  it('comes up with the same keys on both sides', () => {
    const world = new World(1);
    const client = world.connect();
    world.run(10_000, () => client.ledger.children.size > 0);
    const ours = client.ledger;
    const theirs = world.latestServed;
    expect(ours.ikeSa).toBeDefined();
    expect(toHex(ours.ikeSa!.keys.skD.reveal())).toBe(toHex(theirs.ikeSa!.keys.skD.reveal()));
    const [mine] = [...ours.children.values()];
    const [yours] = [...theirs.children.values()];
    expect(mine!.inboundSpi).toBe(yours!.outboundSpi);
    expect(mine!.outboundSpi).toBe(yours!.inboundSpi);
    expect(toHex(mine!.keys.initiatorEncr.reveal())).toBe(toHex(yours!.keys.initiatorEncr.reveal()));
    expect(ours.ikeSa!.path.natT).toBe(true);
  });
});
