import { open } from 'node:fs/promises';
import { addAbortSignal } from 'node:stream';
import { KitError } from '../../lib/core/errors.js';
import { printable } from '../../lib/core/printable.js';

/**
 * The bytes of a file that a flag names.
 * @param path `-` is standard input
 * @param most bytes; a wrong file must not fill the memory
 * @param signal ends the reading of standard input, which may take for ever
 * @throws KitError usage `E_FILE`, which names the flag
 */
export async function readInput(
  flag: string,
  path: string,
  most: number,
  signal?: AbortSignal,
): Promise<Buffer> {
  const fail = (reason: string, cause?: unknown): never => {
    const name = path === '-' ? 'standard input' : printable(path);
    throw new KitError('usage', 'E_FILE', `${flag}: ${name} ${reason}.`, { cause });
  };
  const file =
    path === '-'
      ? undefined
      : await open(path, 'r').catch((cause: unknown) => fail(`cannot be opened: ${reasonOf(cause)}`, cause));
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of file?.createReadStream({ autoClose: false }) ?? standardInput(signal)) {
      const bytes = Buffer.from(chunk as Uint8Array);
      length += bytes.length;
      if (length > most) fail(`is longer than ${most} bytes`);
      chunks.push(bytes);
    }
    return Buffer.concat(chunks);
  } catch (cause) {
    if (cause instanceof KitError) throw cause;
    return fail(`cannot be read: ${reasonOf(cause)}`, cause);
  } finally {
    await file?.close();
  }
}

function standardInput(signal: AbortSignal | undefined): NodeJS.ReadStream {
  return signal === undefined ? process.stdin : addAbortSignal(signal, process.stdin);
}

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  return String(code ?? 'unknown reason');
}
