import { fromBER, Sequence } from 'asn1js';
import { foldAscii } from '../ike/distinguished-name.js';
import type { Certificate, NameConstraints } from './certificate.js';
import { formatGeneralName, type GeneralName } from './general-name.js';
import { sameName } from './names.js';

/**
 * Which of a certificate's names a CA's constraints forbid (RFC 5280 4.2.1.10): none of them may be excluded, and
 * where names of a kind are permitted, each of that kind must be.
 * @returns a sentence's end, or undefined when all is well
 */
export function forbiddenName(certificate: Certificate, constraints: NameConstraints): string | undefined {
  const names = namesOf(certificate);
  if (effort(names, constraints) > MAX_EFFORT) return 'it has too many names to compare with those allowed';
  for (const name of names) {
    const excluded = constraints.excluded.find((subtree) => within(name, subtree));
    if (excluded !== undefined)
      return `${formatGeneralName(name)} is excluded by ${formatGeneralName(excluded)}`;
    const permitted = constraints.permitted.filter(({ kind }) => kind === name.kind);
    if (permitted.length > 0 && !permitted.some((subtree) => within(name, subtree))) {
      return `${formatGeneralName(name)} is not within ${permitted.map(formatGeneralName).join(', ')}`;
    }
  }
  const odd = [...constraints.permitted, ...constraints.excluded].find(({ kind }) => kind === 'other');
  return odd === undefined ? undefined : `${formatGeneralName(odd)} is of a kind that is not understood here`;
}

/** Certificates are small, but every name is held against every constraint, and distinguished names take long. */
const MAX_EFFORT = 20_000;
const DN_EFFORT = 50;

function effort(names: readonly GeneralName[], { permitted, excluded }: NameConstraints): number {
  const subtrees = [...permitted, ...excluded];
  const pairs = (isDn: boolean): number =>
    names.filter(({ kind }) => (kind === 'dn') === isDn).length *
    subtrees.filter(({ kind }) => (kind === 'dn') === isDn).length;
  return pairs(false) + DN_EFFORT * pairs(true);
}

/** The subject counts as a name too, unless it is empty. */
function namesOf({ subject, subjectAltNames }: Certificate): GeneralName[] {
  return [...(subject.length > 2 ? [{ kind: 'dn', der: subject } as const] : []), ...subjectAltNames];
}

function within(name: GeneralName, subtree: GeneralName): boolean {
  if (name.kind === 'dns' && subtree.kind === 'dns') return domainWithin(name.value, subtree.value);
  if (name.kind === 'email' && subtree.kind === 'email') return mailWithin(name.value, subtree.value);
  if (name.kind === 'uri' && subtree.kind === 'uri') return hostWithin(hostOf(name.value), subtree.value);
  if (name.kind === 'ip' && subtree.kind === 'ip') return addressWithin(name.bytes, subtree.bytes);
  if (name.kind === 'dn' && subtree.kind === 'dn') return nameWithin(name.der, subtree.der);
  return false;
}

/** `example.com` is itself and all below; a leading dot, which many CAs write, means those below. */
function domainWithin(name: string, subtree: string): boolean {
  const [a, b] = [foldAscii(name), foldAscii(subtree)];
  if (b === '' || a === b) return true;
  return a.endsWith(b.startsWith('.') ? b : `.${b}`);
}

/** A mailbox, all mailboxes of a host, or with a leading dot of all hosts below a domain. */
function mailWithin(name: string, subtree: string): boolean {
  if (subtree.includes('@')) return foldAscii(name) === foldAscii(subtree);
  return hostWithin(name.slice(name.lastIndexOf('@') + 1), subtree);
}

function hostWithin(host: string, subtree: string): boolean {
  const [a, b] = [foldAscii(host), foldAscii(subtree)];
  return b.startsWith('.') ? a.endsWith(b) : a === b;
}

function hostOf(uri: string): string {
  try {
    return new URL(uri).hostname;
  } catch {
    return '';
  }
}

/** Address and mask follow each other in the constraint. */
function addressWithin(address: Uint8Array, range: Uint8Array): boolean {
  const length = address.length;
  if (range.length !== 2 * length) return false;
  return address.every((byte, at) => (byte & range[length + at]!) === (range[at]! & range[length + at]!));
}

/** The subtree's parts are the first parts of the name. */
function nameWithin(name: Uint8Array, subtree: Uint8Array): boolean {
  const { result } = fromBER(Uint8Array.from(name));
  const wanted = fromBER(Uint8Array.from(subtree)).result;
  if (!(result instanceof Sequence) || !(wanted instanceof Sequence)) return false;
  const value = result.valueBlock.value.slice(0, wanted.valueBlock.value.length);
  return sameName(new Uint8Array(new Sequence({ value }).toBER()), subtree);
}
