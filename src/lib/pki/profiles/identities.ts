import { formatIp } from '../../core/ip.js';
import { type Identity, IdType, parseIdentity } from '../../ike/identity.js';
import type { Certificate } from '../certificate.js';
import { nameText } from '../certificate.js';
import type { GeneralName } from '../general-name.js';
import { matchName } from '../identity.js';
import type { ClientProfile } from './types.js';

/** Whom the client expects: what the profile says, else what is dialled. */
export function remoteIdOf({ remoteId, gateway }: ClientProfile): string {
  return remoteId ?? gateway;
}

/**
 * Who the client says it is, in strongSwan's notation: what the profile says, else the first name of its certificate,
 * else its user name; undefined: its address.
 */
export function localIdOf(profile: ClientProfile, own: Certificate | undefined): string | undefined {
  const { localId, auth, eapUser } = profile;
  if (localId !== undefined) return localId;
  if ((auth === 'cert' || auth === 'eap-tls') && own !== undefined) return certificateId(own);
  return eapUser;
}

function certificateId({ subjectAltNames, subject }: Certificate): string {
  for (const name of subjectAltNames) {
    if (name.kind === 'dns' && !name.value.startsWith('*')) return name.value;
    if (name.kind === 'email') return name.value;
    if (name.kind === 'ip' && (name.bytes.length === 4 || name.bytes.length === 16))
      return formatIp(name.bytes);
  }
  return nameText(subject);
}

/**
 * An identity as clients take it that guess its type from the text: a domain name, user@host or an address.
 * @returns undefined for identities of other types
 */
export function plainIdentity(text: string): string | undefined {
  const identity = parseIdentity(text);
  if (identity === undefined) return undefined;
  const plain = Buffer.from(identity.data).toString('utf8');
  switch (identity.idType) {
    case IdType.FQDN:
      return plain.includes('@') ? undefined : plain;
    case IdType.RFC822_ADDR:
      return plain.includes('@') ? plain : undefined;
    case IdType.IPV4_ADDR:
    case IdType.IPV6_ADDR:
      return formatIp(identity.data);
    default:
      return undefined;
  }
}

/** Whether a certificate proves an identity (RFC 4945 3.1); `%any` is proved by all. */
export function provesIdentity(
  certificate: Certificate,
  text: string,
): { matches: boolean; explanation: string } {
  const identity = parseIdentity(text);
  if (identity === undefined) return { matches: true, explanation: 'anybody will do' };
  const name = nameOf(identity);
  if (name === undefined)
    return { matches: false, explanation: 'no certificate proves an identity of that type' };
  return matchName(certificate, name);
}

function nameOf({ idType, data }: Identity): GeneralName | undefined {
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
