import { readBatches } from '../../../../src/lib/capture/read/capture.js';
import type { CapturedFrame, CaptureNote } from '../../../../src/lib/capture/types.js';
import { concatBytes } from '../../../../src/lib/core/bytes.js';
import { parseIp } from '../../../../src/lib/core/ip.js';

/** Numbers as bytes: `be(2, 0x1234)`. */
export function be(size: 1 | 2 | 4, ...values: number[]): Uint8Array {
  return numbers(size, false, values);
}

function numbers(size: 1 | 2 | 4, little: boolean, values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(size * values.length));
  values.forEach((value, i) => {
    if (size === 1) view.setUint8(i, value);
    else if (size === 2) view.setUint16(2 * i, value, little);
    else view.setUint32(4 * i, value, little);
  });
  return new Uint8Array(view.buffer);
}

export interface Packet {
  data: Uint8Array;
  seconds?: number;
  fraction?: number;
  original?: number;
}

/** A pcap file. */
export function pcap(
  packets: readonly Packet[],
  { little = true, magic = 0xa1b2c3d4, linkType = 101, version = 2 } = {},
): Uint8Array {
  const isModified = magic === 0xa1b2cd34;
  const parts = packets.flatMap(({ data, seconds = 1, fraction = 0, original = data.length }) => [
    numbers(4, little, [seconds, fraction, data.length, original]),
    new Uint8Array(isModified ? 8 : 0),
    data,
  ]);
  const header = [
    numbers(4, little, [magic]),
    numbers(2, little, [version, 4]),
    numbers(4, little, [0, 0, 262_144, linkType]),
  ];
  return new Uint8Array(Buffer.concat([...header, ...parts]));
}

/** A block of a pcapng file. */
export function block(type: number, body: Uint8Array, little = true): Uint8Array {
  const padding = new Uint8Array(-body.length & 3);
  const length = numbers(4, little, [12 + body.length + padding.length]);
  return concatBytes(numbers(4, little, [type]), length, body, padding, length);
}

export function section(little = true, version = 1): Uint8Array {
  const body = concatBytes(
    numbers(4, little, [0x1a2b3c4d]),
    numbers(2, little, [version, 0]),
    numbers(4, little, [0xffffffff, 0xffffffff]),
  );
  return block(0x0a0d0d0a, body, little);
}

export function networkInterface(
  linkType: number,
  { little = true, snapLength = 0, resolution, offset }: InterfaceOptions = {},
): Uint8Array {
  const option = (code: number, value: Uint8Array) =>
    concatBytes(numbers(2, little, [code, value.length]), value, new Uint8Array(-value.length & 3));
  return block(
    1,
    concatBytes(
      numbers(2, little, [linkType, 0]),
      numbers(4, little, [snapLength]),
      option(2, new TextEncoder().encode('eth0x')),
      ...(resolution === undefined ? [] : [option(9, be(1, resolution))]),
      ...(offset === undefined ? [] : [option(14, int64(offset, little))]),
      ...(resolution === undefined ? [] : [option(0, new Uint8Array(0))]),
    ),
    little,
  );
}

export interface InterfaceOptions {
  little?: boolean;
  snapLength?: number;
  resolution?: number;
  offset?: bigint;
}

function int64(value: bigint, little: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, value, little);
  return new Uint8Array(view.buffer);
}

export function enhancedPacket(
  data: Uint8Array,
  { little = true, id = 0, ticks = 0n, original = data.length } = {},
): Uint8Array {
  const time = [Number(ticks >> 32n), Number(ticks & 0xffffffffn)];
  const head = numbers(4, little, [id, ...time, data.length, original]);
  return block(6, concatBytes(head, data), little);
}

export function simplePacket(data: Uint8Array, { little = true, original = data.length } = {}): Uint8Array {
  return block(3, concatBytes(numbers(4, little, [original]), data), little);
}

