import { printable } from '../../core/printable.js';
import { hashAlgorithmName } from '../../ike/wire/names.js';
import type { TargetFacts } from '../types.js';
import { NEEDS_ACTIVE } from './active.js';
import { certificateChecks } from './certificate.js';
import { because, type Check, finding, inconclusive, pass, skipped, unanswered } from './check.js';
import { cite, listText, withoutAuth, withoutFacts } from './sightings.js';

const SHA1 = 1;

const pskWithEap: Check = {
  id: 'IKE-AUTH-001',
  topic: 'Authentication of the gateway beside EAP',
  title: 'The gateway proves itself with a pre-shared key to clients that use EAP',
  severity: 'critical',
  references: ['RFC 7296 2.16', 'RFC 5998'],
  examine(facts, context) {
    const { auth } = facts;
    if (!auth) return withoutAuth(facts, context, 'how the gateway authenticates');
    if (auth.eap.value === undefined) {
      return inconclusive(
        because(auth.eap.note, 'Whether it speaks EAP was not answered.'),
        auth.eap.packets,
      );
    }
    if (!auth.eap.value) {
      return skipped(`It does not offer EAP to unknown clients${cite(auth.eap.packets)}.`, auth.eap.packets);
    }
    const { value, note, packets } = auth.responderMethod;
    if (value === undefined)
      return inconclusive(because(note, 'How it proves itself was not answered.'), packets);
    if (value === 'psk') {
      return finding(`Before EAP it proved itself with a pre-shared key${cite(packets)}.`, packets);
    }
    const how = value === 'certificate' ? 'with a certificate' : 'with EAP alone';
    return pass(`It proves itself ${how}${cite(packets)}.`, packets);
  },
  remediation: () => ({
    text: 'Every client knows that key, so each can stand in for the gateway and take the passwords of the others. RFC 7296 2.16 wants a signature there.',
    strongswan: 'local {\n  auth = pubkey\n  certs = gateway.pem\n}\nremote {\n  auth = eap-mschapv2\n}',
  }),
};

const signatureHashes: Check = {
  id: 'IKE-AUTH-004',
  topic: 'Signature hashes',
  title: 'No SIGNATURE_HASH_ALGORITHMS: signatures with RSA are bound to SHA-1',
  severity: 'low',
  references: ['RFC 7427 4', 'RFC 8247 3.2'],
  examine(facts, context) {
    if (!facts.ikev2) return withoutFacts(facts, 'signature hashes');
    const { value, note, packets } = facts.ikev2.capabilities.signatureHashes;
    if (value === undefined)
      return inconclusive(because(note, 'Nothing was learnt about signature hashes.'), packets);
    const names = listText(value.map(hashAlgorithmName));
    if (value.length === 0) {
      // What it weighs hangs on how the gateway authenticates: a guess would be a change for the worse to a full run.
      const asksForCertificates = facts.ikev2.capabilities.certificateRequest.value?.length;
      if (context.depth === 'quick' && !facts.auth && !asksForCertificates) {
        return unanswered(facts, context, 'Whether it uses signatures was not asked.', packets);
      }
      const absent = `SIGNATURE_HASH_ALGORITHMS was not announced${cite(packets)}.`;
      return mayUseSignatures(facts)
        ? finding(absent, packets)
        : finding(
            [absent, 'It asks for no certificate either: perhaps it uses no signatures at all.'],
            packets,
            {
              severity: 'info',
            },
          );
    }
    if (value.every((id) => id === SHA1))
      return finding(`Only ${names} was announced${cite(packets)}.`, packets);
    return pass(`${names} were announced${cite(packets)}.`, packets);
  },
  remediation: () => ({
    text: 'Switch signature authentication of RFC 7427 on, or update: without it an RSA signature is made over SHA-1 (RFC 7296 2.15).',
    strongswan: 'charon {\n  signature_authentication = yes\n}',
  }),
};

/** A gateway without certificates, its own or of those it trusts, has no use for hashes of signatures. */
function mayUseSignatures({ auth, ikev2 }: TargetFacts): boolean {
  const requests = ikev2?.capabilities.certificateRequest.value;
  return requests === undefined || requests.length > 0 || auth?.eap.value !== false;
}

const guessedPsk: Check = {
  id: 'IKE-AUTH-005',
  topic: 'Guesses of the pre-shared key',
  title: 'The pre-shared key is in a list of passwords',
  severity: 'critical',
  references: ['RFC 7296 2.15', 'RFC 7296 5'],
  examine(facts, { active }) {
    const guesses = facts.active?.pskGuesses;
    if (!guesses)
      return active
        ? skipped('There were no words to try, or no identity to try them with.')
        : skipped(NEEDS_ACTIVE);
    const { value, note, packets } = guesses;
    if (value === undefined) return inconclusive(because(note, 'The guesses were not answered.'), packets);
    if (value.foundLine !== undefined) {
      return finding(`The key is on line ${value.foundLine} of the list${cite(packets)}.`, packets);
    }
    if (value.tried === 0) return inconclusive(because(note, 'Not one guess was answered.'), packets);
    return pass(`None of ${value.tried} guesses was the key.`, packets);
  },
  remediation: () => ({
    text: 'Change the key at once, and draw the new one at random: ipsec-kit psk generate. Certificates need no shared secret at all.',
    strongswan: 'secrets {\n  ike-gateway {\n    secret = <output of ipsec-kit psk generate>\n  }\n}',
  }),
};

const identityOracle: Check = {
  id: 'IKE-AUTH-006',
  topic: 'Answers to unknown identities',
  title: 'Answers tell which identities exist',
  severity: 'medium',
  references: ['RFC 7296 2.21.2'],
  examine(facts) {
    const oracle = facts.auth?.identityOracle;
    if (!oracle)
      return facts.verdict === 'answers'
        ? skipped('Not tried: it takes an identity to compare with (--id).')
        : withoutFacts(facts, 'whether answers tell identities apart');
    const { value, note, packets } = oracle;
    if (value === undefined) return inconclusive(because(note, 'The tries were not answered.'), packets);
    if (!value) return pass(`Known and unknown identities are answered alike${cite(packets)}.`, packets);
    const how = note === undefined ? '' : `: ${printable(note)}`;
    return finding(`Known and unknown identities are answered differently${how}${cite(packets)}.`, packets);
  },
  remediation: () => ({
    text: 'Update the gateway, or let one connection accept every identity and refuse later: who may log in should not be told to strangers.',
    strongswan: 'remote {\n  id = %any\n}',
  }),
};

export const authenticationChecks: readonly Check[] = [
  pskWithEap,
  ...certificateChecks,
  signatureHashes,
  guessedPsk,
  identityOracle,
];
