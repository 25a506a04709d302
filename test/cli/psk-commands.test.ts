import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PskReport, pskSchema } from '../../src/lib/report/psk.schema.js';
import { bin, cleanEnvironment, run } from './run.js';

const validate = new Ajv().compile(pskSchema);
const weak = 'Gandalf-vpn-1';
const strong = '4qns5HldPTZmrv8WcJuyQx2E';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-psk-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What was written as JSON; it must fit the schema. */
function report(stdout: string): PskReport {
  const document = JSON.parse(stdout);
  expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
  return document;
}

function check(key: string, ...args: string[]): ReturnType<typeof run> {
  return run(['psk', 'check', '--psk-stdin', ...args], { input: `${key}\n` });
}

describe('psk check', () => {
  it('says of a weak key how long it holds, why, and what to do, and ends with 3', () => {
    const { stdout, stderr, status } = check(weak);
    expect(stderr).toBe('');
    expect(status).toBe(3);
    expect(stdout).toMatch(/^verdict +weak$/m);
    expect(stdout).toMatch(/^one card +\S.* at 10\^9 guesses a second$/m);
    expect(stdout).toMatch(/^a hundred +\S.* at 10\^11 guesses a second$/m);
    expect(stdout).toMatch(/^because +\S/m);
    expect(stdout).toContain('ipsec-kit psk generate');
    expect(stdout).not.toMatch(/gandalf/i);
  });

  it('ends with 0 for a strong one, and suggests nothing', () => {
    const { stdout, status } = check(strong, '--fail-on', 'fair');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^verdict +strong$/m);
    expect(stdout).not.toContain('generate');
  });

  it.each([
    ['0xe544c866b9adee41', 'fair', 'weak', 0],
    ['0xe544c866b9adee41', 'fair', 'fair', 3],
    ['0sYWFhYWFhYWFhYWFhYWFhYQ==', 'weak', 'never', 0],
    ['0sYWFhYWFhYWFhYWFhYWFhYQ==', 'weak', 'fair', 3],
  ])('judges %s as %s; with --fail-on %s that is exit code %i', (key, verdict, failOn, status) => {
    const result = check(key, '--json', '--fail-on', failOn);
    expect(result.status).toBe(status);
    expect(report(result.stdout)).toMatchObject({ command: 'check', verdict, ok: status === 0 });
    expect(result.stdout).not.toContain(key.slice(2));
  });

  it('writes JSON that fits its schema and holds no part of the key', () => {
    for (const key of [weak, strong]) {
      const { stdout, stderr } = check(key, '--format', 'json');
      expect(report(stdout)).toMatchObject({ offline: { gpu: { guessesPerSecond: 1e9 } } });
      expect(stdout + stderr).not.toMatch(/gandalf|4qns5H/i);
    }
  });

  it('takes related names into account', () => {
    const alone = report(check('zwyssighaus77', '--json').stdout);
    const related = report(check('zwyssighaus77', '--json', '--related', 'gw.zwyssighaus.example').stdout);
    expect(related).toMatchObject({ why: expect.arrayContaining(['a name of this connection']) });
    expect(alone).not.toMatchObject({ why: expect.arrayContaining(['a name of this connection']) });
  });

  it('reads the key from where connect and serve read it', () => {
    const file = join(folder, 'key');
    writeFileSync(file, `${strong}\n`);
    chmodSync(file, 0o600);
    expect(run(['psk', 'check', '--psk-file', file]).status).toBe(0);
    expect(run(['psk', 'check'], { env: { IPSEC_KIT_PSK: strong } }).status).toBe(0);
    chmodSync(file, 0o644);
    const refused = run(['psk', 'check', '--psk-file', file]);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('E_PSK_PERMISSIONS');
    expect(run(['psk', 'check', '--psk-file', file, '--insecure-permissions']).status).toBe(0);
  });

  it.each([
    ['no key', [], '', 'E_NO_PSK'],
    ['an empty key', ['--psk-stdin'], '\n', 'E_PSK_EMPTY'],
    ['bad hexadecimal', ['--psk-stdin'], '0xsecret', 'E_PSK_FORMAT'],
    ['an unknown verdict', ['--psk-stdin', '--fail-on', 'strong'], weak, 'E_USAGE'],
    ['a key as an argument', [weak], '', 'E_USAGE'],
  ])('is a usage error: %s', (_what, args, input, code) => {
    const { stdout, stderr, status } = run(['psk', 'check', ...args], { input });
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(code);
  });
});

