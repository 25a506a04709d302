import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface SpawnOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Lead a process group of its own, so that `stop` reaches every process of the group. */
  group?: boolean;
  uid?: number;
  gid?: number;
  input?: string;
}

/** What to put before a command that is to run before other work of the machine. */
export const urgently: readonly string[] = ['nice', '-n', '-15'];

/** Runs a command to its end. Returns stdout; throws with stderr when it fails. */
export function run(argv: readonly string[], options: { env?: NodeJS.ProcessEnv } = {}): Promise<string> {
  const [file = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    execFile(file, args, { maxBuffer: 64 << 20, ...options }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${argv.join(' ')}: ${stderr || stdout || error.message}`));
      else resolve(stdout);
    });
  });
}

/** Asks `probe` until it answers something other than undefined or false. Throws `what` after `timeout` ms. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  timeout = 20_000,
): Promise<T> {
  const end = Date.now() + timeout;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`timed out after ${timeout} ms waiting for ${what}`);
    await sleep(50);
  }
}

/** A process of the test: collects its output, ends by its own id. */
export class Child {
  stdout = '';
  stderr = '';
  exit: Exit | undefined;
  readonly exited: Promise<Exit>;
  readonly #process: ChildProcess;
  readonly #group: boolean;
  readonly #watchers = new Set<() => void>();

  constructor(
    readonly argv: readonly string[],
    options: SpawnOptions = {},
  ) {
    const [file = '', ...args] = argv;
    const { group = false, input, ...rest } = options;
    this.#group = group;
    this.#process = spawn(file, args, { ...rest, detached: group, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#process.stdin?.on('error', () => {});
    this.#process.stdin?.end(input);
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#notify();
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#notify();
    });
    this.exited = new Promise((resolve) => {
      const end = (exit: Exit) => {
        this.exit ??= exit;
        this.#notify();
        resolve(this.exit);
      };
      this.#process.on('error', (error) => {
        this.stderr += error.message;
        end({ code: null, signal: null });
      });
      this.#process.on('close', (code, signal) => end({ code, signal }));
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Resolves when `condition` holds, looking again at every output; rejects when the process ends or time is up. */
  wait<T>(what: string, condition: () => T | undefined, timeout = 20_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        settle();
      };
      const fail = (why: string) =>
        finish(() => reject(new Error(`${why} waiting for ${what}\n${this.describe()}`)));
      const look = () => {
        let found: T | undefined;
        try {
          found = condition();
        } catch (error) {
          finish(() => reject(error));
          return;
        }
        if (found !== undefined) finish(() => resolve(found));
        else if (this.exit) fail('process ended');
      };
      const timer = setTimeout(() => fail(`timed out after ${timeout} ms`), timeout);
      this.#watchers.add(look);
      look();
    });
  }

  signal(signal: NodeJS.Signals): void {
    if (this.exit || this.pid === 0) return;
    try {
      process.kill(this.#group ? -this.pid : this.pid, signal);
    } catch {
      // It has just ended.
    }
  }

  /** Sends `signal`, and SIGKILL when that did not end the process within `grace` ms. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', grace = 10_000): Promise<Exit> {
    this.signal(signal);
    const hard = setTimeout(() => this.signal('SIGKILL'), grace);
    const exit = await this.exited;
    clearTimeout(hard);
    return exit;
  }

  /** Command line, outcome and the end of both outputs, for a failure's report. */
  describe(): string {
    const tail = (text: string) => text.trimEnd().split('\n').slice(-60).join('\n');
    const state = this.exit ? `ended ${this.exit.code ?? this.exit.signal}` : 'running';
    return `$ ${this.argv.join(' ')}   [${state}]\n${tail(this.stdout)}\n${tail(this.stderr)}`;
  }

  #notify(): void {
    for (const look of this.#watchers) look();
  }
}
