import { describe, expect, it } from 'vitest';
import { Secret } from '../../../../src/lib/core/secret.js';
import { bindEspSa, NextHeader, sealEsp } from '../../../../src/lib/esp/packet.js';
import type { EspSaParameters } from '../../../../src/lib/esp/sa.js';
import { LOCAL, REMOTE, Twins } from '../../../fuzz/data-path-world.js';
import { selector } from '../inner-packets.js';
import { suites } from '../suites.js';
import { forgeriesOf } from './forgeries.js';
import { bytesOf, packetOf } from './packets.js';

const CYCLE = 2 ** 32;
/** Low words that bring a window to the one that forgeries have, `LOW` of `forgeriesOf`, in the second cycle. */
const ON_THE_WAY = [0x7000_0000, 0xf000_0000, CYCLE + 0x0102_0000];
const SEQUENCE = 0x0102_0304;

/** Two pairs of SAs for the same traffic with different keys, which one data path and its reference have. */
function world(sa: EspSaParameters) {
  const otherKey = (key: Secret) => new Secret(key.reveal().map((byte) => byte ^ 0x3c));
  const first = { ...sa, spi: 0x0a0b0c01 };
  const second = {
    ...{ ...sa, spi: 0x0a0b0c02 },
    ...{ encrKey: otherKey(sa.encrKey), integKey: otherKey(sa.integKey) },
  };
  const ways = {
    ...{ local: LOCAL, remote: REMOTE, encapsulation: 'udp' as const },
    ...{ localSelectors: [selector('10.0.0.1/32')], remoteSelectors: [selector('10.0.0.2/32')] },
  };
  const twins = new Twins(true, [
    { id: 'first', inbound: first, outbound: { ...sa, spi: 1 }, ...ways },
    { id: 'second', inbound: second, outbound: { ...sa, spi: 2 }, ...ways },
  ]);
  return { twins, first, bound: [bindEspSa(first), bindEspSa(second)] as const };
}

const withSpi = (packet: Uint8Array, spi: number): Uint8Array => {
  const changed = packet.slice();
  new DataView(changed.buffer).setUint32(0, spi);
  return changed;
};

const inner = packetOf({ source: 2, destination: 1, payload: bytesOf(40) });
/** Every cipher with every way to authenticate; the size of a key makes no difference here. */
const cases = suites
  .filter(
    ({ sa }, i) =>
      i === suites.findIndex((other) => other.sa.encr === sa.encr && other.sa.integ === sa.integ),
  )
  .flatMap(({ name, sa }) => [
    { name, sa, esn: false },
    { name, sa, esn: true },
  ]);

describe('a data path refuses every forged packet', () => {
  it.each(cases)('$name, ESN $esn', ({ sa, esn }) => {
    const { twins, first, bound } = world({ ...sa, esn });
    const seal = (which: 0 | 1, number: number) => sealEsp(bound[which], number, NextHeader.IPV4, inner);
    let tried = 0;
    const refuse = (packets: readonly Uint8Array[]): void => {
      tried += packets.length;
      const { fast, reference, damaged } = twins.take(packets.map((bytes) => ({ bytes, segmentSize: 0 })));
      expect(fast.packets).toEqual({});
      expect(fast).toEqual(reference);
      expect(damaged).toEqual([]);
    };
    const accept = (packet: Uint8Array): void => {
      const { fast, reference } = twins.take([{ bytes: packet, segmentSize: 0 }]);
      expect(Object.values(fast.packets).flat()).toHaveLength(1);
      expect(fast).toEqual(reference);
    };
    try {
      const sequence = esn ? CYCLE + SEQUENCE : SEQUENCE;
      const before = esn ? ON_THE_WAY : [SEQUENCE - 2, SEQUENCE - 1];
      for (const number of before) for (const which of [0, 1] as const) accept(seal(which, number));
      const forged = [...forgeriesOf({ ...first, esn }, bound[0], sequence, inner)]
        // A whole packet with another sequence number than it says: here the number is what the window infers.
        .filter(({ what }) => !what.startsWith('high word'))
        .map(({ packet }) => packet)
        .filter(({ length }) => length > 1);
      refuse(forged);
      refuse([
        withSpi(seal(0, sequence), bound[1].spi),
        withSpi(seal(1, sequence), bound[0].spi),
        ...[0, 2, 3, 2 ** 20].map((cycle) => seal(0, cycle * CYCLE + SEQUENCE)).filter(() => esn),
      ]);
      // Nothing of it has moved the window, which would make this one too old.
      const authentic = seal(0, sequence);
      accept(authentic);
      refuse([authentic, authentic, ...before.map((number) => seal(0, number))]);
      refuse([seal(0, sequence - 1024), seal(0, sequence - 2000)]);
      accept(seal(0, sequence + 1));
      expect(tried).toBeGreaterThan(1000);
    } finally {
      twins.close();
    }
  });
});
