import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { KitError } from '../../core/errors.js';

const CHUNK = 256 << 10;
const POLL_MS = 100;

/**
 * The bytes of a file, or of standard input for `-`, in chunks of up to 256 KiB. Ends quietly on the signal.
 * @param options.follow wait at the end of the file for more, until the signal
 * @throws {KitError} `E_CAPTURE_FILE` (usage)
 */
export async function* openInput(
  path: string,
  options: { follow?: boolean; signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  if (options.signal.aborted) return;
  if (path === '-') yield* standardInput(options.signal);
  else yield* fileBytes(path, options.follow === true, options.signal);
}

async function* fileBytes(path: string, follow: boolean, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw fileError(path, cause);
  });
  try {
    while (!signal.aborted) {
      const chunk = await readChunk(file, path);
      if (chunk.length > 0) yield chunk;
      else if (follow) await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
      else return;
    }
  } finally {
    await file.close();
  }
}

/** A buffer of its own each time, because frames are views into it; a small one for the little that a growing file brings. */
async function readChunk(file: FileHandle, path: string): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK);
  const { bytesRead } = await file.read(buffer, 0, CHUNK, null).catch((cause: unknown) => {
    throw fileError(path, cause);
  });
  const bytes = new Uint8Array(buffer.buffer, 0, bytesRead);
  return bytesRead < CHUNK / 4 ? bytes.slice() : bytes;
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
