import { KitError } from '../core/errors.js';
import type { Log } from '../core/log.js';
import { printable } from '../core/printable.js';
import type { Crl } from '../pki/crl.js';
import { readIdentityFile } from '../pki/files.js';
import type { CrlSource } from './credentials.js';

/** A place where revocation lists can be had again and again. */
export interface CrlOrigin {
  /** For sentences: path or URL. */
  name: string;
  /** @throws KitError */
  load(): Promise<readonly Crl[]>;
  /** Changes whenever there is something new; undefined where only loading tells. */
  stamp?(): Promise<string>;
}

/** Between two attempts to replace an outdated list, milliseconds. */
const PATIENCE = 60_000;

/** Bytes; the largest lists of public CAs are about as big. */
const LARGEST = 4 << 20;
const TIMEOUT = 10_000;

interface Held {
  lists: readonly Crl[];
  stamp: string | undefined;
  triedAt: number;
}

/**
 * Loads revocation lists, and loads them again when they changed or are outdated.
 * @param required a place that cannot be reached now is an error; else it is told and tried again later
 * @throws KitError network `E_CRL_FETCH`, and what else the origins throw
 */
export async function watchCrls(
  origins: readonly CrlOrigin[],
  { required, log, now }: { required: boolean; log: Log; now: number },
): Promise<CrlSource> {
  const held = new Map<CrlOrigin, Held>();
  const load = async (origin: CrlOrigin, at: number): Promise<void> => {
    const stamp = await origin.stamp?.();
    held.set(origin, { lists: await origin.load(), stamp, triedAt: at });
  };
  for (const origin of origins) {
    try {
      await load(origin, now);
    } catch (error) {
      if (required || !(error instanceof KitError) || error.kind !== 'network') throw error;
      held.set(origin, { lists: [], stamp: undefined, triedAt: now });
      log('warn', `${error.message}; certificates are believed without it until it can be had`);
    }
  }
  const renew = async (origin: CrlOrigin, at: number): Promise<void> => {
    const before = held.get(origin);
    if (before === undefined || !(await isStale(origin, before, at))) return;
    before.triedAt = at;
    try {
      await load(origin, at);
    } catch (error) {
      if (!(error instanceof KitError)) throw error;
      log('warn', `${error.message}; the list from before is used`);
    }
  };
  let renewing: Promise<unknown> | undefined;
  return {
    async lists(at) {
      renewing ??= Promise.all(origins.map((origin) => renew(origin, at))).finally(() => {
        renewing = undefined;
      });
      await renewing;
      return [...held.values()].flatMap(({ lists }) => lists);
    },
  };
}

async function isStale(origin: CrlOrigin, { lists, stamp, triedAt }: Held, at: number): Promise<boolean> {
  const seen = await origin.stamp?.().catch(() => stamp);
  if (seen !== stamp) return true;
  const current =
    lists.length > 0 && lists.every(({ nextUpdate }) => nextUpdate === undefined || at <= Number(nextUpdate));
  return !current && at - triedAt >= PATIENCE;
}

/** Revocation lists behind an http or https URL, in bounded time and size. */
export function crlFromUrl(url: string): CrlOrigin {
  return {
    name: url,
    load: async () => {
      const bytes = await download(url);
      const { crls } = await readIdentityFile(bytes, () => Promise.reject(notAList(url))).catch(
        (cause: unknown) => {
          throw notAList(url, cause);
        },
      );
      if (crls.length === 0) throw notAList(url);
      return crls;
    },
  };
}

async function download(url: string): Promise<Uint8Array> {
  // Its abort also lets go of an answer that is not read to its end; an open connection would keep the process.
  const done = new AbortController();
  try {
    const signal = AbortSignal.any([done.signal, AbortSignal.timeout(TIMEOUT)]);
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) throw unreachable(url, `the answer is ${response.status}`);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > LARGEST) throw unreachable(url, `it has more than ${LARGEST} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (cause) {
    if (cause instanceof KitError) throw cause;
    throw unreachable(url, reasonOf(cause), cause);
  } finally {
    done.abort();
  }
}

/** What `fetch` hides in the cause of its "fetch failed". */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `nothing came for ${TIMEOUT / 1000} s`;
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return inner instanceof Error ? inner.message : String(inner);
}

function unreachable(url: string, reason: string, cause?: unknown): KitError {
  return new KitError(
    'network',
    'E_CRL_FETCH',
    `The revocation list ${printable(url)} cannot be fetched: ${printable(reason)}`,
    { hint: 'Fetch it by other means and name the file with --crl.', cause },
  );
}

function notAList(url: string, cause?: unknown): KitError {
  return new KitError('network', 'E_CRL_FETCH', `What ${printable(url)} answers is no revocation list`, {
    cause,
  });
}
