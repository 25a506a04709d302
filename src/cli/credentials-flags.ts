import * as Flags from '@oclif/core/flags';
import { EAP_PASSWORD_VARIABLE } from './credentials-secret.js';
import { PSK_VARIABLE } from './psk.js';

const helpGroup = 'AUTHENTICATION';

const file = (description: string) => Flags.string({ description, helpValue: '<file>', helpGroup });

const files = (description: string, helpValue = '<file>') =>
  Flags.string({ description, helpValue, multiple: true, multipleNonGreedy: true, helpGroup });

/** Flags about authentication that `connect` and `serve` share. */
export const authFlags = {
  'local-id': Flags.string({
    description:
      "this side's identity as strongSwan writes it: vpn.example.com, alice@example.com, 192.0.2.1, @#hex (key id), a distinguished name; with a certificate it has to be one that the certificate covers; default: the certificate's first domain name (serve) or first name (connect), the EAP user, else the local address",
    helpValue: '<id>',
    helpGroup,
  }),
  'remote-id': Flags.string({
    description:
      'identity the peer must prove; %any: any identity that it can prove; default: the same, and a gateway that proves itself with a certificate has to be the one that was dialled',
    helpValue: '<id>',
    helpGroup,
  }),
  cert: files(
    'our own certificate and the CAs between it and the one that the peer trusts: PEM, DER or PKCS#12, repeatable',
  ),
  key: file('private key of our certificate: PEM, DER or PKCS#12; not needed where --cert holds it'),
  'passphrase-file': file('passphrase of encrypted keys and PKCS#12 files; default: a prompt on a terminal'),
  ca: files(
    "CA that the peer's certificate has to come from, repeatable; the word system stands for the public CAs that Node.js carries",
  ),
  crl: files(
    'revocation list of such a CA, a file or an http or https URL, repeatable; it is read again when it changes or is outdated',
    '<file|url>',
  ),
  'crl-policy': Flags.option({
    description:
      'soft: believe a certificate of which nothing says that it was revoked; hard: only one whose CA has a current revocation list here, or that comes with an OCSP response (which the peer is asked for)',
    options: ['soft', 'hard'] as const,
    default: 'soft',
    helpGroup,
  })(),
  'ocsp-response': file(
    'DER file with an OCSP response for our certificate, sent to peers that ask for it (RFC 4806)',
  ),
  'clock-skew': Flags.string({
    description: "difference between the clocks that is forgiven when certificates' dates are checked",
    helpValue: '<duration>',
    default: '0',
    helpGroup,
  }),
  'allow-sha1': Flags.boolean({
    description: 'accept signatures over SHA-1 from old peers; its collisions can be computed',
    helpGroup,
  }),
  'rsa-signature': Flags.option({
    description:
      'how an RSA key signs for peers that know RFC 7427, some of which know only one way; default: as the peer itself signed, else pss (connect) or pkcs1 (serve)',
    options: ['pss', 'pkcs1'] as const,
    helpGroup,
  })(),
  'psk-file': file(
    'read the pre-shared key from a file that only you can read; one line end at its end is dropped, 0x starts a key in hexadecimal, 0s one in Base64',
  ),
  'psk-stdin': Flags.boolean({
    description: `read the pre-shared key from standard input; without any source: ${PSK_VARIABLE} from the environment, or a prompt on a terminal`,
    helpGroup,
  }),
  'weak-psk-ok': Flags.boolean({
    description: 'accept a pre-shared key that can be guessed (serve refuses it otherwise, connect warns)',
    helpGroup,
  }),
  'insecure-permissions': Flags.boolean({
    description: 'accept files with keys and passwords that other users can read',
    helpGroup,
  }),
};

/** Flags about authentication that only `connect` has. */
export const clientAuthFlags = {
  auth: Flags.string({
    description:
      'how this side proves who it is: psk, cert, eap-mschapv2, eap-tls, eap-md5 or null (not at all); rounds joined by +, e.g. cert+eap-mschapv2 (RFC 4739); default: eap-mschapv2 with --eap-user, cert with --cert, else psk',
    helpValue: '<method>',
    helpGroup,
  }),
  'server-auth': Flags.string({
    description:
      'how the gateway has to prove who it is: psk, cert, eap-only (inside our EAP method, RFC 5998) or null (not at all); default: cert with --ca or when this side uses a certificate or EAP, else psk',
    helpValue: '<method>',
    helpGroup,
  }),
  'eap-user': Flags.string({ description: 'user name for EAP', helpValue: '<name>', helpGroup }),
  'eap-password-file': file(
    `file with the password of the EAP user, for you only; without it: ${EAP_PASSWORD_VARIABLE} from the environment, or a prompt on a terminal`,
  ),
};

/** Flags about authentication that only `serve` has. */
export const serverAuthFlags = {
  auth: Flags.string({
    description:
      'how this server proves who it is: psk, cert, eap-only (inside EAP-TLS alone, to clients that agree, RFC 5998) or null (not at all); default: cert with --cert, else psk',
    helpValue: '<method>',
    helpGroup,
  }),
  'client-auth': Flags.string({
    description:
      'how clients may prove who they are, comma-separated or repeated: psk, cert, eap-mschapv2, eap-tls, eap-md5, null (not at all); rounds joined by +, e.g. cert,psk+eap-mschapv2; default: cert with --ca, eap-mschapv2 with --users, else psk',
    helpValue: '<method,...>',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup,
  }),
  users: file(
    'who may log in with EAP and a password: a file that only you can read, one name:password a line, or name:{nt}HEX with the NT hash',
  ),
  'audit-psk': file(
    'refuse every client, and append what it proves with its pre-shared key to this file, for psk audit: shows what a false gateway learns; needs no key and makes no device',
  ),
};
