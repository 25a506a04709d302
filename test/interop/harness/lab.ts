import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { Child, run, type SpawnOptions } from './process.js';
import { type Need, require } from './requirements.js';

/** One machine of the lab: a network namespace with `eth0` on the shared wire and inner networks on `lo`. */
export interface Host {
  readonly namespace: string;
  /** Outer addresses: 10.77.0.N and fd77::N. */
  readonly v4: string;
  readonly v6: string;
  /** Inner addresses 10.77.N.1 and fd77:0:0:N::1 and the networks they are in. */
  readonly inner4: string;
  readonly inner6: string;
  readonly net4: string;
  readonly net6: string;
}

let labs = 0;

/**
 * A few hosts on one wire, and everything a test started on them. Namespaces carry the process id in their
 * names, so that runs side by side do not meet.
 */
export class Lab {
  readonly hosts: Host[] = [];
  /** Working folder, removed at the end. */
  readonly dir = mkdtempSync(join(tmpdir(), 'ipsec-kit-lab-'));
  /** TMPDIR of the command under test. */
  readonly tmp = join(this.dir, 'tmp');
  readonly children: Child[] = [];
  /** More to print when the test fails: log files and the like. */
  readonly reports: (() => string)[] = [];
  readonly #prefix = `ik${process.pid}-${++labs}`;
  readonly #namespaces: string[] = [];
  readonly #deferred: (() => Promise<unknown> | unknown)[] = [];
  readonly #emergency = () => this.#destroy();
  #closed = false;

  constructor() {
    mkdirSync(this.tmp);
    process.once('exit', this.#emergency);
  }

  /** The n-th host, from 1. */
  host(n: number): Host {
    const host = this.hosts[n - 1];
    if (!host) throw new Error(`the lab has no host ${n}`);
    return host;
  }

  /** The namespace of the wire: a bridge `br0` that all hosts are on. */
  get wire(): string {
    return `${this.#prefix}-wire`;
  }

  get a(): Host {
    return this.host(1);
  }

  get b(): Host {
    return this.host(2);
  }

  async build(hosts: number): Promise<void> {
    const { wire } = this;
    await this.addNamespace(wire);
    await run(['ip', '-n', wire, 'link', 'add', 'br0', 'type', 'bridge']);
    await run(['ip', '-n', wire, 'link', 'set', 'br0', 'up']);
    for (let n = 1; n <= hosts; n++) {
      const namespace = `${this.#prefix}-${n}`;
      await this.addNamespace(namespace);
      const ip = (...words: string[]) => run(['ip', '-n', namespace, ...words]);
      await ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', `p${n}`, 'netns', wire);
      await run(['ip', '-n', wire, 'link', 'set', `p${n}`, 'master', 'br0', 'up']);
      const host = {
        namespace,
        v4: `10.77.0.${n}`,
        v6: `fd77::${n}`,
        inner4: `10.77.${n}.1`,
        inner6: `fd77:0:0:${n}::1`,
        net4: `10.77.${n}.0/24`,
        net6: `fd77:0:0:${n}::/64`,
      };
      // No link-local address: it would appear late, after duplicate address detection.
      await ip('link', 'set', 'eth0', 'addrgenmode', 'none', 'up');
      await ip('addr', 'add', `${host.v4}/24`, 'dev', 'eth0');
      await ip('addr', 'add', `${host.v6}/64`, 'dev', 'eth0', 'nodad');
      await ip('addr', 'add', `${host.inner4}/24`, 'dev', 'lo');
      await ip('addr', 'add', `${host.inner6}/64`, 'dev', 'lo', 'nodad');
      this.hosts.push(host);
    }
  }

  /** A namespace with `lo` up, deleted with the lab. */
  async addNamespace(name: string): Promise<void> {
    this.#namespaces.push(name);
    await run(['ip', 'netns', 'add', name]);
    await run(['ip', '-n', name, 'link', 'set', 'lo', 'up']);
  }

  /** A tap device on the wire, for a virtual machine that runs in the wire's namespace. */
  async addTap(name: string): Promise<string> {
    await run(['ip', '-n', this.wire, 'tuntap', 'add', name, 'mode', 'tap']);
    await run(['ip', '-n', this.wire, 'link', 'set', name, 'master', 'br0', 'up']);
    return name;
  }

  run(host: { namespace: string }, argv: readonly string[]): Promise<string> {
    return run(['ip', 'netns', 'exec', host.namespace, ...argv]);
  }

  /** Starts a process on a host; it is ended with the lab at the latest. */
  spawn(host: { namespace: string }, argv: readonly string[], options: SpawnOptions = {}): Child {
    const child = new Child(['ip', 'netns', 'exec', host.namespace, ...argv], options);
    this.children.push(child);
    return child;
  }

  /** Runs at the end, newest first, before processes and namespaces go. */
  defer(action: () => Promise<unknown> | unknown): void {
    this.#deferred.push(action);
  }

  describe(): string {
    return [
      ...this.children.map((child) => child.describe()),
      ...this.reports.map((report) => report()),
    ].join('\n\n');
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    for (const action of this.#deferred.reverse()) {
      try {
        await action();
      } catch (error) {
        console.error(error);
      }
    }
    await Promise.all(this.children.map((child) => child.stop('SIGKILL')));
    process.off('exit', this.#emergency);
    this.#destroy();
  }

  /** Synchronous, because it is also what runs when the test process itself is leaving. */
  #destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const child of this.children) child.signal('SIGKILL');
    for (const namespace of this.#namespaces) {
      try {
        for (const pid of pidsIn(namespace)) process.kill(pid, 'SIGKILL');
      } catch {
        // It has just ended, or the namespace was never made.
      }
      try {
        execFileSync('ip', ['netns', 'del', namespace], { stdio: 'ignore' });
      } catch {
        // Never made.
      }
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Ids of the processes in a namespace. */
export function pidsIn(namespace: string): number[] {
  const text = execFileSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' });
  return text.split('\n').filter(Boolean).map(Number);
}

/**
 * A lab for one test: skips the test (or fails it under CI_INTEROP=required) when something it needs is missing,
 * prints every log when it fails, and is torn down when it ends, timed out or not.
 */
export async function openLab(
  context: TestContext,
  options: { hosts?: number; needs?: readonly Need[] } = {},
): Promise<Lab> {
  require(context, options.needs ?? []);
  const lab = new Lab();
  context.onTestFinished(async () => {
    if (context.task.result?.state === 'fail') console.error(lab.describe());
    await lab.close();
  });
  await lab.build(options.hosts ?? 2);
  return lab;
}
