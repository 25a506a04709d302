import { expect } from 'vitest';
import type { Ledger } from './world.js';

/** Both sides hold the same single IKE SA and the same single pair of child SAs. */
export function expectOnePair(ours: Ledger, theirs: Ledger): void {
  expect(ours.ikeSa?.initiatorSpi).toBe(theirs.ikeSa?.initiatorSpi);
  expect(ours.ikeSa?.responderSpi).toBe(theirs.ikeSa?.responderSpi);
  expect(ours.children.size).toBe(1);
  expect(theirs.children.size).toBe(1);
  const [mine] = [...ours.children.values()];
  const [yours] = [...theirs.children.values()];
  expect(mine!.inboundSpi).toBe(yours!.outboundSpi);
  expect(mine!.outboundSpi).toBe(yours!.inboundSpi);
  const myInbound = mine!.role === 'initiator' ? mine!.keys.responderEncr : mine!.keys.initiatorEncr;
  const yourOutbound = yours!.role === 'initiator' ? yours!.keys.initiatorEncr : yours!.keys.responderEncr;
  expect(myInbound.equals(yourOutbound)).toBe(true);
}
