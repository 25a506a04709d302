import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host, Lab } from './lab.js';
import { type Child, until } from './process.js';
import { parseVici, type ViciSection } from './vici.js';

export interface StrongSwanOptions {
  /** Outer address of this side, and of the other side (absent: any). */
  local: string;
  remote?: string;
  /** [bob.test] */
  localId?: string;
  /** [%any] */
  remoteId?: string;
  psk?: string;
  ike?: string;
  esp?: string;
  /** CIDRs; absent: the dynamic address. */
  localTs?: readonly string[] | undefined;
  remoteTs?: readonly string[] | undefined;
  /** Responder: ranges of virtual addresses, and the name servers that come with them. */
  pools?: readonly string[];
  dns?: readonly string[];
  /** Initiator: asks for these, e.g. `0.0.0.0`. */
  virtualIps?: readonly string[];
  /** `userspace` (kernel-libipsec; what a host kernel without ESP can run) or the kernel's own ESP. */
  plane?: 'userspace' | 'kernel';
  /** strongSwan durations; 0 never. */
  rekeyIke?: string;
  rekeyChild?: string;
  dpd?: string;
  /** Options of the connection and of the daemon that no test but one needs. */
  connection?: Settings;
  charon?: Settings;
}

export interface Settings {
  [key: string]: string | number | Settings;
}

/** strongSwan's configuration syntax, which swanctl.conf and strongswan.conf share. */
export function formatSettings(settings: Settings, indent = ''): string {
  return Object.entries(settings)
    .map(([key, value]) =>
      typeof value === 'object'
        ? `${indent}${key} {\n${formatSettings(value, `${indent}  `)}${indent}}\n`
        : `${indent}${key} = ${value}\n`,
    )
    .join('');
}

const cryptoPlugins =
  'random nonce aes aesni sha1 sha2 md5 hmac kdf gmp curve25519 openssl gcm ccm ctr chapoly drbg xcbc cmac';

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
    writeFileSync(join(dir, 'strongswan.conf'), formatSettings(daemonSettings(dir, options)));
    writeFileSync(join(dir, 'swanctl.conf'), formatSettings(connectionSettings(options)), { mode: 0o600 });
    // A /run of its own keeps the pid files and sockets of two daemons apart.
    const child = lab.spawn(
      host,
      [
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

  initiate(timeout = 15): Promise<string> {
    return this.swanctl('--initiate', '--child', 'net', '--timeout', String(timeout));
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

function daemonSettings(dir: string, options: StrongSwanOptions): Settings {
  // kernel-libipsec comes first, which leaves routes and addresses to kernel-netlink. The mark keeps the
  // daemon's own packets out of the routes it installs for the tunnel.
  const plane = (options.plane ?? 'userspace') === 'userspace' ? 'kernel-libipsec' : '';
  return {
    'charon-systemd': {
      load_modular: 'no',
      load: `${cryptoPlugins} pem ${plane} kernel-netlink socket-default vici updown attr resolve`,
      install_virtual_ip_on: 'lo',
      journal: { default: -1 },
      filelog: { log: { path: join(dir, 'charon.log'), default: 1, cfg: 2, flush_line: 'yes' } },
      plugins: {
        vici: { socket: `unix://${join(dir, 'vici')}` },
        'kernel-netlink': { fwmark: '!0x42' },
        'socket-default': { fwmark: '0x42' },
        'kernel-libipsec': { allow_peer_ts: 'yes' },
        resolve: { file: join(dir, 'resolv.conf') },
      },
      ...options.charon,
    },
    swanctl: { load: 'random' },
  };
}

function connectionSettings(options: StrongSwanOptions): Settings {
  const list = (values: readonly string[]) => values.join(',');
  return {
    connections: {
      c: {
        version: 2,
        local_addrs: options.local,
        remote_addrs: options.remote ?? '%any',
        proposals: options.ike ?? 'aes256gcm16-prfsha256-x25519',
        // Userspace ESP exists only in UDP.
        encap: options.plane === 'kernel' ? 'no' : 'yes',
        mobike: 'no',
        rekey_time: options.rekeyIke ?? '0',
        rand_time: '0',
        dpd_delay: options.dpd ?? '0',
        ...(options.pools && { pools: list(options.pools.map((_, index) => `pool${index}`)) }),
        ...(options.virtualIps && { vips: list(options.virtualIps) }),
        ...options.connection,
        local: { auth: 'psk', id: options.localId ?? 'bob.test' },
        remote: { auth: 'psk', id: options.remoteId ?? '%any' },
        children: {
          net: {
            esp_proposals: options.esp ?? 'aes256gcm16',
            ...(options.localTs && { local_ts: list(options.localTs) }),
            ...(options.remoteTs && { remote_ts: list(options.remoteTs) }),
            rekey_time: options.rekeyChild ?? '0',
            rand_time: '0',
            // Else a tenth more than rekey_time, which is no time at all when that is a few seconds.
            life_time: '2h',
            dpd_action: 'clear',
          },
        },
      },
    },
    ...(options.pools && {
      pools: Object.fromEntries(
        options.pools.map((addrs, index) => [
          `pool${index}`,
          { addrs, ...(index === 0 && options.dns && { dns: list(options.dns) }) },
        ]),
      ),
    }),
    secrets: { 'ike-1': { secret: `"${options.psk ?? defaultPsk}"` } },
  };
}

/** The pre-shared key of every test that does not test a wrong one. */
export const defaultPsk = 'correct horse battery staple';
