import { describe, expect, it } from 'vitest';
import { MssClamp } from '../../../src/lib/esp/mss.js';
import { createRandom } from '../../fuzz/mutate.js';
import { packetOf } from './fast/packets.js';
import { slowSum } from './fast/slow-checksum.js';

const SYN = 0x02;
const ACK = 0x10;
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const mss = (value: number) => [2, 4, value >> 8, value & 0xff];
const options = (...bytes: number[]) => Uint8Array.from(bytes);

/** What the clamp makes of a packet: the packet, and whether it says that it changed. */
function clamped(packet: Uint8Array, policy: 'auto' | 'off' | number = 'auto', largest = 1400) {
  const clamp = new MssClamp(policy);
  const out = packet.slice();
  const view = viewOf(out);
  const changed = clamp.concerns(view, 0, out.length) && clamp.apply(view, 0, out.length, largest);
  return { out, changed };
}

/** The sum over TCP with its pseudo-header, for packets without options of IP: 0xffff when the checksum is right. */
function tcpSum(packet: Uint8Array): number {
  const six = packet[0]! >> 4 === 6;
  return slowSum(packet.subarray(six ? 8 : 12), 6 + packet.length - (six ? 40 : 20));
}

const at4 = 40;
const at6 = 60;

describe('the MSS of a SYN', () => {
  it.each([
    { name: 'IPv4', version: 4 as const, at: at4, largest: 1400, expected: 1360 },
    { name: 'IPv6', version: 6 as const, at: at6, largest: 1400, expected: 1340 },
    { name: 'IPv6 on a narrow path', version: 6 as const, at: at6, largest: 600, expected: 1220 },
    { name: 'IPv4 on a narrow path', version: 4 as const, at: at4, largest: 70, expected: 88 },
  ])('becomes what fits, with the right checksum: $name', ({ version, at, largest, expected }) => {
    for (const flags of [SYN, SYN | ACK]) {
      const packet = packetOf({ version, flags, tcpOptions: options(...mss(1460)) });
      const { out, changed } = clamped(packet, 'auto', largest);
      expect(changed).toBe(true);
      expect(viewOf(out).getUint16(at + 2)).toBe(expected);
      expect(tcpSum(out)).toBe(0xffff);
    }
  });

  it('is never raised', () => {
    const packet = packetOf({ flags: SYN, tcpOptions: options(...mss(1000)) });
    expect(clamped(packet)).toEqual({ out: packet, changed: false });
    expect(clamped(packet, 1001)).toEqual({ out: packet, changed: false });
  });

  it('becomes the number that was given', () => {
    const packet = packetOf({ flags: SYN, tcpOptions: options(...mss(1460)) });
    expect(viewOf(clamped(packet, 1111).out).getUint16(at4 + 2)).toBe(1111);
    expect(clamped(packet, 'off')).toEqual({ out: packet, changed: false });
  });

  it('is found among other options, also at an odd place', () => {
    for (const before of [[1], [1, 1], [8, 10, 0, 0, 0, 1, 0, 0, 0, 2], [3, 3, 7], [4, 2, 3, 3, 7]]) {
      const bytes = [...before, ...mss(9000)];
      while (bytes.length % 4 !== 0) bytes.push(1);
      const { out } = clamped(packetOf({ flags: SYN, tcpOptions: options(...bytes) }));
      expect(viewOf(out).getUint16(at4 + before.length + 2)).toBe(1360);
      expect(tcpSum(out)).toBe(0xffff);
    }
  });

  it('is left alone after the end of the options, and where options are malformed', () => {
    for (const bytes of [
      [0, 1, 1, 1, ...mss(9000)],
      [5, 0, 1, 1, ...mss(9000)],
      [5, 1, 1, 1, ...mss(9000)],
      [5, 200, 1, 1, ...mss(9000)],
      [2, 3, 0x23, 1],
      [1, 1, 1, 2],
      [1, 1, 2, 4],
    ]) {
      const packet = packetOf({ flags: SYN, tcpOptions: options(...bytes), payload: options(35, 40) });
      expect(clamped(packet)).toEqual({ out: packet, changed: false });
    }
  });

  it('is left alone in other packets: no SYN, no TCP, fragments', () => {
    const tcpOptions = options(...mss(9000));
    for (const packet of [
      packetOf({ flags: ACK, tcpOptions }),
      packetOf({ flags: SYN, tcpOptions, fragmentation: 0x2000 }),
      packetOf({ flags: SYN, tcpOptions, fragmentation: 0x0010 }),
      packetOf({ flags: SYN, tcpOptions }).with(9, 17),
      packetOf({
        version: 6,
        flags: SYN,
        tcpOptions,
        extensions: { first: 44, bytes: options(6, 0, 0, 1, 0, 0, 0, 9) },
      }),
    ]) {
      expect(clamped(packet)).toEqual({ out: packet, changed: false });
    }
  });

  it('is found behind options of IP and behind extension headers', () => {
    const tcpOptions = options(...mss(9000));
    const four = clamped(packetOf({ flags: SYN, tcpOptions, ipOptions: options(1, 1, 1, 0) }));
    expect(viewOf(four.out).getUint16(at4 + 6)).toBe(1360);
    const extensions = { first: 60, bytes: options(6, 0, 1, 4, 0, 0, 0, 0) };
    const six = clamped(packetOf({ version: 6, flags: SYN, tcpOptions, extensions }));
    expect(viewOf(six.out).getUint16(at6 + 10)).toBe(1340);
  });

  it('keeps within every prefix', () => {
    const tcpOptions = options(1, ...mss(9000), 1, 1, 1);
    const extensions = { first: 60, bytes: options(6, 0, 1, 4, 0, 0, 0, 0) };
    for (const packet of [
      packetOf({ flags: SYN, tcpOptions }),
      packetOf({ version: 6, flags: SYN, tcpOptions }),
      packetOf({ version: 6, flags: SYN, tcpOptions, extensions }),
    ]) {
      for (let length = 0; length < packet.length; length++) {
        const cut = packet.slice(0, length);
        expect(clamped(cut)).toEqual({ out: cut, changed: false });
        // Also a packet that says that it ends there.
        const short = cut.slice();
        if (length >= 60) {
          if (packet[0] === 0x45) viewOf(short).setUint16(2, length);
          else viewOf(short).setUint16(4, length - 40);
          expect(clamped(short)).toEqual({ out: short, changed: false });
        }
      }
    }
  });

  it('keeps checksums and all other bytes, whatever the packet', () => {
    const random = createRandom(52_000);
    let changes = 0;
    for (let i = 0; i < 8000; i++) {
      const version = random(2) === 0 ? 4 : 6;
      const bytes = Uint8Array.from(
        { length: 4 * random(11) },
        () => [1, 2, 2, 4, 4, 8, random(256)][random(7)]!,
      );
      const packet = packetOf({
        version,
        flags: random(4) === 0 ? random(256) : SYN,
        tcpOptions: bytes,
        payload: Uint8Array.from({ length: random(20) }, () => random(256)),
      });
      if (random(4) === 0) packet[random(packet.length)] = random(256);
      const sum = tcpSum(packet);
      const { out, changed } = clamped(packet, [88, 300, 'auto' as const][random(3)]);
      if (changed) changes += 1;
      else expect(out).toEqual(packet);
      if (packet[0]! === (version === 4 ? 0x45 : 0x60)) expect(tcpSum(out)).toBe(sum);
      const tcp = version === 4 ? 20 : 40;
      for (let at = 0; at < out.length; at++) {
        const isOption = at >= tcp + 20 || at === tcp + 16 || at === tcp + 17 || packet[0] !== out[0];
        if (!isOption && out[at] !== packet[at]) expect.fail(`byte ${at} changed`);
      }
    }
    expect(changes).toBeGreaterThan(200);
  });
});
