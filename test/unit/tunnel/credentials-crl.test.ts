import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { KitError } from '../../../src/lib/core/errors.js';
import { type Crl, createCrl, parseCrl } from '../../../src/lib/pki/crl.js';
import { toPem } from '../../../src/lib/pki/files.js';
import type { Issuer } from '../../../src/lib/pki/issue.js';
import { type CrlOrigin, crlFromUrl, watchCrls } from '../../../src/lib/tunnel/credentials-crl.js';
import { NOW, rootCa } from '../pki/build.js';

const HOUR = 3_600_000;
let root: Issuer;
beforeAll(async () => {
  root = await rootCa();
});

const der = (number: number, nextUpdate = NOW + HOUR): Uint8Array =>
  createCrl(root, [], { number, thisUpdate: new Date(NOW), nextUpdate: new Date(nextUpdate) });
const list = (number: number, nextUpdate?: number): Crl => parseCrl(der(number, nextUpdate));
const numbers = (lists: readonly Crl[]) => lists.map(({ number }) => number);

describe('watchCrls', () => {
  const said: string[] = [];
  const watch = (origins: CrlOrigin[], required = false) => {
    said.length = 0;
    return watchCrls(origins, { required, log: (_, message) => said.push(message), now: NOW });
  };
  const unreachable = (): never => {
    throw new KitError('network', 'E_CRL_FETCH', 'It cannot be fetched');
  };
  /** Yields the answers one after the other; the last one stays. */
  const origin = (...answers: (() => Crl[])[]): CrlOrigin & { loads: number } => ({
    name: 'test',
    loads: 0,
    async load() {
      const answer = answers[Math.min(this.loads, answers.length - 1)]!;
      this.loads += 1;
      return answer();
    },
  });

  it('loads once while the list is current', async () => {
    const one = origin(() => [list(1)]);
    const source = await watch([one]);
    for (const at of [NOW, NOW + HOUR]) expect(numbers(await source.lists(at))).toEqual(['01']);
    expect(one.loads).toBe(1);
  });

  it('loads again when the list is outdated, and not more often than once a minute', async () => {
    const one = origin(
      () => [list(1)],
      () => [list(2, NOW + HOUR + 1)],
      () => [list(3, NOW + 9 * HOUR)],
    );
    const source = await watch([one]);
    expect(numbers(await source.lists(NOW + HOUR + 1))).toEqual(['02']);
    expect(numbers(await source.lists(NOW + HOUR + 2))).toEqual(['02']);
    expect(numbers(await source.lists(NOW + HOUR + 60_001))).toEqual(['03']);
    expect(one.loads).toBe(3);
  });

  it('keeps the list from before when there is no new one, and says so', async () => {
    const one = origin(() => [list(1)], unreachable);
    const source = await watch([one]);
    expect(numbers(await source.lists(NOW + 2 * HOUR))).toEqual(['01']);
    expect(said).toEqual([expect.stringContaining('list from before')]);
  });

  it('begins without a list that cannot be fetched, unless it is required', async () => {
    const one = origin(unreachable, () => [list(1)]);
    const source = await watch([one]);
    expect(said).toEqual([expect.stringContaining('cannot be fetched')]);
    expect(await source.lists(NOW + 1000)).toEqual([]);
    expect(numbers(await source.lists(NOW + 60_000))).toEqual(['01']);
    await expect(watch([origin(unreachable)], true)).rejects.toMatchObject({ code: 'E_CRL_FETCH' });
  });

  it('reads a file again as soon as it changed', async () => {
    let stamp = 'a';
    const file = {
      ...origin(
        () => [list(1)],
        () => [list(2)],
      ),
      stamp: async () => stamp,
    };
    const source = await watch([file]);
    expect(numbers(await source.lists(NOW + 1))).toEqual(['01']);
    stamp = 'b';
    expect(numbers(await source.lists(NOW + 2))).toEqual(['02']);
    expect(numbers(await source.lists(NOW + 3))).toEqual(['02']);
    expect(file.loads).toBe(2);
  });

  it('loads once for validations that come together', async () => {
    const one = origin(
      () => [list(1)],
      () => [list(2, NOW + 9 * HOUR)],
    );
    const source = await watch([one]);
    const at = NOW + 2 * HOUR;
    await Promise.all([source.lists(at), source.lists(at), source.lists(at)]);
    expect(one.loads).toBe(2);
  });

  it('lets errors of files through: they are mistakes of whoever named them', async () => {
    const bad = origin(() => {
      throw new KitError('usage', 'E_CRL_FILE', 'No list');
    });
    await expect(watch([bad])).rejects.toMatchObject({ code: 'E_CRL_FILE' });
  });
});

describe('crlFromUrl', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });
  const serve = async (answer: RequestListener): Promise<string> => {
    server = createServer(answer);
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a port is expected');
    return `http://127.0.0.1:${address.port}/ca.crl`;
  };

  it.each([
    ['DER', () => der(7)],
    ['PEM', () => toPem('X509 CRL', der(7))],
  ])('reads a list in %s', async (_form, content) => {
    const url = await serve((_, response) => response.end(content()));
    expect(numbers(await crlFromUrl(url).load())).toEqual(['07']);
  });

  it.each<[string, RequestListener, string]>([
    ['an error', (_, response) => response.writeHead(404).end(), '404'],
    ['a web page', (_, response) => response.end('<html>'), 'no revocation list'],
    ['nothing', (_, response) => response.end(), 'no revocation list'],
    [
      'without end',
      (_, response) => {
        const chunk = Buffer.alloc(1 << 20);
        const more = (): void => {
          while (response.write(chunk));
        };
        response.on('drain', more);
        more();
      },
      'more than',
    ],
    ['by breaking off', (request) => request.socket.destroy(), 'cannot be fetched'],
  ])('refuses a server that answers %s', async (_what, answer, words) => {
    const url = await serve(answer);
    await expect(crlFromUrl(url).load()).rejects.toMatchObject({
      kind: 'network',
      code: 'E_CRL_FETCH',
      message: expect.stringContaining(words),
    });
  });
});
