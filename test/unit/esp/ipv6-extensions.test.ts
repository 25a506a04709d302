import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../src/lib/core/bytes.js';
import { Ipv6Extensions } from '../../../src/lib/esp/ipv6-extensions.js';

/** Headers as RFC 8200 4.3 to 4.6 draw them, in the order that 4.1 recommends: each names what follows it. */
const HOP_BY_HOP = '3c00 0104 00000000';
const DESTINATION = '2b00 0104 00000000';
const ROUTING = '2c00 0400 00000000';
const FIRST_FRAGMENT = '3c00 0001 00000009';
/** 16 bytes. */
const LAST_DESTINATION = '0601 010c 00000000 00000000 00000000';
const ALL = [HOP_BY_HOP, DESTINATION, ROUTING, FIRST_FRAGMENT, LAST_DESTINATION];

const UDP = 17;

const bytesOf = (...hex: string[]): Uint8Array => fromHex(hex.join('').replaceAll(' ', ''));

/** An IPv6 header that names `next`, and what follows it. */
function packetOf(next: number, ...hex: string[]): Uint8Array {
  const rest = bytesOf(...hex);
  const packet = new Uint8Array(40 + rest.length);
  packet[0] = 0x60;
  packet[6] = next;
  packet.set(rest, 40);
  return packet;
}

/** What is read of a packet behind which there is nothing, so that reading on throws. */
function read(packet: Uint8Array): Ipv6Extensions | undefined {
  const extensions = new Ipv6Extensions();
  return extensions.read(new DataView(packet.slice().buffer), 0, packet.length) ? extensions : undefined;
}

describe('IPv6 extension headers', () => {
  it('may be none', () => {
    expect(read(packetOf(6))).toEqual({
      networkBytes: 40,
      protocol: 6,
      fragment: false,
      laterFragment: false,
    });
  });

  it('are passed in the order of RFC 8200 4.1', () => {
    expect(read(packetOf(0, ...ALL, 'ffff'))).toEqual({
      networkBytes: 40 + 4 * 8 + 16,
      protocol: 6,
      fragment: true,
      laterFragment: false,
    });
    expect(read(packetOf(43, '1100 0400 00000000', '0035'))).toMatchObject({
      networkBytes: 48,
      protocol: UDP,
      fragment: false,
    });
  });

  it('have up to 256 units of 8 bytes', () => {
    for (const units of [2, 3, 255, 256]) {
      const length = (units - 1).toString(16).padStart(2, '0');
      const header = `11${length}${'00'.repeat(units * 8 - 2)}`;
      expect(read(packetOf(60, header))).toMatchObject({ networkBytes: 40 + units * 8, protocol: UDP });
      expect(read(packetOf(60, header.slice(0, -2)))).toBeUndefined();
    }
  });

  it('end where another protocol begins, also ESP, AH and none', () => {
    for (const protocol of [1, 6, 17, 41, 50, 51, 58, 59, 132, 135, 253, 255]) {
      expect(read(packetOf(protocol, HOP_BY_HOP))).toMatchObject({ networkBytes: 40, protocol });
      const header = `${protocol.toString(16).padStart(2, '0')}00 0104 00000000`;
      expect(read(packetOf(0, header, HOP_BY_HOP))).toMatchObject({ networkBytes: 48, protocol });
    }
  });

  it('are not looked for in a later fragment (RFC 8200 4.5)', () => {
    for (const [offsetAndFlags, laterFragment] of [
      ['0000', false],
      ['0001', false],
      ['0007', false],
      ['0008', true],
      ['0009', true],
      ['8000', true],
      ['fff8', true],
    ] as const) {
      const found = read(packetOf(44, `3c00 ${offsetAndFlags} 00000009`, LAST_DESTINATION));
      expect(found, offsetAndFlags).toEqual({
        networkBytes: laterFragment ? 48 : 64,
        protocol: laterFragment ? 60 : 6,
        fragment: true,
        laterFragment,
      });
    }
  });

  it('have no length where they are of a fragment', () => {
    expect(read(packetOf(44, '11ff 0001 00000009'))).toMatchObject({ networkBytes: 48, protocol: UDP });
  });

  it('are eight at most', () => {
    const more = '3c00 0104 00000000';
    const last = '1100 0104 00000000';
    expect(read(packetOf(60, ...Array<string>(7).fill(more), last))).toMatchObject({ networkBytes: 104 });
    expect(read(packetOf(60, ...Array<string>(8).fill(more), last))).toBeUndefined();
    expect(read(packetOf(60, ...Array<string>(8).fill(more)))).toBeUndefined();
  });

  it('have to be whole', () => {
    const packet = packetOf(0, ...ALL);
    for (let length = 40; length < packet.length; length++) {
      expect(read(packet.subarray(0, length)), `${length} bytes`).toBeUndefined();
    }
    expect(read(packet)).toBeDefined();
  });

  it('are those of the packet, whatever lies around it', () => {
    const packet = packetOf(0, ...ALL);
    const around = new Uint8Array(packet.length + 32).fill(UDP);
    around.set(packet, 16);
    const view = new DataView(around.buffer);
    const extensions = new Ipv6Extensions();
    expect(extensions.read(view, 16, packet.length)).toBe(true);
    expect(extensions).toMatchObject({ networkBytes: 88, protocol: 6 });
    for (let length = 40; length < packet.length; length++) {
      expect(extensions.read(view, 16, length), `${length} bytes`).toBe(false);
    }
  });

  it('of the packet before are forgotten', () => {
    const extensions = new Ipv6Extensions();
    for (const [packet, fragment, laterFragment] of [
      [packetOf(44, '1100 0008 00000009'), true, true],
      [packetOf(44, '1100 0001 00000009'), true, false],
      [packetOf(UDP), false, false],
    ] as const) {
      expect(extensions.read(new DataView(packet.buffer), 0, packet.length)).toBe(true);
      expect(extensions).toMatchObject({ protocol: UDP, fragment, laterFragment });
    }
  });
});