describe('psk generate', () => {
  it('writes nothing but the key to stdout, another one each time', () => {
    const keys = [1, 2].map(() => {
      const { stdout, stderr, status } = run(['psk', 'generate']);
      expect(status).toBe(0);
      expect(stdout).toMatch(/^[a-km-np-z2-9]{52}\n$/);
      expect(stderr).toBe('52 letters and digits, 260 bits drawn at random\n');
      return stdout;
    });
    expect(keys[0]).not.toBe(keys[1]);
  });

  it('makes shorter ones and words', () => {
    expect(run(['psk', 'generate', '--bits', '128']).stdout).toMatch(/^[a-km-np-z2-9]{26}\n$/);
    const words = run(['psk', 'generate', '--words', '8']);
    expect(words.stdout).toMatch(/^([a-z]{5}-){7}[a-z]{5}\n$/);
    expect(words.stderr).toBe('8 words, 128 bits drawn at random\n');
  });

  it('makes what check calls strong', () => {
    for (const args of [[], ['--bits', '128'], ['--words', '5']]) {
      const { stdout } = run(['psk', 'generate', ...args]);
      expect(report(check(stdout.trimEnd(), '--json').stdout)).toMatchObject({ verdict: 'strong' });
    }
  });

  it('writes a file for its owner only, and never over another without --force', () => {
    const place = mkdtempSync(join(folder, 'out-'));
    const out = join(place, 'psk.txt');
    const made = run(['psk', 'generate', '--out', out, '--json']);
    expect(made.status).toBe(0);
    expect(report(made.stdout)).toMatchObject({ command: 'generate', path: out, bits: 260 });
    const key = readFileSync(out, 'utf8');
    expect(key).toMatch(/^[a-km-np-z2-9]{52}\n$/);
    expect(made.stdout + made.stderr).not.toContain(key.trim());
    expect(statSync(out).mode & 0o777).toBe(0o600);

    const again = run(['psk', 'generate', '--out', out]);
    expect(again.status).toBe(2);
    expect(again.stderr).toContain('E_FILE_EXISTS');
    expect(readFileSync(out, 'utf8')).toBe(key);

    const forced = run(['psk', 'generate', '--out', out, '--force']);
    expect(forced.status).toBe(0);
    expect(forced.stdout).toContain(`wrote ${out}: 52 letters and digits, 260 bits drawn at random\n`);
    const renewed = readFileSync(out, 'utf8');
    expect(renewed).not.toBe(key);
    expect(forced.stdout + forced.stderr).not.toContain(renewed.trim());
    expect(readdirSync(place)).toEqual(['psk.txt']);
    expect(run(['psk', 'check', '--psk-file', out]).status).toBe(0);
  });

  it.each([
    [['--json'], 'E_PSK_OUTPUT', 2],
    [['--bits', '64'], 'E_PSK_BITS', 2],
    [['--words', '3'], 'E_PSK_WORDS', 2],
    [['--words', '6', '--bits', '128'], 'E_USAGE', 2],
    [['--out', '/nonexistent/folder/psk.txt'], 'E_FILE_WRITE', 7],
  ])('%j ends with %s and no key', (args, code, exitCode) => {
    const { stdout, stderr, status } = run(['psk', 'generate', ...args]);
    expect(status).toBe(exitCode);
    expect(stdout).toBe('');
    expect(stderr).toContain(code);
    expect(stderr).toContain(exitCode === 2 ? 'hint: ' : '');
  });
});

describe('the dictionaries', () => {
  /** Files of the estimator and of the room for keys that a command line loads. */
  function loaded(args: string[], input = ''): string[] {
    const trace = join(mkdtempSync(join(folder, 'trace-')), 'trace');
    const hooks = new URL('fixtures/trace-loads.mjs', import.meta.url).href;
    spawnSync(process.execPath, ['--import', hooks, bin, ...args], {
      input,
      env: cleanEnvironment({ TRACE_LOADS: trace }),
    });
    return readFileSync(trace, 'utf8')
      .split('\n')
      .filter((url) => /@zxcvbn-ts|\/lib\/psk\//.test(url));
  }

  it('are loaded for keys that are text, and for nothing else', () => {
    for (const args of [
      ['--version'],
      ['connect', '--help'],
      ['serve', '--help'],
      ['psk', 'check', '--help'],
    ]) {
      expect(loaded(args), args.join(' ')).toEqual([]);
    }
    const dictionary = /@zxcvbn-ts\/language-en/;
    expect(loaded(['psk', 'generate']).filter((url) => dictionary.test(url))).toEqual([]);
    const binary = loaded(['psk', 'check', '--psk-stdin'], '0xe544c866b9adee41\n');
    expect(binary.filter((url) => dictionary.test(url))).toEqual([]);
    const text = loaded(['psk', 'check', '--psk-stdin'], 'e544c866b9adee41\n');
    expect(text.filter((url) => dictionary.test(url))).not.toEqual([]);
  });
});
