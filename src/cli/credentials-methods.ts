import { KitError } from '../lib/core/errors.js';
import type { AuthMethod } from '../lib/tunnel/credentials.js';

/** Flags about authentication that `connect` and `serve` share, as the parser yields them. */
export interface AuthFlagValues {
  auth?: string | undefined;
  cert?: string[] | undefined;
  key?: string | undefined;
  ca?: string[] | undefined;
  'passphrase-file'?: string | undefined;
  'allow-sha1': boolean;
  crl?: string[] | undefined;
  'crl-policy': 'soft' | 'hard';
  'ocsp-response'?: string | undefined;
  'clock-skew': string;
  'rsa-signature'?: 'pss' | 'pkcs1' | undefined;
  'psk-file'?: string | undefined;
  'psk-stdin': boolean;
  'weak-psk-ok': boolean;
  'insecure-permissions': boolean;
}

export interface ClientAuthFlagValues extends AuthFlagValues {
  'server-auth'?: string | undefined;
  'eap-user'?: string | undefined;
  'eap-password-file'?: string | undefined;
}

export interface ServerAuthFlagValues extends AuthFlagValues {
  'client-auth'?: string[] | undefined;
  users?: string | undefined;
}

/** Who has to prove what, and what somebody should know about it. */
export interface Methods {
  /** Our own rounds. */
  local: AuthMethod[];
  /** Alternatives, each with its rounds. */
  remote: AuthMethod[][];
  warnings: Warning[];
}

/** Something that is done, and yet somebody should know. */
export interface Warning {
  code: `W_${string}`;
  message: string;
}

/** What a list of methods may name. */
const clientWords = ['psk', 'cert', 'eap-mschapv2', 'eap-tls', 'eap-md5', 'null'] as const;
const serverWords = ['psk', 'cert', 'eap-only', 'null'] as const;

/** More rounds make nothing safer. */
const MAX_ROUNDS = 4;
const MAX_ALTERNATIVES = 16;

/**
 * How `connect` authenticates both ways, from what was asked for and what was given.
 * @throws KitError usage, see `checkMethods`
 */
export function clientMethods(flags: ClientAuthFlagValues): Methods {
  const given = flags['eap-user'] !== undefined ? 'eap-mschapv2' : flags.cert ? 'cert' : 'psk';
  const local = rounds(flags.auth ?? given, '--auth', clientWords);
  const byCertificate = flags.ca !== undefined || local.some((method) => method === 'cert' || isEap(method));
  const remote = rounds(
    flags['server-auth'] ?? (byCertificate ? 'cert' : 'psk'),
    '--server-auth',
    serverWords,
  );
  checkRounds(local, '--auth');
  checkRounds(remote, '--server-auth');
  const eap = local.filter(isEap);
  if (remote.includes('eap-only') && !eap.includes('eap-tls')) {
    throw usage(
      'E_EAP_ONLY',
      'The server can prove itself inside EAP alone only with a method that both sides prove themselves with.',
      'Use --auth eap-tls, or let the server prove itself with --server-auth cert.',
    );
  }
  if (eap.length > 0 && flags['eap-user'] === undefined && !eap.includes('eap-tls')) {
    throw usage('E_NO_EAP_USER', `${eap[0]} needs a user name.`, 'Give --eap-user NAME.');
  }
  const ownCertificate = local.includes('cert') || local.includes('eap-tls');
  const authorities = remote.includes('cert') || local.includes('eap-tls');
  const password = eap.some(isPasswordMethod);
  needOwnCertificate(flags, ownCertificate, local);
  needAuthorities(flags, authorities, "the gateway's certificate");
  unused(flags['eap-user'], eap.length > 0, '--eap-user', 'EAP');
  unused(flags['eap-password-file'], password, '--eap-password-file', 'EAP with a password');
  checkUnused(flags, { ownCertificate, authorities, psk: local.includes('psk') || remote.includes('psk') });
  return { local, remote: [remote], warnings: clientWarnings(local, remote) };
}

/**
 * How `serve` authenticates both ways, from what was asked for and what was given.
 * @throws KitError usage, see `checkMethods`
 */
