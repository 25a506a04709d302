import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatIkev2Material } from '../../src/lib/psk/audit/material.js';
import { pskAuditSchema } from '../../src/lib/report/psk-audit.schema.js';
import { auditHashes, bytes, ikev1Line, ikev2Line } from '../unit/psk/audit/material.js';
import { bin, cleanEnvironment, run } from './run.js';

const secret = 'correct-horse-battery-staple';
const validate = new Ajv().compile(pskAuditSchema);

describe('psk audit', () => {
  let folder: string;
  let hash: string;
  let list: string;
  const write = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-cli-'));
    hash = write('gateway.hash', `${ikev1Line('sha1', secret)}\n`);
    list = write('words.txt', `one\ntwo\r\n${secret}\r\nfour\n`);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('names the line of a key that is found, and not the key', () => {
    const { stdout, stderr, status } = run(['psk', 'audit', hash, '--wordlist', list]);
    expect(status).toBe(3);
    expect(stdout).toContain(
      `line 1: IKEv1 Aggressive Mode, SHA-1, vpn.example.com: found on line 3 of ${list}\n  PSK [redacted] (--show shows it)\n`,
    );
    expect(stdout + stderr).not.toContain(secret);
  });

  it('shows the key when that is wanted, with what a terminal would obey escaped', () => {
    expect(run(['psk', 'audit', hash, '--wordlist', list, '--show']).stdout).toContain(`  PSK ${secret}\n`);
    const key = Buffer.from('\x1b[31mred');
    const evil = write('evil.hash', ikev1Line('md5', key));
    const { stdout } = run(['psk', 'audit', evil, '--wordlist', write('evil.txt', key), '--show']);
    expect(stdout).toContain('PSK \\x1b[31mred\n');
  });

  it('says that nothing was found with 0, from standard input', () => {
    const { stdout, status } = run(['psk', 'audit', hash, '--wordlist', '-'], { input: 'one\ntwo\n' });
    expect(status).toBe(0);
    expect(stdout).toMatch(/vpn\.example\.com: not found\n\n2 words tried, .+, threads: \d+\n$/);
  });

  it('takes the hashes from standard input, but not both', () => {
    const input = readFileSync(hash, 'utf8');
    const { stdout, status } = run(['psk', 'audit', '-', '--wordlist', list], { input });
    expect(status).toBe(3);
    expect(stdout).toContain(`found on line 3 of ${list}\n`);
    const both = run(['psk', 'audit', '-', '--wordlist', '-'], { input });
    expect(both).toMatchObject({ status: 2, stdout: '' });
    expect(both.stderr).toContain('(E_USAGE)');
  });

  it('leaves out proofs made with AES, says which, and goes on', () => {
    const aes = (prf: number) =>
      formatIkev2Material({ prf, octets: bytes(40, 1), auth: bytes(16, 2), identity: 'alice' });
    const mixed = write('mixed.hash', `${aes(4)}${ikev2Line('sha256', secret)}\n${aes(8)}`);
    const { stdout, stderr, status } = run(['psk', 'audit', mixed, '--wordlist', list]);
    expect(status).toBe(3);
    expect(stdout).toContain('line 2: IKEv2 AUTH');
    expect(stdout).not.toContain('line 1:');
    expect(stderr).toContain(`note: line 1 of ${mixed} is left out: PRF_AES128_XCBC is no HMAC\n`);
    expect(stderr).toContain(`note: line 3 of ${mixed} is left out: PRF_AES128_CMAC is no HMAC\n`);
    const alone = run(['psk', 'audit', write('aes.hash', aes(4)), '--wordlist', list]);
    expect(alone).toMatchObject({ status: 2, stdout: '' });
    expect(alone.stderr).toContain('only proofs made with PRF_AES128_XCBC');
  });

  it('counts one word as one', () => {
    const { stdout } = run(['psk', 'audit', hash, '--wordlist', write('one.txt', 'one\n')]);
    expect(stdout).toMatch(/\n1 word tried, \d+\.\d+ s, /);
  });

  it('writes one JSON document for all hashes, with keys that are no text in hexadecimal', () => {
    const binary = Buffer.from([0xff, 0x00, 0x0d, 0x61]);
    const lines = [
      ...auditHashes.map((each) => ikev1Line(each, `key of ${each}`)),
      ikev2Line('sha256', secret),
      ikev1Line('sha256', binary),
      ikev1Line('sha256', 'nobody knows'),
    ];
    const all = write('all.hash', lines.join('\n'));
    const words = [...auditHashes.map((each) => `key of ${each}`), secret, 'x'.repeat(5000)];
    const wordlist = write('all.txt', Buffer.concat([Buffer.from(`${words.join('\n')}\n`), binary]));
    for (const show of [false, true]) {
      const shown = show ? ['--show'] : [];
      const { stdout, status } = run(['psk', 'audit', all, '--wordlist', wordlist, '--json', ...shown]);
      expect(status).toBe(3);
      const report = JSON.parse(stdout);
      expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
      expect(report).toMatchObject({ ok: false, complete: true, words: { tried: 7, skipped: 1 } });
      expect(report.targets.map(({ wordLine }: { wordLine?: number }) => wordLine)).toEqual([
        ...[1, 2, 3, 4, 5, 6, 8],
        undefined,
      ]);
      expect(report.targets[5]).toMatchObject({ kind: 'ikev2-auth', identity: 'alice@example.com' });
      if (!show) {
        expect(stdout).not.toMatch(/key of|correct-horse|pskHex/);
        expect(report.targets[0].psk).toBe('[redacted]');
      } else {
        expect(report.targets[5]).toMatchObject({ psk: secret, pskHex: Buffer.from(secret).toString('hex') });
        expect(report.targets[6]).toMatchObject({ pskHex: 'ff000d61' });
        expect(report.targets[6]).not.toHaveProperty('psk');
      }
    }
  });

  it.each([
    ['a missing file', () => ['/nonexistent/hash', '--wordlist', list], 'E_PSK_MATERIAL_FILE'],
    ['a folder', () => [folder, '--wordlist', list], 'E_PSK_MATERIAL_FILE'],
    ['a file of something else', () => [list, '--wordlist', list], 'E_PSK_MATERIAL'],
    ['a missing list', () => [hash, '--wordlist', '/nonexistent/words'], 'E_WORDLIST'],
    ['a folder for a list', () => [hash, '--wordlist', folder], 'E_WORDLIST'],
    ['no list', () => [hash], 'E_USAGE'],
    ['no threads', () => [hash, '--wordlist', list, '--threads', '0'], 'E_USAGE'],
    [
      'a saved place of something else',
      () => [hash, '--wordlist', list, '--resume', list],
      'E_PSK_AUDIT_STATE',
    ],
  ])('is refused with 2: %s', (_what, args, code) => {
    const { stdout, stderr, status } = run(['psk', 'audit', ...args()]);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(new RegExp(`^error: .+ \\(${code}\\)\n`));
    expect(stderr).not.toContain('    at ');
  });

  /**
   * Starts an audit of words that come slowly, and interrupts it. When all of them were written, most were read: a pipe
   * holds less, so the audit is in full course then.
   */
  async function interrupted(args: readonly string[], words: string, env: NodeJS.ProcessEnv = {}) {
    const child = spawn(process.execPath, [bin, ...args], { env: cleanEnvironment(env) });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk) => {
        output[name] += chunk;
      });
    }
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    child.stdin.on('error', () => undefined);
    await new Promise((resolve) => child.stdin.write(words, resolve));
    child.kill('SIGINT');
    const status = await ended;
    return { ...output, status };
  }

  const first = Array.from({ length: 300_000 }, (_, at) => `first${at}\n`).join('');
  const whole = `${first}second\n${secret}\n`;

  it('goes on where it was interrupted, from standard input too', async () => {
    const state = join(folder, 'audit.state');
    const args = ['psk', 'audit', hash, '--wordlist', '-', '--resume', state, '--json'];
    const { stdout, stderr, status } = await interrupted(args, first);
    expect(status).toBe(130);
    const before = JSON.parse(stdout);
    expect(validate(before)).toBe(true);
    expect(before).toMatchObject({ complete: false, ok: true, resume: state, targets: [{ status: 'open' }] });
    expect(stderr).toContain(`--resume ${state}`);
    expect(statSync(state).mode & 0o777).toBe(0o600);
    const { tried, lines } = JSON.parse(readFileSync(state, 'utf8'));
    expect(tried).toBeGreaterThan(0);
    expect([tried, lines]).toEqual([before.words.tried, before.words.tried]);

    const other = run(args, { input: whole.replace('first0', 'First0') });
    expect([other.status, other.stdout]).toEqual([2, '']);
    expect(other.stderr).toContain('E_PSK_AUDIT_STATE');
    const again = run(args, { input: whole });
    expect(again.stderr).toBe('');
    expect(again.status).toBe(3);
    expect(JSON.parse(again.stdout)).toMatchObject({
      complete: true,
      words: { tried: 300_002 },
      targets: [{ status: 'found', wordLine: 300_002 }],
    });
    expect(existsSync(state)).toBe(false);
  });

  it('goes on in a file behind the place', async () => {
    const state = join(folder, 'file.state');
    const args = ['psk', 'audit', hash, '--resume', state, '--json', '--wordlist'];
    const file = write('list.txt', whole);
    const { stdout } = await interrupted([...args, '-'], first);
    expect(JSON.parse(stdout).resume).toBe(state);
    expect(JSON.parse(run([...args, file]).stdout)).toMatchObject({
      words: { tried: 300_002 },
      targets: [{ wordLine: 300_002 }],
    });
  });

  it('keeps its place by itself when it is interrupted', async () => {
    const home = mkdtempSync(join(folder, 'home-'));
    const args = ['psk', 'audit', hash, '--wordlist', '-', '--json'];
    const { stdout } = await interrupted(args, first, { XDG_STATE_HOME: home });
    const { resume } = JSON.parse(stdout);
    expect(resume.startsWith(join(home, 'ipsec-kit', 'psk-audit-'))).toBe(true);
    const again = run([...args, '--resume', resume], { input: whole });
    expect([again.status, existsSync(resume)]).toEqual([3, false]);
  });
});
