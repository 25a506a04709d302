import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import koffi from 'koffi';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const MALLINFO = 'arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost'.split(' ');

/** struct mallinfo2 of glibc 2.33 and later; nothing elsewhere. */
const mallinfo = (() => {
  try {
    const result = koffi.struct('mallinfo2', Object.fromEntries(MALLINFO.map((name) => [name, 'size_t'])));
    return koffi.load(null).func('mallinfo2', result, []);
  } catch {
    return () => ({ uordblks: 0 });
  }
})();

/** Bytes that the process uses. */
export interface MemoryUse {
  /** In all. */
  rss: number;
  /** Objects of JavaScript. */
  heapUsed: number;
  /** What they hold elsewhere and V8 knows of. */
  external: number;
  /** What C has taken from malloc, as contexts of OpenSSL are; 0 where it is not known. */
  malloc: number;
}

/**
 * How much each may grow after the warm-up. A leak of one byte for each packet is 100 MB after 10^8. What the engine
 * compiles, optimises and throws away meanwhile is less than this; RSS has what it keeps for young objects, 16 MiB twice.
 */
export const BOUNDS: MemoryUse = { rss: 40 << 20, heapUsed: 2 << 20, external: 1 << 20, malloc: 2 << 20 };

/** Memory that is in use and not merely not collected. */
export function memoryUse(): MemoryUse {
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heapUsed, external, malloc: Number(mallinfo().uordblks) };
}

/** What grew beyond its bound, one sentence each. */
export function growth(before: MemoryUse, after: MemoryUse, kinds: readonly (keyof MemoryUse)[]): string[] {
  return kinds
    .filter((kind) => after[kind] - before[kind] > BOUNDS[kind])
    .map((kind) => `${kind} grew by ${after[kind] - before[kind]} bytes, from ${before[kind]}`);
}
