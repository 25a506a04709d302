import { systemClock } from '../core/environment.js';
import { createEapAuthenticator } from '../ike/auth/eap/authenticator.js';
import { createAttemptLimiter } from '../ike/auth/eap/limiter.js';
import { createEapPeer, type TlsCredentials } from '../ike/auth/eap/peer.js';
import { createSigner } from '../ike/auth/signature.js';
import type { AuthPolicy, LocalAuth, RemoteAuth, Signer } from '../ike/auth/types.js';
import { formatIdentity } from '../ike/identity.js';
import {
  type AuthMethod,
  type Credentials,
  type EapMethod,
  eapMethods,
  type OwnCertificate,
} from './credentials.js';
import { certificateIdentity } from './credentials-identity.js';
import { type AuthSide, certificateTrust, validateInsideTls } from './credentials-trust.js';

/**
 * What the session is told about authentication. A server's policy holds the count of wrong passwords, so it has one
 * for all its clients.
 * @throws KitError usage `E_KEY_KIND` for a key that cannot sign
 */
export function authPolicy(credentials: Credentials, side: AuthSide): AuthPolicy {
  return {
    local: credentials.local.map((method) => localAuth(method, credentials, side)),
    remote: joinEap(credentials.remote).map((rounds) =>
      rounds.map((methods) => remoteAuth(methods, credentials, side)),
    ),
  };
}

function localAuth(method: AuthMethod, credentials: Credentials, side: AuthSide): LocalAuth {
  switch (method) {
    case 'psk':
      return { type: 'psk', secret: present(credentials.psk) };
    case 'cert':
      return { type: 'signature', signer: signerOf(present(credentials.own)) };
    case 'eap-only':
    case 'null':
      return { type: method };
    default:
      return { type: 'eap', createPeer: () => eapPeer(method, credentials, side) };
  }
}

function remoteAuth(methods: readonly AuthMethod[], credentials: Credentials, side: AuthSide): RemoteAuth {
  const [method] = methods;
  switch (method) {
    case 'psk':
      return { type: 'psk', secret: present(credentials.psk), onProof: credentials.onPskProof };
    case 'cert':
      return { type: 'signature', trust: certificateTrust(present(credentials.trust), side) };
    case 'eap-only':
    case 'null':
      return { type: method };
    default:
      return eapClients(methods.filter(isEapMethod), credentials, side);
  }
}

function signerOf({ key, certificates, rsaScheme, ocspResponse }: OwnCertificate): Signer {
  const signer = createSigner({
    key,
    certificates: certificates.map(({ der }) => der),
    ...(rsaScheme && { rsaScheme }),
  });
  return { ...signer, ocspResponse };
}

function eapPeer(method: EapMethod, credentials: Credentials, side: AuthSide) {
  const { own, eapUser, eapPassword } = credentials;
  const user = eapUser ?? formatIdentity(certificateIdentity(present(own).certificates[0], 'initiator'));
  if (method !== 'eap-tls') {
    return createEapPeer({ method: methodName(method), user, password: present(eapPassword) });
  }
  const trust = certificateTrust(present(credentials.trust), side);
  return createEapPeer({
    method: 'tls',
    user,
    tls: {
      ...tlsCredentials(present(own)),
      validateServer: (certificates) => validateInsideTls(trust, certificates, side),
    },
  });
}

/** What clients with EAP meet: the server proposes the first of the methods, and the client may choose another. */
function eapClients(methods: readonly EapMethod[], credentials: Credentials, side: AuthSide): RemoteAuth {
  const { own, users = { find: () => undefined } } = credentials;
  const limiter = createAttemptLimiter(systemClock);
  const trust = methods.includes('eap-tls') ? certificateTrust(present(credentials.trust), side) : undefined;
  const tls = trust && {
    ...tlsCredentials(present(own)),
    validateClient: (certificates: readonly Uint8Array[], user: string) =>
      validateInsideTls(trust, certificates, side, user),
  };
  return {
    type: 'eap',
    createAuthenticator: () =>
      createEapAuthenticator({ methods: methods.map(methodName), users, limiter, ...(tls && { tls }) }),
  };
}

function tlsCredentials({ key, certificates }: OwnCertificate): TlsCredentials {
  return { key, certificates: certificates.map(({ der }) => der) };
}

const methodName = (method: EapMethod) => method.slice('eap-'.length) as 'mschapv2' | 'md5' | 'tls';

const isEapMethod = (method: AuthMethod): method is EapMethod =>
  (eapMethods as readonly AuthMethod[]).includes(method);

/**
 * Alternatives that differ only in their EAP methods are one: which method it is to be is settled inside EAP (RFC 3748
 * 5.3.1). Each round becomes the list of its methods.
 */
function joinEap(alternatives: readonly (readonly AuthMethod[])[]): AuthMethod[][][] {
  const joined = new Map<string, AuthMethod[][]>();
  for (const rounds of alternatives) {
    const shape = rounds.map((method) => (isEapMethod(method) ? 'eap' : method)).join('+');
    const before = joined.get(shape);
    if (before === undefined)
      joined.set(
        shape,
        rounds.map((method) => [method]),
      );
    else for (const [at, methods] of before.entries()) addTo(methods, rounds[at]);
  }
  return [...joined.values()];
}

function addTo(methods: AuthMethod[], method: AuthMethod | undefined): void {
  if (method !== undefined && !methods.includes(method)) methods.push(method);
}

/** Whoever names a method brings what it needs: `src/cli` sees to that and says it in sentences. */
function present<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('a method lacks what it needs');
  return value;
}
