import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Two hosts: where they are on the wire, and in the tunnel. */
export const HOSTS = {
  client: { outer: '10.99.0.1', inner: '10.99.1.1', net: '10.99.1.0/24' },
  server: { outer: '10.99.0.2', inner: '10.99.2.1', net: '10.99.2.0/24' },
};
const SIDES = Object.keys(HOSTS);

/** A process on one of the hosts; it collects what is printed. */
class Running {
  stdout = '';
  stderr = '';
  exit;
  #child;

  constructor(argv, env) {
    this.argv = argv;
    // A group of its own: Ctrl-C reaches only the bench, which then ends them.
    this.#child = spawn(argv[0], argv.slice(1), {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of ['stdout', 'stderr']) {
      this.#child[stream].setEncoding('utf8').on('data', (text) => {
        this[stream] += text;
      });
    }
    this.ended = new Promise((resolve) => {
      this.#child.on('error', (error) => {
        this.stderr += error.message;
        this.exit = -1;
        resolve(-1);
      });
      this.#child.on('close', (code, signal) => {
        this.exit = code ?? signal;
        resolve(this.exit);
      });
    });
  }

  get pid() {
    return this.#child.pid;
  }

  get output() {
    return this.stdout + this.stderr;
  }

  /** Rejects with what it printed when it ends, or the time is over, before `holds` does. */
  async until(what, holds, seconds = 30) {
    for (const end = Date.now() + seconds * 1000; !holds(); await sleep(20)) {
      if (this.exit === undefined && Date.now() < end) continue;
      throw new Error(`${this.argv.join(' ')} misses ${what}: ${this.output.slice(-2000)}`);
    }
  }

  prints(wanted, seconds) {
    return this.until(wanted, () => this.output.includes(wanted), seconds);
  }

  async stop(signal = 'SIGTERM') {
    if (this.exit === undefined) this.#child.kill(signal);
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await this.ended;
    clearTimeout(late);
  }
}

/**
 * Two network namespaces with a veth pair between them, a folder for files, and the processes that run there. The names
 * carry the id of this process. {@link close} takes all of it away, and so does the end of this process, whatever its
 * reason, unless somebody kills it hard.
 */
export class Wire {
  folder = mkdtempSync(join(tmpdir(), 'bench-tunnel-'));
  #namespaces = Object.fromEntries(SIDES.map((side) => [side, `bt${process.pid}-${side}`]));
  #running = [];
  #open = true;
  #emergency = () => this.#destroy();

  /** @param segmentation whether super-segments of UDP cross the link whole */
  constructor(segmentation) {
    process.on('exit', this.#emergency);
    for (const side of SIDES) {
      execFileSync('ip', ['netns', 'add', this.#namespaces[side]]);
      this.ip(side, 'link', 'set', 'lo', 'up');
    }
    const { client, server } = this.#namespaces;
    this.ip('client', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', server);
    for (const side of SIDES) {
      const namespace = { client, server }[side];
      this.ip(side, 'link', 'set', 'eth0', 'addrgenmode', 'none', 'up');
      this.ip(side, 'addr', 'add', `${HOSTS[side].outer}/24`, 'dev', 'eth0');
      // The sender's kernel then cuts a super-segment before the device, and veth does not join what arrives (GRO is off).
      const state = segmentation ? 'on' : 'off';
      execFileSync('ip', ['netns', 'exec', namespace, 'ethtool', '-K', 'eth0', 'tx-udp-segmentation', state]);
    }
  }

  ip(side, ...words) {
    execFileSync('ip', ['-n', this.#namespaces[side], ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  start(side, argv, env) {
    const running = new Running(['ip', 'netns', 'exec', this.#namespaces[side], ...argv], env);
    this.#running.push(running);
    return running;
  }

  /** Starts a program with a /run of its own, where daemons of the two hosts cannot meet. */
  startApart(side, argv, env) {
    const script = 'mount -t tmpfs none /run && exec "$0" "$@"';
    return this.start(side, ['unshare', '-m', '--propagation', 'private', 'sh', '-c', script, ...argv], env);
  }

  /** Runs a program to its end. @returns its standard output @throws Error with what it printed when it fails */
  run(argv, options) {
    const { status, stdout, stderr, error } = spawnSync(argv[0], argv.slice(1), {
      encoding: 'utf8',
      ...options,
    });
    if (status !== 0) throw new Error(`${argv.join(' ')}: ${error?.message ?? stderr + stdout}`);
    return stdout;
  }

  /** Until a ping comes back through the tunnel. */
  async untilPingReturns(seconds = 20) {
    const { client, server } = HOSTS;
    for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
      const ping = this.start('client', ['ping', '-n', '-c1', '-W1', '-I', client.inner, server.inner]);
      if ((await ping.ended) === 0) return;
      await sleep(50);
    }
    throw new Error('no ping came through the tunnel');
  }

  /** Bytes and packets that arrived on the link at the server. */
  received() {
    const namespace = this.#namespaces.server;
    const text = execFileSync('ip', ['-n', namespace, '-s', '-j', 'link', 'show', 'eth0'], {
      encoding: 'utf8',
    });
    const { bytes, packets } = JSON.parse(text)[0].stats64.rx;
    return { bytes, packets };
  }

  async close() {
    await Promise.all(this.#running.map((running) => running.stop()));
    this.#destroy();
  }

  #destroy() {
    if (!this.#open) return;
    this.#open = false;
    process.off('exit', this.#emergency);
    for (const namespace of Object.values(this.#namespaces)) {
      const { stdout } = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' });
      for (const pid of (stdout ?? '').split('\n').filter(Boolean)) {
        try {
          process.kill(Number(pid), 'SIGKILL');
        } catch {
          // It has just ended.
        }
      }
      spawnSync('ip', ['netns', 'del', namespace], { stdio: 'ignore' });
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
