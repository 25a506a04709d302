import { describe, expect, it } from 'vitest';
import { PacketHeaders } from '../../../../src/lib/esp/fast/headers.js';
import { bytesOf, type PacketOptions, packetOf } from './packets.js';

/** What is read of a packet behind which there is nothing, so that reading on throws. */
function read(packet: Uint8Array): PacketHeaders | undefined {
  const headers = new PacketHeaders();
  return headers.read(new DataView(packet.slice().buffer), 0, packet.length) ? headers : undefined;
}

const changed = (options: PacketOptions, at: number, ...bytes: number[]): Uint8Array => {
  const packet = packetOf(options);
  packet.set(bytes, at);
  return packet;
};

/** So many destination options before UDP. */
const extensions = (count: number): PacketOptions => ({
  version: 6,
  protocol: 'udp',
  extensions: {
    first: 60,
    bytes: Uint8Array.from({ length: count * 8 }, (_, i) =>
      i % 8 === 0 ? (i + 8 === count * 8 ? 17 : 60) : 0,
    ),
  },
});

describe('headers of a packet', () => {
  it('are found', () => {
    const payload = bytesOf(9);
    expect(read(packetOf({ payload }))).toEqual({
      version: 4,
      length: 49,
      networkBytes: 20,
      protocol: 6,
      fragment: false,
      transportBytes: 20,
    });
    expect(read(packetOf({ ...extensions(2), payload }))).toEqual({
      version: 6,
      length: 73,
      networkBytes: 56,
      protocol: 17,
      fragment: false,
      transportBytes: 8,
    });
    const options = { ipOptions: bytesOf(40), tcpOptions: bytesOf(40), payload };
    expect(read(packetOf(options))).toMatchObject({ networkBytes: 60, transportBytes: 60, length: 129 });
  });

  it('of IPv4 have to be whole', () => {
    expect(read(packetOf({}).slice(0, 19))).toBeUndefined();
    expect(read(packetOf({}).slice(0, 39))).toBeUndefined();
    expect(read(changed({}, 0, 0x44))).toBeUndefined();
    expect(read(changed({}, 0, 0x4f))).toBeUndefined();
    expect(read(changed({ ipOptions: bytesOf(4) }, 2, 0, 23))).toBeUndefined();
    expect(read(changed({ ipOptions: bytesOf(4) }, 2, 0, 24))).toMatchObject({ length: 24 });
    expect(read(changed({}, 0, 0x55))).toBeUndefined();
  });

  it('of IPv6 have to be whole', () => {
    expect(read(packetOf({ version: 6 }).slice(0, 39))).toBeUndefined();
    expect(read(packetOf({ version: 6 }).slice(0, 59))).toBeUndefined();
    expect(read(packetOf(extensions(8)))).toMatchObject({ networkBytes: 104, transportBytes: 8 });
    expect(read(packetOf(extensions(9)))).toBeUndefined();
    // The next header would begin at the end.
    expect(
      read(
        changed({ ...extensions(1) }, 40, 60)
          .slice(0, 48)
          .fill(8, 5, 6),
      ),
    ).toBeUndefined();
    expect(read(changed({ ...extensions(1) }, 41, 9))).toBeUndefined();
  });

  it('of TCP and UDP are none when they are not whole', () => {
    const cut = (protocol: 'tcp' | 'udp', bytes: number) =>
      read(changed({ protocol }, 2, 0, 20 + bytes).slice(0, 20 + bytes))!.transportBytes;
    expect([0, 7, 8].map((bytes) => cut('udp', bytes))).toEqual([0, 0, 8]);
    expect([0, 13, 19, 20].map((bytes) => cut('tcp', bytes))).toEqual([0, 0, 0, 20]);
    expect(read(changed({}, 32, 0x40))!.transportBytes).toBe(0);
    expect(read(changed({}, 32, 0x60))!.transportBytes).toBe(0);
    expect(read(changed({}, 9, 1))!.transportBytes).toBe(0);
  });

  it('of a fragment are none of TCP and UDP', () => {
    expect(read(packetOf({ fragmentation: 0x2000 }))).toMatchObject({ fragment: true, transportBytes: 0 });
    expect(read(packetOf({ fragmentation: 1 }))).toMatchObject({ fragment: true, transportBytes: 0 });
    expect(read(packetOf({ fragmentation: 0xc000 }))).toMatchObject({ fragment: false, transportBytes: 20 });
    const fragment = { first: 44, bytes: Uint8Array.from([6, 0xff, 0, 1, 0, 0, 0, 9]) };
    expect(read(packetOf({ version: 6, extensions: fragment }))).toMatchObject({
      fragment: true,
      networkBytes: 48,
      transportBytes: 0,
    });
    const options = [6, 0, 1, 4, 0, 0, 0, 0];
    const behindFirst = { first: 44, bytes: Uint8Array.from([60, 0, 0, 1, 0, 0, 0, 9, ...options]) };
    expect(read(packetOf({ version: 6, extensions: behindFirst }))).toMatchObject({
      fragment: true,
      protocol: 6,
      networkBytes: 56,
      transportBytes: 0,
    });
  });
});
