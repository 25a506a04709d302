import { describe, expect, it } from 'vitest';
import { UnitExtractor, unitsOfIp } from '../../../../src/lib/capture/read/units.js';
import type { CapturedFrame, Unit } from '../../../../src/lib/capture/types.js';
import { concatBytes, fromHex } from '../../../../src/lib/core/bytes.js';
import { be, espPacket, ethernet, ikeMessage, ipv4, ipv6, rawFrame, udp } from './build.js';

const marker = new Uint8Array(4);
const ike = ikeMessage();
const esp = espPacket();
const packet = ipv4(17, udp(500, 500, ike));
const packet6 = ipv6(17, udp(500, 500, ike));

function unitsOf(frame: Partial<CapturedFrame> & { data: Uint8Array }, ports: number[] = []): Unit[] {
  const extractor = new UnitExtractor({ ports });
  const whole = { ...rawFrame(frame.data), ...frame };
  return extractor.take(whole);
}

/** `kind`, whether encapsulated, and the bytes. */
function summary(units: readonly Unit[]) {
  return units.map(({ kind, encapsulated, data }) => [kind, encapsulated, data]);
}

describe('link layers', () => {
  const tag = (type: number, id: number) => be(2, type, id);
  const header = new Uint8Array(12).fill(2);
  const snap = concatBytes(header, be(2, 8 + packet.length), fromHex('aaaa03000000'), be(2, 0x0800), packet);
  const pppoe = ethernet(0x8864, concatBytes(fromHex('110000010000'), be(2, 0x57), packet6));
  const sll2 = (type: number) =>
    concatBytes(be(2, type, 0), be(4, 2), be(2, 1), be(1, 4, 6), new Uint8Array(8));

  it.each<[string, number, Uint8Array]>([
    ['Ethernet', 1, ethernet(0x0800, packet)],
    ['Ethernet with IPv6', 1, ethernet(0x86dd, packet6)],
    ['Ethernet with padding', 1, concatBytes(ethernet(0x0800, packet), new Uint8Array(30))],
    ['VLAN', 1, concatBytes(header, tag(0x8100, 7), be(2, 0x0800), packet)],
    ['QinQ', 1, concatBytes(header, tag(0x88a8, 7), tag(0x8100, 9), be(2, 0x86dd), packet6)],
    ['SNAP', 1, snap],
    ['PPPoE', 1, pppoe],
    ['Linux cooked', 113, concatBytes(be(2, 0, 1, 6), new Uint8Array(8), be(2, 0x0800), packet)],
    ['Linux cooked with VLAN', 113, concatBytes(new Uint8Array(14), tag(0x8100, 3), be(2, 0x0800), packet)],
    ['Linux cooked v2', 276, concatBytes(sll2(0x86dd), packet6)],
    ['Linux cooked v2 with VLAN', 276, concatBytes(sll2(0x8100), be(2, 7, 0x0800), packet)],
    ['raw IP', 101, packet6],
    ['raw IPv4', 228, packet],
    ['raw IPv6', 229, packet6],
    ['raw IP, number 12', 12, packet],
    ['raw IP, number 14', 14, packet6],
    ['null, little endian', 0, concatBytes(fromHex('02000000'), packet)],
    ['null, big endian', 0, concatBytes(fromHex('0000001e'), packet6)],
    ['null, IPv6 of Linux', 0, concatBytes(fromHex('0a000000'), packet6)],
    ['loopback', 108, concatBytes(fromHex('00000002'), packet)],
  ])('%s', (_, linkType, data) => {
    const [unit, ...more] = unitsOf({ data, linkType });
    expect(more).toEqual([]);
    expect(unit).toMatchObject({ kind: 'ike', data: ike });
    expect(data.subarray(unit!.offset, unit!.offset! + ike.length)).toEqual(ike);
    expect([packet, packet6]).toContainEqual(unit!.ip);
  });

  it.each<[string, number, Uint8Array]>([
    ['ARP', 1, ethernet(0x0806, packet)],
    ['802.3 without SNAP', 1, concatBytes(header, be(2, packet.length), packet)],
    ['endless tags', 1, concatBytes(header, ...Array.from({ length: 50 }, () => tag(0x8100, 1)), packet)],
    ['a cut tag', 1, concatBytes(header, tag(0x8100, 1))],
    ['a family that is not IP', 0, concatBytes(fromHex('07000000'), packet)],
    ['nothing', 113, new Uint8Array(0)],
  ])('%s is passed over', (_, linkType, data) => {
    expect(unitsOf({ data, linkType })).toEqual([]);
  });

  it('that are unknown are told of once', () => {
    const extractor = new UnitExtractor({ ports: [] });
    for (const frame of [5, 6, 7])
      expect(extractor.take({ ...rawFrame(packet, frame), linkType: 105 })).toEqual([]);
    extractor.finish();
    expect(extractor.notes).toMatchObject([
      { code: 'N_LINK_TYPE', frame: 5, message: expect.stringMatching(/105.*3 frames/) },
    ]);
  });

  it('may be cut anywhere', () => {
    for (const [linkType, data] of [
      [1, pppoe],
      [1, snap],
      [276, concatBytes(sll2(0x8100), be(2, 7, 0x0800), packet)],
    ] as const) {
      for (let length = 0; length < data.length; length++)
        unitsOf({ data: data.subarray(0, length), linkType });
    }
  });
});

