import { describe, expect, it } from 'vitest';
import { formatIp } from '../../../src/lib/core/ip.js';
import { mayBeFragmented, TooBigReplies, tooBigMessage } from '../../../src/lib/esp/icmp.js';
import { readInnerPacket } from '../../../src/lib/esp/inner.js';
import { createRandom } from '../../fuzz/mutate.js';
import { bytesOf, packetOf } from './fast/packets.js';
import { slowSum } from './fast/slow-checksum.js';
import { ipv4, ipv6, ports } from './inner-packets.js';

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** One of each family that senders are told about. */
const big4 = packetOf({ payload: bytesOf(1400), sequence: 0x01020304 });
const big6 = packetOf({ version: 6, payload: bytesOf(1400) });
const icmp4 = (type: number) =>
  ipv4({ from: '10.1.0.1', to: '10.2.0.1', protocol: 1, body: ports(type << 8) });
const icmp6 = (type: number) =>
  ipv6({ from: 'fd01::1', to: 'fd02::1', nextHeader: 58, body: ports(type << 8) });

describe('the message that a packet was too big', () => {
  it('is Fragmentation Needed for IPv4, from where the packet was going, with its beginning', () => {
    const message = tooBigMessage(big4, 1250)!;
    const view = viewOf(message);
    expect(message.length).toBe(576);
    expect(view.getUint16(2)).toBe(576);
    expect(message[0]).toBe(0x45);
    expect(message[9]).toBe(1);
    expect(message.subarray(12, 16)).toEqual(big4.subarray(16, 20));
    expect(message.subarray(16, 20)).toEqual(big4.subarray(12, 16));
    expect(slowSum(message.subarray(0, 20))).toBe(0xffff);
    expect([message[20], message[21]]).toEqual([3, 4]);
    expect(view.getUint16(24)).toBe(0);
    expect(view.getUint16(26)).toBe(1250);
    expect(slowSum(message.subarray(20))).toBe(0xffff);
    expect(message.subarray(28)).toEqual(big4.subarray(0, 548));
  });

  it('is Packet Too Big for IPv6, no larger than the minimum MTU', () => {
    const message = tooBigMessage(big6, 1300)!;
    const view = viewOf(message);
    expect(message.length).toBe(1280);
    expect(view.getUint16(4)).toBe(1240);
    expect([message[0], message[6]]).toEqual([0x60, 58]);
    expect(message.subarray(8, 24)).toEqual(big6.subarray(24, 40));
    expect(message.subarray(24, 40)).toEqual(big6.subarray(8, 24));
    expect([message[40], message[41]]).toEqual([2, 0]);
    expect(view.getUint32(44)).toBe(1300);
    expect(slowSum(message.subarray(8), 1240 + 58)).toBe(0xffff);
    expect(message.subarray(48)).toEqual(big6.subarray(0, 1232));
  });

  it('never names less than every link carries', () => {
    expect(viewOf(tooBigMessage(big4, 1)!).getUint16(26)).toBe(68);
    expect(viewOf(tooBigMessage(big4, 100_000)!).getUint16(26)).toBe(65_535);
    expect(viewOf(tooBigMessage(big6, 600)!).getUint32(44)).toBe(1280);
  });

  it('quotes short packets whole, and those with a length that goes beyond what is there as they are', () => {
    const short = packetOf({ payload: bytesOf(3) });
    expect(tooBigMessage(short, 1000)!.subarray(28)).toEqual(short);
    const cut = big4.subarray(0, 200);
    expect(tooBigMessage(cut, 1000)!.subarray(28)).toEqual(cut);
    const cut6 = big6.subarray(0, 201);
    const message = tooBigMessage(cut6, 1300)!;
    expect(message.subarray(48)).toEqual(cut6);
    expect(slowSum(message.subarray(8), message.length - 40 + 58)).toBe(0xffff);
  });

  it.each([0, 8, 9, 10, 13, 14, 42])('answers ICMP of type %i, which is no error', (type) => {
    expect(tooBigMessage(icmp4(type), 1000)).toBeDefined();
  });

  it.each([3, 4, 5, 11, 12, 1, 2, 30, 40, 255])('does not answer ICMP of type %i', (type) => {
    expect(tooBigMessage(icmp4(type), 1000)).toBeUndefined();
  });

  it('does not answer errors of ICMPv6 and redirects', () => {
    for (const type of [0, 1, 2, 3, 4, 127, 137]) expect(tooBigMessage(icmp6(type), 1300)).toBeUndefined();
    for (const type of [128, 129, 135]) expect(tooBigMessage(icmp6(type), 1300)).toBeDefined();
    const behindOptions = ipv6({
      from: 'fd01::1',
      to: 'fd02::1',
      nextHeader: 60,
      body: Uint8Array.from([58, 0, 1, 4, 0, 0, 0, 0, 1, 0, 0, 0]),
    });
    expect(tooBigMessage(behindOptions, 1300)).toBeUndefined();
    expect(tooBigMessage(behindOptions.with(48, 128), 1300)).toBeDefined();
  });

  it.each([
    ['10.1.0.1', '224.0.0.5'],
    ['10.1.0.1', '255.255.255.255'],
    ['10.1.0.1', '127.0.0.1'],
    ['0.0.0.0', '10.2.0.1'],
    ['239.1.2.3', '10.2.0.1'],
    ['240.0.0.1', '10.2.0.1'],
    ['127.0.0.1', '10.2.0.1'],
  ])('does not answer what goes from %s to %s', (from, to) => {
    expect(tooBigMessage(ipv4({ from, to }), 1000)).toBeUndefined();
  });

  it.each([
    ['fd01::1', 'ff02::1'],
    ['ff05::2', 'fd02::1'],
    ['::', 'fd02::1'],
    ['fd01::1', '::1'],
  ])('does not answer what goes from %s to %s', (from, to) => {
    expect(tooBigMessage(ipv6({ from, to }), 1300)).toBeUndefined();
  });

  it('answers the first fragment of IPv4 alone', () => {
    const addresses = { from: '10.1.0.1', to: '10.2.0.1' };
    expect(tooBigMessage(ipv4({ ...addresses, fragmentOffset: 0x6000 }), 1000)).toBeDefined();
    expect(tooBigMessage(ipv4({ ...addresses, fragmentOffset: 0x4001 }), 1000)).toBeUndefined();
    expect(tooBigMessage(ipv4({ ...addresses, fragmentOffset: 0x0100 }), 1000)).toBeUndefined();
  });

  it('takes every prefix, and whatever else', () => {
    for (const packet of [big4, big6, icmp4(8), icmp6(128)]) {
      for (let length = 0; length <= packet.length; length++) {
        const message = tooBigMessage(packet.subarray(0, length), 1300);
        if (message !== undefined) expect(readInnerPacket(message)?.length).toBe(message.length);
      }
    }
    const random = createRandom(51_000);
    let told = 0;
    for (let i = 0; i < 8000; i++) {
      const packet = [icmp4(8), icmp6(128), big4.slice(0, 80), big6.slice(0, 90)][random(4)]!.slice();
      for (let left = random(6); left >= 0; left--) packet[random(packet.length)] = random(256);
      const message = tooBigMessage(packet, random(70_000));
      if (message === undefined) continue;
      told += 1;
      const inner = readInnerPacket(message)!;
      const six = inner.nextHeader === 41;
      expect(formatIp(inner.destination)).toBe(formatIp(packet.subarray(six ? 8 : 12, six ? 24 : 16)));
      const body = six ? message.subarray(8) : message.subarray(20);
      expect(slowSum(body, six ? message.length - 40 + 58 : 0)).toBe(0xffff);
    }
    expect(told).toBeGreaterThan(1000);
  });
});

