import { ByteWriter } from '../../core/bytes.js';

/**
 * A ByteWriter that may grow at any write. The base class picks up its view before it grows, so a number that crosses
 * the end of its buffer (256 bytes at first) is lost; only `bytes` grows in the right order. Goes when that is mended.
 */
export class PayloadWriter extends ByteWriter {
  readonly #scratch = new DataView(new ArrayBuffer(8));

  override u8(value: number): this {
    this.#scratch.setUint8(0, value);
    return this.#append(1);
  }

  override u16(value: number): this {
    this.#scratch.setUint16(0, value);
    return this.#append(2);
  }

  override u32(value: number): this {
    this.#scratch.setUint32(0, value);
    return this.#append(4);
  }

  override u64(value: bigint): this {
    this.#scratch.setBigUint64(0, value);
    return this.#append(8);
  }

  #append(length: number): this {
    return this.bytes(new Uint8Array(this.#scratch.buffer, 0, length));
  }
}
