import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { KitError } from '../../core/errors.js';

const CHUNK = 256 << 10;
const POLL_MS = 100;

/**
 * The bytes of a file, or of standard input for `-`, in chunks of up to 256 KiB. Ends quietly on the signal.
 * @param options.follow wait at the end of the file for more, until the signal
 * @param options.lend chunks are good until the next one is asked for, which is faster: memory is used again, and the
 *   next chunk is read meanwhile
 * @throws {KitError} `E_CAPTURE_FILE` (usage)
 */
export async function* openInput(
  path: string,
  options: { follow?: boolean; lend?: boolean; signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  if (options.signal.aborted) return;
  if (path === '-') yield* standardInput(options.signal);
  else yield* fileBytes(path, options);
}

async function* fileBytes(
  path: string,
  { follow = false, lend = false, signal }: { follow?: boolean; lend?: boolean; signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw fileError(path, cause);
  });
  const chunks = lend ? lentChunks(file, path) : ownChunks(file, path);
  try {
    while (!signal.aborted) {
      const chunk = await chunks();
      if (chunk.length > 0) yield chunk;
      else if (follow) await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
      else return;
    }
  } finally {
    await file.close();
  }
}

type NextChunk = () => Promise<Uint8Array>;

/** A buffer of its own each time, because frames are views into it; a small one for the little that a growing file brings. */
function ownChunks(file: FileHandle, path: string): NextChunk {
  return async () => {
    const bytes = await readInto(Buffer.allocUnsafeSlow(CHUNK), file, path);
    return bytes.length < CHUNK / 4 ? bytes.slice() : bytes;
  };
}

/** Two buffers by turns: one is being read while the other is in use. The end of the file is looked at again each time. */
function lentChunks(file: FileHandle, path: string): NextChunk {
  const buffers = [Buffer.allocUnsafeSlow(CHUNK), Buffer.allocUnsafeSlow(CHUNK)];
  let turn = 0;
  const start = (): Promise<Uint8Array> => {
    turn = 1 - turn;
    const reading = readInto(buffers[turn]!, file, path);
    // Whoever asks for the chunk gets the error.
    reading.catch(() => {});
    return reading;
  };
  let ahead: Promise<Uint8Array> | undefined;
  return async () => {
    const chunk = await (ahead ?? start());
    ahead = chunk.length > 0 ? start() : undefined;
    return chunk;
  };
}

async function readInto(buffer: Buffer, file: FileHandle, path: string): Promise<Uint8Array> {
  const { bytesRead } = await file.read(buffer, 0, CHUNK, null).catch((cause: unknown) => {
    throw fileError(path, cause);
  });
  return new Uint8Array(buffer.buffer, 0, bytesRead);
}

async function* standardInput(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { stdin } = process;
  const stop = () => stdin.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of stdin) {
      if (signal.aborted) return;
      yield chunk;
    }
  } catch (cause) {
    if (!signal.aborted) throw fileError('standard input', cause);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function fileError(path: string, cause: unknown): KitError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  const reason =
    { ENOENT: 'there is no such file', EACCES: 'permission denied', EISDIR: 'it is a folder' }[code] ?? code;
  return new KitError('usage', 'E_CAPTURE_FILE', `${path} cannot be read: ${reason}`, { cause });
}