describe('UDP', () => {
  it.each<[string, number, number, Uint8Array, ReturnType<typeof summary>]>([
    ['IKE on 500', 500, 500, ike, [['ike', false, ike]]],
    ['IKE from 500 to elsewhere', 500, 33_000, ike, [['ike', false, ike]]],
    ['garbage on 500', 40_000, 500, be(1, 1, 2, 3), [['ike', false, be(1, 1, 2, 3)]]],
    ['IKE on 4500', 4500, 4500, concatBytes(marker, ike), [['ike', true, ike]]],
    ['ESP on 4500', 1025, 4500, esp, [['esp', true, esp]]],
    ['a keepalive', 4500, 1025, be(1, 0xff), [['keepalive', true, be(1, 0xff)]]],
    ['two bytes on 4500', 4500, 1025, be(1, 0xff, 0xff), []],
    ['nothing on 500', 500, 500, new Uint8Array(0), []],
    ['IKE with marker between 500 and 4500', 500, 4500, concatBytes(marker, ike), [['ike', true, ike]]],
    ['IKE without marker between 4500 and 500', 4500, 500, ike, [['ike', false, ike]]],
    ['another port', 53, 5353, ike, []],
    ['IKE on a port of the caller', 7000, 8000, ike, [['ike', false, ike]]],
    ['marked IKE on a port of the caller', 8000, 7000, concatBytes(marker, ike), [['ike', true, ike]]],
    ['ESP on a port of the caller', 8000, 7000, esp, [['esp', true, esp]]],
    ['a keepalive on a port of the caller', 8000, 7000, be(1, 0xff), [['keepalive', true, be(1, 0xff)]]],
  ])('%s', (_, src, dst, payload, expected) => {
    const units = unitsOf({ data: ipv4(17, udp(src, dst, payload)) }, [8000]);
    expect(summary(units)).toEqual(expected);
    for (const unit of units) {
      expect(unit).toMatchObject({
        carrier: 'udp',
        src: { address: '192.0.2.1', port: src },
        dst: { address: '192.0.2.2', port: dst },
      });
    }
  });

  it('finds IKE without marker though its SPI begins with zeros', () => {
    const message = ikeMessage(60, 0);
    message.set(be(4, 0, 7), 0);
    const data = ipv4(17, udp(8000, 8000, message));
    expect(summary(unitsOf({ data }, [8000]))).toEqual([['ike', false, message]]);
  });

  it('of a wrong length is read as far as the IP packet goes, and noted', () => {
    const extractor = new UnitExtractor({ ports: [] });
    expect(extractor.take(rawFrame(ipv4(17, udp(500, 500, ike, 900)), 3))).toMatchObject([{ data: ike }]);
    extractor.finish();
    expect(extractor.notes).toMatchObject([{ code: 'N_UDP_LENGTH', frame: 3 }]);
  });

  it('shorter than its packet ends where it says', () => {
    expect(unitsOf({ data: ipv4(17, udp(500, 500, ike, 8 + 30)) })).toMatchObject([
      { data: ike.subarray(0, 30) },
    ]);
  });

  it('cut by the capture gives what is there, and a note', () => {
    const extractor = new UnitExtractor({ ports: [] });
    const data = packet.subarray(0, 50);
    expect(extractor.take({ ...rawFrame(data), originalLength: packet.length })).toMatchObject([
      { data: ike.subarray(0, 22), ip: data },
    ]);
    extractor.finish();
    expect(extractor.notes).toMatchObject([{ code: 'N_CUT_FRAME', frame: 1 }]);
  });
});

