import { createHash } from 'node:crypto';
import { createMemory, instantiate } from '../../core/wasm.js';
import { type AuditHash, hashBytes } from './hashes.js';
import type { AuditTarget } from './material.js';
import type { HashDesign } from './wasm/design.js';
import { BLOCK_WORDS, type HmacExports, hmacModule, type Layout, layoutOf } from './wasm/hmac-module.js';
import { md5 } from './wasm/md5.js';
import { sha1 } from './wasm/sha1.js';
import { sha256, sha384, sha512 } from './wasm/sha2.js';

/** Each hash with the number of vectors side by side that was fastest in the benchmark. */
const designs: Readonly<Record<AuditHash, { design: HashDesign; groups: number }>> = {
  md5: { design: md5, groups: 3 },
  sha1: { design: sha1, groups: 3 },
  sha256: { design: sha256, groups: 2 },
  sha384: { design: sha384, groups: 2 },
  sha512: { design: sha512, groups: 2 },
};

/** Where a target's numbers are in the module's memory. */
interface Loaded {
  salt: number;
  saltBlocks: number;
  message: number;
  messageBlocks: number;
  expected: number;
}

/**
 * Tries several candidates at once against targets of one hash: they are put into lanes, made ready together, and tested
 * against one target after the other.
 */
export class Guesser {
  /** Candidates at a time. */
  readonly lanes: number;
  readonly #hash: AuditHash;
  readonly #memory: Uint8Array;
  readonly #module: HmacExports;
  readonly #targets: readonly Loaded[];
  /** Address of each byte of a candidate, counted from its lane's start. */
  readonly #byteAt: Uint32Array;
  readonly #laneAt: Uint32Array;
  /** Bytes of the candidate in each lane. */
  readonly #filled: Uint32Array;

