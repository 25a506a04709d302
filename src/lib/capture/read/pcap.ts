import { Damage, MAX_FRAME, type RecordReader, type RecordSink } from './records.js';

const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;
/** Kuznetsov's: eight bytes more in each record header (interface, protocol, packet type). */
const MODIFIED = 0xa1b2cd34;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const MODIFIED_RECORD_HEADER = 24;

/** Whether a file that begins with these four bytes is pcap, of either byte order. */
export function isPcap(view: DataView): boolean {
  return isMagic(view.getUint32(0, true)) || isMagic(view.getUint32(0, false));
}

function isMagic(value: number): boolean {
  return value === MICROSECONDS || value === NANOSECONDS || value === MODIFIED;
}

/** pcap (draft-ietf-opsawg-pcap): a file header, then packet records, all in the writer's byte order. */
export class PcapReader implements RecordReader {
  need = FILE_HEADER;
  skip = 0;
  #started = false;
  #little = true;
  #headerBytes = RECORD_HEADER;
  /** Nanoseconds in a unit of the second timestamp field. */
  #unit = 1000;
  #linkType = 0;
  #second = -1;
  #secondTime = 0n;

  get what(): string {
    if (!this.#started) return 'the file header';
    return this.need > this.#headerBytes ? 'a packet' : 'a packet header';
  }

  read(data: Uint8Array, view: DataView, at: number, _offset: number, sink: RecordSink): number {
    if (!this.#started) return this.#readFileHeader(view, at);
    const little = this.#little;
    const captured = view.getUint32(at + 8, little);
    const length = this.#headerBytes + captured;
    if (captured > MAX_FRAME) throw new Damage(`a packet of ${captured} bytes cannot be`, 8);
    if (at + length > data.length) {
      this.need = length;
      return 0;
    }
    this.need = this.#headerBytes;
    const second = view.getUint32(at, little);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondTime = BigInt(second) * 1_000_000_000n;
    }
    sink.count += 1;
    sink.frames.push({
      frame: sink.count,
      time: this.#secondTime + BigInt(view.getUint32(at + 4, little) * this.#unit),
      linkType: this.#linkType,
      data: data.subarray(at + this.#headerBytes, at + length),
      originalLength: Math.max(view.getUint32(at + 12, little), captured),
    });
    return length;
  }

  #readFileHeader(view: DataView, at: number): number {
    this.#little = isMagic(view.getUint32(at, true));
    const magic = view.getUint32(at, this.#little);
    const major = view.getUint16(at + 4, this.#little);
    if (major !== 2) throw new Damage(`pcap of version ${major} is not known`, 4);
    this.#unit = magic === NANOSECONDS ? 1 : 1000;
    this.#headerBytes = magic === MODIFIED ? MODIFIED_RECORD_HEADER : RECORD_HEADER;
    // The upper half tells the length of frame check sequences, which the lengths inside the packets make needless.
    this.#linkType = view.getUint32(at + 20, this.#little) & 0xffff;
    this.#started = true;
    this.need = this.#headerBytes;
    return FILE_HEADER;
  }
}
