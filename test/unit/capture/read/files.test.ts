import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readCapture } from '../../../../src/lib/capture/read/capture.js';
import { concatBytes } from '../../../../src/lib/core/bytes.js';
import {
  be,
  block,
  chunks,
  enhancedPacket,
  networkInterface,
  oldPacket,
  pcap,
  readAll,
  section,
  simplePacket,
} from './build.js';

const one = new Uint8Array([1, 2, 3, 4, 5]);
const two = new Uint8Array([6, 7, 8]);
const SECOND = 1_000_000_000n;

describe('pcap', () => {
  for (const little of [true, false]) {
    it.each([
      [0xa1b2c3d4, 7_000_000_005_000n],
      [0xa1b23c4d, 7_000_000_000_005n],
      [0xa1b2cd34, 7_000_000_005_000n],
    ])(`is read in ${little ? 'little' : 'big'} endian with magic %s`, async (magic, time) => {
      const packets = [
        { data: one, seconds: 7000, fraction: 5, original: 9 },
        { data: two, seconds: 0xffffffff },
      ];
      const { frames, notes } = await readAll(pcap(packets, { little, magic, linkType: 276 }));
      expect(notes).toEqual([]);
      expect(frames).toEqual([
        { frame: 1, time, linkType: 276, data: one, originalLength: 9 },
        { frame: 2, time: 0xffffffffn * SECOND, linkType: 276, data: two, originalLength: 3 },
      ]);
    });
  }

  it('leaves the length of frame check sequences out of the link type', async () => {
    const file = pcap([{ data: one }], { linkType: 0x24000001 });
    expect((await readAll(file)).frames[0]?.linkType).toBe(1);
  });

  it('of another version is damage', async () => {
    expect((await readAll(pcap([], { version: 3 }))).notes).toMatchObject([
      { code: 'E_CAPTURE_DAMAGED', offset: 4 },
    ]);
  });

  it('with an impossible length is read up to there', async () => {
    const file = concatBytes(pcap([{ data: one }]), be(4, 0, 0, 0xffffffff, 0), new Uint8Array(100));
    const { frames, notes } = await readAll(file);
    expect(frames).toHaveLength(1);
    expect(notes).toMatchObject([{ code: 'E_CAPTURE_DAMAGED', offset: 24 + 16 + 5 + 8 }]);
  });
});

describe('pcapng', () => {
  it('is read with several sections, byte orders, interfaces and kinds of packets', async () => {
    const file = concatBytes(
      section(true),
      networkInterface(1),
      networkInterface(101, { resolution: 9, offset: 100n }),
      enhancedPacket(one, { ticks: 5n, original: 50 }),
      enhancedPacket(two, { id: 1, ticks: 5n }),
      section(false),
      networkInterface(113, { little: false, snapLength: 4, offset: -2n }),
      simplePacket(one.subarray(0, 4), { little: false, original: 5 }),
      oldPacket(two, { little: false, ticks: 3_000_001n }),
    );
    const { frames, notes } = await readAll(file);
    expect(notes).toEqual([]);
    expect(frames).toEqual([
      { frame: 1, time: 5000n, linkType: 1, data: one, originalLength: 50 },
      { frame: 2, time: 100n * SECOND + 5n, linkType: 101, data: two, originalLength: 3 },
      { frame: 3, time: 0n, linkType: 113, data: one.subarray(0, 4), originalLength: 5 },
      { frame: 4, time: SECOND + 1000n, linkType: 113, data: two, originalLength: 3 },
    ]);
  });

  it.each([
    [0, 7n, 7n * SECOND],
    [3, 7005n, 7_005_000_000n],
    [6, 1_700_000_000_123_456n, 1_700_000_000_123_456_000n],
    [9, 1_700_000_000_123_456_789n, 1_700_000_000_123_456_789n],
    [12, 7_000_000_001_999n, 7_000_000_001n],
    [127, 7n, 0n],
    [0x80, 7n, 7n * SECOND],
    [0x80 | 10, 7n * 1024n + 512n, 7_500_000_000n],
    [0xff, 7n, 0n],
  ])('of time resolution %i is read', async (resolution, ticks, time) => {
    const file = concatBytes(section(), networkInterface(1, { resolution }), enhancedPacket(one, { ticks }));
    expect((await readAll(file)).frames).toMatchObject([{ time }]);
  });

  it('keeps made-up times within 64 bits', async () => {
    const edges = { resolution: 0, offset: 2n ** 63n - 1n };
    const file = concatBytes(
      section(),
      networkInterface(1, edges),
      enhancedPacket(one, { ticks: 2n ** 64n - 1n }),
    );
    const [frame] = (await readAll(file)).frames;
    expect(frame!.time).toBeGreaterThanOrEqual(0n);
    expect(frame!.time).toBeLessThan(2n ** 64n);
  });

  it('passes over blocks it does not need, however long, and says so of secrets once', async () => {
    const secrets = block(10, new Uint8Array(40));
    const file = concatBytes(
      section(),
      networkInterface(1),
      block(0x0bad, new Uint8Array(2_000_000)),
      secrets,
      secrets,
      enhancedPacket(one),
    );
    for (const size of [file.length, 1000]) {
      const { frames, notes } = await readAll(file, size);
      expect(frames.map((frame) => frame.data)).toEqual([one]);
      expect(notes).toMatchObject([{ code: 'N_DECRYPTION_SECRETS', offset: 28 + 32 + 2_000_012 }]);
    }
  });

  it.each<[string, Uint8Array, number]>([
    [
      'a length that is no multiple of four',
      concatBytes(section(), be(4, 1, 0x0d000000), new Uint8Array(20)),
      32,
    ],
    ['two lengths that differ', concatBytes(section(), networkInterface(1).with(28, 33)), 28 + 28],
    ['a packet of an unknown interface', concatBytes(section(), enhancedPacket(one)), 28 + 8],
    ['a simple packet before any interface', concatBytes(section(), simplePacket(one)), 28],
    [
      'a packet longer than its block',
      concatBytes(section(), networkInterface(1), enhancedPacket(one).with(20, 99)),
      28 + 32 + 20,
    ],
    ['a section without its magic', concatBytes(section(), section().with(8, 0)), 28 + 8],
    ['another version', section(true, 2), 12],
  ])('with %s is damage', async (_, file, offset) => {
    const { frames, notes } = await readAll(file);
    expect(frames).toEqual([]);
    expect(notes).toMatchObject([{ code: 'E_CAPTURE_DAMAGED', offset }]);
  });
});

