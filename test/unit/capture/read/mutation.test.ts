import { expect, it } from 'vitest';
import { CaptureParser } from '../../../../src/lib/capture/read/capture.js';
import { describeIp, UnitExtractor, unitsOfIp } from '../../../../src/lib/capture/read/units.js';
import type { CapturedFrame, CaptureNote, Unit } from '../../../../src/lib/capture/types.js';
import { concatBytes, utf8 } from '../../../../src/lib/core/bytes.js';
import { KitError } from '../../../../src/lib/core/errors.js';
import { createRandom } from '../../../fuzz/mutate.js';
import {
  be,
  block,
  enhancedPacket,
  espPacket,
  ethernet,
  ikeMessage,
  ipv4,
  ipv6,
  networkInterface,
  oldPacket,
  pcap,
  section,
  simplePacket,
  tcp,
  udp,
} from './build.js';

type Random = ReturnType<typeof createRandom>;

const marked = concatBytes(new Uint8Array(4), ikeMessage(80));
const long = udp(500, 500, ikeMessage(200));
const stream = concatBytes(utf8('IKETCP'), be(2, 2 + marked.length), marked, be(2, 62), espPacket(1, 1, 60));
const ah = concatBytes(be(1, 50, 4, 0, 0), be(4, 1, 2), new Uint8Array(12), espPacket());
const fragmentHeader = (offset: number, more: number): [number, Uint8Array] => [
  44,
  concatBytes(be(1, 0), be(2, offset | more), be(4, 5)),
];

/** IP packets that reach every part of the reader. */
const packets = [
  ipv4(17, udp(500, 500, ikeMessage())),
  ipv4(17, udp(4500, 4500, marked)),
  ipv4(17, udp(8000, 4500, espPacket())),
  ipv4(17, udp(500, 4500, be(1, 0xff))),
  ipv4(17, long.subarray(0, 104), { id: 3, more: true }),
  ipv4(17, long.subarray(104), { id: 3, offset: 104 }),
  ipv6(17, long.subarray(0, 104), [[0, new Uint8Array(7)], fragmentHeader(0, 1)]),
  ipv6(17, long.subarray(104), [[0, new Uint8Array(7)], fragmentHeader(104, 0)]),
  ipv4(51, ah, { options: new Uint8Array(8) }),
  ipv6(60, concatBytes(be(1, 50, 0), new Uint8Array(6), espPacket())),
  ipv6(4, ipv4(41, ipv6(50, espPacket()))),
  ipv4(6, tcp(new Uint8Array(0), { sequence: 99, flags: 2 })),
  ipv4(6, tcp(stream.subarray(0, 50), { sequence: 100 })),
  ipv4(6, tcp(stream.subarray(90), { sequence: 190 })),
  ipv4(6, tcp(stream.subarray(50, 90), { sequence: 150 })),
  ipv4(6, tcp(stream, { sequence: 7, src: 443, dst: 50_000 })),
  ipv4(1, be(2, 0x0304, 0, 0, 1400)),
];

const frames: readonly [number, Uint8Array][] = packets.flatMap((packet): [number, Uint8Array][] => {
  const type = packet[0]! >> 4 === 4 ? 0x0800 : 0x86dd;
  return [
    [101, packet],
    [1, ethernet(type, packet)],
    [1, ethernet(0x8100, concatBytes(be(2, 9, type), packet))],
    [276, concatBytes(be(2, type, 0), new Uint8Array(16), packet)],
    [0, concatBytes(be(4, 2), packet)],
  ];
});

const files = [
  pcap(frames.filter(([linkType]) => linkType === 1).map(([, data]) => ({ data }))),
  pcap(
    packets.map((data) => ({ data })),
    { little: false, magic: 0xa1b23c4d },
  ),
  concatBytes(
    section(),
    networkInterface(1, { resolution: 9, offset: 7n }),
    networkInterface(101, { snapLength: 60 }),
    ...packets.map((packet) => enhancedPacket(packet, { id: 1 })),
    block(10, new Uint8Array(50)),
    section(false),
    networkInterface(101, { little: false }),
    ...packets.map((packet) => oldPacket(packet, { little: false })),
    ...packets.map((packet) => simplePacket(packet, { little: false })),
  ),
];