export function serverMethods(flags: ServerAuthFlagValues): Methods {
  const local = rounds(flags.auth ?? (flags.cert ? 'cert' : 'psk'), '--auth', serverWords);
  checkRounds(local, '--auth');
  const lists = (flags['client-auth'] ?? defaultClientAuth(flags)).flatMap((list) => list.split(','));
  if (lists.length > MAX_ALTERNATIVES) {
    throw usage(
      'E_AUTH_METHOD',
      `--client-auth names more than ${MAX_ALTERNATIVES} alternatives.`,
      CLIENT_AUTH_HINT,
    );
  }
  const remote = lists.map((text) => rounds(text, '--client-auth', clientWords));
  for (const alternative of remote) checkRounds(alternative, '--client-auth');
  const all = remote.flat();
  const eap = all.filter(isEap);
  if (local.includes('eap-only') && !remote.every((alternative) => alternative.includes('eap-tls'))) {
    throw usage(
      'E_EAP_ONLY',
      'This server can prove itself inside EAP alone only with a method that both sides prove themselves with.',
      'Use --client-auth eap-tls and nothing else, or prove this server with --auth cert.',
    );
  }
  if (eap.length > 0 && flags.auth === undefined && local.includes('psk')) {
    throw usage(
      'E_EAP_NEEDS_CERT',
      'Clients that use EAP need a server that proves itself with a certificate first, and none was given.',
      'Give --cert FILE and --key FILE; with --auth psk it would work, but everyone who knows the key could collect passwords.',
    );
  }
  const passwords = eap.some(isPasswordMethod);
  if (passwords && flags.users === undefined) {
    throw usage(
      'E_NO_USERS',
      `--client-auth ${eap.find(isPasswordMethod)} needs to know the users.`,
      'Give --users FILE with one name:password a line.',
    );
  }
  const ownCertificate = local.includes('cert') || eap.includes('eap-tls');
  const authorities = all.includes('cert') || eap.includes('eap-tls');
  needOwnCertificate(flags, ownCertificate, [...local, ...eap]);
  needAuthorities(flags, authorities, "clients' certificates");
  unused(flags.users, passwords, '--users', 'EAP with a password');
  checkUnused(flags, { ownCertificate, authorities, psk: local.includes('psk') || all.includes('psk') });
  return { local, remote, warnings: serverWarnings(local, remote) };
}

const CLIENT_AUTH_HINT =
  'Write alternatives with commas and rounds with +, e.g. cert,eap-mschapv2 or cert+eap-mschapv2.';

function defaultClientAuth({ ca, users }: ServerAuthFlagValues): string[] {
  const methods = [...(ca ? ['cert'] : []), ...(users === undefined ? [] : ['eap-mschapv2'])];
  return methods.length === 0 ? ['psk'] : methods;
}

const isEap = (method: AuthMethod): boolean => method.startsWith('eap-') && method !== 'eap-only';
const isPasswordMethod = (method: AuthMethod): boolean => method === 'eap-mschapv2' || method === 'eap-md5';

/** `cert+eap-mschapv2` as its rounds. */
function rounds(text: string, flag: string, words: readonly AuthMethod[]): AuthMethod[] {
  const methods = text.split('+').map((word) => {
    const name = word.trim().toLowerCase();
    const method = words.find((known) => known === name);
    if (method !== undefined) return method;
    throw usage(
      'E_AUTH_METHOD',
      `${flag} does not know "${word.trim()}".`,
      `It takes ${words.join(', ')}; several rounds are joined by +.`,
    );
  });
  return methods;
}

function checkRounds(methods: readonly AuthMethod[], flag: string): void {
  if (methods.length > MAX_ROUNDS) {
    throw usage(
      'E_AUTH_ROUNDS',
      `${flag} has ${methods.length} rounds; at most ${MAX_ROUNDS} are done.`,
      'Two rounds, a certificate and a password, are what helps.',
    );
  }
  if (new Set(methods).size < methods.length) {
    throw usage(
      'E_AUTH_ROUNDS',
      `${flag} names one method twice, which proves nothing more.`,
      'Name each method once.',
    );
  }
  if (methods.filter(isEap).length > 1) {
    throw usage('E_AUTH_ROUNDS', `${flag} has two rounds of EAP.`, 'Join one EAP method with cert or psk.');
  }
  if (methods.length > 1 && (methods.includes('null') || methods.includes('eap-only'))) {
    throw usage(
      'E_AUTH_ROUNDS',
      `${flag}: null and eap-only prove nothing, so they are no round beside others.`,
      'Leave them out.',
    );
  }
}

