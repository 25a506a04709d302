import { createGunzip, type Gunzip } from 'node:zlib';

/** Compressed bytes handed over at once, and unpacked bytes that are lost at most where the data is damaged. */
const SLICE = 16 << 10;
const OUTPUT = 64 << 10;

/** The packed data broke off or is damaged. */
export class GunzipError extends Error {}

/** Whether the bytes begin a gzip file (RFC 1952 2.3.1). */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** Unpacks a stream as it comes. @throws {GunzipError} after the bytes before the damage were handed out */
export async function* gunzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unpacker = createGunzip({ chunkSize: OUTPUT });
  let sourceError: unknown;
  const feeding = feed(source, unpacker).catch((error: unknown) => {
    sourceError = error;
    unpacker.destroy();
  });
  try {
    for await (const chunk of unpacker) yield chunk;
  } catch (error) {
    if (sourceError !== undefined) throw sourceError;
    throw new GunzipError(`the gzip data ${explain(error)}`);
  } finally {
    unpacker.destroy();
    await feeding;
  }
}

/** One slice after the other, so that an error takes no more than one slice with it. */
async function feed(source: AsyncIterable<Uint8Array>, unpacker: Gunzip): Promise<void> {
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += SLICE) {
      if (!(await written(unpacker, chunk.subarray(at, at + SLICE)))) return;
    }
  }
  unpacker.end();
}

/** @returns false when the unpacker takes no more */
function written(unpacker: Gunzip, slice: Uint8Array): Promise<boolean> {
  if (unpacker.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const closed = () => resolve(false);
    unpacker.once('close', closed);
    unpacker.write(slice, (error) => {
      unpacker.off('close', closed);
      resolve(error === null || error === undefined);
    });
  });
}

function explain(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'Z_BUF_ERROR' ? 'ends too early' : 'is damaged';
}