/** The obsolete packet block. */
export function oldPacket(data: Uint8Array, { little = true, id = 0, ticks = 0n } = {}): Uint8Array {
  const head = concatBytes(
    numbers(2, little, [id, 0xffff]),
    numbers(4, little, [Number(ticks >> 32n), Number(ticks & 0xffffffffn), data.length, data.length]),
  );
  return block(2, concatBytes(head, data), little);
}

export interface Ipv4Options {
  src?: string;
  dst?: string;
  id?: number;
  /** In bytes. */
  offset?: number;
  more?: boolean;
  options?: Uint8Array;
  total?: number;
}

export function ipv4(protocol: number, payload: Uint8Array, o: Ipv4Options = {}): Uint8Array {
  const options = o.options ?? new Uint8Array(0);
  const header = 20 + options.length;
  return concatBytes(
    be(1, 0x40 | (header / 4), 0),
    be(2, o.total ?? header + payload.length, o.id ?? 0, (o.more ? 0x2000 : 0) | ((o.offset ?? 0) / 8)),
    be(1, 64, protocol),
    be(2, 0),
    parseIp(o.src ?? '192.0.2.1'),
    parseIp(o.dst ?? '192.0.2.2'),
    options,
    payload,
  );
}

/** @param extensions numbers and bodies of extension headers, without their first byte */
export function ipv6(
  protocol: number,
  payload: Uint8Array,
  extensions: readonly [number, Uint8Array][] = [],
): Uint8Array {
  const numbersAfter = [...extensions.map(([number]) => number), protocol];
  const headers = extensions.map(([, body], i) => concatBytes(be(1, numbersAfter[i + 1]!), body));
  const rest = concatBytes(...headers, payload);
  return concatBytes(
    be(4, 0x60000000),
    be(2, rest.length),
    be(1, numbersAfter[0]!, 64),
    parseIp('2001:db8::1'),
    parseIp('2001:db8::2'),
    rest,
  );
}

export function udp(src: number, dst: number, payload: Uint8Array, length = 8 + payload.length): Uint8Array {
  return concatBytes(be(2, src, dst, length, 0), payload);
}

export interface TcpOptions {
  sequence: number;
  flags?: number;
  src?: number;
  dst?: number;
}

export function tcp(
  payload: Uint8Array,
  { sequence, flags = 0x18, src = 4500, dst = 40_000 }: TcpOptions,
): Uint8Array {
  return concatBytes(be(2, src, dst), be(4, sequence, 0), be(1, 0x50, flags), be(2, 0xffff, 0, 0), payload);
}

/** An IKEv2 message of so many bytes, which is recognised as one; no more than its header is well-formed. */
export function ikeMessage(length = 60, spi = 0x1111): Uint8Array {
  const message = concatBytes(
    be(4, spi, spi, 0, 0),
    be(1, 0, 0x20, 34, 8),
    be(4, 0, length),
    new Uint8Array(length - 28),
  );
  return message.map((byte, i) => (i < 28 ? byte : i & 0xff));
}

export function espPacket(spi = 0xc0ffee01, sequence = 1, length = 40): Uint8Array {
  return concatBytes(be(4, spi, sequence), new Uint8Array(length - 8).fill(0xee));
}

export function ethernet(type: number, payload: Uint8Array): Uint8Array {
  return concatBytes(new Uint8Array(12).fill(2), be(2, type), payload);
}

/** A frame of raw IP. */
export function rawFrame(data: Uint8Array, frame = 1, time = 0n): CapturedFrame {
  return { frame, time, linkType: 101, data, originalLength: data.length };
}

export async function* chunks(data: Uint8Array, size = data.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

/** All frames and notes of a file, given in chunks of so many bytes. */
export async function readAll(
  file: Uint8Array,
  size?: number,
): Promise<{ frames: CapturedFrame[]; notes: CaptureNote[] }> {
  const frames: CapturedFrame[] = [];
  const notes: CaptureNote[] = [];
  for await (const batch of readBatches(chunks(file, size), (note) => notes.push(note)))
    frames.push(...batch);
  return { frames, notes };
}
