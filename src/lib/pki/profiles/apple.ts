import { build } from 'plist';
import { KitError } from '../../core/errors.js';
import { type Certificate, certificateName, nameText } from '../certificate.js';
import { describeKey } from '../keys.js';
import { sameName } from '../names.js';
import { cannot, standardPorts } from './check.js';
import { localIdOf, plainIdentity, remoteIdOf } from './identities.js';
import { commonNameOf, type ExportInput, fileStemOf, pkcs12, stableUuid, textFile } from './input.js';
import { secretText } from './secret-text.js';
import { type ClientAlgorithms, chooseEsp, chooseIke } from './suites.js';
import type { ExportedFile } from './types.js';

type Plist = Parameters<typeof build>[0];
type Dictionary = Record<string, Plist>;

/** Apple's names of encryption algorithms; without those that iOS 26 and macOS 26 dropped. */
const encryption = {
  aes256gcm16: 'AES-256-GCM',
  aes128gcm16: 'AES-128-GCM',
  chacha20poly1305: 'ChaCha20Poly1305',
  aes256: 'AES-256',
  aes128: 'AES-128',
} as const;
const integrity = { sha512: 'SHA2-512', sha384: 'SHA2-384', sha256: 'SHA2-256' } as const;
const groups = {
  x25519: 31,
  x448: 32,
  ecp256: 19,
  ecp384: 20,
  ecp521: 21,
  modp2048: 14,
  modp3072: 15,
  modp4096: 16,
  modp6144: 17,
  modp8192: 18,
} as const;

const words = {
  encr: Object.keys(encryption),
  hashes: Object.keys(integrity),
  groups: Object.keys(groups),
};
const algorithms: ClientAlgorithms = {
  client: "Apple's systems",
  ike: words,
  esp: words,
  suggested: { ike: 'aes256gcm16-prfsha256-ecp256', esp: 'aes256gcm16-ecp256' },
};

/** What Apple calls the kind of a client's key. */
const certificateTypes: Readonly<Record<string, string>> = {
  rsa: 'RSA',
  'rsa-pss': 'RSA-PSS',
  'P-256': 'ECDSA256',
  'P-384': 'ECDSA384',
  'P-521': 'ECDSA521',
};

/** Bounds of the key MTU. */
export const APPLE_MTU = { least: 1280, most: 1400 } as const;

/**
 * A configuration profile (.mobileconfig) for iOS, iPadOS, macOS, tvOS and visionOS: the VPN, the CAs, the client's
 * identity. Keys as Apple documents them for com.apple.vpn.managed, com.apple.security.root, .pkcs1 and .pkcs12.
 * @throws KitError usage E_PROFILE_AUTH, E_PROFILE_IDENTITY, E_PROFILE_PROPOSAL, E_PROFILE_PORT, E_PROFILE_PASSPHRASE
 */
export function appleFiles(input: ExportInput): ExportedFile[] {
  const { profile, stem, secrets } = input;
  standardPorts(profile, "Apple's systems");
  const identifier = `ipsec-kit.${fileStemOf(profile.gateway)}.${stem}`.toLowerCase();
  const payload = (type: string, suffix: string, title: string, content: Dictionary): Dictionary => ({
    PayloadType: type,
    PayloadVersion: 1,
    PayloadIdentifier: `${identifier}.${suffix}`,
    PayloadUUID: uuid(input, suffix),
    PayloadDisplayName: title,
    ...content,
  });
  const cas = authorities(input).map((ca, at) =>
    payload(
      isSelfSigned(ca) ? 'com.apple.security.root' : 'com.apple.security.pkcs1',
      `ca${at + 1}`,
      certificateName(ca),
      {
        PayloadCertificateFileName: `ca${at + 1}.cer`,
        PayloadContent: ca.der,
      },
    ),
  );
  const container = usesCertificate(input) ? pkcs12(input, { legacy: true, withChain: false }) : undefined;
  const identity =
    container === undefined
      ? []
      : [
          payload('com.apple.security.pkcs12', 'identity', certificateName(input.chain[0]!), {
            PayloadCertificateFileName: `${stem}.p12`,
            PayloadContent: container,
          }),
        ];
  const document: Dictionary = {
    PayloadType: 'Configuration',
    PayloadVersion: 1,
    PayloadIdentifier: identifier,
    PayloadUUID: uuid(input, 'profile'),
    PayloadDisplayName: profile.name,
    PayloadDescription: `IKEv2 VPN to ${profile.gateway}`,
    PayloadContent: [payload('com.apple.vpn.managed', 'vpn', profile.name, vpn(input)), ...cas, ...identity],
  };
  const hasSecret = container !== undefined || secrets.psk !== undefined || secrets.eapPassword !== undefined;
  return [textFile(`${stem}.mobileconfig`, `${build(document)}\n`, note(container !== undefined), hasSecret)];
}

