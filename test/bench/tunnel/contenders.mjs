import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HOSTS } from './wire.mjs';

const command = fileURLToPath(new URL('../../../bin/run.js', import.meta.url));
const copyInstead = new URL('copy-instead.mjs', import.meta.url).href;
/** Largest packet in the tunnel, for all. */
const MTU = 1400;
const KEY = 'a key of the bench, for 2 hosts';
const { client, server } = HOSTS;
const DEVICE = 'tun0';
/** With the folders of daemons, which not everybody's has. */
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

/** The tunnel of this package: networks behind both ends, ESP in UDP. */
function ours(plane, nodeFlags = []) {
  return async (wire, cipher) => {
    for (const side of ['client', 'server']) addInner(wire, side);
    const node = [process.execPath, ...nodeFlags, command];
    const common = ['--esp', cipher.esp, '--mtu', String(MTU), '--plane', plane, '--format', 'ndjson'];
    const networks = (local, remote) => ['--local-ts', local.net, '--remote-ts', remote.net];
    const env = { IPSEC_KIT_PSK: KEY, TMPDIR: wire.folder, HOME: wire.folder };
    const answering = wire.start(
      'server',
      [...node, 'serve', '--local-id', 'server.test', ...common, ...networks(server, client)],
      env,
    );
    await answering.prints('"listening"');
    const ids = ['--local-id', 'client.test', '--remote-id', 'server.test'];
    const calling = wire.start(
      'client',
      [...node, 'connect', server.outer, ...ids, ...common, ...networks(client, server)],
      env,
    );
    await calling.prints('"device-up"');
    return { client: calling, server: answering };
  };
}

