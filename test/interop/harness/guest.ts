import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lab } from './lab.js';
import { type Child, until } from './process.js';
import { peersDir } from './requirements.js';
import { defaultPsk } from './strongswan-config.js';
import type { TransferEnd } from './traffic.js';

const initScript = fileURLToPath(new URL('guest-init.sh', import.meta.url));
const transferScript = fileURLToPath(new URL('tcp-transfer.mjs', import.meta.url));

/** What the guest is on the lab's wire: the second machine, though no host of the lab. */
export const guestHost = { v4: '10.77.0.2', inner4: '10.77.2.1', net4: '10.77.2.0/24' };

/** Where the guest takes one TCP transfer, and the bytes it sends. */
export const guestTransfer = { address: guestHost.inner4, port: 6000, bytes: 300_000 };

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
    const listen = `${process.execPath} ${transferScript} listen ${guestHost.inner4}`;
    writeFileSync(
      join(dir, 'start.sh'),
      `set -e
cd /guest
${peer}
${listen} ${guestTransfer.port} ${guestTransfer.bytes} >/guest/transfer 2>&1 &
until grep -q listening /guest/transfer; do kill -0 $!; sleep 0.2; done
`,
    );
    const tap = await lab.addTap('guest');
    const kernel =
      'linux.uml mem=512M rootfstype=hostfs rootflags=/ ro quiet con=null con0=null,fd:1 umid=uml';
    const argv = [
      ...kernel.split(' '),
      `vec0:transport=tap,ifname=${tap},depth=128,gro=0`,
      `init=${initScript}`,
      `guest_dir=${dir}`,
      `guest_addresses=${guestHost.v4}/24,${guestHost.inner4}/24`,
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

  /** What the guest's end of the TCP transfer sent and received. */
  async transferred(): Promise<TransferEnd> {
    const line = await until('the transfer', () => /^\{.*\}$/m.exec(this.#read('transfer'))?.[0]);
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

/** Sends replies from the inner address; what the ESP policy then wraps. */
const replyRoute = (net: string) => `ip route add ${net} dev vec0 src ${guestHost.inner4}`;

export interface PeerOptions {
  /** In the peer's own notation; without `ike` its defaults. */
  ike?: string;
  esp: string;
  /** One more line of the connection; libreswan. */
  extra?: string;
  /** The other side's inner network, or where it gets its addresses from. */
  remoteTs: string;
  /** Absent: a pre-shared key. */
  auth?: PeerAuth;
}

/** A responder with a certificate of its own, whose clients have one of the same CA, or a name and a password. */
export interface PeerAuth {
  /** In the peer's own words, e.g. `ecdsa`; OpenIKED: `eap "mschap-v2"`. */
  method: string;
  /** PEM of the CA and of `bob.test`. */
  ca: string;
  cert: string;
  key: string;
  /** PKCS#12 with the same and its passphrase: libreswan takes nothing else. */
  p12: { file: string; passphrase: string };
  user?: { name: string; password: string };
}

/** Start script of libreswan as responder `bob.test` for `alice.test`. */
export function libreswanScript(options: PeerOptions): string {
  const root = join(peersDir, 'libreswan');
  const programs = `${root}/usr/libexec/ipsec`;
  return `
export LD_LIBRARY_PATH=${root}/usr/lib/x86_64-linux-gnu PATH=${programs}:$PATH
mkdir -p /usr/libexec /run/pluto /run/ipsec.d /run/nss
ln -sfn ${programs} /usr/libexec/ipsec
${root}/usr/bin/certutil -N -d sql:/run/nss --empty-password
${options.auth ? nssImport(root, options.auth) : ''}
echo ': PSK "${defaultPsk}"' >/run/secrets
cat >/run/ipsec.conf <<'END'
config setup
conn net
 ikev2=insist
 left=${guestHost.v4}
 leftid=@bob.test
 leftsubnet=${guestHost.net4}
 right=%any
 rightid=@alice.test
 rightsubnet=${options.remoteTs}
 ${[...libreswanAuth(options.auth), ...libreswanIke(options.ike)].join('\n ')}
 esp=${options.esp}
 ${options.extra ?? 'type=tunnel'}
 encapsulation=yes
 leftupdown=%disabled
 auto=add
END
pluto --config /run/ipsec.conf --rundir /run/pluto --ipsecdir /run/ipsec.d --nssdir /run/nss --secretsfile /run/secrets \\
  --logfile /run/pluto.log --no-dnssec --nhelpers 0
whack --ctlsocket /run/pluto/pluto.ctl --listen
addconn --config /run/ipsec.conf --ctlsocket /run/pluto/pluto.ctl net
${replyRoute(options.remoteTs)}`;
}

function libreswanAuth(auth: PeerAuth | undefined): string[] {
  if (!auth) return ['authby=secret'];
  return [`authby=${auth.method}`, 'leftcert=bob.test', 'leftsendcert=always', 'rightca=%same'];
}

function libreswanIke(ike: string | undefined): string[] {
  return ike === undefined ? [] : [`ike=${ike}`];
}

function nssImport(root: string, { p12, ca }: PeerAuth): string {
  const database = '-d sql:/run/nss';
  return `${root}/usr/bin/pk12util -i ${p12.file} ${database} -W '${p12.passphrase}'
${root}/usr/bin/certutil -A ${database} -n root -t CT,C,C -i ${ca}`;
}

/** Start script of OpenIKED as responder `bob.test` for `alice.test`. */
export function openikedScript(options: PeerOptions): string {
  return `
mkdir -p /etc/iked/ca /etc/iked/certs /etc/iked/crls /etc/iked/private /etc/iked/pubkeys/ipv4 /etc/iked/pubkeys/ipv6 \\
  /etc/iked/pubkeys/fqdn /etc/iked/pubkeys/ufqdn /var/lib/openiked/empty
grep -q ^_iked: /etc/passwd || echo '_iked:x:64001:64001::/var/lib/openiked/empty:/usr/sbin/nologin' >>/etc/passwd
grep -q ^_iked: /etc/group || echo '_iked:x:64001:' >>/etc/group
${options.auth ? ikedFiles(options.auth) : 'openssl ecparam -name prime256v1 -genkey -noout -out /etc/iked/private/local.key'}
openssl pkey -in /etc/iked/private/local.key -pubout -out /etc/iked/local.pub
cat >/run/iked.conf <<'END'
${ikedPolicy(options)}
END
chmod 600 /run/iked.conf
${join(peersDir, 'openiked')}/usr/sbin/iked -d -vv -f /run/iked.conf >/run/iked.log 2>&1 &
${replyRoute(options.remoteTs)}
# Until its configuration has reached every process it forgets the SAs it is asked for.
until grep -q 'compilation done' /run/iked.log; do kill -0 $!; sleep 0.2; done
sleep 1`;
}

function ikedFiles({ ca, cert, key }: PeerAuth): string {
  return `cp ${ca} /etc/iked/ca/ca.crt
cp ${cert} /etc/iked/certs/bob.crt
cp ${key} /etc/iked/private/local.key
chmod 600 /etc/iked/private/local.key`;
}

function ikedPolicy({ ike, esp, remoteTs, auth }: PeerOptions): string {
  const user = auth?.user;
  const proof = auth?.method ?? `psk "${defaultPsk}"`;
  return `${user ? `user "${user.name}" "${user.password}"` : ''}
ikev2 "net" passive esp from ${guestHost.net4} to ${user ? 'dynamic' : remoteTs} \\
 local ${guestHost.v4} peer any ${ike === undefined ? '' : `ikesa ${ike}`} childsa ${esp} \\
 srcid bob.test ${user ? '' : 'dstid alice.test'} ${proof} ${user ? `config address ${remoteTs}` : ''}`;
}
