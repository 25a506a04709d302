import { expect, it } from 'vitest';
import { describeIp } from '../../../../src/lib/capture/read/units.js';
import { concatBytes } from '../../../../src/lib/core/bytes.js';
import { be, espPacket, ipv4, ipv6, tcp, udp } from './build.js';

const four = '192.0.2.1 → 192.0.2.2';
const six = '2001:db8::1 → 2001:db8::2';
const ten = new Uint8Array(10);

it.each<[string, Uint8Array]>([
  [`ICMP ${four} echo request id 7 sequence 9`, ipv4(1, be(2, 0x0800, 0, 7, 9))],
  [`ICMP ${four} echo reply id 7 sequence 9`, ipv4(1, be(2, 0, 0, 7, 9))],
  [`ICMP ${four} destination unreachable, code 1`, ipv4(1, be(2, 0x0301, 0, 0, 0))],
  [`ICMP ${four} fragmentation needed, MTU 1400`, ipv4(1, be(2, 0x0304, 0, 0, 1400))],
  [`ICMP ${four} type 99`, ipv4(1, be(2, 0x6300, 0))],
  [`ICMPv6 ${six} neighbor solicitation`, ipv6(58, be(2, 0x8700, 0, 0, 0))],
  [`ICMPv6 ${six} packet too big, MTU 1280`, ipv6(58, concatBytes(be(2, 0x0200, 0), be(4, 1280)))],
  ['UDP 192.0.2.1:53 → 192.0.2.2:4000 10 bytes', ipv4(17, udp(53, 4000, ten))],
  ['UDP [2001:db8::1]:53 → [2001:db8::2]:4000 10 bytes', ipv6(17, udp(53, 4000, ten))],
  [
    'TCP 192.0.2.1:80 → 192.0.2.2:4000 [SYN, ACK] 10 bytes',
    ipv4(6, tcp(ten, { sequence: 1, src: 80, dst: 4000, flags: 0x12 })),
  ],
  [`ESP ${four} SPI 0x0000abcd sequence 3`, ipv4(50, espPacket(0xabcd, 3))],
  [`AH ${four} SPI 0x0000abcd sequence 3`, ipv4(51, concatBytes(be(1, 4, 4, 0, 0), be(4, 0xabcd, 3), ten))],
  [`GRE ${four} 10 bytes`, ipv4(47, ten)],
  [`IP protocol 200 ${four} 10 bytes`, ipv4(200, ten)],
  [`UDP ${four} fragment from byte 1480`, ipv4(17, ten, { offset: 1480 })],
  [
    'UDP 192.0.2.1:53 → 192.0.2.2:4000 10 bytes (first fragment)',
    ipv4(17, udp(53, 4000, ten), { more: true }),
  ],
  ['no IP packet, 10 bytes', ten],
  ['no IP packet, 0 bytes', new Uint8Array(0)],
])('%s', (text, packet) => {
  expect(describeIp(packet)).toBe(text);
});

it('describes packets that end anywhere', () => {
  for (const packet of [
    ipv4(6, tcp(ten, { sequence: 1 })),
    ipv6(58, be(2, 0x0200, 0, 0, 0)),
    ipv4(51, ten),
  ]) {
    for (let length = 0; length < packet.length; length++) {
      expect(describeIp(packet.subarray(0, length))).toMatch(/^[\x20-\x7e→]+$/);
    }
  }
});
