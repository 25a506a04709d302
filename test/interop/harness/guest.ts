import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lab } from './lab.js';
import { type Child, until } from './process.js';
import type { TransferEnd } from './traffic.js';

const initScript = fileURLToPath(new URL('guest-init.sh', import.meta.url));
const transferScript = fileURLToPath(new URL('tcp-transfer.mjs', import.meta.url));

/** What the guest is on the lab's wire: the second machine, though no host of the lab. */
export const guestHost = {
  v4: '10.77.0.2',
  v6: 'fd77::2',
  inner4: '10.77.2.1',
  net4: '10.77.2.0/24',
  inner6: 'fd77:0:0:2::1',
  net6: 'fd77:0:0:2::/64',
};

/** Where the guest takes TCP transfers, one after the other, and the bytes it sends. */
export const guestTransfer = { port: 6000, bytes: 300_000 };

/**
 * A User-Mode-Linux machine on the lab's wire. Its kernel has ESP where the host's has none, which the peers with
 * kernel ESP need. Runs `peer`, a shell script that starts one and returns.
 */
export class Guest {
  private constructor(
    readonly child: Child,
    readonly dir: string,
  ) {}

  static async start(lab: Lab, peer: string): Promise<Guest> {
    const dir = join(lab.dir, 'guest');
    mkdirSync(dir);
    const listen = `${process.execPath} ${transferScript} listen ::`;
    writeFileSync(
      join(dir, 'start.sh'),
      `set -e
cd /guest
${peer}
${listen} ${guestTransfer.port} ${guestTransfer.bytes} >/guest/transfer 2>&1 &
until grep -q listening /guest/transfer; do kill -0 $!; sleep 0.2; done
if command -v iperf3 >/dev/null; then iperf3 -s -D; fi
`,
    );
    const tap = await lab.addTap('guest');
    const { v4, v6, inner4, inner6 } = guestHost;
    const addresses = [`${v4}/24@vec0`, `${v6}/64@vec0`, `${inner4}/24@lo`, `${inner6}/64@lo`];
    const kernel =
      'linux.uml mem=512M rootfstype=hostfs rootflags=/ ro quiet con=null con0=null,fd:1 umid=uml';
    const argv = [
      ...kernel.split(' '),
      `vec0:transport=tap,ifname=${tap},depth=128,gro=0`,
      `init=${initScript}`,
      `guest_dir=${dir}`,
      `guest_addresses=${addresses.join()}`,
      `uml_dir=${dir}/`,
    ];
    const child = lab.spawn({ namespace: lab.wire }, argv, {
      group: true,
      env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, TMPDIR: '/dev/shm' },
    });
    const guest = new Guest(child, dir);
    lab.reports.push(() => guest.describe());
    lab.defer(() => guest.stop());
    await until(
      'the guest',
      () => {
        if (child.exit) throw new Error(child.describe());
        if (existsSync(join(dir, 'failed'))) throw new Error('the peer did not start');
        return existsSync(join(dir, 'up'));
      },
      60_000,
    );
    return guest;
  }

  /** What the guest's end of the n-th TCP transfer (from 1) sent and received. */
  async transferred(nth = 1): Promise<TransferEnd> {
    const line = await until(`transfer #${nth}`, () => this.#read('transfer').match(/^\{.*\}$/gm)?.[nth - 1]);
    return JSON.parse(line) as TransferEnd;
  }

  async stop(): Promise<void> {
    writeFileSync(join(this.dir, 'stop'), '');
    await Promise.race([this.child.exited, until('power-off', () => this.child.exit, 10_000)]).catch(
      () => {},
    );
    await this.child.stop('SIGKILL');
  }

  describe(): string {
    const logs = readdirSync(this.dir).filter((name) => name.endsWith('.log'));
    return logs.map((name) => `guest ${name}:\n${this.#read(name)}`).join('\n\n');
  }

  #read(name: string): string {
    const file = join(this.dir, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }
}