describe('what may be fragmented', () => {
  it('is IPv4 without DF, and IPv6 of the size that every link carries', () => {
    const ask = (packet: Uint8Array, length = packet.length) => mayBeFragmented(viewOf(packet), 0, length);
    expect(ask(big4)).toBe(false);
    expect(ask(packetOf({ fragmentation: 0 }))).toBe(true);
    expect(ask(packetOf({ fragmentation: 0x2000 }))).toBe(true);
    expect(ask(big6, 1280)).toBe(true);
    expect(ask(big6, 1281)).toBe(false);
  });
});

describe('replies', () => {
  it('are so many at once, and then so many in a second', () => {
    let now = 5000;
    const replies = new TooBigReplies(() => now);
    const flood = () => {
      let count = 0;
      while (replies.reply(big4, 1300) !== undefined) count += 1;
      return count;
    };
    expect(flood()).toBe(50);
    expect(flood()).toBe(0);
    now += 100;
    expect(flood()).toBe(10);
    now += 3_600_000;
    expect(flood()).toBe(50);
  });

  it('cost nothing where nobody is told', () => {
    const replies = new TooBigReplies(() => 0);
    for (let i = 0; i < 100; i++) expect(replies.reply(icmp4(3), 1300)).toBeUndefined();
    expect(replies.reply(big4, 1300)).toBeDefined();
  });
});