function note(hasKey: boolean): string {
  return [
    'For iPhone, iPad and Mac: send it there (AirDrop, mail, a web page), open it, and allow it under Settings > General > VPN & Device Management.',
    ...(hasKey ? ['It asks for the passphrase of the identity once; send that another way.'] : []),
  ].join(' ');
}

/** Apple writes UUIDs in capitals. */
function uuid({ profile }: ExportInput, purpose: string): string {
  return stableUuid(profile, `apple/${purpose}`).toUpperCase();
}

function isSelfSigned({ subject, issuer }: Certificate): boolean {
  return sameName(subject, issuer);
}

/** The gateway's CAs and those between the client's certificate and its anchor, each once: a PKCS#12 payload has one certificate. */
function authorities({ ca, chain }: ExportInput): Certificate[] {
  const all = [...ca, ...chain.slice(1)];
  return [...new Map(all.map((each) => [Buffer.from(each.der).toString('base64'), each])).values()];
}

function usesCertificate({ profile: { auth } }: ExportInput): boolean {
  return auth === 'cert' || auth === 'eap-tls';
}

function vpn(input: ExportInput): Dictionary {
  const { profile } = input;
  return {
    UserDefinedName: profile.name,
    VPNType: 'IKEv2',
    IKEv2: ikev2(input),
    ...(profile.dns.length > 0 && { DNS: dns(input) }),
  };
}

/** In a split tunnel the empty domain sends all questions to these servers. */
function dns({ profile }: ExportInput): Dictionary {
  return {
    DNSProtocol: 'Cleartext',
    ServerAddresses: profile.dns,
    ...(profile.remoteTs.length > 0 && { SupplementalMatchDomains: [''] }),
  };
}

function ikev2(input: ExportInput): Dictionary {
  const { profile } = input;
  const { mtu } = profile;
  const ike = chooseIke(profile, algorithms);
  const esp = chooseEsp(profile, algorithms);
  return {
    RemoteAddress: profile.gateway,
    RemoteIdentifier: identity(remoteIdOf(profile), 'the gateway'),
    LocalIdentifier: localIdentifier(input),
    ...authentication(input),
    DeadPeerDetectionRate: 'Medium',
    DisableMOBIKE: 0,
    DisableRedirect: 1,
    EnableCertificateRevocationCheck: 0,
    EnablePFS: esp.group === undefined ? 0 : 1,
    UseConfigurationAttributeInternalIPSubnet: 0,
    ...(mtu !== undefined && mtu >= APPLE_MTU.least && mtu <= APPLE_MTU.most && { MTU: mtu }),
    ...(profile.onDemand === true && { OnDemandEnabled: 1, OnDemandRules: [{ Action: 'Connect' }] }),
    IKESecurityAssociationParameters: parameters(ike.encr, ike.hash, ike.group, 1440),
    ChildSecurityAssociationParameters: parameters(
      esp.encr,
      esp.hash ?? 'sha256',
      esp.group ?? ike.group,
      480,
    ),
  };
}

