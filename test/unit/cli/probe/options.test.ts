import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ProbeFlags, withSuitesValue } from '../../../../src/cli/probe/flags.js';
import {
  concurrencyOf,
  probeOptions,
  readCredentials,
  readPolicy,
  readTargets,
} from '../../../../src/cli/probe/options.js';
import { runPool, Turns } from '../../../../src/cli/probe/pool.js';
import { toPem } from '../../../../src/lib/pki/files.js';
import { bundledPolicyNames } from '../../../../src/lib/probe/policies/bundled.js';
import { weakCertificate } from '../../probe/checks/facts.js';

const folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-probe-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const flags = (changes: Partial<ProbeFlags> = {}): ProbeFlags => ({
  port: 500,
  'nat-port': 4500,
  timeout: '1s',
  retries: 3,
  quick: false,
  full: false,
  ikev1: true,
  active: false,
  yes: false,
  'print-policy': false,
  'fail-on': 'never',
  diff: false,
  format: 'text',
  json: false,
  verbose: false,
  color: true,
  ...changes,
});
const { signal } = new AbortController();

describe('--suites', () => {
  it.each<[string[], string[]]>([
    [
      ['a', '--suites'],
      ['a', '--suites=pairwise'],
    ],
    [
      ['--suites', 'a'],
      ['--suites=pairwise', 'a'],
    ],
    [
      ['--suites', 'exact', 'a'],
      ['--suites', 'exact', 'a'],
    ],
    [['--suites=exact'], ['--suites=exact']],
    [
      ['--', '--suites'],
      ['--', '--suites'],
    ],
    [
      ['--suites', '--', 'a'],
      ['--suites=pairwise', '--', 'a'],
    ],
  ])('may stand without a value: %j', (argv, expected) => expect(withSuitesValue(argv)).toEqual(expected));
});

describe('options', () => {
  it('ask for everything within a stated budget', () => {
    expect(probeOptions(flags())).toEqual({
      port: 500,
      natPort: 4500,
      sourcePort: undefined,
      depth: 'full',
      suites: 'none',
      budget: 1000,
      pps: undefined,
      timeout: 1000,
      retries: 3,
      ikev1: true,
      active: false,
    });
  });

  it.each<[Partial<ProbeFlags>, number]>([
    [{ quick: true }, 5],
    [{ quick: true, budget: 100 }, 5],
    [{ quick: true, budget: 2 }, 2],
    [{ suites: 'pairwise' }, 1000],
    [{ suites: 'exact' }, Number.MAX_SAFE_INTEGER],
    [{ suites: 'exact', budget: 50 }, 50],
    [{ budget: 7 }, 7],
  ])('%j sends at most %i packets', (changes, budget) => {
    expect(probeOptions(flags(changes)).budget).toBe(budget);
  });

  it.each([['0'], ['2h'], ['soon']])('refuses --timeout %s by its name', (timeout) => {
    expect(() => probeOptions(flags({ timeout }))).toThrow(/--timeout/);
  });

  it('asks one target at a time from one source port', () => {
    expect(concurrencyOf(flags())).toBe(8);
    expect(concurrencyOf(flags({ concurrency: 30 }))).toBe(30);
    expect(concurrencyOf(flags({ 'source-port': 500 }))).toBe(1);
    expect(concurrencyOf(flags({ 'source-port': 500, concurrency: 1 }))).toBe(1);
    expect(() => concurrencyOf(flags({ 'source-port': 500, concurrency: 2 }))).toThrow(/--source-port/);
  });
});

