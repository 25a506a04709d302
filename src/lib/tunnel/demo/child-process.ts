import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { KitError } from '../../core/errors.js';
import { TOOL_PATH } from '../../net/ip-command.js';
import type { TunnelEvent } from '../types.js';

/** How long a process may take to leave after SIGTERM. */
const LEAVE_MS = 5000;

/** Ends a process and waits for it: SIGTERM, and SIGKILL when it does not listen. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const hurry = setTimeout(() => child.kill('SIGKILL'), LEAVE_MS);
  await gone;
  clearTimeout(hurry);
}

/** Runs a program to its end; its output. Rejects with its complaint when it fails. */
export function runProgram(argv: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const [file = '', ...args] = argv;
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      // `ip` lives in sbin, which ordinary users often lack.
      env: { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH ?? ''}:${TOOL_PATH}` },
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(cause.code === 'ENOENT' ? missingProgram(file) : programError(argv, cause.message)),
    );
    child.once('close', (code) => (code === 0 ? resolve(out) : reject(programError(argv, err.trim()))));
  });
}

function missingProgram(file: string): KitError {
  const packages: Record<string, string> = { ip: 'iproute2', nsenter: 'util-linux' };
  return new KitError(
    'environment',
    file === 'ip' ? 'E_NO_IPROUTE2' : 'E_NO_PROGRAM',
    `The program ${file} is missing.`,
    { hint: `Install ${packages[file] ?? file} (Debian and Ubuntu: apt install ${packages[file] ?? file}).` },
  );
}

function programError(argv: readonly string[], reason: string): KitError {
  return new KitError('environment', 'E_PROGRAM', `"${argv.join(' ')}" failed: ${reason}.`);
}

/** One of our own commands as a process of its own, with its events read from `--format ndjson`. */
export class EventProcess {
  readonly events: TunnelEvent[] = [];
  readonly child: ChildProcess;
  #complaints = '';
  #gone = false;

  /**
   * @param argv program and arguments
   * @param stdin handed to the process, then closed: the way of the key
   */
  constructor(argv: readonly string[], stdin: string, onEvent: (event: TunnelEvent) => void = () => {}) {
    const [file = '', ...args] = argv;
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child = child;
    child.once('error', () => {
      this.#gone = true;
    });
    child.once('exit', () => {
      this.#gone = true;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-2000);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as TunnelEvent;
      this.events.push(event);
      onEvent(event);
    });
  }

  /** The first event of that name, past or to come. Rejects when the process ends or the time is over. */
  async waitFor<Name extends TunnelEvent['event']>(
    name: Name,
    timeoutMs: number,
  ): Promise<Extract<TunnelEvent, { event: Name }>> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const found = this.events.find((event) => event.event === name);
      if (found !== undefined) return found as Extract<TunnelEvent, { event: Name }>;
      if (this.#gone) throw this.#failure(`ended before "${name}"`);
      if (Date.now() > end) throw this.#failure(`did not reach "${name}" within ${timeoutMs / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async end(): Promise<void> {
    await endProcess(this.child);
  }

  #failure(what: string): KitError {
    const name = this.child.spawnargs.find((word) => word === 'serve' || word === 'connect') ?? 'the process';
    const [complaint] = this.#complaints.split('\n');
    return new KitError('bug', 'E_DEMO', `${name} ${what}${complaint ? `: ${complaint}` : ''}`);
  }
}