  /** @param groups vectors side by side */
  constructor(hash: AuditHash, targets: readonly AuditTarget[], groups = designs[hash].groups) {
    const { design } = designs[hash];
    const { bytes } = design.words;
    const layout = layoutOf(design, groups);
    const blocks = targets.map(({ salt, message, proof }) => ({
      salt: schedulesBehindKey(design, salt),
      message: schedulesBehindKey(design, message),
      expected: wordsOf(design, proof.subarray(0, bytes)),
    }));
    const words = blocks.flatMap((each) => Object.values(each)).reduce((sum, { length }) => sum + length, 0);
    const memory = createMemory(layout.end + words * bytes);
    const writer = new WordWriter(memory.buffer, bytes);
    writeConstants(writer, design, layout, hashBytes[hash]);
    writer.at = layout.end;
    this.#targets = blocks.map(({ salt, message, expected }) => ({
      salt: writer.write(salt),
      saltBlocks: salt.length / design.constants.length,
      message: writer.write(message),
      messageBlocks: message.length / design.constants.length,
      expected: writer.write(expected),
    }));
    this.#hash = hash;
    this.#memory = new Uint8Array(memory.buffer);
    this.#module = instantiate(hmacModule(design, layout), memory) as HmacExports;
    this.lanes = layout.lanes;
    this.#byteAt = Uint32Array.from({ length: BLOCK_WORDS * bytes }, (_, index) => {
      const within = index % bytes;
      return Math.floor(index / bytes) * layout.stride + (design.littleEndian ? within : bytes - 1 - within);
    });
    this.#laneAt = Uint32Array.from({ length: layout.lanes }, (_, lane) => layout.key + lane * bytes);
    this.#filled = new Uint32Array(layout.lanes);
  }

  /** Puts a candidate, the bytes of `from` between two places, into a lane. */
  put(lane: number, from: Uint8Array, start: number, end: number): void {
    const blockBytes = this.#byteAt.length;
    const length = end - start;
    if (length > blockBytes) {
      // RFC 2104 2: a key that is longer than a block is used by its digest.
      const digest = createHash(this.#hash).update(from.subarray(start, end)).digest();
      this.put(lane, digest, 0, digest.length);
      return;
    }
    const base = this.#laneAt[lane]!;
    for (let i = 0; i < length; i++) this.#memory[base + this.#byteAt[i]!] = from[start + i]!;
    for (let i = length; i < this.#filled[lane]!; i++) this.#memory[base + this.#byteAt[i]!] = 0;
    this.#filled[lane] = length;
  }

  /** Makes the candidates in all lanes ready for {@link test}. */
  ready(): void {
    this.#module.key();
  }

  /**
   * Tests the candidates against one target, by its index.
   * @returns one bit for each lane that may be right: only the first word of the proof was compared, and lanes keep their
   * candidates until others take their place
   */
  test(target: number): number {
    const { salt, saltBlocks, message, messageBlocks, expected } = this.#targets[target]!;
    return this.#module.test(salt, saltBlocks, message, messageBlocks, expected);
  }
}

/** Writes words into the module's memory, one behind the other. */
class WordWriter {
  at = 0;
  readonly #view: DataView;

  constructor(
    buffer: ArrayBuffer,
    readonly bytes: 4 | 8,
  ) {
    this.#view = new DataView(buffer);
  }

  /** @returns where they begin */
  write(words: readonly bigint[]): number {
    const start = this.at;
    for (const word of words) {
      if (this.bytes === 8) this.#view.setBigUint64(this.at, word, true);
      else this.#view.setUint32(this.at, Number(word), true);
      this.at += this.bytes;
    }
    return start;
  }
}

function writeConstants(writer: WordWriter, design: HashDesign, layout: Layout, digestBytes: number): void {
  const { bytes } = design.words;
  const put = (at: number, words: readonly bigint[]): void => {
    writer.at = at;
    writer.write(words);
  };
  const repeated = (byte: number): bigint[] => wordsOf(design, new Uint8Array(bytes).fill(byte));
  const perState = layout.stride / bytes;
  put(
    layout.states.initial,
    design.initial.flatMap((word) => Array<bigint>(perState).fill(word)),
  );
  put(layout.one.constants, design.constants);
  put(layout.one.innerPad, repeated(0x36));
  put(layout.one.outerPad, repeated(0x5c));
  put(layout.one.tail, wordsOf(design, paddedBehindKey(design, new Uint8Array(digestBytes))));
}

/** Schedules of all blocks of a message that follows the key's block, constants added. */
function schedulesBehindKey(design: HashDesign, message: Uint8Array): bigint[] {
  const words = wordsOf(design, paddedBehindKey(design, message));
  return Array.from({ length: words.length / BLOCK_WORDS }, (_, block) =>
    scheduleOf(design, words.slice(block * BLOCK_WORDS, (block + 1) * BLOCK_WORDS)),
  ).flat();
}

function scheduleOf({ words, constants, expand, wordOf }: HashDesign, block: bigint[]): bigint[] {
  const trim = (value: bigint): bigint => BigInt.asUintN(words.bytes * 8, value);
  const message = [...block];
  while (expand && message.length < constants.length) {
    message.push(trim(expand.value(...expand.from.map((back) => message.at(-back)!))));
  }
  return constants.map((constant, round) => trim(message[wordOf(round)]! + constant));
}

/**
 * A message with padding and length (RFC 1321 3.1, FIPS 180-4 5.1). The length, of two words, counts the key's block
 * before it; its upper word is always zero here.
 */
function paddedBehindKey({ words, littleEndian }: HashDesign, message: Uint8Array): Uint8Array {
  const blockBytes = BLOCK_WORDS * words.bytes;
  const blocks = Math.ceil((message.length + 1 + 2 * words.bytes) / blockBytes);
  const padded = new Uint8Array(blocks * blockBytes);
  padded.set(message);
  padded[message.length] = 0x80;
  const bits = BigInt(blockBytes + message.length) * 8n;
  const lengthAt = padded.length - (littleEndian ? 2 * words.bytes : 8);
  new DataView(padded.buffer).setBigUint64(lengthAt, bits, littleEndian);
  return padded;
}

function wordsOf({ words, littleEndian }: HashDesign, data: Uint8Array): bigint[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: data.length / words.bytes }, (_, at) =>
    words.bytes === 8
      ? view.getBigUint64(at * 8, littleEndian)
      : BigInt(view.getUint32(at * 4, littleEndian)),
  );
}
