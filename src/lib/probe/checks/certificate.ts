import { printable } from '../../core/printable.js';
import { type Certificate, certificateName, parseCertificate } from '../../pki/certificate.js';
import { type GeneralName, parseGeneralName } from '../../pki/general-name.js';
import { matchName } from '../../pki/identity.js';
import { describeKey, keyWeakness } from '../../pki/keys.js';
import { dateText } from '../../pki/problem.js';
import { isWeakSignature } from '../../pki/signatures.js';
import type { AuthFacts, TargetFacts } from '../types.js';
import {
  because,
  type Check,
  type CheckContext,
  finding,
  inconclusive,
  type Outcome,
  pass,
  skipped,
} from './check.js';
import { cite, withoutAuth } from './sightings.js';

/** Codes of `cert verify` that the other check reports. */
const WEAKNESS_CODES: ReadonlySet<string> = new Set(['E_CERT_WEAK_KEY', 'E_CERT_WEAK_SIGNATURE']);

const weak: Check = {
  id: 'IKE-AUTH-002',
  topic: 'Strength of key and signature',
  title: 'A key or signature that is too weak authenticates the gateway',
  severity: 'high',
  references: ['RFC 8247 3.1.1', 'RFC 8247 3.2', 'RFC 7296 3.8'],
  examine: (facts, context) =>
    withCertificate(facts, context, (certificate, auth) => {
      const { signature } = auth;
      const packets = signature.packets;
      const key = certificate.publicKey && keyWeakness(describeKey(certificate.publicKey));
      const found = [
        ...(key === undefined ? [] : [`The certificate's ${key}.`]),
        // Only its own certificate: what a root signs itself with is not relied upon.
        ...(isWeakSignature(certificate.signatureAlgorithm)
          ? [`The certificate is signed with ${certificate.signatureAlgorithm.name}.`]
          : []),
        ...(signature.value !== undefined && /SHA-?1\b|MD5/i.test(signature.value)
          ? [`AUTH is signed with ${printable(signature.value)}${cite(packets)}.`]
          : []),
        ...(auth.problems ?? [])
          .filter(({ code }) => WEAKNESS_CODES.has(code))
          .map(({ message }) => printable(message)),
      ];
      if (found.length > 0) return finding([...new Set(found)], packets);
      if (certificate.publicKey === undefined)
        return inconclusive('The key of its certificate is of an unknown kind.');
      if (signature.value === undefined) {
        return inconclusive(because(signature.note, 'How AUTH was signed is not known.'), packets);
      }
      return pass(
        `${describeKey(certificate.publicKey).text}; ${printable(signature.value)}${cite(packets)}.`,
        packets,
      );
    }),
  remediation: () => ({
    text: 'Issue a certificate with a new key (ECDSA P-256 or RSA 3072) and SHA-2, and switch signature authentication of RFC 7427 on.',
    strongswan: 'local {\n  auth = ecdsa-sha256\n  certs = gateway.pem\n}',
  }),
};

const invalid: Check = {
  id: 'IKE-AUTH-003',
  topic: 'Validity of the certificate',
  title: 'The certificate is not valid for this gateway',
  severity: 'high',
  references: ['RFC 5280 6.1', 'RFC 4945 3.1', 'RFC 4945 5.1'],
  examine: (facts, context) =>
    withCertificate(facts, context, (certificate, auth) => {
      const { now } = context;
      const name = nameProblem(facts, certificate, auth);
      const checked = (auth.problems ?? [])
        .filter(({ code }) => code.startsWith('E_') && !WEAKNESS_CODES.has(code))
        .map(({ message }) => printable(message));
      const dates = auth.problems === undefined && now !== undefined ? dateProblems(certificate, now) : [];
      // The chain's own verdict on the name says more than ours.
      const own = checked.length > 0 || name === undefined ? [] : [name];
      const found = [...checked, ...dates, ...own];
      if (found.length > 0) return finding(found, auth.responderMethod.packets);
      const until = `${certificateName(certificate)} is valid until ${dateText(certificate.notAfter)}`;
      const { packets } = auth.responderMethod;
      if (auth.problems !== undefined)
        return pass(
          `${until}, and its chain leads to a trusted CA${cite(packets)}.${nameText(facts)}`,
          packets,
        );
      if (now === undefined) return inconclusive('Whether it has expired was not checked.');
      return pass(
        `${until}${cite(packets)}. Who issued it was not checked, because no CA was given.${nameText(facts)}`,
        packets,
      );
    }),
  remediation: () => ({
    text: 'Issue a new certificate that covers the name clients dial as subjectAltName (ipsec-kit cert issue --san), and renew it in time.',
    strongswan: 'local {\n  certs = gateway.pem\n  id = <the name clients dial>\n}',
  }),
};

/** Runs a judgement of the gateway's own certificate, where there is one that can be read. */
function withCertificate(
  facts: TargetFacts,
  context: CheckContext,
  judge: (certificate: Certificate, auth: AuthFacts) => Outcome,
): Outcome {
  const { auth } = facts;
  if (!auth) return withoutAuth(facts, context, "the gateway's certificate");
  const [der] = auth.certificates;
  if (der !== undefined) {
    let certificate: Certificate;
    try {
      certificate = parseCertificate(der);
    } catch {
      return inconclusive('Its certificate cannot be read.', auth.responderMethod.packets);
    }
    return judge(certificate, auth);
  }
  const { value, note, packets } = auth.responderMethod;
  if (auth.eap.value === false) {
    const reason = 'The gateway does not show a certificate before the client has authenticated';
    return skipped(`${reason}${cite(auth.eap.packets)}.`, auth.eap.packets);
  }
  if (value === 'certificate') return inconclusive('It signed without sending its certificate.', packets);
  if (value === undefined)
    return inconclusive(because(auth.eap.note ?? note, 'It showed no certificate.'), packets);
  return skipped('It does not use a certificate.');
}

function dateProblems({ notBefore, notAfter }: Certificate, now: number): string[] {
  if (now > notAfter.getTime()) return [`The certificate expired on ${dateText(notAfter)}.`];
  if (now < notBefore.getTime()) return [`The certificate is not valid before ${dateText(notBefore)}.`];
  return [];
}

/**
 * What was dialled has to be covered when it is a name. An address may stand for any name, and clients have the name in
 * their configuration: then the gateway's own identity (IDr) has to be covered, unless that is an address too.
 */
function nameProblem(
  { host }: TargetFacts,
  certificate: Certificate,
  { identity }: AuthFacts,
): string | undefined {
  const dialled = readName(host);
  const claimed = identity === undefined ? undefined : readName(identity);
  const isName = dialled !== undefined && dialled.kind !== 'ip';
  const expected = isName ? dialled : claimed?.kind === 'ip' ? undefined : claimed;
  if (expected === undefined) return undefined;
  const { matches, explanation } = matchName(certificate, expected);
  const subject = isName ? host : `its identity ${identity ?? ''}`;
  return matches ? undefined : `The certificate does not cover ${printable(subject)}: ${explanation}.`;
}

/** What a pass says of the names when nobody knows which one clients dial. */
function nameText({ host }: TargetFacts): string {
  return readName(host)?.kind === 'ip'
    ? ' Whether it covers the name that clients dial was not checked: an address was.'
    : '';
}

/** undefined for what no certificate can name, such as a key id. */
function readName(text: string): GeneralName | undefined {
  try {
    return parseGeneralName(text.replace(/^@(?!@|#)/, '').replace(/^fqdn:/i, 'dns:'));
  } catch {
    return undefined;
  }
}

export const certificateChecks: readonly Check[] = [weak, invalid];