describe('IP', () => {
  const ah = (next: number, icv = 12) =>
    concatBytes(be(1, next, (12 + icv) / 4 - 2), be(2, 0), be(4, 0xa4, 9), new Uint8Array(icv));

  it('with IPv4 options', () => {
    const data = ipv4(50, esp, { options: fromHex('0704040001010100') });
    expect(unitsOf({ data })).toMatchObject([
      { kind: 'esp', carrier: 'ip', encapsulated: false, offset: 28, data: esp, ip: data },
    ]);
  });

  it('with IPv6 extension headers', () => {
    const padding = (length: number) =>
      concatBytes(be(1, length / 8 - 1, 1, length - 4), new Uint8Array(length - 4)).subarray(0, length - 1);
    const data = ipv6(50, esp, [
      [0, padding(8)],
      [60, padding(16)],
      [43, padding(24)],
      [60, padding(8)],
    ]);
    expect(unitsOf({ data })).toMatchObject([
      {
        kind: 'esp',
        data: esp,
        src: { address: '2001:db8::1', port: 0 },
        dst: { address: '2001:db8::2', port: 0 },
      },
    ]);
  });

  it('ends at endless extension headers', () => {
    const extensions = Array.from({ length: 100 }, (): [number, Uint8Array] => [60, new Uint8Array(7)]);
    expect(unitsOf({ data: ipv6(50, esp, extensions) })).toEqual([]);
  });

  it('with an IPv6 fragment header but in one piece', () => {
    const data = ipv6(17, udp(500, 500, ike), [[44, concatBytes(be(1, 0), be(2, 0), be(4, 77))]]);
    expect(unitsOf({ data })).toMatchObject([{ kind: 'ike', data: ike, offset: 56 }]);
  });

  it('AH before ESP gives both', () => {
    const data = ipv4(51, concatBytes(ah(50), esp));
    const units = unitsOf({ data });
    expect(summary(units)).toEqual([
      ['ah', false, data.subarray(20)],
      ['esp', false, esp],
    ]);
    expect(units.map((unit) => unit.ip)).toEqual([data, data]);
  });

  it('AH before destination options before UDP gives both', () => {
    const options = concatBytes(be(1, 17, 0, 1, 4), new Uint8Array(4));
    const data = ipv6(51, concatBytes(ah(60, 16), options, udp(4500, 4500, concatBytes(marker, ike))));
    expect(unitsOf({ data }).map((unit) => unit.kind)).toEqual(['ah', 'ike']);
  });

  it('AH longer than the packet stands alone', () => {
    expect(unitsOf({ data: ipv4(51, ah(50).with(1, 200)) }).map((unit) => unit.kind)).toEqual(['ah']);
  });

  it('in IP is looked into, not endlessly', () => {
    const inner = ipv4(50, esp, { src: '10.0.0.1', dst: '10.0.0.2' });
    expect(unitsOf({ data: ipv6(4, inner) })).toMatchObject([
      { kind: 'esp', src: { address: '10.0.0.1' }, ip: inner },
    ]);
    let deep = inner;
    for (let i = 0; i < 50; i++) deep = ipv4(4, deep);
    expect(unitsOf({ data: deep })).toEqual([]);
  });

  it('of length 0, as segmentation offload shows it, goes to the end of the frame', () => {
    expect(unitsOf({ data: ipv4(50, esp, { total: 0 }) })).toMatchObject([{ data: esp }]);
  });

  it('without room for an SPI and a sequence number gives nothing', () => {
    expect(unitsOf({ data: ipv4(50, esp.subarray(0, 7)) })).toEqual([]);
    expect(unitsOf({ data: ipv4(51, ah(50).subarray(0, 11)) })).toEqual([]);
  });

  it.each([
    ['a header longer than the packet', ipv4(50, esp).with(0, 0x4f).subarray(0, 40)],
    ['a header that is too short', ipv4(50, esp).with(0, 0x44)],
    ['another version', ipv4(50, esp).with(0, 0x55)],
    ['a total length inside the header', ipv4(50, esp, { total: 19 })],
    ['nothing', new Uint8Array(0)],
  ])('with %s is passed over', (_, data) => {
    expect(unitsOf({ data })).toEqual([]);
  });

  it('decrypted is looked into without state', () => {
    expect(unitsOfIp(ipv4(50, esp), 9, 5n)).toMatchObject([{ frame: 9, time: 5n, kind: 'esp', data: esp }]);
    expect(unitsOfIp(ipv4(50, esp, { more: true }), 9, 5n)).toEqual([]);
    expect(unitsOfIp(packet6, 9, 5n)).toMatchObject([
      { kind: 'ike', src: { address: '2001:db8::1', port: 500 } },
    ]);
  });

  it('gives the same endpoint object again, which cannot be changed', () => {
    const extractor = new UnitExtractor({ ports: [] });
    const [a] = extractor.take(rawFrame(packet));
    const [b] = extractor.take(rawFrame(packet));
    expect(a!.src).toBe(b!.src);
    expect(() => Object.assign(a!.src, { port: 1 })).toThrow(TypeError);
  });
});