/** With an AEAD the integrity algorithm of an IKE SA names the PRF, that of a child nothing. */
function parameters(encr: string, hash: string, group: string, minutes: number): Dictionary {
  return {
    EncryptionAlgorithm: encryption[encr as keyof typeof encryption],
    IntegrityAlgorithm: integrity[hash as keyof typeof integrity],
    DiffieHellmanGroup: groups[group as keyof typeof groups],
    LifeTimeInMinutes: minutes,
  };
}

function localIdentifier({ profile, chain }: ExportInput): string {
  const id = localIdOf(profile, chain[0]);
  return id === undefined ? '' : identity(id, 'the client');
}

/** Apple's systems send a distinguished name as if it were a domain name, and know no key ids. */
function identity(text: string, whose: string): string {
  const plain = plainIdentity(text);
  if (plain !== undefined) return plain;
  throw new KitError(
    'usage',
    'E_PROFILE_IDENTITY',
    `Apple's systems know domain names, user@host and addresses as identities, and that of ${whose} is ${text}.`,
    { hint: 'Give --remote-id and --local-id a name that is among the subjectAltNames of the certificate.' },
  );
}

/** AuthenticationMethod says what the server proves, and what the client does unless EAP is on. */
function authentication(input: ExportInput): Dictionary {
  const { profile, secrets } = input;
  const { auth, serverAuth, eapUser } = profile;
  const method = serverMethod(input);
  const eap = auth.startsWith('eap-');
  const psk = secretText(secrets.psk, 'pre-shared key');
  const password = secretText(secrets.eapPassword, 'password');
  return {
    AuthenticationMethod: method,
    ExtendedAuthEnabled: eap ? 1 : 0,
    ...(serverAuth === 'psk' && psk !== undefined && { SharedSecret: psk }),
    ...(eap && eapUser !== undefined && { AuthName: eapUser }),
    ...(eap && auth !== 'eap-tls' && password !== undefined && { AuthPassword: password }),
    ...(usesCertificate(input) && clientCertificate(input)),
    ...(serverAuth === 'cert' && serverCertificate(input)),
  };
}

function serverMethod({ profile: { auth, serverAuth } }: ExportInput): string {
  const fits = auth.startsWith('eap-') && auth !== 'eap-md5' ? serverAuth !== 'null' : auth === serverAuth;
  if (!fits || auth === 'null') {
    throw cannot(
      "Apple's systems",
      `authenticate with ${auth} against a gateway that proves itself with ${serverAuth}`,
      'They do certificate both ways, pre-shared key both ways, and EAP-MSCHAPv2 or EAP-TLS with either.',
    );
  }
  return serverAuth === 'cert' ? 'Certificate' : serverAuth === 'psk' ? 'SharedSecret' : 'None';
}

function clientCertificate(input: ExportInput): Dictionary {
  const [own] = input.chain;
  if (own === undefined || input.secrets.key === undefined) {
    throw new KitError(
      'usage',
      'E_PROFILE_IDENTITY',
      "Apple's profile has to carry the client's certificate and key, and one of them is missing.",
      {
        hint: 'Name them: --cert FILE --key FILE, or --store FOLDER --identity NAME; cert issue makes them.',
      },
    );
  }
  const kind = own.publicKey && describeKey(own.publicKey);
  const type = certificateTypes[kind?.curve ?? kind?.type ?? ''];
  if (type === undefined) {
    throw new KitError(
      'usage',
      'E_PROFILE_IDENTITY',
      `Apple's profiles have no certificate type for a key of the kind ${kind?.text ?? 'unknown'}.`,
      { hint: 'Issue the client a certificate with --key-type ecdsa-p256 or rsa-3072.' },
    );
  }
  return { PayloadCertificateUUID: uuid(input, 'identity'), CertificateType: type };
}

/** CertificateType asks for the issuer's name; the server's own name only where it is not what is expected anyway. */
function serverCertificate({ server, ca }: ExportInput): Dictionary {
  const issuer = server === undefined ? ca[0]?.subject : server.issuer;
  const name = issuer === undefined ? undefined : commonNameOf(nameText(issuer));
  return name === undefined ? {} : { ServerCertificateIssuerCommonName: name };
}
