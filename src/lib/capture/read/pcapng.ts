import { Damage, MAX_FRAME, type RecordReader, type RecordSink } from './records.js';

const Block = {
  section: 0x0a0d0d0a,
  interface: 1,
  /** Obsolete, from before the enhanced packet block. */
  packet: 2,
  simplePacket: 3,
  enhancedPacket: 6,
  decryptionSecrets: 10,
} as const;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPTION_TSRESOL = 9;
const OPTION_TSOFFSET = 14;
/** Type and length before the body, the length again after it. */
const FRAME = 12;
/** A packet with its options; other blocks may be longer, they are passed over without being held. */
const MAX_BLOCK = MAX_FRAME + (1 << 16);
const MAX_INTERFACES = 65_536;
const SECOND = 1_000_000_000n;

interface Interface {
  linkType: number;
  snapLength: number;
  /** Nanoseconds = ticks * multiplier / divisor + offset. */
  multiplier: bigint;
  divisor: bigint;
  offset: bigint;
}

/** Whether a file that begins with these four bytes is pcapng. The type of the first block reads alike in both orders. */
export function isPcapng(view: DataView): boolean {
  return view.getUint32(0) === Block.section;
}

/** pcapng (draft-ietf-opsawg-pcapng): sections of blocks, each section with its own byte order and interfaces. */
export class PcapngReader implements RecordReader {
  need = FRAME;
  skip = 0;
  #little = true;
  #interfaces: Interface[] = [];
  #secretsNoted = false;
  #high = -1;
  #highTicks = 0n;

  get what(): string {
    return this.need > FRAME ? 'a block' : 'the head of a block';
  }

