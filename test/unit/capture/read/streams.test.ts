import { describe, expect, it } from 'vitest';
import { UnitExtractor } from '../../../../src/lib/capture/read/units.js';
import type { Unit } from '../../../../src/lib/capture/types.js';
import { concatBytes, utf8 } from '../../../../src/lib/core/bytes.js';
import { be, espPacket, ikeMessage, ipv4, ipv6, rawFrame, type TcpOptions, tcp } from './build.js';

const SYN = 0x02;
const RST = 0x04;
const SYN_ACK = 0x12;
const prefix = utf8('IKETCP');
const messages = [
  ikeMessage(100),
  espPacket(0xaaaa0001, 1, 80),
  ikeMessage(200, 0x2222),
  espPacket(0xaaaa0001, 2, 60),
];

/** RFC 9329 3: the length counts itself; IKE has the non-ESP marker. */
function framed(message: Uint8Array): Uint8Array {
  const isIke = message[17] === 0x20;
  const body = concatBytes(isIke ? new Uint8Array(4) : new Uint8Array(0), message);
  return concatBytes(be(2, body.length + 2), body);
}

const stream = concatBytes(prefix, ...messages.map(framed));
const START = 0xffffff80;

class Connection {
  readonly extractor: UnitExtractor;
  readonly #ports: Pick<TcpOptions, 'src' | 'dst'>;
  #frame = 0;

  constructor(ports: Pick<TcpOptions, 'src' | 'dst'> = { src: 40_000, dst: 4500 }, tcpPorts: number[] = []) {
    this.#ports = ports;
    this.extractor = new UnitExtractor({ ports: [], tcpPorts });
  }