describe('credentials', () => {
  it('are none unless they are given', async () => {
    expect(await readCredentials(flags())).toEqual({});
  });

  it('are an identity, trusted CAs in any form, and words line by line', async () => {
    const der = weakCertificate();
    const read = await readCredentials(
      flags({
        id: 'alice@example.com',
        ca: [file('a.pem', toPem('CERTIFICATE', der)), file('b.der', der)],
        'psk-wordlist': file('words', Buffer.from('secret\r\n\nw\xf6rd\nlast', 'latin1')),
      }),
    );
    expect(read.identity).toMatchObject({ idType: 3 });
    expect(read.trust?.anchors).toHaveLength(2);
    const words = read.pskWords?.map((word) => Buffer.from(word.reveal()).toString('latin1'));
    expect(words).toEqual(['secret', '', 'w\xf6rd', 'last']);
    expect(JSON.stringify(read.pskWords)).not.toContain('secret');
  });

  it.each<[string, Partial<ProbeFlags>, string]>([
    ['an identity', { id: 'ipv4:nonsense' }, '--id'],
    ['a CA that is not there', { ca: [join(folder, 'absent.pem')] }, '--ca'],
    [
      'a CA file without certificate',
      { ca: [file('key.pem', toPem('PUBLIC KEY', Uint8Array.of(48, 0)))] },
      '',
    ],
    ['words without an identity', { id: '%any', 'psk-wordlist': file('w1', 'a\n') }, '--psk-wordlist'],
    ['words that are none', { id: 'a', 'psk-wordlist': file('w2', '\n\r\n\n') }, '--psk-wordlist'],
    ['words that are not there', { id: 'a', 'psk-wordlist': join(folder, 'absent') }, '--psk-wordlist'],
    [
      'words that are too many',
      { id: 'a', 'psk-wordlist': file('w3', 'x'.repeat(2 << 20)) },
      '--psk-wordlist',
    ],
  ])('refuses %s', async (_what, changes, named) => {
    await expect(readCredentials(flags(changes))).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining(named),
    });
  });
});

describe('policies', () => {
  it('are bundled ones by name, or files', async () => {
    for (const name of bundledPolicyNames) {
      const { policy, text } = await readPolicy(name);
      expect(policy.name).toBe(name);
      const again = await readPolicy(file(`${name}.yaml`, text));
      expect(again.policy).toEqual(policy);
    }
  });

  it('are refused by the name of the flag or file', async () => {
    await expect(readPolicy(join(folder, 'rfc9999'))).rejects.toMatchObject({
      message: expect.stringContaining('--policy'),
    });
    const broken = file('broken.yaml', 'name: x\n');
    await expect(readPolicy(broken)).rejects.toMatchObject({
      code: 'E_POLICY',
      message: expect.stringContaining('broken.yaml'),
    });
  });
});

describe('the list of targets', () => {
  it('is the command line and then the file', async () => {
    const list = file('targets', '# gateways\nb\na # again\n');
    const targets = await readTargets(['a'], flags({ targets: list }), signal);
    expect(targets.map(({ host }) => host)).toEqual(['a', 'b']);
  });

  it('must not be empty', async () => {
    await expect(readTargets([], flags(), signal)).rejects.toMatchObject({ code: 'E_USAGE' });
    await expect(readTargets([], flags({ targets: file('none', '# none\n') }), signal)).rejects.toMatchObject(
      {
        code: 'E_USAGE',
      },
    );
    await expect(readTargets([], flags({ targets: folder }), signal)).rejects.toThrow(/--targets.*folder/);
  });
});

describe('the pool', () => {
  it('runs as many tasks at a time as it may, each item once', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    const rest = await runPool([1, 2, 3, 4, 5, 6, 7], 3, signal, async (item) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      done.push(item);
    });
    expect(rest).toEqual([]);
    expect(most).toBe(3);
    expect(done.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('lets a slow target hold up nobody but itself', async () => {
    const done: string[] = [];
    let free = (): void => {};
    await runPool(['slow', 'a', 'b', 'c'], 2, signal, async (item) => {
      if (item === 'slow') await new Promise<void>((resolve) => (free = resolve));
      done.push(item);
      if (item === 'c') free();
    });
    expect(done).toEqual(['a', 'b', 'c', 'slow']);
  });

  it('begins nothing after the signal, and waits for what was begun', async () => {
    const controller = new AbortController();
    const done: number[] = [];
    const rest = await runPool([1, 2, 3, 4], 2, controller.signal, async (item) => {
      if (item === 2) controller.abort();
      await new Promise((resolve) => setImmediate(resolve));
      done.push(item);
    });
    expect(done).toEqual([1, 2]);
    expect(rest).toEqual([3, 4]);
  });

  it('asks an address one target at a time', async () => {
    const turns = new Turns();
    const said: string[] = [];
    const task = (name: string) => async () => {
      said.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      said.push(`${name} ends`);
      if (name === 'b') throw new Error('b');
      return name;
    };
    const results = await Promise.allSettled([
      turns.take('192.0.2.1', task('a')),
      turns.take('192.0.2.1', task('b')),
      turns.take('192.0.2.2', task('x')),
      turns.take('192.0.2.1', task('c')),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(said.filter((text) => !text.startsWith('x'))).toEqual([
      'a begins',
      'a ends',
      'b begins',
      'b ends',
      'c begins',
      'c ends',
    ]);
    expect(said.indexOf('x begins')).toBeLessThan(said.indexOf('a ends'));
  });
});
