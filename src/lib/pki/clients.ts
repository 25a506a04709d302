import type { Certificate } from './certificate.js';
import { formatGeneralName, type GeneralName } from './general-name.js';
import { hasAddressAsDns } from './identity.js';
import { describeKey, type KeyDescription } from './keys.js';
import { ExtendedKeyUsage } from './oids.js';
import { daysBetween, type Problem, problem } from './problem.js';
import { isWeakSignature } from './signatures.js';

/** Clients whose demands are known. */
export const clientNames = ['ios', 'windows', 'android', 'strongswan'] as const;
export type ClientName = (typeof clientNames)[number];

/** Other words for clients, those of profiles among them. */
const otherNames: Readonly<Record<string, ClientName>> = {
  apple: 'ios',
  iphone: 'ios',
  macos: 'ios',
  swanctl: 'strongswan',
};

/** The client of a name, whatever word for it is used; undefined: nobody knows it. */
export function clientOf(word: string): ClientName | undefined {
  return (
    clientNames.find((name) => name === word) ??
    (Object.hasOwn(otherNames, word) ? otherNames[word] : undefined)
  );
}

/** Apple takes server certificates of CAs that users add for at most 825 days (iOS 13, macOS 10.15). */
export const APPLE_DAYS = 825;
/** Of CAs that come with the system for 398 (from September 2020 on). */
export const APPLE_PUBLIC_DAYS = 398;

interface Case {
  certificate: Certificate;
  key: KeyDescription | undefined;
  /** A gateway's certificate; else a client's own. */
  server: boolean;
  name: GeneralName | undefined;
}

/** What a client would find wrong with a certificate, beyond what every validation does. */
export function clientProblems(
  client: ClientName,
  certificate: Certificate,
  { server, name }: { server: boolean; name: GeneralName | undefined },
): Problem[] {
  const key = certificate.publicKey && describeKey(certificate.publicKey);
  return rules[client]({ certificate, key, server, name });
}

const rules: Record<ClientName, (it: Case) => Problem[]> = {
  ios: (it) => [
    ...(it.server ? [...serverAuth(it, 'Apple'), ...dnsName(it), ...appleLength(it)] : []),
    ...(isWeakSignature(it.certificate.signatureAlgorithm)
      ? [problem('E_CERT_WEAK_SIGNATURE', 'Apple takes no certificate that is signed with SHA-1 or MD5.')]
      : []),
    ...keyKinds(it, 'Apple', ['rsa', 'P-256', 'P-384', 'P-521', 'ed25519']),
  ],
  windows: (it) => [
    ...(it.server ? [...serverAuth(it, 'Windows'), ...addressForWindows(it)] : []),
    ...keyKinds(it, 'Windows', ['rsa', 'P-256', 'P-384']),
  ],
  android: (it) => [
    ...(it.server && it.certificate.subjectAltNames.length === 0
      ? [
          problem(
            'E_CERT_NO_SAN',
            'Android compares the gateway only with subjectAltNames, and there are none.',
          ),
        ]
      : []),
    ...(it.key?.type === 'ed448' ? keyKinds(it, 'Android', []) : []),
    ...(!it.server && it.key?.type !== 'rsa'
      ? [
          problem(
            'W_ANDROID_RSA',
            "Android's own VPN signs with RSA keys only (IKEv2/IPSec RSA); the strongSwan app takes this key.",
          ),
        ]
      : []),
  ],
  strongswan: (it) => [
    ...(it.certificate.subjectAltNames.length === 0
      ? [
          problem(
            'W_NO_SAN',
            'Without subjectAltNames strongSwan matches only the whole subject as identity.',
          ),
        ]
      : []),
    ...(it.key?.type === 'ed25519' || it.key?.type === 'ed448'
      ? [
          problem(
            'W_STRONGSWAN_EDDSA',
            `${it.key.text} needs strongSwan's plugin openssl, curve25519 or wolfssl, and RFC 8420 on the peer.`,
          ),
        ]
      : []),
    ...(it.key?.type === 'rsa-pss'
      ? [problem('E_CERT_KEY_KIND', 'strongSwan reads no keys that are restricted to RSASSA-PSS.')]
      : []),
  ],
};

function serverAuth({ certificate }: Case, who: string): Problem[] {
  if (certificate.extendedKeyUsage?.includes(ExtendedKeyUsage.serverAuth)) return [];
  return [
    problem(
      'E_CERT_EKU',
      `${who} takes a gateway only with the extended key usage serverAuth, which is missing.`,
      'Issue it again with --server.',
    ),
  ];
}

function dnsName({ certificate, name }: Case): Problem[] {
  if (certificate.subjectAltNames.some(({ kind }) => kind === 'dns')) return [];
  if (name?.kind === 'ip' || certificate.subjectAltNames.some(({ kind }) => kind === 'ip')) {
    return [
      problem(
        'W_APPLE_ADDRESS',
        'Some versions of iOS and macOS compare an address only with domain names, and there are none.',
        'Issue it again with --ip-as-dns.',
      ),
    ];
  }
  return [
    problem(
      'E_CERT_NO_SAN',
      "Apple compares the gateway with subjectAltNames; the subject's CN does not count.",
    ),
  ];
}

function appleLength({ certificate: { notBefore, notAfter } }: Case): Problem[] {
  const days = Math.ceil((Number(notAfter) - Number(notBefore)) / 86_400_000);
  if (days > APPLE_DAYS) {
    return [
      problem(
        'E_CERT_TOO_LONG',
        `Apple takes gateway certificates that are valid for at most ${APPLE_DAYS} days; this one is for ${days}.`,
        `Issue it again with --days ${APPLE_PUBLIC_DAYS - 1}.`,
      ),
    ];
  }
  if (daysBetween(notBefore, notAfter) < APPLE_PUBLIC_DAYS) return [];
  return [
    problem(
      'W_APPLE_LENGTH',
      `Valid for ${days} days: Apple takes that of a CA that users or profiles added, not of one that came with the system (${APPLE_PUBLIC_DAYS}).`,
    ),
  ];
}

function addressForWindows({ certificate, name }: Case): Problem[] {
  const addresses = certificate.subjectAltNames.flatMap((each) => (each.kind === 'ip' ? [each.bytes] : []));
  const wanted = name?.kind === 'ip' ? [name.bytes] : name === undefined ? addresses : [];
  const missing = wanted.filter((address) => !hasAddressAsDns(certificate, address));
  const [first] = missing;
  if (first === undefined) return [];
  return [
    problem(
      name === undefined ? 'W_WINDOWS_ADDRESS' : 'E_CERT_NAME',
      `Windows compares a dialled address with domain names only (error 13801), and ${formatGeneralName({ kind: 'ip', bytes: first })} is not among them.`,
      'Issue it again with --ip-as-dns, or dial a domain name.',
    ),
  ];
}

function keyKinds({ key }: Case, who: string, kinds: readonly string[]): Problem[] {
  if (key === undefined || kinds.includes(key.type) || kinds.includes(key.curve ?? '')) return [];
  return [
    problem(
      'E_CERT_KEY_KIND',
      `${who} does not authenticate with a key of the kind ${key.text}.`,
      'Use --key-type ecdsa-p256 or rsa-3072.',
    ),
  ];
}