/** Over TLS, point to point, in this program and not in the kernel (DCO). */
async function openVpn(wire, cipher) {
  const credentials = Object.fromEntries(
    ['client', 'server'].map((side) => {
      const [cert, key] = ['crt', 'key'].map((type) => join(wire.folder, `${side}.${type}`));
      const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
      const subject = ['-subj', `/CN=${side}.test`, '-days', '2'];
      wire.run(['openssl', 'req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert]);
      const printed = wire.run(['openssl', 'x509', '-in', cert, '-noout', '-fingerprint', '-sha256']);
      return [side, { cert, key, fingerprint: printed.trim().split('=')[1] }];
    }),
  );
  const start = (side, local, remote, role) => {
    const peer = side === 'client' ? 'server' : 'client';
    const { cert, key } = credentials[side];
    const flags = [
      ['--dev', DEVICE],
      ['--ifconfig', local.inner, remote.inner],
      ['--tun-mtu', String(MTU)],
      ['--mssfix', '0'],
      ['--local', local.outer],
      ['--remote', remote.outer],
      ['--proto', 'udp'],
      ['--cert', cert],
      ['--key', key],
      ['--peer-fingerprint', credentials[peer].fingerprint],
      ['--data-ciphers', cipher.openVpn],
      ['--disable-dco'],
      ['--verb', '3'],
      role,
    ];
    return wire.start(side, ['openvpn', ...flags.flat()], { PATH });
  };
  const tunnel = {
    server: start('server', server, client, ['--tls-server', '--dh', 'none']),
    client: start('client', client, server, ['--tls-client']),
  };
  for (const side of ['server', 'client']) await tunnel[side].prints('Initialization Sequence Completed');
  const chosen = `Data Channel: cipher '${cipher.openVpn}'`;
  await tunnel.client.prints(chosen, 5);
  return tunnel;
}

async function wireGuard(wire) {
  const ends = [
    ['client', client, server],
    ['server', server, client],
  ];
  const keys = Object.fromEntries(
    ends.map(([side]) => {
      const secret = wire.run(['wg', 'genkey']);
      const file = join(wire.folder, `${side}.key`);
      writeFileSync(file, secret, { mode: 0o600 });
      return [side, { file, open: wire.run(['wg', 'pubkey'], { input: secret }).trim() }];
    }),
  );
  const tunnel = {};
  for (const [side, local, remote] of ends) {
    const peer = side === 'client' ? 'server' : 'client';
    const daemon = wire.startApart(side, ['wireguard-go', '-f', DEVICE], { PATH, LOG_LEVEL: 'verbose' });
    tunnel[side] = daemon;
    await daemon.prints('UAPI listener started');
    const settings = ['listen-port', '51820', 'private-key', keys[side].file, 'peer', keys[peer].open];
    const route = ['endpoint', `${remote.outer}:51820`, 'allowed-ips', `${remote.inner}/32`];
    // Its socket is in its own /run.
    const inside = ['nsenter', '-t', String(daemon.pid), '-m', '-n'];
    wire.run([...inside, 'wg', 'set', DEVICE, ...settings, ...route]);
    wire.ip(side, 'addr', 'add', local.inner, 'peer', remote.inner, 'dev', DEVICE);
    wire.ip(side, 'link', 'set', DEVICE, 'mtu', String(MTU), 'up');
  }
  return tunnel;
}

const CHARON = '/usr/sbin/charon-systemd';

/** charon with its ESP in userspace, which has an MTU of 1,400 by itself. */
async function strongSwan(wire, cipher) {
  const plugins =
    'random nonce aes sha1 sha2 hmac kdf gmp curve25519 openssl gcm chapoly kernel-libipsec kernel-netlink socket-default vici updown';
  const start = (side) => {
    addInner(wire, side);
    const local = HOSTS[side];
    const remote = side === 'client' ? server : client;
    const folder = join(wire.folder, side);
    const swanctl = join(folder, 'swanctl');
    mkdirSync(swanctl, { recursive: true });
    const vici = `unix://${join(folder, 'vici')}`;
    const log = join(folder, 'log');
    // The mark keeps the daemon's own packets out of the routes that it makes for the tunnel.
    writeFileSync(
      join(folder, 'strongswan.conf'),
      `charon-systemd {
  load_modular = no
  load = ${plugins}
  journal { default = -1 }
  filelog { log { path = ${log}
    default = 1 } }
  plugins {
    vici { socket = ${vici} }
    kernel-netlink { fwmark = !0x42 }
    socket-default { fwmark = 0x42 }
    kernel-libipsec { allow_peer_ts = yes }
  }
}
swanctl { load = random sha1 sha2 openssl }
`,
    );
    writeFileSync(
      join(swanctl, 'swanctl.conf'),
      `connections { c {
  version = 2
  local_addrs = ${local.outer}
  remote_addrs = ${remote.outer}
  proposals = aes256gcm16-prfsha256-x25519
  encap = yes
  mobike = no
  local { auth = psk
    id = ${side}.test }
  remote { auth = psk }
  children { net {
    local_ts = ${local.net}
    remote_ts = ${remote.net}
    esp_proposals = ${cipher.strongSwan} } } } }
secrets { ike-1 { secret = "${KEY}" } }
`,
      { mode: 0o600 },
    );
    const env = { PATH, STRONGSWAN_CONF: join(folder, 'strongswan.conf'), SWANCTL_DIR: swanctl };
    const daemon = wire.startApart(side, [CHARON], env);
    const ask = (...words) => wire.start(side, ['swanctl', ...words, '--uri', vici], env);
    return { daemon, ask, socket: join(folder, 'vici') };
  };
  const daemons = { server: start('server'), client: start('client') };
  for (const { daemon, ask, socket } of Object.values(daemons)) {
    await daemon.until('its socket', () => existsSync(socket));
    await succeeds(ask('--load-all', '--noprompt'));
  }
  await succeeds(daemons.client.ask('--initiate', '--child', 'net', '--timeout', '20'));
  return { server: daemons.server.daemon, client: daemons.client.daemon };
}

async function succeeds(running) {
  if ((await running.ended) !== 0) throw new Error(`${running.argv.join(' ')}: ${running.output}`);
}

/** The inner address of a host whose tunnel device has none. */
function addInner(wire, side) {
  wire.ip(side, 'addr', 'add', `${HOSTS[side].inner}/24`, 'dev', 'lo');
}

const AES = 'AES-256-GCM';
const CHACHA = 'ChaCha20-Poly1305';
export const CIPHERS = {
  [AES]: { esp: 'aes256gcm16', strongSwan: 'aes256gcm16', openVpn: 'AES-256-GCM' },
  [CHACHA]: { esp: 'chacha20poly1305', strongSwan: 'chacha20poly1305', openVpn: 'CHACHA20-POLY1305' },
};

/** Programs that all need, with the Debian package that has them. */
export const COMMON_NEEDS = { ip: 'iproute2', ethtool: 'ethtool', iperf3: 'iperf3', ping: 'iputils-ping' };

/**
 * Who is compared. `start` brings a tunnel up on a wire and gives back the process at each end; `needs` are programs
 * with the Debian packages that have them.
 */
export const CONTENDERS = {
  fast: { title: 'ipsec-kit, fast', ciphers: [AES, CHACHA], needs: {}, start: ours('fast') },
  copy: {
    title: 'a copy instead of a cipher',
    ciphers: [AES],
    needs: {},
    start: ours('fast', ['--import', copyInstead]),
  },
  simple: { title: 'ipsec-kit, simple', ciphers: [AES, CHACHA], needs: {}, start: ours('simple') },
  openvpn: {
    title: 'OpenVPN',
    ciphers: [AES, CHACHA],
    needs: { openvpn: 'openvpn', openssl: 'openssl' },
    start: openVpn,
  },
  wireguard: {
    title: 'wireguard-go',
    ciphers: [CHACHA],
    needs: { 'wireguard-go': 'wireguard-go', wg: 'wireguard-tools', nsenter: 'util-linux' },
    start: wireGuard,
  },
  strongswan: {
    title: 'strongSwan, userspace',
    ciphers: [AES, CHACHA],
    needs: {
      [CHARON]: 'charon-systemd',
      swanctl: 'strongswan-swanctl',
      '/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so': 'libcharon-extra-plugins',
      '/usr/lib/ipsec/plugins/libstrongswan-chapoly.so': 'libstrongswan-extra-plugins',
    },
    start: strongSwan,
  },
};
