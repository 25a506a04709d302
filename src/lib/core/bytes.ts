import { WireError } from './errors.js';

/** Bounds-checked big-endian reader over one unit of bytes. Reads past the end throw {@link WireError} `E_TRUNCATED`. */
export class ByteReader {
  #at = 0;

  constructor(readonly data: Uint8Array) {}

  /** Bytes read so far. */
  get offset(): number {
    return this.#at;
  }

  /** Bytes left. */
  get remaining(): number {
    return this.data.length - this.#at;
  }

  u8(): number {
    return this.data[this.#take(1)]!;
  }

  u16(): number {
    return this.#u16At(this.#take(2));
  }

  u32(): number {
    return this.#u32At(this.#take(4));
  }

  u64(): bigint {
    const at = this.#take(8);
    return (BigInt(this.#u32At(at)) << 32n) | BigInt(this.#u32At(at + 4));
  }

  /** The next `length` bytes, as a view of the same memory. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.data.subarray(at, at + length);
  }

  /** All bytes that are left, as a view. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  // Thousands of readers are made for a capture; a DataView for each would cost more than these two lines.
  #u16At(at: number): number {
    return (this.data[at]! << 8) | this.data[at + 1]!;
  }

  #u32At(at: number): number {
    return ((this.#u16At(at) << 16) | this.#u16At(at + 2)) >>> 0;
  }

  #take(length: number): number {
    const at = this.#at;
    if (length < 0 || at + length > this.data.length) {
      throw new WireError('E_TRUNCATED', `${length} bytes wanted, ${this.remaining} left`, at);
    }
    this.#at = at + length;
    return at;
  }
}

/** Growing big-endian writer. */
export class ByteWriter {
  #buffer = new Uint8Array(256);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value);
    return this;
  }

  u64(value: bigint): this {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, value);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#buffer.set(value, at);
    return this;
  }

  /** Overwrites two bytes already written, for lengths known only afterwards. */
  patchU16(at: number, value: number): this {
    this.#view.setUint16(at, value);
    return this;
  }

  /** Overwrites four bytes already written. */
  patchU32(at: number, value: number): this {
    this.#view.setUint32(at, value);
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  #grow(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#buffer.length) {
      const bigger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
      bigger.set(this.#buffer);
      this.#buffer = bigger;
      this.#view = new DataView(bigger.buffer);
    }
    this.#length = needed;
    return at;
  }
}

/** One array of all parts, in order. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Equality of public bytes; for secrets use `constantTimeEqual`. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Lexicographic order, as RFC 7296 2.8.1 compares nonces: negative when `a` comes first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Lower-case hex without separators. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Bytes of a hex string. @throws RangeError on anything that is not whole hex bytes. */
export function fromHex(hex: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/i.test(hex)) throw new RangeError('not a hex string');
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

const text = new TextEncoder();

/** UTF-8 bytes of a string. */
export function utf8(value: string): Uint8Array {
  return text.encode(value);
}
