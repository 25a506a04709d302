import { createReadStream } from 'node:fs';
import { mkdir, open, stat, unlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { KitError } from '../lib/core/errors.js';
import { printable } from '../lib/core/printable.js';
import { writeFileSafely } from '../lib/pki/atomic-file.js';
import {
  type AuditTarget,
  LARGEST_MATERIAL,
  type LeftOutLine,
  MOST_TARGETS,
  parseMaterial,
} from '../lib/psk/audit/material.js';
import {
  type AuditState,
  assertSameList,
  formatState,
  HEAD_BYTES,
  parseState,
} from '../lib/psk/audit/state.js';

/** Bytes that are read, and handed to a thread, at a time. */
const CHUNK = 1 << 17;
/** A saved place has a few hundred bytes, and some for each key. */
const LARGEST_STATE = 1 << 20;

/** Hashes of a file. */
export interface Material {
  targets: AuditTarget[];
  /** Lines that cannot be audited. */
  leftOut: LeftOutLine[];
  /** Lines behind those that one audit takes. */
  rest: number;
}

/**
 * Reads the hashes of a file, the first of them where there are more than one audit takes.
 * @param path `-` is standard input
 * @throws KitError usage E_PSK_MATERIAL_FILE, E_PSK_MATERIAL
 */
export async function readMaterial(path: string): Promise<Material> {
  const lines = (await readSmall(path, LARGEST_MATERIAL, 'E_PSK_MATERIAL_FILE')).split('\n');
  const filled = lines.flatMap((line, at) => (/^\s*[^\s#]/.test(line) ? [at] : []));
  const end = filled[MOST_TARGETS] ?? lines.length;
  const rest = Math.max(0, filled.length - MOST_TARGETS);
  const leftOut: LeftOutLine[] = [];
  const targets = parseMaterial(lines.slice(0, end).join('\n'), (left) => leftOut.push(left));
  return { targets, leftOut, rest };
}

async function readSmall(path: string, largest: number, code: `E_${string}`): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const source = path === '-' ? process.stdin : createReadStream(path);
    for await (const chunk of source as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > largest) {
        throw new KitError('usage', code, `${printable(path)} is longer than ${largest} bytes.`);
      }
      chunks.push(chunk);
    }
  } catch (cause) {
    throw cause instanceof KitError ? cause : unreadable(path, code, cause);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A list of words that is read from some place on. */
export interface WordSource {
  chunks: AsyncIterable<Uint8Array>;
  /** Bytes; undefined for what is no regular file. */
  size: number | undefined;
  /** The list's first bytes, as far as they were read: at most HEAD_BYTES. */
  head(): Uint8Array;
}

/**
 * Opens a word list, behind what a saved audit has tried.
 * @param signal ends the reading, also where it waits
 * @throws KitError usage E_WORDLIST, also later, while it is read; E_PSK_AUDIT_STATE when it is not the list of the state
 */
export async function openWords(
  path: string,
  state: AuditState | undefined,
  signal: AbortSignal,
): Promise<WordSource> {
  const offset = state?.position.offset ?? 0;
  if (path === '-') return streamSource(process.stdin, path, state, offset, signal);
  try {
    const file = await open(path, 'r');
    const information = await file.stat();
    if (information.isDirectory()) {
      await file.close();
      throw Object.assign(new Error(), { code: 'EISDIR' });
    }
    if (!information.isFile()) {
      return streamSource(file.createReadStream({ highWaterMark: CHUNK }), path, state, offset, signal);
    }
    const { buffer, bytesRead } = await file.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = buffer.subarray(0, bytesRead);
    if (state) {
      if (information.size < offset) head.fill(0);
      assertSameList(state, head);
    }
    const stream = file.createReadStream({ start: offset, highWaterMark: CHUNK, signal });
    return { chunks: readErrors(stream, path), size: information.size, head: () => head };
  } catch (cause) {
    throw cause instanceof KitError ? cause : unreadable(path, 'E_WORDLIST', cause);
  }
}

/** What cannot be read from a place on is read from its beginning, and the first part dropped. */
function streamSource(
  stream: NodeJS.ReadableStream & { destroy(): unknown },
  path: string,
  state: AuditState | undefined,
  offset: number,
  signal: AbortSignal,
): WordSource {
  const head = new Uint8Array(HEAD_BYTES);
  let headBytes = 0;
  signal.addEventListener('abort', () => void stream.destroy(), { once: true });
  async function* rest(): AsyncGenerator<Uint8Array> {
    let toDrop = offset;
    let checked = state === undefined;
    for await (const chunk of readErrors(stream as AsyncIterable<Uint8Array>, path)) {
      const taken = chunk.subarray(0, HEAD_BYTES - headBytes);
      head.set(taken, headBytes);
      headBytes += taken.length;
      if (state && !checked && headBytes >= state.head.bytes) {
        assertSameList(state, head);
        checked = true;
      }
      const from = Math.min(toDrop, chunk.length);
      toDrop -= from;
      if (from < chunk.length) yield chunk.subarray(from);
    }
    if (state && !checked) assertSameList(state, head.subarray(0, 0));
  }
  return { chunks: rest(), size: undefined, head: () => head.subarray(0, headBytes) };
}

async function* readErrors(chunks: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (cause) {
    throw unreadable(path, 'E_WORDLIST', cause);
  }
}

/** The file of an audit's place. */
export class StateFile {
  constructor(
    readonly path: string,
    /** Made without being asked for: then it may fail. */
    readonly automatic: boolean,
  ) {}

  /** The file that was named, or one for this audit alone. */
  static of(named: string | undefined, material: string, wordlist: string): StateFile {
    if (named !== undefined) return new StateFile(named, false);
    const state = process.env.XDG_STATE_HOME;
    const base = state?.startsWith('/') ? state : join(homedir(), '.local', 'state');
    const list = wordlist.replace(/[^\w.-]+/g, '_').slice(-40);
    return new StateFile(join(base, 'ipsec-kit', `psk-audit-${material.slice(0, 16)}-${list}.json`), true);
  }

  /** @throws KitError usage E_PSK_AUDIT_STATE */
  async read(targets: readonly AuditTarget[]): Promise<AuditState | undefined> {
    if (this.automatic) return undefined;
    const there = await stat(this.path).then(
      () => true,
      (cause: NodeJS.ErrnoException) => cause.code !== 'ENOENT',
    );
    if (!there) return undefined;
    return parseState(await readSmall(this.path, LARGEST_STATE, 'E_PSK_AUDIT_STATE'), targets);
  }

  /**
   * @returns whether it was saved
   * @throws KitError environment E_FILE_WRITE for a file that the user named
   */
  async save(state: AuditState): Promise<boolean> {
    try {
      if (this.automatic) await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      await writeFileSafely(this.path, formatState(state), { mode: 0o600, replace: true });
      return true;
    } catch (cause) {
      if (this.automatic) return false;
      throw cause;
    }
  }

  async remove(): Promise<void> {
    await unlink(this.path).catch(() => undefined);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
};

function unreadable(path: string, code: `E_${string}`, cause: unknown): KitError {
  const system = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
  const name = path === '-' ? 'Standard input' : printable(path);
  return new KitError('usage', code, `${name} cannot be read: ${reasons[system] ?? system}.`, { cause });
}
