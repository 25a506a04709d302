import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';

/** Where `install-peers.sh` unpacks the peers that cannot be installed beside strongSwan. */
export const peersDir = process.env.IPSEC_KIT_PEERS ?? join(tmpdir(), 'ipsec-kit-peers');

const onPath = (program: string) =>
  (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, program))) ||
  ['/usr/sbin', '/sbin'].some((folder) => existsSync(join(folder, program)));

const needs = {
  root: () => process.getuid?.() === 0,
  iproute2: () => onPath('ip') && onPath('ping'),
  tun: () => existsSync('/dev/net/tun'),
  userNamespaces: () =>
    spawnSync('unshare', ['-Urn', 'ip', 'tuntap', 'add', 'probe', 'mode', 'tun'], { uid: 65534, gid: 65534 })
      .status === 0,
  strongswan: () =>
    onPath('swanctl') &&
    onPath('charon-systemd') &&
    ['kernel-libipsec', 'eap-mschapv2', 'eap-tls', 'gcrypt'].every((plugin) =>
      existsSync(`/usr/lib/ipsec/plugins/libstrongswan-${plugin}.so`),
    ),
  pki: () => onPath('pki'),
  iperf3: () => onPath('iperf3'),
  tcpdump: () => onPath('tcpdump'),
  nft: () => onPath('nft'),
  tshark: () => onPath('tshark'),
  uml: () => onPath('linux.uml'),
  libreswan: () => existsSync(join(peersDir, 'libreswan/usr/libexec/ipsec/pluto')),
  openiked: () => existsSync(join(peersDir, 'openiked/usr/sbin/iked')),
  pskCrack: () => onPath('psk-crack'),
} satisfies Record<string, () => boolean>;

export type Need = keyof typeof needs;

const remedies: Record<Need, string> = {
  root: 'run as root',
  iproute2: 'install iproute2 and iputils-ping',
  tun: '/dev/net/tun is missing',
  userNamespaces: 'ordinary users may not open a TUN in a user namespace here',
  strongswan:
    'install charon-systemd, strongswan-swanctl, libcharon-extra-plugins, libcharon-extauth-plugins and libstrongswan-extra-plugins',
  pki: 'install strongswan-pki',
  iperf3: 'install iperf3',
  tcpdump: 'install tcpdump',
  nft: 'install nftables',
  tshark: 'install tshark',
  uml: 'install user-mode-linux',
  libreswan: 'run test/interop/install-peers.sh',
  openiked: 'run test/interop/install-peers.sh',
  pskCrack: 'install ike-scan',
};

/** Skips the test with its reason when something is missing; with CI_INTEROP=required that is a failure. */
export function require(context: TestContext, wanted: readonly Need[]): void {
  const missing = (['root', 'iproute2', 'tun', ...wanted] satisfies Need[]).filter((need) => !needs[need]());
  if (missing.length === 0) return;
  const reason = missing.map((need) => `no ${need}: ${remedies[need]}`).join('; ');
  if (process.env.CI_INTEROP === 'required') throw new Error(reason);
  // The default reporter counts skipped tests but does not say why.
  console.warn(`skipped: ${context.task.name}: ${reason}`);
  context.skip(reason);
}
