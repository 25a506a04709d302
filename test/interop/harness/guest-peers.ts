import { join } from 'node:path';
import { guestHost } from './guest.js';
import { command } from './kit.js';
import { peersDir } from './requirements.js';
import { connectionSettings, daemonSettings, defaultPsk, formatSettings } from './strongswan-config.js';

/** Sends replies from the inner address; what the ESP policy then wraps. */
function replyRoutes({ remoteTs, remoteTs6 }: Pick<PeerOptions, 'remoteTs' | 'remoteTs6'>): string {
  const route = `ip route add ${remoteTs} dev vec0 src ${guestHost.inner4}`;
  if (remoteTs6 === undefined) return route;
  return `${route}\nip -6 route add ${remoteTs6} dev vec0 src ${guestHost.inner6}`;
}

export interface PeerOptions {
  /** In the peer's own notation; without `ike` its defaults. */
  ike?: string;
  esp: string;
  /** One more line of the connection; libreswan. */
  extra?: string;
  /** More of the connection; strongSwan. */
  connection?: Record<string, string>;
  /** The other side's inner network, or where it gets its addresses from. */
  remoteTs: string;
  /** The same of IPv6, for a child SA of its own; not with OpenIKED. */
  remoteTs6?: string;
  /** Absent: a pre-shared key. */
  auth?: PeerAuth;
  /** Outer addresses; IPv4 by default. Not with OpenIKED. */
  outer?: 4 | 6;
  /** ESP is not in UDP, unless there is a NAT; OpenIKED never has it otherwise. */
  plain?: boolean;
  /** Where the peer connects to by itself; not with OpenIKED. */
  initiatesTo?: string;
}

const outerAddress = ({ outer = 4 }: PeerOptions): string => (outer === 4 ? guestHost.v4 : guestHost.v6);

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

/** Start script of libreswan as `bob.test` for `alice.test`. */
export function libreswanScript(options: PeerOptions): string {
  const root = join(peersDir, 'libreswan');
  const programs = `${root}/usr/libexec/ipsec`;
  const networks = libreswanNetworks(options);
  return `
export LD_LIBRARY_PATH=${root}/usr/lib/x86_64-linux-gnu PATH=${programs}:$PATH
mkdir -p /usr/libexec /run/pluto /run/ipsec.d /run/nss
ln -sfn ${programs} /usr/libexec/ipsec
${root}/usr/bin/certutil -N -d sql:/run/nss --empty-password
${options.auth ? nssImport(root, options.auth) : ''}
echo ': PSK "${defaultPsk}"' >/run/secrets
cat >/run/ipsec.conf <<'END'
config setup
conn common
 ikev2=insist
 left=${outerAddress(options)}
 leftid=@bob.test
 right=${options.initiatesTo ?? '%any'}
 rightid=@alice.test
 ${[...libreswanAuth(options.auth), ...libreswanIke(options.ike)].join('\n ')}
 esp=${options.esp}
 ${options.extra ?? 'type=tunnel'}
 encapsulation=${options.plain ? 'no' : 'yes'}
 leftupdown=%disabled
${networks.map(([name, local, remote]) => `conn ${name}\n also=common\n leftsubnet=${local}\n rightsubnet=${remote}\n auto=add`).join('\n')}
END
pluto --config /run/ipsec.conf --rundir /run/pluto --ipsecdir /run/ipsec.d --nssdir /run/nss --secretsfile /run/secrets \\
  --logfile /guest/pluto.log --no-dnssec --nhelpers 0
whack --ctlsocket /run/pluto/pluto.ctl --listen
${networks.map(([name]) => `addconn --config /run/ipsec.conf --ctlsocket /run/pluto/pluto.ctl ${name}`).join('\n')}
${replyRoutes(options)}
${options.initiatesTo === undefined ? '' : networks.map(([name]) => `whack --ctlsocket /run/pluto/pluto.ctl --name ${name} --initiate`).join('\n')}`;
}

/** Connections by name, with the networks of both sides. */
function libreswanNetworks({ remoteTs, remoteTs6 }: PeerOptions): [string, string, string][] {
  const networks: [string, string, string][] = [['net', guestHost.net4, remoteTs]];
  if (remoteTs6 !== undefined) networks.push(['net6', guestHost.net6, remoteTs6]);
  return networks;
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

/** Start script of strongSwan as `bob.test`, with the kernel's ESP. */
export function strongswanScript(options: PeerOptions): string {
  const { ike, esp, remoteTs, remoteTs6 } = options;
  const connection = connectionSettings({
    local: outerAddress(options),
    ...(options.initiatesTo !== undefined && { remote: options.initiatesTo, remoteId: 'alice.test' }),
    ...(ike !== undefined && { ike }),
    esp,
    localTs: [guestHost.net4, guestHost.net6],
    remoteTs: [remoteTs, ...(remoteTs6 === undefined ? [] : [remoteTs6])],
    connection: { encap: options.plain ? 'no' : 'yes', ...options.connection },
  });
  return `
export STRONGSWAN_CONF=/run/strongswan.conf SWANCTL_DIR=/run
cat >/run/strongswan.conf <<'END'
${formatSettings(daemonSettings('/run', { plane: 'kernel' }))}
END
cat >/run/swanctl.conf <<'END'
${formatSettings(connection)}
END
chmod 600 /run/swanctl.conf
charon-systemd &
until [ -S /run/vici ]; do kill -0 $!; sleep 0.2; done
swanctl --load-all --noprompt --uri unix:///run/vici
${replyRoutes(options)}
${options.initiatesTo === undefined ? '' : 'swanctl --initiate --child net --uri unix:///run/vici'}`;
}

/** Start script of our own `serve` as `bob.test`: `words` are its flags. */
export function serveScript(words: readonly string[]): string {
  const argv = [process.execPath, command, 'serve', '--local-id', 'bob.test', '--format', 'ndjson', ...words];
  return `
export IPSEC_KIT_PSK='${defaultPsk}' HOME=/run TMPDIR=/run
${argv.join(' ')} >/guest/serve.log 2>&1 &
until grep -q '"listening"' /guest/serve.log; do kill -0 $!; sleep 0.2; done`;
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
${join(peersDir, 'openiked')}/usr/sbin/iked -d -vv -f /run/iked.conf >/guest/iked.log 2>&1 &
${replyRoutes(options)}
# Until its configuration has reached every process it forgets the SAs it is asked for.
until grep -q 'compilation done' /guest/iked.log; do kill -0 $!; sleep 0.2; done
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