function needOwnCertificate(flags: AuthFlagValues, needed: boolean, methods: readonly AuthMethod[]): void {
  if (!needed || flags.cert) return;
  const method = methods.find((each) => each === 'cert') ?? 'eap-tls';
  throw usage(
    'E_NO_CERT',
    `The method ${method} needs a certificate of our own.`,
    'Give --cert FILE and --key FILE, or --cert with a PKCS#12 file that holds both.',
  );
}

function needAuthorities(flags: AuthFlagValues, needed: boolean, what: string): void {
  if (!needed || flags.ca) return;
  throw usage(
    'E_NO_CA',
    `No CA is named that ${what} could be verified with.`,
    'Give --ca FILE, or --ca system for the public CAs.',
  );
}

interface Uses {
  ownCertificate: boolean;
  authorities: boolean;
  psk: boolean;
}

function checkUnused(flags: AuthFlagValues, { ownCertificate, authorities, psk }: Uses): void {
  unused(flags.cert, ownCertificate, '--cert', 'a certificate of our own');
  unused(flags.key, ownCertificate, '--key', 'a certificate of our own');
  unused(flags['rsa-signature'], ownCertificate, '--rsa-signature', 'a certificate of our own');
  unused(flags['ocsp-response'], ownCertificate, '--ocsp-response', 'a certificate of our own');
  unused(flags.ca, authorities, '--ca', 'certificates of the other side');
  unused(flags.crl, authorities, '--crl', 'certificates of the other side');
  unused(flags['psk-file'], psk, '--psk-file', 'the pre-shared key');
  unused(flags['psk-stdin'] || undefined, psk, '--psk-stdin', 'the pre-shared key');
}

/** What is given and not used is a mistake: somebody believes that it protects something. */
function unused(value: unknown, used: boolean, flag: string, what: string): void {
  if (value === undefined || used) return;
  throw usage(
    'E_AUTH_UNUSED',
    `${flag} is given, but neither side authenticates with ${what}.`,
    `Leave ${flag} out, or name the methods with --auth and --server-auth (connect) or --client-auth (serve).`,
  );
}

function clientWarnings(local: readonly AuthMethod[], remote: readonly AuthMethod[]): Warning[] {
  return [
    ...(local.some(isEap) && !remote.includes('cert') && !remote.includes('eap-only')
      ? [
          {
            code: 'W_EAP_WITHOUT_CERT' as const,
            message: remote.includes('psk')
              ? 'The gateway proves itself with the pre-shared key only: everyone who knows that key can pose as the gateway and attack your login. Use --server-auth cert.'
              : 'The gateway proves nothing before you log in: anyone can pose as it. Use --server-auth cert.',
          },
        ]
      : []),
    ...(remote.includes('null')
      ? [
          warnNull(
            'The gateway does not prove who it is (--server-auth null): anyone on the way can pose as it.',
          ),
        ]
      : []),
    ...(local.includes('null') ? [warnNull('This side does not prove who it is (--auth null).')] : []),
  ];
}

function serverWarnings(local: readonly AuthMethod[], remote: readonly (readonly AuthMethod[])[]): Warning[] {
  const all = remote.flat();
  return [
    ...(all.some(isEap) && !local.includes('cert') && !local.includes('eap-only')
      ? [
          {
            code: 'W_EAP_WITHOUT_CERT' as const,
            message: local.includes('psk')
              ? 'This server proves itself to EAP clients with the pre-shared key only (IKE-AUTH-001): every client can pose as the server and attack the logins of the others. Use --auth cert.'
              : 'This server proves nothing to EAP clients before they log in: anyone can pose as it. Use --auth cert.',
          },
        ]
      : []),
    ...(all.includes('null')
      ? [warnNull('Clients need not prove who they are (--client-auth null): anyone can connect.')]
      : []),
    ...(local.includes('null') ? [warnNull('This server does not prove who it is (--auth null).')] : []),
  ];
}

const warnNull = (message: string): Warning => ({ code: 'W_NULL_AUTH', message });

function usage(code: `E_${string}`, message: string, hint: string): KitError {
  return new KitError('usage', code, message, { hint });
}