  /** Sends bytes `from` to `to` of `data`; sequence numbers begin after START and wrap. */
  send(from: number, to: number, data = stream, flags = 0x18): Unit[] {
    this.#frame += 1;
    const sequence = (START + 1 + from) >>> 0;
    return this.extractor.take(
      rawFrame(ipv4(6, tcp(data.subarray(from, to), { sequence, flags, ...this.#ports })), this.#frame),
    );
  }

  /** @param flags with ACK for the side that answers */
  open(flags = SYN): this {
    this.send(-1, -1, new Uint8Array(0), flags);
    return this;
  }

  /** The other side acknowledges the first `to` bytes. */
  acknowledge(to: number): void {
    const { src = 0, dst = 0 } = this.#ports;
    const segment = tcp(new Uint8Array(0), { sequence: 1, flags: 0x10, src: dst, dst: src });
    segment.set(be(4, (START + 1 + to) >>> 0), 8);
    this.#frame += 1;
    this.extractor.take(rawFrame(ipv4(6, segment, { src: '192.0.2.2', dst: '192.0.2.1' }), this.#frame));
  }
}

function bytes(units: readonly Unit[]): Uint8Array[] {
  return units.map((unit) => unit.data);
}

describe('TCP streams', () => {
  it('are read from the beginning, in one segment', () => {
    const units = new Connection().open().send(0, stream.length);
    expect(bytes(units)).toEqual(messages);
    expect(units.map((unit) => unit.kind)).toEqual(['ike', 'esp', 'ike', 'esp']);
    expect(units[0]).toMatchObject({
      carrier: 'tcp',
      encapsulated: true,
      frame: 2,
      src: { address: '192.0.2.1', port: 40_000 },
      dst: { address: '192.0.2.2', port: 4500 },
      offset: 40 + 6 + 2 + 4,
    });
    expect(units[1]).toMatchObject({ offset: 40 + 6 + 106 + 2 });
  });

  it.each([1, 2, 3, 5, 7, 50, 99, 110, 400])('are read in segments of %i bytes', (size) => {
    const connection = new Connection().open();
    const units: Unit[] = [];
    for (let at = 0; at < stream.length; at += size)
      units.push(...connection.send(at, Math.min(at + size, stream.length)));
    expect(bytes(units)).toEqual(messages);
  });

  it('tell the frames of a message that came in several', () => {
    const connection = new Connection().open();
    expect(connection.send(0, 20)).toEqual([]);
    expect(connection.send(20, 60)).toEqual([]);
    const [unit] = connection.send(60, 112);
    expect(unit).toMatchObject({ frame: 4, frames: [2, 3, 4], data: messages[0] });
    expect(unit).not.toHaveProperty('offset');
  });

  it('are read out of order, repeated and overlapping', () => {
    const connection = new Connection().open();
    const pieces = [
      [300, 400],
      [100, 200],
      [50, 150],
      [400, stream.length],
      [200, 300],
      [0, 60],
      [0, 60],
      [60, 120],
      [10, 500],
    ] as const;
    const units = pieces.flatMap(([from, to]) => connection.send(from, Math.min(to, stream.length)));
    expect(bytes(units)).toEqual(messages);
  });

  it('are found on any port by their prefix, with the answers', () => {
    const there = new Connection({ src: 50_000, dst: 443 });
    expect(bytes(there.send(0, stream.length))).toEqual(messages);
    const answer = concatBytes(...messages.map(framed));
    const back = rawFrame(
      ipv4(6, tcp(answer, { sequence: 1, src: 443, dst: 50_000 }), { src: '192.0.2.2', dst: '192.0.2.1' }),
      9,
    );
    expect(bytes(there.extractor.take(back))).toEqual(messages);
  });

  it('without the prefix on other ports are left alone', () => {
    const answer = concatBytes(...messages.map(framed));
    expect(new Connection({ src: 50_000, dst: 443 }).open(SYN_ACK).send(0, answer.length, answer)).toEqual(
      [],
    );
    const named = new Connection({ src: 50_000, dst: 443 }, [443]).open(SYN_ACK);
    expect(bytes(named.send(0, answer.length, answer))).toEqual(messages);
  });

  it('begun before the capture are picked up where a message begins', () => {
    const connection = new Connection();
    const second = 6 + 106;
    expect(connection.send(50, second)).toEqual([]);
    expect(bytes(connection.send(second, stream.length))).toEqual(messages.slice(1));
  });

  it('with a gap go on after it, and say so', () => {
    const connection = new Connection().open();
    connection.send(0, 50);
    const filler = concatBytes(...Array.from({ length: 600 }, (_, i) => framed(espPacket(1, i, 40))));
    const units: Unit[] = [];
    for (let at = 0; at < filler.length; at += 42) {
      units.push(
        ...connection.extractor.take(
          rawFrame(
            ipv4(
              6,
              tcp(filler.subarray(at, at + 42), {
                sequence: (START + 1 + 112 + at) >>> 0,
                src: 40_000,
                dst: 4500,
              }),
            ),
            at,
          ),
        ),
      );
    }
    expect(units).toHaveLength(600);
    connection.extractor.finish();
    expect(connection.extractor.notes).toMatchObject([{ code: 'N_TCP_GAP' }]);
  });

  it('with a gap that the other side has filled go on at once', () => {
    const connection = new Connection().open();
    connection.send(0, 50);
    expect(connection.send(112, 194)).toEqual([]);
    connection.acknowledge(112);
    expect(bytes(connection.send(194, stream.length))).toEqual(messages.slice(1));
  });

  it('that do not begin with the prefix carry something else, both ways, until they are opened again', () => {
    const hello = be(1, 0x16, 3, 1, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    const connection = new Connection({ src: 50_000, dst: 443 }, [443]).open();
    expect(connection.send(0, hello.length, hello)).toEqual([]);
    expect(connection.send(hello.length, stream.length)).toEqual([]);
    const answer = tcp(framed(messages[0]!), { sequence: 5, src: 443, dst: 50_000 });
    const back = ipv4(6, answer, { src: '192.0.2.2', dst: '192.0.2.1' });
    expect(connection.extractor.take(rawFrame(back))).toEqual([]);
    expect(bytes(connection.open().send(0, stream.length))).toEqual(messages);
  });

  it('with a length of 0 or 1 lose their step and find it again', () => {
    for (const length of [0, 1]) {
      const bad = concatBytes(prefix, be(2, length), new Uint8Array(9), ...messages.map(framed));
      const connection = new Connection().open();
      expect(connection.send(0, 17, bad)).toEqual([]);
      expect(bytes(connection.send(17, bad.length, bad))).toEqual(messages);
    }
  });

  it('pass over messages too short for an SPI, but not a keepalive', () => {
    const data = concatBytes(
      prefix,
      be(2, 2),
      be(2, 3),
      be(1, 0xff),
      be(2, 5, 0x0102),
      be(1, 3),
      framed(messages[1]!),
    );
    const units = new Connection().open().send(0, data.length, data);
    expect(units.map((unit) => unit.kind)).toEqual(['keepalive', 'esp']);
  });

  it('begin again after SYN or RST', () => {
    const connection = new Connection().open();
    connection.send(0, 50);
    connection.open();
    expect(bytes(connection.send(0, stream.length))).toEqual(messages);
    connection.send(0, 0, stream, RST);
    expect(connection.send(60, 80)).toEqual([]);
    expect(bytes(connection.open().send(0, stream.length))).toEqual(messages);
  });

  it('over IPv6', () => {
    const segment = ipv6(6, tcp(stream, { sequence: 5, dst: 4500, src: 1 }));
    expect(bytes(new UnitExtractor({ ports: [] }).take(rawFrame(segment)))).toEqual(messages);
  });

  it('cut by the capture go on after the cut', () => {
    const connection = new Connection().open();
    const whole = ipv4(
      6,
      tcp(stream.subarray(0, 112), { sequence: (START + 1) >>> 0, src: 40_000, dst: 4500 }),
    );
    expect(
      connection.extractor.take({ ...rawFrame(whole.subarray(0, 70)), originalLength: whole.length }),
    ).toEqual([]);
    expect(bytes(connection.send(112, stream.length))).toEqual(messages.slice(1));
  });

  it('with headers that lie are passed over', () => {
    const segment = tcp(stream, { sequence: 1, dst: 4500 });
    for (const offset of [0x00, 0x40, 0xf0]) {
      const cut = segment.with(12, offset).subarray(0, 40);
      expect(new UnitExtractor({ ports: [] }).take(rawFrame(ipv4(6, cut)))).toEqual([]);
    }
  });

  it('in a flood do not fill the memory', () => {
    const extractor = new UnitExtractor({ ports: [] });
    const memory = () => process.memoryUsage().arrayBuffers;
    const before = memory();
    const data = new Uint8Array(30_000).fill(0x77);
    for (let i = 0; i < 5000; i++) {
      for (const [sequence, flags] of [
        [0, SYN],
        [50_000 + i, 0x18],
        [1, 0x18],
      ] as const) {
        extractor.take(rawFrame(ipv4(6, tcp(data, { sequence, flags, src: i, dst: 4500 })), i));
      }
    }
    expect(memory() - before).toBeLessThan(150 << 20);
  });
});