const files = {
  pcap: pcap([{ data: one }, { data: two }, { data: new Uint8Array(0) }]),
  pcapng: concatBytes(
    section(),
    networkInterface(1),
    enhancedPacket(one),
    block(5, one),
    enhancedPacket(two),
  ),
};

describe.each(Object.entries(files))('%s', (_, file) => {
  it('gives the same frames in chunks of any size, gzipped or not', async () => {
    const whole = await readAll(file);
    expect(whole.frames.length).toBeGreaterThan(1);
    expect(whole.notes).toEqual([]);
    for (const size of [1, 2, 3, 7, 13, 29]) {
      expect(await readAll(file, size)).toEqual(whole);
      expect(await readAll(gzipSync(file), size)).toEqual(whole);
    }
    const half = file.length >> 1;
    const members = concatBytes(gzipSync(file.subarray(0, half)), gzipSync(file.subarray(half)));
    expect(await readAll(members)).toEqual(whole);
  });

  it('is read up to where it ends, wherever that is', async () => {
    const whole = await readAll(file);
    for (let length = 0; length < file.length; length++) {
      const { frames, notes } = await readAll(file.subarray(0, length));
      expect(frames).toEqual(whole.frames.slice(0, frames.length));
      if (notes.length === 0) continue;
      expect(notes).toMatchObject([{ code: 'E_CAPTURE_DAMAGED' }]);
      expect(notes[0]!.offset).toBeLessThanOrEqual(length);
    }
    const { frames, notes } = await readAll(file.subarray(0, -1));
    expect(frames.length).toBeGreaterThanOrEqual(1);
    expect(notes).toHaveLength(1);
  });
});

describe('gzip', () => {
  const many = pcap(Array.from({ length: 20_000 }, (_, i) => ({ data: be(4, i, Math.imul(i, 0x9e3779b1)) })));

  it('that ends too early gives what came before', async () => {
    const packed = gzipSync(many);
    const { frames, notes } = await readAll(packed.subarray(0, packed.length >> 1), 50_000);
    expect(frames.length).toBeGreaterThan(8000);
    expect(
      frames.every((frame, i) => new DataView(frame.data.buffer, frame.data.byteOffset).getUint32(0) === i),
    ).toBe(true);
    expect(notes).toMatchObject([
      { code: 'E_CAPTURE_DAMAGED', message: expect.stringContaining('ends too early') },
    ]);
  });

  it('that is damaged gives what came before', async () => {
    const packed = gzipSync(many);
    packed.fill(0xff, packed.length >> 1, (packed.length >> 1) + 200);
    const { frames, notes } = await readAll(packed);
    expect(frames.length).toBeGreaterThan(1000);
    expect(notes).toMatchObject([{ code: 'E_CAPTURE_DAMAGED' }]);
  });

  it('lets the reader stop in the middle', async () => {
    let closed = false;
    async function* source() {
      try {
        yield* chunks(gzipSync(many), 1000);
      } finally {
        closed = true;
      }
    }
    for await (const frame of readCapture(source(), () => undefined)) {
      if (frame.frame === 3) break;
    }
    expect(closed).toBe(true);
  });

  it('passes on what goes wrong in the source', async () => {
    async function* source() {
      yield gzipSync(many).subarray(0, 5000);
      throw new Error('the disk is gone');
    }
    const reading = async () => {
      for await (const frame of readCapture(source(), () => undefined))
        expect(frame.frame).toBeGreaterThan(0);
    };
    await expect(reading()).rejects.toThrow('the disk is gone');
  });
});

describe('what is no capture', () => {
  it('is refused', async () => {
    for (const file of [new TextEncoder().encode('GIF89a and so on'), gzipSync('hello world')]) {
      await expect(readAll(file)).rejects.toMatchObject({ code: 'E_CAPTURE_FORMAT', kind: 'usage' });
    }
  });

  it('because it is empty is noted', async () => {
    expect(await readAll(new Uint8Array(0))).toEqual({
      frames: [],
      notes: [expect.objectContaining({ code: 'E_CAPTURE_DAMAGED', offset: 0 })],
    });
  });
});
