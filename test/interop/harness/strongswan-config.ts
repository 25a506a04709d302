import { copyFileSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Identity } from './identities.js';

export interface StrongSwanOptions {
  /** Outer address of this side, and of the other side (absent: any). */
  local: string;
  remote?: string;
  /** [bob.test] */
  localId?: string;
  /** [%any] */
  remoteId?: string;
  psk?: string;
  /** How this side proves itself and what it asks of the other, one entry a round. [PSK] */
  localAuth?: Round | readonly Round[];
  remoteAuth?: Round | readonly Round[];
  credentials?: PeerCredentials;
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
  /** A program that runs the daemon. */
  wrapper?: readonly string[];
  /** strongSwan durations; 0 never. */
  rekeyIke?: string;
  rekeyChild?: string;
  dpd?: string;
  /** Options of the connection and of the daemon that no test but one needs. */
  connection?: Settings;
  charon?: Settings;
}

/** One round of authentication, in swanctl's words. */
export interface Round {
  /** `psk`, `pubkey`, `ike:rsa/pss-sha256`, `eap-mschapv2`, ... */
  auth: string;
  /** What it signs with. */
  cert?: Identity | undefined;
  eap_id?: string;
  /** `strict`: every certificate needs a revocation list. */
  revocation?: 'strict';
}

/** What a peer has in its folders. */
export interface PeerCredentials {
  /** Its own certificates with their keys. */
  identities?: readonly Identity[];
  /** CAs between its own and the root, to be sent along. */
  chain?: readonly string[];
  /** CAs it trusts. */
  authorities?: readonly string[];
  crls?: readonly string[];
  /** EAP secrets by user. */
  users?: Readonly<Record<string, string>>;
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
  'random nonce aes aesni sha1 sha2 md5 mgf1 hmac kdf gmp curve25519 openssl gcrypt gcm ccm ctr chapoly drbg xcbc cmac';
const certificatePlugins = 'x509 revocation constraints pubkey pkcs1 pkcs7 pkcs8 pkcs12 pem';
const eapPlugins = 'eap-identity eap-mschapv2 eap-md5 eap-tls';

/** strongswan.conf. */
export function daemonSettings(dir: string, options: Pick<StrongSwanOptions, 'plane' | 'charon'>): Settings {
  // kernel-libipsec comes first, which leaves routes and addresses to kernel-netlink. The mark keeps the
  // daemon's own packets out of the routes it installs for the tunnel.
  const plane = (options.plane ?? 'userspace') === 'userspace' ? 'kernel-libipsec' : '';
  return {
    'charon-systemd': {
      load_modular: 'no',
      load: `${cryptoPlugins} ${certificatePlugins} ${plane} kernel-netlink socket-default vici updown attr resolve ${eapPlugins}`,
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
    swanctl: { load: `random sha1 sha2 gmp curve25519 openssl ${certificatePlugins}` },
  };
}

/** swanctl.conf: one connection `c` with one child `net`. */
export function connectionSettings(options: StrongSwanOptions): Settings {
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
        ...rounds('local', options.localAuth, options.localId ?? 'bob.test'),
        ...rounds('remote', options.remoteAuth, options.remoteId ?? '%any'),
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
    secrets: {
      'ike-1': { secret: `"${options.psk ?? defaultPsk}"` },
      ...Object.fromEntries(
        Object.entries(options.credentials?.users ?? {}).map(([id, secret], index) => [
          `eap-${index}`,
          { id, secret: `"${secret}"` },
        ]),
      ),
    },
  };
}

function rounds(
  side: 'local' | 'remote',
  asked: Round | readonly Round[] = { auth: 'psk' },
  id: string,
): Settings {
  const list = [asked].flat();
  return Object.fromEntries(
    list.map(({ cert, ...round }, index) => [
      `${side}-${index + 1}`,
      { id, ...round, ...(cert && { certs: cert.cert }) },
    ]),
  );
}

/** Puts credentials where `swanctl --load-creds` looks for them. */
export function writeCredentials(dir: string, credentials: PeerCredentials = {}): void {
  const { identities = [], chain = [], authorities = [], crls = [] } = credentials;
  const folders = {
    x509: [...identities.map(({ cert }) => cert), ...chain],
    private: identities.map(({ key }) => key),
    x509ca: authorities,
    x509crl: crls,
  };
  for (const [folder, files] of Object.entries(folders)) {
    mkdirSync(join(dir, folder));
    for (const [index, file] of files.entries())
      copyFileSync(file, join(dir, folder, `${index}-${basename(file)}`));
  }
}

/** The pre-shared key of every test that does not test a wrong one. */
export const defaultPsk = 's7kGqvX2wTz5nRb4mYhD9cJf';