const borders = [0, 1, 2, 4, 5, 6, 8, 12, 17, 20, 28, 40, 44, 50, 51, 60, 0x7f, 0x80, 0xfe, 0xff];

/** One to four changes; the sample stays as it is. */
function mutated(sample: Uint8Array, random: Random): Uint8Array {
  let data: Uint8Array = sample.slice();
  for (let left = random(4); left >= 0 && data.length > 0; left--) {
    const at = random(data.length);
    const kind = random(8);
    if (kind < 2) data[at]! ^= 1 << random(8);
    else if (kind < 4) data[at] = borders[random(borders.length)]!;
    else if (kind === 4) data.fill(random(256), at, at + 1 + random(4));
    else if (kind === 5) data = data.slice(0, at);
    else if (kind === 6) data = concatBytes(data.subarray(0, at), data.subarray(at + random(40)));
    else data = concatBytes(data.subarray(0, at), data.subarray(Math.max(at - random(60), 0)));
  }
  return data;
}

function checkUnits(units: readonly Unit[], frame: CapturedFrame): void {
  for (const { frame: number, data, offset, ip, frames: all } of units) {
    if (number !== frame.frame || ip.length < 20) expect.fail(`unit of frame ${number} in ${frame.frame}`);
    if ((offset === undefined) === (all === undefined)) expect.fail('neither or both of offset and frames');
    if (offset === undefined) continue;
    const there = frame.data.subarray(offset, offset + data.length);
    if (Buffer.compare(there, data) !== 0) expect.fail(`frame ${number} has other bytes at ${offset}`);
  }
}

it('60,000 mutated frames neither throw nor fill the memory', () => {
  const random = createRandom(20_240_117);
  const extractor = new UnitExtractor({ ports: [8000], tcpPorts: [443] });
  let units = 0;
  const before = process.memoryUsage();
  for (let number = 1; number <= 60_000; number++) {
    const [linkType, sample] = frames[random(frames.length)]!;
    const data = mutated(sample, random);
    const time = BigInt(random(1_000_000)) * 1_000_000n;
    const frame = { frame: number, time, linkType, data, originalLength: data.length + random(2) };
    const found = extractor.take(frame);
    units += found.length;
    checkUnits(found, frame);
    for (const unit of unitsOfIp(data, number, time)) checkUnits([unit], frame);
    if (!/^[\x20-\x7e→]+$/.test(describeIp(data))) expect.fail(describeIp(data));
  }
  extractor.finish();
  const after = process.memoryUsage();
  expect(units).toBeGreaterThan(15_000);
  expect(extractor.incomplete.length).toBeLessThanOrEqual(1000);
  expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(200 << 20);
});

it('20,000 mutated files end in frames, notes and one error', () => {
  const random = createRandom(4711);
  const outcomes = { whole: 0, damaged: 0, refused: 0 };
  for (let i = 0; i < 20_000; i++) {
    const file = mutated(files[i % files.length]!, random);
    const notes: CaptureNote[] = [];
    const parser = new CaptureParser((note) => notes.push(note));
    const extractor = new UnitExtractor({ ports: [] });
    let count = 0;
    try {
      const step = 1 + random(file.length + 1);
      for (let at = 0; at < file.length; at += step) {
        for (const frame of parser.push(file.subarray(at, at + step))) {
          count += 1;
          if (frame.frame !== count) expect.fail(`frame ${frame.frame} after ${count - 1}`);
          if (frame.originalLength < frame.data.length) expect.fail('shorter on the wire than in the file');
          checkUnits(extractor.take(frame), frame);
        }
      }
      parser.finish();
    } catch (error) {
      if (!(error instanceof KitError) || error.code !== 'E_CAPTURE_FORMAT' || count > 0) throw error;
      outcomes.refused += 1;
      continue;
    }
    const damage = notes.filter((note) => note.code === 'E_CAPTURE_DAMAGED');
    if (damage.length > 1 || notes.length > 2) expect.fail(JSON.stringify(notes));
    if (damage.length === 0) outcomes.whole += 1;
    else {
      outcomes.damaged += 1;
      const { offset = -1 } = damage[0]!;
      if (offset < 0 || offset > file.length) expect.fail(`damage at ${offset} of ${file.length}`);
    }
  }
  expect(Math.min(outcomes.whole, outcomes.damaged, outcomes.refused)).toBeGreaterThan(50);
});
