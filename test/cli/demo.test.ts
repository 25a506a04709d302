import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DemoReport, demoSchema } from '../../src/lib/report/demo.schema.js';
import { bin, cleanEnvironment, run } from './run.js';

const validate = new Ajv().compile(demoSchema);

function expectGood(report: DemoReport): void {
  expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
  expect(report.problems).toEqual([]);
  expect(report).toMatchObject({ ok: true, pingsLost: 0, bytes: 10_000_000, checksumsEqual: true });
  expect(report.pingsSent).toBeGreaterThan(20);
  const { plane, traffic, up, down } = report.throughput!;
  expect([plane, traffic]).toEqual(
    report.mode === 'memory' ? ['memory', 'udp'] : [expect.stringMatching(/^(fast|simple)$/), 'tcp'],
  );
  expect(Math.min(up, down)).toBeGreaterThan(0);
  expect(report.rekeys.child).toBeGreaterThan(0);
  expect(report.rekeys.ike).toBeGreaterThan(0);
  const names = report.exchanges.map(({ exchange }) => exchange);
  expect(names.slice(0, 2)).toEqual(['IKE_SA_INIT', 'IKE_AUTH']);
  expect(names).toContain('CREATE_CHILD_SA');
  expect(names.at(-1)).toBe('INFORMATIONAL');
}

/** Processes that carry the marker in their environment, by command line. */
function processesWith(marker: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(marker)) return [];
        return [readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')];
      } catch {
        return [];
      }
    });
}

describe('demo', () => {
  it('shows a whole tunnel as data', () => {
    const { stdout, status } = run(['demo', '--json']);
    const report: DemoReport = JSON.parse(stdout);
    expectGood(report);
    expect(status).toBe(0);
    if (report.mode === 'memory') {
      process.stderr.write(`demo in namespaces not tested: ${report.obstacle?.message}\n`);
      expect(report.obstacle).toBeDefined();
    }
  });

  it.skipIf(process.platform !== 'linux')('leaves no process behind when it is interrupted', async () => {
    const marker = `IPSEC_KIT_TEST_${randomUUID()}`;
    const child = spawn(process.execPath, [bin, 'demo'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: cleanEnvironment({ [marker]: '1' }),
    });
    let output = '';
    for await (const chunk of child.stdout) {
      output += chunk;
      if (output.includes('traffic:')) break;
    }
    expect(processesWith(marker).length).toBeGreaterThan(0);
    const closed = once(child, 'exit');
    child.kill('SIGINT');
    expect(await closed).toEqual([130, null]);
    expect(processesWith(marker)).toEqual([]);
  });
});

describe('demo where namespaces are out of reach', () => {
  let path: string;

  beforeAll(() => {
    path = mkdtempSync(join(tmpdir(), 'ipsec-kit-path-'));
    symlinkSync(process.execPath, join(path, 'node'));
  });
  afterAll(() => {
    rmSync(path, { recursive: true });
  });

  it('says why and runs in memory', () => {
    const { stdout, status } = run(['demo', '--json'], { env: { PATH: path } });
    const report: DemoReport = JSON.parse(stdout);
    expectGood(report);
    expect(report.mode).toBe('memory');
    expect(report.obstacle).toMatchObject(
      process.platform === 'linux'
        ? { code: 'E_NO_UNSHARE', remedy: expect.stringContaining('util-linux') }
        : { code: 'E_NOT_LINUX' },
    );
    expect(status).toBe(0);
  });

  it('shows it as a timeline with the suites', () => {
    const { stdout, status } = run(['demo'], { env: { PATH: path } });
    expect(status).toBe(0);
    for (const text of [
      'Not in namespaces',
      'IKE_SA_INIT',
      'IKE_AUTH',
      'rekeyed the IKE SA',
      'IKE SA',
      '0 lost',
      'Mbit/s up',
      'UDP packets in memory',
      '✓',
    ]) {
      expect(stdout).toContain(text);
    }
    expect(stdout).not.toContain('\u001b[');
  });
});
