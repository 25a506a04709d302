import { randomBytes } from 'node:crypto';
import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { KitError } from '../../core/errors.js';

export interface PcapngWriter {
  /**
   * @param packet a whole IPv4 or IPv6 packet
   * @param time nanoseconds since the epoch
   * @throws {KitError} `E_OUTPUT_FILE` (environment) when the disk takes no more
   */
  write(packet: Uint8Array, time: bigint): void;
  /** Puts the file in place. @throws {KitError} `E_OUTPUT_FILE` */
  close(): Promise<void>;
  /** Removes what was written, and leaves a file that was there before as it is. */
  abort(): Promise<void>;
}

const BUFFER = 256 << 10;
const LINKTYPE_RAW = 101;
const NANOSECONDS = 9;

/**
 * Starts a pcapng file of raw IP packets with times in nanoseconds, readable by its owner only: it holds what was
 * encrypted. It appears under its name when it is closed; a device or pipe is written at once.
 * @throws {KitError} `E_OUTPUT_FILE` (usage)
 */
export async function openWriter(path: string): Promise<PcapngWriter> {
  const isSpecial = statSync(path, { throwIfNoEntry: false })?.isFile() === false;
  const target = isSpecial ? path : `${path}.${randomBytes(6).toString('hex')}.part`;
  try {
    return new FileWriter(openSync(target, isSpecial ? 'w' : 'wx', 0o600), path, target);
  } catch (cause) {
    throw outputError('usage', path, cause);
  }
}

class FileWriter implements PcapngWriter {
  readonly #buffer = new Uint8Array(BUFFER);
  readonly #view = new DataView(this.#buffer.buffer);
  #length = 0;
  #open = true;

  constructor(
    readonly fd: number,
    readonly path: string,
    readonly target: string,
  ) {
    this.#writeHead();
  }

  write(packet: Uint8Array, time: bigint): void {
    const padded = (packet.length + 3) & ~3;
    const length = 32 + padded;
    if (length > BUFFER) throw outputError('bug', this.path, `a packet of ${packet.length} bytes`);
    if (this.#length + length > BUFFER) this.#flush();
    const at = this.#length;
    // Enhanced packet block: interface 0, no options.
    this.#words(6, length, 0, Number((time >> 32n) & 0xffffffffn), Number(time & 0xffffffffn));
    this.#words(packet.length, packet.length);
    this.#buffer.set(packet, this.#length);
    this.#buffer.fill(0, this.#length + packet.length, this.#length + padded);
    this.#length = at + 28 + padded;
    this.#words(length);
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#flush();
    this.#finish();
    if (this.target === this.path) return;
    try {
      renameSync(this.target, this.path);
    } catch (cause) {
      rmSync(this.target, { force: true });
      throw outputError('environment', this.path, cause);
    }
  }

  async abort(): Promise<void> {
    if (!this.#open) return;
    this.#finish();
    if (this.target !== this.path) rmSync(this.target, { force: true });
  }

  #finish(): void {
    this.#open = false;
    closeSync(this.fd);
  }

  /** Section header of unknown length, and one interface without a snapshot length. */
  #writeHead(): void {
    this.#words(0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28);
    // Option if_tsresol (9) of one byte, padded to four, and the end of options.
    this.#words(1, 32, LINKTYPE_RAW, 0, (1 << 16) | 9, NANOSECONDS, 0, 32);
  }

  /** Little-endian words at the end of the buffer. */
  #words(...values: readonly number[]): void {
    for (const value of values) {
      this.#view.setUint32(this.#length, value, true);
      this.#length += 4;
    }
  }

  #flush(): void {
    try {
      for (let at = 0; at < this.#length; ) at += writeSync(this.fd, this.#buffer, at, this.#length - at);
    } catch (cause) {
      throw outputError('environment', this.path, cause);
    }
    this.#length = 0;
  }
}

function outputError(kind: 'usage' | 'environment' | 'bug', path: string, cause: unknown): KitError {
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  return new KitError(kind, 'E_OUTPUT_FILE', `${path} cannot be written: ${reason}`, { cause });
}
