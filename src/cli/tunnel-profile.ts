import type { ClientProfile } from '../lib/pki/profiles/types.js';
import type { ClientAuthFlagValues } from './credentials-methods.js';
import type { TunnelFlagValues } from './tunnel-options.js';

/** Flags of `connect` that a saved profile can stand for. */
export type ConnectFlagValues = TunnelFlagValues & ClientAuthFlagValues;

/** What oclif tells about a command line of `connect`. */
interface Parsed<Flags> {
  args: { gateway: string };
  flags: Flags;
  metadata: { flags: Partial<Record<string, { setFromDefault?: boolean }>> };
}

/**
 * What to dial and how: the argument as it stands, or what is saved under that name.
 * @throws KitError usage `E_PROFILE_FORMAT`, and what a profile's values are checked for
 */
export async function profileOrGateway<Flags extends ConnectFlagValues>({
  args: { gateway },
  flags,
  metadata,
}: Parsed<Flags>): Promise<{ gateway: string; flags: Flags; saved: boolean }> {
  const { findProfile } = await import('./profile/saved.js');
  const profile = await findProfile(gateway);
  if (profile === undefined) return { gateway, flags, saved: false };
  const given = (flag: string): boolean =>
    (flags as Record<string, unknown>)[flag] !== undefined && metadata.flags[flag]?.setFromDefault !== true;
  return { gateway: profile.gateway, flags: withProfile(flags, profile, given), saved: true };
}

/**
 * The flags of `connect` with what a saved profile says where nothing else was said. What belongs to a method that the
 * flags replaced stays out.
 * @param given whether a flag was on the command line, and is not a default
 */
export function withProfile<Flags extends ConnectFlagValues>(
  flags: Flags,
  profile: ClientProfile,
  given: (flag: string) => boolean,
): Flags {
  const auth = flags.auth ?? (replacesAuth(flags, profile) ? undefined : profile.auth);
  const serverAuth = flags['server-auth'] ?? (auth === profile.auth ? profile.serverAuth : undefined);
  const ours = roundsOf(auth ?? defaultMethod(flags));
  const theirs = serverAuth === undefined ? ['cert'] : roundsOf(serverAuth);
  const uses = (...names: string[]): boolean => names.some((name) => ours.includes(name));
  const own = uses('cert', 'eap-tls') && !flags.cert && profile.certificates.length > 0;
  const password = uses('eap-mschapv2', 'eap-md5');
  const byCertificate = theirs.includes('cert') || uses('eap-tls');
  const sameClient = auth === profile.auth && !flags.cert && flags['eap-user'] === undefined;
  const psk = (uses('psk') || theirs.includes('psk')) && !flags['psk-stdin'];
  const said = {
    auth,
    'server-auth': serverAuth,
    cert: own ? profile.certificates : undefined,
    key: own ? profile.keyFile : undefined,
    'passphrase-file': own ? profile.keyPassphraseFile : undefined,
    ca: byCertificate && profile.ca.length > 0 ? profile.ca : undefined,
    'psk-file': psk ? profile.pskFile : undefined,
    'eap-user': uses('eap-mschapv2', 'eap-md5', 'eap-tls') ? profile.eapUser : undefined,
    'eap-password-file': password && flags['eap-user'] === undefined ? profile.eapPasswordFile : undefined,
    'local-id': sameClient ? profile.localId : undefined,
    'remote-id': profile.remoteId,
    ike: profile.ike,
    esp: profile.esp,
    'local-ts': listOf(profile.localTs),
    'remote-ts': listOf(profile.remoteTs),
    mtu: profile.mtu,
    port: profile.port,
    'nat-port': profile.natPort,
  };
  const missing = Object.entries(said).filter(([flag, value]) => value !== undefined && !given(flag));
  return { ...flags, ...Object.fromEntries(missing) };
}

/** Whether the flags name a certificate or a user that the profile's method has no use for. */
function replacesAuth(flags: ConnectFlagValues, { auth }: ClientProfile): boolean {
  const certificate = flags.cert !== undefined && auth !== 'cert' && auth !== 'eap-tls';
  const user = flags['eap-user'] !== undefined && !auth.startsWith('eap-');
  return certificate || user;
}

function defaultMethod(flags: ConnectFlagValues): string {
  if (flags['eap-user'] !== undefined) return 'eap-mschapv2';
  return flags.cert ? 'cert' : 'psk';
}

function roundsOf(methods: string): string[] {
  return methods
    .toLowerCase()
    .split('+')
    .map((method) => method.trim());
}

function listOf(items: readonly string[]): readonly string[] | undefined {
  return items.length === 0 ? undefined : items;
}
