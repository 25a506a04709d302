import { cannot } from './check.js';
import { localIdOf } from './identities.js';
import { type ExportInput, pkcs12, stableUuid, textFile } from './input.js';
import { espProposals, ikeProposals, reducedProposal } from './suites.js';
import type { ClientAuthMethod, ExportedFile } from './types.js';

/** The app's names of what its client does; the gateway always proves itself with a certificate. */
const types: Partial<Record<ClientAuthMethod, string>> = {
  cert: 'ikev2-cert',
  'eap-mschapv2': 'ikev2-eap',
  'eap-md5': 'ikev2-eap',
  'eap-tls': 'ikev2-eap-tls',
};

/** Bounds of the key mtu; the app drops other values without a word. */
export const ANDROID_MTU = { least: 1280, most: 1500 } as const;

const client = 'The strongSwan app';
/** What the app's cryptographic library lacks, and its ESP (libipsec), which refuses to install SAs with ESN. */
const lacking: ReadonlySet<string> = new Set(['x448', 'esn']);

/**
 * A profile (.sswan) for the strongSwan app, version 1.9 and later: JSON with the CA and, where there is a key, the
 * client's PKCS#12 inside.
 * @throws KitError usage E_PROFILE_AUTH, E_PROFILE_PROPOSAL, E_PROFILE_PASSPHRASE
 */
export function androidFiles(input: ExportInput): ExportedFile[] {
  const { stem } = input;
  const container = usesCertificate(input) ? pkcs12(input, { legacy: true, withChain: true }) : undefined;
  const document = androidDocument(input, container);
  return [
    textFile(
      `${stem}.sswan`,
      `${JSON.stringify(document, null, 2)}\n`,
      `For Android with the strongSwan app: send it there (mail, a web page) and open it${container ? '; it asks for the passphrase once, send that another way' : ''}, or choose Import VPN profile in the app.`,
      container !== undefined,
    ),
  ];
}

/** The profile without the client's key, on one line: what may go into a QR code. */
export function androidText(input: ExportInput): string {
  return JSON.stringify(androidDocument(input, undefined));
}

function usesCertificate({ profile: { auth } }: ExportInput): boolean {
  return auth === 'cert' || auth === 'eap-tls';
}

function androidDocument(input: ExportInput, container: Uint8Array | undefined): object {
  const { profile, ca, chain } = input;
  const { auth, serverAuth, remoteId, mtu, dns, remoteTs, port = 500, natPort = 4500 } = profile;
  const type = types[auth];
  if (type === undefined || serverAuth !== 'cert') {
    throw cannot(
      client,
      `authenticate with ${auth} against a gateway that proves itself with ${serverAuth}`,
      'It does certificates, EAP-MSCHAPv2, EAP-MD5 and EAP-TLS, always with a certificate of the gateway.',
    );
  }
  const localId = localIdOf(profile, chain[0]);
  const [authority] = ca;
  return {
    uuid: stableUuid(profile, 'android'),
    name: profile.name,
    type,
    remote: {
      addr: profile.gateway,
      // With a port of its own the app speaks from the first packet on as behind a NAT.
      ...((port !== 500 || natPort !== 4500) && { port: natPort }),
      ...(remoteId !== undefined && { id: remoteId }),
      ...(authority !== undefined && { cert: base64(authority.der) }),
    },
    local: {
      ...(usesCertificate(input) && localId !== undefined && { id: localId }),
      ...(!usesCertificate(input) && { eap_id: profile.eapUser }),
      ...(container !== undefined && { p12: base64(container) }),
    },
    'ike-proposal': reducedProposal(ikeProposals(profile), lacking, client, 'aes256gcm16-prfsha256-ecp256'),
    'esp-proposal': reducedProposal(espProposals(profile), lacking, client, 'aes256gcm16-ecp256'),
    ...(mtu !== undefined && mtu >= ANDROID_MTU.least && mtu <= ANDROID_MTU.most && { mtu }),
    ...(dns.length > 0 && { 'dns-servers': dns }),
    ...(remoteTs.length > 0 && { 'split-tunneling': { subnets: remoteTs } }),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
