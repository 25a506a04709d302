import { KitError } from '../../core/errors.js';
import { formatIp } from '../../core/ip.js';
import { encodeDistinguishedName } from '../../ike/distinguished-name.js';
import { type GeneralName, parseGeneralName } from '../general-name.js';

/** Names of a certificate to be made, as the user gave them. */
export interface NameOptions {
  names: readonly string[];
  sans: readonly string[];
  /** Distinguished name; default: CN and the first name, or that itself when it is a distinguished name. */
  subject?: string | undefined;
  server: boolean;
  client: boolean;
  /** Also as dNSName, for Windows and some versions of Apple's systems. */
  ipAsDns: boolean;
}

export interface ResolvedNames {
  subject: Uint8Array;
  subjectAltNames: GeneralName[];
  server: boolean;
  client: boolean;
}

/** A common name has at most 64 characters (RFC 5280 A.1, ub-common-name). */
const MAX_CN = 64;

/**
 * The names of a certificate, and whom it is for: what looks like a user is a client, a domain name with a dot or an
 * address a server, unless the user says it.
 * @throws KitError usage E_SAN, E_SUBJECT
 */
export function resolveNames({ names, sans, subject, server, client, ipAsDns }: NameOptions): ResolvedNames {
  const given = [...names, ...sans].map(parseGeneralName);
  const asDns = given.flatMap((name) =>
    ipAsDns && name.kind === 'ip' ? [{ kind: 'dns', value: formatIp(name.bytes) } as const] : [],
  );
  const looksLikeServer = given.some(
    (name) => name.kind === 'ip' || (name.kind === 'dns' && name.value.includes('.')),
  );
  const guess = !server && !client;
  return {
    subject: subject === undefined ? subjectOf(given[0], names[0] ?? '') : parseSubject(subject),
    subjectAltNames: unique([...given, ...asDns]),
    server: server || (guess && looksLikeServer),
    client: client || (guess && !looksLikeServer),
  };
}

/** A distinguished name is the subject itself; any other name its CN. */
function subjectOf(first: GeneralName | undefined, text: string): Uint8Array {
  if (first?.kind === 'dn') return first.der;
  return commonName(first?.kind === 'dns' ? first.value : text);
}

function unique(names: readonly GeneralName[]): GeneralName[] {
  return [...new Map(names.map((name) => [JSON.stringify(name), name])).values()];
}

/** `CN=…` of any text. */
export function commonName(text: string): Uint8Array {
  const value = text.replace(/^(dns|email|ip|uri|dn):/i, '').slice(0, MAX_CN);
  return parseSubject(`CN=${value.replace(/[\\,]/g, '\\$&')}`);
}

/** @throws KitError usage E_SUBJECT */
export function parseSubject(text: string): Uint8Array {
  const der = encodeDistinguishedName(text);
  if (der !== undefined) return der;
  throw new KitError('usage', 'E_SUBJECT', `${JSON.stringify(text)} is not a distinguished name.`, {
    hint: 'Write it like: C=CH, O=Example, CN=vpn.example.com',
  });
}
