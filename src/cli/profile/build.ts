import { resolve } from 'node:path';
import { KitError } from '../../lib/core/errors.js';
import { checkProfile } from '../../lib/pki/profiles/check.js';
import type { ClientProfile } from '../../lib/pki/profiles/types.js';
import { PROFILE_SCHEMA } from '../../lib/report/profile.schema.js';
import type { ContentFlags } from './flags.js';
import { certificatesFrom } from './identity.js';

/**
 * A profile from flags, or from another profile and the flags that change it.
 * @param name what devices show; undefined: as before, else the gateway
 * @throws KitError usage E_PROFILE_GATEWAY, E_PROFILE_AUTH, what reading certificates and checking values throws
 */
export async function buildProfile(
  flags: ContentFlags,
  name: string | undefined,
  base?: ClientProfile,
): Promise<ClientProfile> {
  const gateway = flags.gateway ?? base?.gateway;
  if (gateway === undefined) {
    throw new KitError('usage', 'E_PROFILE_GATEWAY', 'A profile needs a gateway.', {
      hint: 'Name it with --gateway HOST.',
    });
  }
  const auth = flags.auth ?? authFrom(flags) ?? base?.auth;
  if (auth === undefined) {
    throw new KitError('usage', 'E_PROFILE_AUTH', 'Nothing says how the client proves who it is.', {
      hint: 'Give --identity NAME, --cert and --key, --eap-user NAME or --psk-file FILE; or name the method with --auth.',
    });
  }
  const sameAuth = base !== undefined && base.auth === auth;
  const serverAuth =
    flags['server-auth'] ?? (sameAuth ? base.serverAuth : auth === 'psk' || auth === 'null' ? auth : 'cert');
  const profile: ClientProfile = {
    ca: [],
    certificates: [],
    remoteTs: [],
    localTs: [],
    dns: [],
    ...base,
    ...defined({
      port: flags.port,
      natPort: flags['nat-port'],
      remoteId: flags['remote-id'],
      localId: flags['local-id'],
      ...(await certificatesFrom(flags, gateway)),
      keyPassphraseFile: path(flags['key-passphrase-file']),
      pskFile: path(flags['psk-file']),
      eapUser: flags['eap-user'],
      eapPasswordFile: path(flags['eap-password-file']),
      ike: flags.ike,
      esp: flags.esp,
      remoteTs: items(flags['remote-ts']),
      localTs: items(flags['local-ts']),
      dns: items(flags.dns),
      mtu: flags.mtu,
      onDemand: flags['on-demand'] === true ? true : undefined,
    }),
    schema: PROFILE_SCHEMA,
    name: name ?? base?.name ?? gateway,
    gateway,
    auth,
    serverAuth,
  };
  checkProfile(profile);
  return profile;
}

/** What the flags about the client amount to. */
function authFrom(flags: ContentFlags): ClientProfile['auth'] | undefined {
  if (flags.identity !== undefined || flags.cert !== undefined) return 'cert';
  if (flags['eap-user'] !== undefined) return 'eap-mschapv2';
  return flags['psk-file'] === undefined ? undefined : 'psk';
}

function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function path(file: string | undefined): string | undefined {
  return file === undefined ? undefined : resolve(file);
}

/** Repeated and comma-separated lists are the same. */
function items(lists: string[] | undefined): string[] | undefined {
  return lists
    ?.flatMap((text) => text.split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
