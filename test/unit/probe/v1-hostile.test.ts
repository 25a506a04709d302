import { describe, expect, it } from 'vitest';
import { systemEntropy } from '../../../src/lib/core/environment.js';
import { decodeIkev1Header } from '../../../src/lib/ike/v1/wire.js';
import { aggressiveFirst, readFirstReply, replyText } from '../../../src/lib/probe/v1/messages.js';
import { Auth, type Phase1 } from '../../../src/lib/probe/v1/phase1.js';
import { probeIkev1 } from '../../../src/lib/probe/v1.js';
import { directAsker } from './direct-asker.js';
import { ikev1Gateway } from './v1-gateway.js';

const suite: Phase1 = { encr: 7, keyLength: 256, hash: 2, auth: Auth.PSK, group: 14 };
const identity = { idType: 2, data: new Uint8Array(4).fill(0x61) };

/** A repeatable stream of numbers below 2^32 (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** Changes up to four bytes behind the SPIs, or cuts the end off. */
function mutate(datagram: Uint8Array, next: () => number): Uint8Array {
  const out = datagram.slice(0, next() % 8 === 0 ? next() % datagram.length : datagram.length);
  for (let i = next() % 5; i > 0 && out.length > 16; i--)
    out[16 + (next() % (out.length - 16))] = next() & 0xff;
  return out;
}

describe('answers that were tampered with', () => {
  it('are read without an error, whatever they say', () => {
    const next = numbers(1);
    const first = aggressiveFirst([suite], new Uint8Array(256), identity, systemEntropy);
    const [reply] = ikev1Gateway({ aggressiveMode: [suite] }).handle(first.datagram) as [Uint8Array];
    const kinds = new Set<string>();
    for (let i = 0; i < 20_000; i++) {
      const changed = mutate(reply, next);
      kinds.add(readFirstReply(changed, first.spiI)?.kind ?? 'none');
      expect(replyText(changed, first.spiI)).not.toBe('');
    }
    expect([...kinds].sort()).toEqual(['accepted', 'none', 'other version']);
  });

  it('end a run like any other', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const next = numbers(seed);
      const gateway = ikev1Gateway({ mainMode: [suite], aggressiveMode: [suite] });
      const asker = directAsker((datagram) =>
        decodeIkev1Header(datagram).responderSpi === 0n
          ? gateway.handle(datagram).map((reply) => mutate(reply, next))
          : [],
      );
      const { facts } = await probeIkev1(asker, { identity: undefined, depth: 'full', answersIkev2: true });
      expect(asker.sent.length).toBeLessThan(600);
      for (const { encr, auth } of facts.mainMode) expect([encr.name, auth.name]).not.toContain('');
    }
  });
});
