import { join } from 'node:path';
import { KitError } from '../lib/core/errors.js';
import { printable } from '../lib/core/printable.js';
import { formatIdentity } from '../lib/ike/identity.js';
import type { Certificate } from '../lib/pki/certificate.js';
import { validateChain } from '../lib/pki/chain.js';
import { toPem } from '../lib/pki/files.js';
import { exportProfile } from '../lib/pki/profiles/export.js';
import { lintProfile } from '../lib/pki/profiles/lint.js';
import type { ClientProfile } from '../lib/pki/profiles/types.js';
import { writeExportedFiles } from '../lib/pki/profiles/write.js';
import { Store } from '../lib/pki/store.js';
import type { ClientAuthMethod, ServerAuthMethod } from '../lib/report/profile.schema.js';
import type { AuthMethod, Credentials } from '../lib/tunnel/credentials.js';
import { certificateIdentity, ownIdentity } from '../lib/tunnel/credentials-identity.js';
import type { ServerOptions, TunnelEvent } from '../lib/tunnel/types.js';
import { storeFolder } from './cert/input.js';
import { buildProfile } from './profile/build.js';
import { secretsFor } from './profile/secrets.js';
import { type ExportFlagValues, exportFormats } from './tunnel-export-flags.js';

/**
 * Writes profiles for the clients of a server: what it is called, how both sides prove who they are, what it accepts.
 * @param emit told every file, and what clients will dislike
 * @throws KitError usage E_EXPORT_GATEWAY, E_EXPORT_IDENTITY, and what exporting throws; environment
 *   E_FILE_WRITE
 */
export async function exportProfiles(
  flags: ExportFlagValues,
  options: ServerOptions,
  emit: (event: TunnelEvent) => void,
): Promise<void> {
  const formats = exportFormats(flags);
  if (formats.length === 0) return;
  const profile = await profileOf(flags, options);
  const secrets = await secretsFor(profile, formats, {
    'p12-passphrase-file': flags['export-passphrase-file'],
    'include-key': false,
    'include-psk': false,
    'include-password': false,
  });
  const exported = formats.map((format) => ({
    format,
    files: exportProfile(profile, format, secrets(format)),
  }));
  for (const { format, files } of exported) {
    for (const { id, severity, message, remedy } of lintProfile(profile, format, {
      secrets: secrets(format),
      now: Date.now(),
    })) {
      if (severity === 'info') continue;
      const sentence = `Profile for ${format}: ${message}${remedy === undefined ? '' : ` ${remedy}`}`;
      emit({ event: 'warning', code: id, message: sentence });
    }
    const paths = await writeExportedFiles(join(flags['export-dir'], format), files, { replace: true });
    for (const [at, { secret, note }] of files.entries()) {
      emit({ event: 'profile-exported', for: format, path: paths[at]!, secret, note });
    }
  }
}

async function profileOf(flags: ExportFlagValues, options: ServerOptions): Promise<ClientProfile> {
  const { credentials, localId, port, natPort, ike, esp, localTs = [] } = options;
  const own = credentials.own?.certificates[0];
  const identity = ownIdentity(localId, credentials, 'responder');
  const auth = methodFor(flags['export-identity'], credentials);
  const gateway = flags['export-gateway'] ?? gatewayOf(own, localId);
  const named = flags['export-identity'];
  const byCertificate = auth === 'cert' || auth === 'eap-tls';
  const profile = await buildProfile(
    {
      gateway,
      port: port === 500 ? undefined : port,
      'nat-port': natPort === 4500 ? undefined : natPort,
      'remote-id': identity && formatIdentity(identity),
      auth,
      'server-auth': serverAuth(credentials.local),
      ...(byCertificate ? { identity: named, store: flags['export-store'] } : { 'eap-user': named }),
      ike,
      esp,
      'remote-ts': localTs,
    },
    undefined,
  );
  if (!own) return profile;
  const ca = await authorityOf(own, credentials, flags['export-store']);
  return { ...profile, ca: ca ? [pem(ca)] : profile.ca, serverCertificate: pem(own) };
}

const pem = ({ der }: Certificate): string => toPem('CERTIFICATE', der);

/** What clients dial: a name that the certificate covers, so that they believe it. */
function gatewayOf(own: Certificate | undefined, localId: string | undefined): string {
  const names = own?.subjectAltNames ?? [];
  const domain = names.find((name) => name.kind === 'dns' && !name.value.startsWith('*'));
  const name = domain ?? names.find(({ kind }) => kind === 'ip');
  const identity = name && own && certificateIdentity({ ...own, subjectAltNames: [name] }, 'responder');
  const text = identity ? formatIdentity(identity) : localId;
  if (text !== undefined && /^[\w.:-]+$/.test(text)) return text;
  throw new KitError('usage', 'E_EXPORT_GATEWAY', 'Nothing says what the clients are to dial.', {
    hint: 'Name it with --export-gateway HOST.',
  });
}

const oneRound = (rounds: readonly AuthMethod[]): ClientAuthMethod[] =>
  rounds.length === 1 && rounds[0] !== undefined && rounds[0] !== 'eap-only' ? [rounds[0]] : [];

/** How the one that a profile is for authenticates: the first of the ways that are open to it. */
function methodFor(name: string | undefined, { remote, users }: Credentials): ClientAuthMethod {
  const methods = remote.flatMap(oneRound);
  const isUser = name !== undefined && users?.find(name) !== undefined;
  const method = methods.find((each) => {
    if (name === undefined) return true;
    return isUser ? each === 'eap-mschapv2' || each === 'eap-md5' : each === 'cert' || each === 'eap-tls';
  });
  if (method !== undefined) return method;
  if (methods.length === 0) {
    throw new KitError('usage', 'E_EXPORT_IDENTITY', 'No profile describes a client with several rounds.', {
      hint: 'Accept one method alone, too: --client-auth cert,cert+eap-mschapv2',
    });
  }
  throw new KitError(
    'usage',
    'E_EXPORT_IDENTITY',
    isUser
      ? `The user ${JSON.stringify(printable(name))} cannot log in with a password alone (--client-auth).`
      : `${JSON.stringify(printable(name ?? ''))} is no user of --users, and clients do not authenticate with certificates.`,
    { hint: 'Name a user, or accept certificates with --client-auth cert and --ca.' },
  );
}

function serverAuth([method]: readonly AuthMethod[]): ServerAuthMethod {
  return method === 'psk' || method === 'eap-only' || method === 'null' ? method : 'cert';
}

/** The CA that clients have to know, if we know it. */
async function authorityOf(
  own: Certificate,
  { own: pair, trust }: Credentials,
  folder: string | undefined,
): Promise<Certificate | undefined> {
  const stored = await new Store(storeFolder(folder)).chain().catch(() => []);
  const { chain, trusted } = validateChain(own, {
    anchors: [...stored, ...(trust?.anchors ?? [])],
    intermediates: pair?.certificates ?? [],
    now: Date.now(),
  });
  return trusted ? chain.at(-1) : undefined;
}
