import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GROUPS, ikeProposal, KEY, NETWORKS } from './policy.mjs';

const CHARON = '/usr/sbin/charon-systemd';
const LIBIPSEC = '/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so';
const NEEDS = [
  [CHARON, 'charon-systemd'],
  ['/usr/sbin/swanctl', 'strongswan-swanctl'],
  [LIBIPSEC, 'libcharon-extra-plugins'],
];
/** Microseconds in what /proc counts in. */
const TICK = 10_000;

/** Why it cannot be measured here; undefined when it can. */
export function misses() {
  if (process.getuid?.() !== 0) return 'that needs root';
  const packages = NEEDS.filter(([path]) => !existsSync(path)).map(([, name]) => name);
  return packages.length > 0 ? `apt-get install ${packages.join(' ')}` : undefined;
}

/** strongSwan on the ports 500 and 4500 of this network namespace. It keeps all SAs; its ESP is in userspace. */
export async function startStrongSwan() {
  const folder = mkdtempSync(join(tmpdir(), 'bench-handshake-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const swanctl = join(folder, 'swanctl');
  mkdirSync(swanctl);
  const vici = `unix://${join(folder, 'vici')}`;
  const plugins =
    'random nonce aes sha1 sha2 hmac kdf gmp curve25519 openssl gcm kernel-libipsec kernel-netlink socket-default vici';
  writeFileSync(
    join(folder, 'strongswan.conf'),
    `charon-systemd {
  load_modular = no
  load = ${plugins}
  install_routes = no
  ikesa_table_size = 4096
  ikesa_table_segments = 16
  cookie_threshold = 0
  block_threshold = 0
  init_limit_half_open = 0
  journal { default = -1 }
  filelog { log { path = ${join(folder, 'log')}
    default = -1 } }
  plugins {
    vici { socket = ${vici} }
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
  local_addrs = 127.0.0.1
  remote_addrs = %any
  proposals = ${GROUPS.map(ikeProposal).join(',')}
  encap = yes
  mobike = no
  unique = never
  local { auth = psk
    id = server.test }
  remote { auth = psk }
  children { net {
    local_ts = ${NETWORKS.server}
    remote_ts = ${NETWORKS.client}
    esp_proposals = aes256gcm16 } } } }
secrets { ike-1 { secret = "${KEY}" } }
`,
    { mode: 0o600 },
  );
  const env = { ...process.env, STRONGSWAN_CONF: join(folder, 'strongswan.conf'), SWANCTL_DIR: swanctl };
  const daemon = spawn(CHARON, [], { env, stdio: 'ignore' });
  const ended = new Promise((resolve) => daemon.on('exit', resolve));
  process.once('exit', () => daemon.kill('SIGKILL'));
  for (let i = 0; i < 200 && !existsSync(join(folder, 'vici')); i++) await sleep(50);
  const loaded = spawnSync('/usr/sbin/swanctl', ['--load-all', '--noprompt', '--uri', vici], {
    env,
    encoding: 'utf8',
  });
  if (loaded.status !== 0) throw new Error(`strongSwan does not start: ${loaded.stderr}`);
  return {
    ports: { ike: 500, natT: 4500 },
    cpuMicroseconds: async () => {
      const text = readFileSync(`/proc/${daemon.pid}/stat`, 'utf8');
      // The second field is the name in parentheses; utime and stime are fields 14 and 15.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) * TICK;
    },
    stop: async () => {
      daemon.kill();
      const late = setTimeout(() => daemon.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(late);
      remove();
    },
  };
}
