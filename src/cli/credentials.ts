import { stat } from 'node:fs/promises';
import type { Log } from '../lib/core/log.js';
import type { Secret } from '../lib/core/secret.js';
import { parseUsers, type UserStore } from '../lib/ike/auth/eap/users.js';
import type { AuthMethod, Credentials, OwnCertificate, TrustSettings } from '../lib/tunnel/credentials.js';
import { type CrlOrigin, crlFromUrl, watchCrls } from '../lib/tunnel/credentials-crl.js';
import { IdentityFiles, readOcspResponse } from './credentials-files.js';
import type {
  AuthFlagValues,
  ClientAuthFlagValues,
  Methods,
  ServerAuthFlagValues,
  Warning,
} from './credentials-methods.js';
import { readEapPassword, readPrivateFile } from './credentials-secret.js';
import { parseDuration } from './duration.js';
import { readPsk } from './psk.js';

/** Credentials with what somebody should know about them. */
export interface LoadedCredentials {
  credentials: Credentials;
  warnings: Warning[];
}

/** What loading needs from its surroundings. */
export interface LoadContext {
  log: Log;
  /** Words that a guesser of the pre-shared key would try first: identities, the gateway. */
  related: readonly string[];
}

/** Flags of either side. */
type SideFlags = AuthFlagValues &
  Omit<Partial<ClientAuthFlagValues & ServerAuthFlagValues>, keyof AuthFlagValues>;

/** Bytes of a users file; its parser bounds the number of users. */
const LARGEST_USERS = 8 << 20;

/**
 * Reads what the methods of `connect` need. Files come first, then what may have to be typed.
 * @throws KitError usage, for the first file or secret that cannot be used
 */
export async function loadClientCredentials(
  flags: ClientAuthFlagValues,
  methods: Methods,
  context: LoadContext,
): Promise<LoadedCredentials> {
  const loaded = await load(flags, methods, context);
  const advice = loaded.psk && (await pskAdvice(loaded.psk, flags, context, false));
  return { credentials: loaded, warnings: [...methods.warnings, ...(advice ? [advice] : [])] };
}

/**
 * Reads what the methods of `serve` need; a pre-shared key has to be one that cannot be guessed.
 * @throws KitError usage, for the first file or secret that cannot be used; `E_PSK_WEAK`
 */
export async function loadServerCredentials(
  flags: ServerAuthFlagValues,
  methods: Methods,
  context: LoadContext,
): Promise<LoadedCredentials> {
  const loaded = await load(flags, methods, context);
  const advice = loaded.psk && (await pskAdvice(loaded.psk, flags, context, true));
  return { credentials: loaded, warnings: [...methods.warnings, ...(advice ? [advice] : [])] };
}

async function load(
  flags: SideFlags,
  { local, remote }: Methods,
  { log }: LoadContext,
): Promise<Credentials> {
  const files = new IdentityFiles(flags['passphrase-file'], flags['insecure-permissions']);
  const all: AuthMethod[] = [...local, ...remote.flat()];
  const own = await loadOwn(files, flags, log);
  const trust = flags.ca && (await loadTrust(files, flags, flags.ca, log));
  const users = flags.users === undefined ? undefined : await loadUsers(flags.users, flags);
  const user = flags['eap-user'];
  const needsPassword = local.some((method) => method === 'eap-mschapv2' || method === 'eap-md5');
  const eapPassword =
    user === undefined || !needsPassword
      ? undefined
      : await readEapPassword(user, flags['eap-password-file'], flags['insecure-permissions']);
  if (all.includes('psk')) log('debug', 'waiting for the pre-shared key');
  const psk = all.includes('psk')
    ? await readPsk({
        file: flags['psk-file'],
        stdin: flags['psk-stdin'],
        insecurePermissions: flags['insecure-permissions'],
      })
    : undefined;
  return { local, remote, psk, own, trust, eapUser: user, eapPassword, users };
}

async function loadOwn(
  files: IdentityFiles,
  flags: AuthFlagValues,
  log: Log,
): Promise<OwnCertificate | undefined> {
  if (!flags.cert) return undefined;
  const pair = await files.ownCertificate(flags.cert, flags.key);
  const path = flags['ocsp-response'];
  const response =
    path === undefined ? undefined : await readOcspResponse(path, pair.certificates[0], Date.now());
  if (response?.flaw !== undefined) log('warn', response.flaw);
  return { ...pair, rsaScheme: flags['rsa-signature'], ocspResponse: response?.der };
}

async function loadTrust(
  files: IdentityFiles,
  flags: AuthFlagValues,
  sources: readonly string[],
  log: Log,
): Promise<TrustSettings> {
  const { anchors, unnamedAnchors } = await files.authorities(sources);
  const required = flags['crl-policy'] === 'hard';
  const origins = (flags.crl ?? []).map((source) => crlOrigin(files, source));
  return {
    anchors,
    unnamedAnchors,
    crls: origins.length === 0 ? undefined : await watchCrls(origins, { required, log, now: Date.now() }),
    crlPolicy: flags['crl-policy'],
    allowSha1: flags['allow-sha1'],
    skewMs: parseDuration(flags['clock-skew'], '--clock-skew'),
  };
}

function crlOrigin(files: IdentityFiles, source: string): CrlOrigin {
  if (/^https?:\/\//i.test(source)) return crlFromUrl(source);
  return {
    name: source,
    load: () => files.revocationLists(source),
    stamp: async () => {
      const { mtimeMs, size } = await stat(source).catch(() => ({ mtimeMs: 0, size: 0 }));
      return `${mtimeMs} ${size}`;
    },
  };
}

async function loadUsers(path: string, flags: AuthFlagValues): Promise<UserStore> {
  const kind = { name: 'users file', code: 'USERS', largest: LARGEST_USERS } as const;
  const bytes = await readPrivateFile(path, kind, flags['insecure-permissions']);
  return parseUsers(Buffer.from(bytes).toString('utf8'));
}

async function pskAdvice(
  psk: Secret,
  flags: AuthFlagValues,
  { related }: LoadContext,
  serving: boolean,
): Promise<Warning | undefined> {
  if (!serving && flags['weak-psk-ok']) return undefined;
  const { checkPskForConnecting, checkPskForServing } = await import('../lib/psk/policy.js');
  const { warning } = serving
    ? await checkPskForServing(psk, { weakOk: flags['weak-psk-ok'], related })
    : await checkPskForConnecting(psk, { related });
  return warning === undefined ? undefined : { code: 'W_PSK_WEAK', message: warning };
}
