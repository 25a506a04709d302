import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { command } from './harness/kit.js';
import { Child } from './harness/process.js';
import { require } from './harness/requirements.js';
import { checkDocument } from './harness/schemas.js';

/** Debian's `nobody`: an ordinary user without a home. */
const user = { uid: 65534, gid: 65534 };

const root = join(command, '../..');

/** The built command and a node where an ordinary user can read them, and a folder the user can write. */
function install(context: TestContext): { node: string; program: string; home: string } {
  const folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-demo-'));
  context.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  for (const name of ['bin', 'dist', 'node_modules', 'package.json', 'oclif.manifest.json']) {
    cpSync(join(root, name), join(folder, name), { recursive: true, verbatimSymlinks: true });
  }
  const home = join(folder, 'home');
  mkdirSync(home);
  chmodSync(home, 0o777);
  const reachable = spawnSync(process.execPath, ['--version'], user).status === 0;
  const node = reachable ? process.execPath : join(folder, 'node');
  if (!reachable) copyFileSync(process.execPath, node);
  return { node, program: join(folder, 'bin/run.js'), home };
}

async function demo(context: TestContext, ...flags: string[]) {
  require(context, ['userNamespaces']);
  const { node, program, home } = install(context);
  const child = new Child([node, program, 'demo', ...flags], {
    ...user,
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, TMPDIR: home },
    group: true,
  });
  context.onTestFinished(async () => {
    if (context.task.result?.state === 'fail') console.error(child.describe());
    await child.stop('SIGKILL');
  });
  const { code } = await child.wait('the demo to end', () => child.exit, 100_000);
  return { code, ...child, home };
}

/** Processes of this user whose command line names the copied command. */
function processesOf(home: string): string[] {
  const list = spawnSync('ps', ['-u', String(user.uid), '-o', 'pid=,args='], { encoding: 'utf8' }).stdout;
  return list.split('\n').filter((line) => line.includes(join(home, '..')));
}

describe('demo as an ordinary user', () => {
  test('--json tells of a whole tunnel in namespaces', async (context) => {
    const { code, stdout, home } = await demo(context, '--json');
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    checkDocument('demo', result);
    expect(result).toMatchObject({
      mode: 'namespaces',
      ok: true,
      pingsLost: 0,
      checksumsEqual: true,
      throughput: { plane: 'fast', traffic: 'tcp' },
    });
    expect(Math.min(result.throughput.up, result.throughput.down)).toBeGreaterThan(0);
    expect(result.pingsSent).toBeGreaterThan(0);
    expect(result.bytes).toBeGreaterThanOrEqual(10_000_000);
    expect(result.exchanges.length).toBeGreaterThanOrEqual(4);
    expect(result.rekeys.ike).toBeGreaterThanOrEqual(1);
    expect(result.rekeys.child).toBeGreaterThanOrEqual(1);
    expect(processesOf(home)).toEqual([]);
  });

  test('text shows the exchanges and the suites', async (context) => {
    const { code, stdout } = await demo(context);
    expect(code).toBe(0);
    for (const word of ['IKE_SA_INIT', 'IKE_AUTH', 'CREATE_CHILD_SA', 'INFORMATIONAL']) {
      expect(stdout).toContain(word);
    }
    expect(stdout).toMatch(/throughput +[\d,]+ Mbit\/s up, [\d,]+ Mbit\/s down .*fast plane/);
  });
});
