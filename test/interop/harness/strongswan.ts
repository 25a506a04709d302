import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host, Lab } from './lab.js';
import { type Child, until } from './process.js';
import {
  connectionSettings,
  daemonSettings,
  formatSettings,
  type StrongSwanOptions,
  writeCredentials,
} from './strongswan-config.js';
import { parseVici, type ViciSection } from './vici.js';

/** A charon-systemd of its own in a host's namespace, with one connection `c` and one child `net`. */
export class StrongSwan {
  readonly #dir: string;

  private constructor(
    readonly lab: Lab,
    readonly host: Host,
    readonly child: Child,
    dir: string,
  ) {
    this.#dir = dir;
  }

  static async start(lab: Lab, host: Host, options: StrongSwanOptions): Promise<StrongSwan> {
    const dir = mkdtempSync(join(lab.dir, `strongswan-${host.v4}-`));
    writeFileSync(join(dir, 'swanctl.conf'), formatSettings(connectionSettings(options)), { mode: 0o600 });
    writeCredentials(dir, options.credentials);
    return StrongSwan.#launch(lab, host, dir, options);
  }

  /** Starts one with a folder that somebody made for /etc/swanctl. */
  static async startFrom(lab: Lab, host: Host, folder: string): Promise<StrongSwan> {
    const dir = mkdtempSync(join(lab.dir, `strongswan-${host.v4}-`));
    cpSync(folder, dir, { recursive: true });
    // As the package installs it.
    writeFileSync(join(dir, 'swanctl.conf'), 'include conf.d/*.conf\n');
    return StrongSwan.#launch(lab, host, dir, {});
  }

  static async #launch(
    lab: Lab,
    host: Host,
    dir: string,
    options: Pick<StrongSwanOptions, 'plane' | 'charon' | 'wrapper'>,
  ): Promise<StrongSwan> {
    writeFileSync(join(dir, 'strongswan.conf'), formatSettings(daemonSettings(dir, options)));
    // A /run of its own keeps the pid files and sockets of two daemons apart.
    const child = lab.spawn(
      host,
      [
        ...(options.wrapper ?? []),
        'unshare',
        '-m',
        '--propagation',
        'private',
        'sh',
        '-c',
        'mount -t tmpfs none /run && exec charon-systemd',
      ],
      { env: daemonEnvironment(dir) },
    );
    const daemon = new StrongSwan(lab, host, child, dir);
    lab.reports.push(() => `strongSwan on ${host.v4}:\n${daemon.log()}`);
    await until('the vici socket', () => {
      if (child.exit) throw new Error(child.describe());
      return existsSync(join(dir, 'vici'));
    });
    await daemon.swanctl('--load-all', '--noprompt');
    return daemon;
  }

  /** Runs swanctl against this daemon; its output. Throws when it fails. */
  swanctl(...args: string[]): Promise<string> {
    const variables = Object.entries(daemonEnvironment(this.#dir)).map(([key, value]) => `${key}=${value}`);
    const uri = `unix://${join(this.#dir, 'vici')}`;
    return this.lab.run(this.host, ['env', ...variables, 'swanctl', ...args, '--uri', uri]);
  }

  initiate(timeout = 15, child = 'net'): Promise<string> {
    return this.swanctl('--initiate', '--child', child, '--timeout', String(timeout));
  }

  rekey(what: 'ike' | 'child'): Promise<string> {
    return this.swanctl('--rekey', ...(what === 'ike' ? ['--ike', 'c'] : ['--child', 'net']));
  }

  terminate(what: 'ike' | 'child'): Promise<string> {
    return this.swanctl('--terminate', ...(what === 'ike' ? ['--ike', 'c'] : ['--child', 'net']));
  }

  /** The IKE SAs it has, as vici tells them. */
  async listSas(): Promise<ViciSection[]> {
    return parseVici(await this.swanctl('--list-sas', '--raw'), 'list-sa').flatMap((event) =>
      Object.values(event).filter(
        (value): value is ViciSection => typeof value === 'object' && !Array.isArray(value),
      ),
    );
  }

  log(): string {
    const file = join(this.#dir, 'charon.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** What its resolve plugin wrote into its private resolv.conf. */
  resolvConf(): string {
    const file = join(this.#dir, 'resolv.conf');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** Ends it in good order: it deletes its SAs first. */
  async stop(): Promise<void> {
    await this.child.stop('SIGTERM');
  }
}

/** The child SAs of an IKE SA that are in use. */
export function installedChildren(sa: ViciSection): ViciSection[] {
  return Object.values((sa['child-sas'] ?? {}) as ViciSection).filter(
    (child): child is ViciSection =>
      typeof child === 'object' && !Array.isArray(child) && child.state === 'INSTALLED',
  );
}

function daemonEnvironment(dir: string): Record<string, string> {
  return {
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
    STRONGSWAN_CONF: join(dir, 'strongswan.conf'),
    SWANCTL_DIR: dir,
  };
}
