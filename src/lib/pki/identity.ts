import { formatIp, parseIp } from '../core/ip.js';
import { foldAscii } from '../ike/distinguished-name.js';
import { type Certificate, nameText } from './certificate.js';
import { formatGeneralName, type GeneralName } from './general-name.js';
import { sameName } from './names.js';

/** Whether a certificate speaks for a name, and how that was found. */
export interface NameMatch {
  matches: boolean;
  /** One sentence without its full stop. */
  explanation: string;
}

/**
 * Whether a certificate covers what somebody dials or expects: a domain name, a mail address, an IP address or a
 * distinguished name. Only subjectAltNames count, and for distinguished names the subject (RFC 4945 3.1).
 */
export function matchName(certificate: Certificate, expected: GeneralName): NameMatch {
  const { subjectAltNames, subject } = certificate;
  if (expected.kind === 'dn') {
    const matches = sameName(subject, expected.der);
    return {
      matches,
      explanation: matches ? 'the subject is that name' : `the subject is "${nameText(subject)}"`,
    };
  }
  const found = subjectAltNames.find((name) => covers(name, expected));
  if (found !== undefined) {
    return { matches: true, explanation: `${formatGeneralName(found)} is among its names` };
  }
  return { matches: false, explanation: reasonFor(certificate, expected) };
}

function covers(name: GeneralName, expected: GeneralName): boolean {
  if (name.kind === 'dns' && expected.kind === 'dns') return dnsCovers(name.value, expected.value);
  if (name.kind === 'email' && expected.kind === 'email') return mailEquals(name.value, expected.value);
  if (name.kind === 'uri' && expected.kind === 'uri') return name.value === expected.value;
  if (name.kind === 'ip' && expected.kind === 'ip') return Buffer.from(name.bytes).equals(expected.bytes);
  return false;
}

/** `*` stands for exactly one label, the first (RFC 9525 6.3); a NUL or anything odd never matches. */
function dnsCovers(pattern: string, name: string): boolean {
  const [a, b] = [foldAscii(pattern), foldAscii(name)];
  if (a === b) return true;
  if (!a.startsWith('*.')) return false;
  const dot = b.indexOf('.');
  // At least two labels stay: "*.com" covers nothing.
  return dot > 0 && b.slice(dot) === a.slice(1) && a.indexOf('.', 2) > 0;
}

/** The part before the @ counts with its case (RFC 5280 4.2.1.10, RFC 5321 2.4). */
function mailEquals(a: string, b: string): boolean {
  const [local, domain = ''] = splitMail(a);
  const [otherLocal, otherDomain = ''] = splitMail(b);
  return local === otherLocal && foldAscii(domain) === foldAscii(otherDomain);
}

function splitMail(address: string): [string, string] {
  const at = address.lastIndexOf('@');
  return [address.slice(0, at), address.slice(at + 1)];
}

function reasonFor({ subjectAltNames, subject }: Certificate, expected: GeneralName): string {
  if (subjectAltNames.length === 0) {
    return `it has no subjectAltName; its subject "${nameText(subject)}" does not count`;
  }
  const list = subjectAltNames.slice(0, 8).map(formatGeneralName).join(', ');
  const more = subjectAltNames.length > 8 ? ` and ${subjectAltNames.length - 8} more` : '';
  const hint = nearMiss(subjectAltNames, expected);
  return `it covers ${list}${more}${hint === '' ? '' : `; ${hint}`}`;
}

function nearMiss(names: readonly GeneralName[], expected: GeneralName): string {
  if (expected.kind === 'ip') {
    const text = formatIp(expected.bytes);
    if (names.some((name) => name.kind === 'dns' && name.value === text)) {
      return 'the address is there as a domain name, which only Windows compares with addresses';
    }
    if (names.some(({ kind }) => kind === 'dns'))
      return 'dial the domain name, or issue it with the address too';
  }
  if (expected.kind === 'dns' && names.length > 0 && names.every(({ kind }) => kind === 'ip')) {
    return 'dial the address, or issue it with the domain name too';
  }
  const wildcard = names.find((name) => name.kind === 'dns' && name.value.startsWith('*.'));
  if (
    expected.kind === 'dns' &&
    wildcard?.kind === 'dns' &&
    expected.value.endsWith(wildcard.value.slice(1))
  ) {
    return 'a * stands for one label only';
  }
  return '';
}

/** Whether an address is among the dNSNames, as Windows wants it. */
export function hasAddressAsDns({ subjectAltNames }: Certificate, address: Uint8Array): boolean {
  return subjectAltNames.some((name) => {
    if (name.kind !== 'dns') return false;
    try {
      return Buffer.from(parseIp(name.value)).equals(address);
    } catch {
      return false;
    }
  });
}