  read(data: Uint8Array, view: DataView, at: number, offset: number, sink: RecordSink): number {
    const type = view.getUint32(at, this.#little);
    const isSection = type === Block.section;
    if (isSection) this.#readByteOrder(view, at);
    const length = view.getUint32(at + 4, this.#little);
    if (length < FRAME || length % 4 !== 0) throw new Damage(`a block of ${length} bytes cannot be`, 4);
    const isHeld = isSection || type === Block.interface || isPacket(type);
    if (isHeld && length > MAX_BLOCK) throw new Damage(`a block of ${length} bytes is too long`, 4);
    const wanted = isHeld ? length : FRAME;
    if (at + wanted > data.length) {
      this.need = wanted;
      return 0;
    }
    this.need = FRAME;
    if (isHeld) {
      if (view.getUint32(at + length - 4, this.#little) !== length) {
        throw new Damage('the two lengths of a block differ', length - 4);
      }
      this.#readBlock(type, data, view, at, at + length - 4, sink);
      return length;
    }
    if (type === Block.decryptionSecrets && !this.#secretsNoted) {
      this.#secretsNoted = true;
      const message = 'Passed over the decryption secrets in the file: keys are taken from key files only';
      sink.note({ code: 'N_DECRYPTION_SECRETS', message, offset });
    }
    this.skip = length - FRAME;
    return FRAME;
  }

  /** The byte order of a section is told by its own header, before the length can be read. */
  #readByteOrder(view: DataView, at: number): void {
    if (view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC) this.#little = true;
    else if (view.getUint32(at + 8, false) === BYTE_ORDER_MAGIC) this.#little = false;
    else throw new Damage('a section header has no byte-order magic', 8);
  }

  #readBlock(
    type: number,
    data: Uint8Array,
    view: DataView,
    at: number,
    end: number,
    sink: RecordSink,
  ): void {
    if (type === Block.section) this.#readSection(view, at, end);
    else if (type === Block.interface) this.#readInterface(view, at, end);
    else if (type === Block.simplePacket) this.#readSimplePacket(data, view, at, end, sink);
    else this.#readPacket(type, data, view, at, end, sink);
  }

  #readSection(view: DataView, at: number, end: number): void {
    if (end - at < 24) throw new Damage('a section header is too short', 4);
    const major = view.getUint16(at + 12, this.#little);
    if (major !== 1) throw new Damage(`pcapng of version ${major} is not known`, 12);
    this.#interfaces = [];
  }

  #readInterface(view: DataView, at: number, end: number): void {
    if (end - at < 16) throw new Damage('an interface description is too short', 4);
    if (this.#interfaces.length === MAX_INTERFACES) throw new Damage('too many interfaces', 0);
    const entry: Interface = {
      linkType: view.getUint16(at + 8, this.#little),
      snapLength: view.getUint32(at + 12, this.#little),
      multiplier: 1000n,
      divisor: 1n,
      offset: 0n,
    };
    for (let option = at + 16; option + 4 <= end; ) {
      const code = view.getUint16(option, this.#little);
      const length = view.getUint16(option + 2, this.#little);
      const value = option + 4;
      if (code === 0 || value + length > end) break;
      if (code === OPTION_TSRESOL && length === 1) setResolution(entry, view.getUint8(value));
      if (code === OPTION_TSOFFSET && length === 8) {
        entry.offset = view.getBigInt64(value, this.#little) * SECOND;
      }
      option = value + ((length + 3) & ~3);
    }
    this.#interfaces.push(entry);
  }

  #readPacket(
    type: number,
    data: Uint8Array,
    view: DataView,
    at: number,
    end: number,
    sink: RecordSink,
  ): void {
    const body = at + 28;
    if (body > end) throw new Damage('a packet block is too short', 4);
    const little = this.#little;
    const id = type === Block.packet ? view.getUint16(at + 8, little) : view.getUint32(at + 8, little);
    const source = this.#interfaces[id];
    if (source === undefined)
      throw new Damage(`a packet came from interface ${id}, which is not described`, 8);
    const captured = view.getUint32(at + 20, little);
    if (captured > MAX_FRAME || body + captured > end)
      throw new Damage('a packet is longer than its block', 20);
    const high = view.getUint32(at + 12, little);
    if (high !== this.#high) {
      this.#high = high;
      this.#highTicks = BigInt(high) << 32n;
    }
    sink.count += 1;
    sink.frames.push({
      frame: sink.count,
      time: timeOf(this.#highTicks + BigInt(view.getUint32(at + 16, little)), source),
      linkType: source.linkType,
      data: data.subarray(body, body + captured),
      originalLength: Math.max(view.getUint32(at + 24, little), captured),
    });
  }

  /** Neither time nor captured length are in the block: the length follows from the snapshot length (section 4.4). */
  #readSimplePacket(data: Uint8Array, view: DataView, at: number, end: number, sink: RecordSink): void {
    const body = at + 12;
    const source = this.#interfaces[0];
    if (body > end) throw new Damage('a packet block is too short', 4);
    if (source === undefined) throw new Damage('a packet came before any interface was described', 0);
    const original = view.getUint32(at + 8, this.#little);
    const captured = source.snapLength > 0 ? Math.min(original, source.snapLength) : original;
    if (captured > MAX_FRAME || body + captured > end)
      throw new Damage('a packet is longer than its block', 8);
    sink.count += 1;
    sink.frames.push({
      frame: sink.count,
      time: 0n,
      linkType: source.linkType,
      data: data.subarray(body, body + captured),
      originalLength: original,
    });
  }
}

function isPacket(type: number): boolean {
  return type === Block.enhancedPacket || type === Block.simplePacket || type === Block.packet;
}

/** if_tsresol: a negative power of ten, or of two when the highest bit is set. */
function setResolution(entry: Interface, value: number): void {
  const power = value & 0x7f;
  if (value >= 0x80) {
    entry.multiplier = SECOND;
    entry.divisor = 1n << BigInt(power);
  } else if (power <= 9) {
    entry.multiplier = 10n ** BigInt(9 - power);
    entry.divisor = 1n;
  } else {
    entry.multiplier = 1n;
    entry.divisor = 10n ** BigInt(power - 9);
  }
}

/** Kept within 64 bits, so that no made-up resolution or offset yields a time that nothing can print. */
function timeOf(ticks: bigint, { multiplier, divisor, offset }: Interface): bigint {
  let time = multiplier === 1n ? ticks : ticks * multiplier;
  if (divisor !== 1n) time /= divisor;
  return BigInt.asUintN(64, offset === 0n ? time : time + offset);
}
