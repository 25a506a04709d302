import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host, Lab } from './lab.js';
import { type Child, run, until } from './process.js';
import { peersDir } from './requirements.js';

const root = join(peersDir, 'libreswan');
const programs = join(root, 'usr/libexec/ipsec');

/** Lines of a connection of ipsec.conf, e.g. `{ ikev2: 'no', ike: 'aes256-sha1-modp2048' }`. */
export type LibreswanConnection = Readonly<Record<string, string>>;

/**
 * A pluto on a host of the lab, whose kernel has no ESP: it answers IKE up to where a child SA would be installed. For
 * tunnels see `guest.ts`.
 */
export class Libreswan {
  private constructor(
    readonly child: Child,
    readonly logFile: string,
  ) {}

  /** Answers as `bob.test` to anybody with this key, with one connection for each of `connections`. */
  static async start(
    lab: Lab,
    host: Host,
    psk: string,
    connections: readonly LibreswanConnection[],
  ): Promise<Libreswan> {
    const dir = mkdtempSync(join(lab.dir, `libreswan-${host.v4}-`));
    const file = (name: string): string => join(dir, name);
    for (const folder of ['run', 'ipsec.d', 'nss']) mkdirSync(file(folder));
    writeFileSync(file('secrets'), `: PSK "${psk}"\n`, { mode: 0o600 });
    writeFileSync(file('ipsec.conf'), configuration(host, connections));
    const env = {
      ...process.env,
      LD_LIBRARY_PATH: join(root, 'usr/lib/x86_64-linux-gnu'),
      PATH: `${programs}:${process.env.PATH}:/usr/sbin:/sbin`,
    };
    await run([join(root, 'usr/bin/certutil'), '-N', '-d', `sql:${file('nss')}`, '--empty-password'], {
      env,
    });
    // It looks for its helpers in /usr/libexec/ipsec.
    const inMountNamespace = ['unshare', '-m', '--propagation', 'private', 'sh', '-c'];
    const mount = 'mount --bind "$0" /usr/libexec && exec "$@"';
    const flags = [
      ...['--nofork', '--config', file('ipsec.conf'), '--rundir', file('run'), '--ipsecdir', file('ipsec.d')],
      ...['--nssdir', file('nss'), '--secretsfile', file('secrets'), '--logfile', file('pluto.log')],
      ...['--no-dnssec', '--dumpdir', dir, '--nhelpers', '0'],
    ];
    const child = lab.spawn(
      host,
      [...inMountNamespace, mount, join(root, 'usr/libexec'), join(programs, 'pluto'), ...flags],
      { env },
    );
    const daemon = new Libreswan(child, file('pluto.log'));
    lab.reports.push(() => `libreswan on ${host.v4}:\n${daemon.log()}`);
    const control = file('run/pluto.ctl');
    await until('the control socket of pluto', () => {
      if (child.exit) throw new Error(child.describe());
      return existsSync(control);
    });
    const inHost = ['ip', 'netns', 'exec', host.namespace];
    await run([...inHost, join(programs, 'whack'), '--ctlsocket', control, '--listen'], { env });
    for (const index of connections.keys()) {
      const add = ['--config', file('ipsec.conf'), '--ctlsocket', control, `c${index}`];
      await run([...inHost, join(programs, 'addconn'), ...add], { env });
    }
    await until(
      'the connections',
      () => daemon.log().split(/added .*connection/).length > connections.length,
    );
    return daemon;
  }

  log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : '';
  }
}

function configuration(host: Host, connections: readonly LibreswanConnection[]): string {
  const sections = connections.map((connection, index) => {
    const lines = {
      left: host.v4,
      leftid: '@bob.test',
      leftsubnet: host.net4,
      leftupdown: '%disabled',
      right: '%any',
      authby: 'secret',
      auto: 'add',
      ...connection,
    };
    const text = Object.entries(lines).map(([key, value]) => ` ${key}=${value}\n`);
    return `conn c${index}\n${text.join('')}`;
  });
  return `config setup\n ikev1-policy=accept\n${sections.join('')}`;
}
