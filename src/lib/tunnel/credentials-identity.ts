import { KitError } from '../core/errors.js';
import { parseIp } from '../core/ip.js';
import { formatIdentity, type Identity, IdType, parseIdentity } from '../ike/identity.js';
import { type Certificate, certificateName, nameText } from '../pki/certificate.js';
import { formatGeneralName, type GeneralName } from '../pki/general-name.js';
import { matchName } from '../pki/identity.js';
import type { Credentials } from './credentials.js';

type Role = 'initiator' | 'responder';

/**
 * Who this side says it is. A certificate's owner takes a name that the certificate covers: a server its first domain
 * name, a client its first name, else the subject. A client of EAP is its user.
 * @param text what was asked for
 * @returns undefined: the local address
 * @throws KitError usage `E_IDENTITY_NOT_IN_CERT`, `E_IDENTITY`
 */
export function ownIdentity(
  text: string | undefined,
  credentials: Credentials,
  role: Role,
): Identity | undefined {
  const { local, own, eapUser } = credentials;
  const asked = text === undefined ? undefined : parseIdentity(text);
  if (own && (local.includes('cert') || local.includes('eap-only'))) {
    const [certificate] = own.certificates;
    if (asked === undefined) {
      const identity = certificateIdentity(certificate, role);
      if (identity.idType === IdType.DER_ASN1_DN && identity.data.length <= 2) throw nameless();
      return identity;
    }
    if (!coversIdentity(certificate, asked)) throw notInCertificate(asked, certificate);
    return asked;
  }
  if (asked !== undefined) return asked;
  if (eapUser !== undefined && local.some((method) => method.startsWith('eap-')))
    return parseIdentity(eapUser);
  if (own && local.includes('eap-tls')) return certificateIdentity(own.certificates[0], role);
  // RFC 7619 2.2: who proves nothing need not claim anything.
  return local.every((method) => method === 'null')
    ? { idType: IdType.NULL, data: new Uint8Array(0) }
    : undefined;
}

/** The identity that a certificate stands for by itself. */
export function certificateIdentity(certificate: Certificate, role: Role): Identity {
  const names = certificate.subjectAltNames.filter(
    (name) => !(name.kind === 'dns' && name.value.startsWith('*')),
  );
  const domain = role === 'responder' ? names.find(({ kind }) => kind === 'dns') : undefined;
  for (const name of domain ? [domain] : names) {
    const identity = identityOfName(name);
    if (identity) return identity;
  }
  return { idType: IdType.DER_ASN1_DN, data: certificate.subject };
}

/** The name that somebody who dials a host expects in its certificate. */
export function dialledName(host: string): GeneralName {
  try {
    // A zone tells which of our interfaces, not who is there.
    return { kind: 'ip', bytes: parseIp(host.replace(/%.*$/, '')) };
  } catch {
    return { kind: 'dns', value: host.replace(/\.$/, '') };
  }
}

/** @throws KitError refused `E_CERT_NAME` when a gateway's certificate is not for what was dialled */
export function assertDialled(certificate: Certificate, expected: GeneralName): void {
  const { matches, explanation } = matchName(certificate, expected);
  if (matches) return;
  throw new KitError(
    'refused',
    'E_CERT_NAME',
    `The gateway was dialled as ${formatGeneralName(expected)}, and its certificate (${certificateName(certificate)}) is not for that: ${explanation}`,
    { hint: 'Dial a name that the certificate covers, or say whom you expect with --remote-id.' },
  );
}

function coversIdentity(certificate: Certificate, identity: Identity): boolean {
  const name = nameOfIdentity(identity);
  return name !== undefined && matchName(certificate, name).matches;
}

/** An identity as a certificate would hold it; undefined for those that no certificate can prove. */
function nameOfIdentity({ idType, data }: Identity): GeneralName | undefined {
  const value = Buffer.from(data).toString('latin1');
  switch (idType) {
    case IdType.FQDN:
      return { kind: 'dns', value };
    case IdType.RFC822_ADDR:
      return { kind: 'email', value };
    case IdType.IPV4_ADDR:
    case IdType.IPV6_ADDR:
      return { kind: 'ip', bytes: data };
    case IdType.DER_ASN1_DN:
      return { kind: 'dn', der: data };
    default:
      return undefined;
  }
}

/** A certificate's name as an identity; undefined for kinds that have none. */
export function identityOfName(name: GeneralName): Identity | undefined {
  switch (name.kind) {
    case 'dns':
      return { idType: IdType.FQDN, data: Buffer.from(name.value, 'latin1') };
    case 'email':
      return { idType: IdType.RFC822_ADDR, data: Buffer.from(name.value, 'latin1') };
    case 'ip':
      return name.bytes.length === 4 || name.bytes.length === 16
        ? { idType: name.bytes.length === 4 ? IdType.IPV4_ADDR : IdType.IPV6_ADDR, data: name.bytes }
        : undefined;
    default:
      return undefined;
  }
}

function nameless(): KitError {
  return new KitError(
    'usage',
    'E_IDENTITY_NOT_IN_CERT',
    'The certificate has neither a subject nor names, so it proves no identity.',
    { hint: 'Issue one with a name: ipsec-kit cert issue NAME' },
  );
}

function notInCertificate(identity: Identity, certificate: Certificate): KitError {
  const names = certificate.subjectAltNames.map(formatGeneralName);
  const list = [...names, `DN:${nameText(certificate.subject)}`].join(', ');
  return new KitError(
    'usage',
    'E_IDENTITY_NOT_IN_CERT',
    `The certificate does not cover the identity ${formatIdentity(identity)}, so no peer would believe it; it covers ${list}.`,
    { hint: 'Give --local-id one of these, leave it out, or issue a certificate with that name.' },
  );
}
