import { KitError } from '../../core/errors.js';
import { parseCidr, parseIp } from '../../core/ip.js';
import { printable } from '../../core/printable.js';
import { parseIdentity } from '../../ike/identity.js';
import { certificateOfPem } from './input.js';
import { espProposals, ikeProposals } from './suites.js';
import type { ClientProfile } from './types.js';

/** Devices cut longer names, and nobody reads them. */
const MAX_NAME = 64;

/**
 * Looks at a profile's values, whoever made it.
 * @throws KitError usage E_PROFILE_NAME, E_GATEWAY, E_PROFILE_VALUE, E_PORT, E_IDENTITY, E_PROPOSAL, E_ADDRESS,
 *   E_CERT_FORMAT, E_PROFILE_AUTH
 */
export function checkProfile(profile: ClientProfile): void {
  const { name, gateway, remoteId, localId, remoteTs, localTs, dns, mtu } = profile;
  if (name.trim() === '' || [...name].length > MAX_NAME || printable(name) !== name) {
    throw new KitError(
      'usage',
      'E_PROFILE_NAME',
      `${JSON.stringify(printable(name))} cannot name a profile.`,
      {
        hint: `Use 1 to ${MAX_NAME} visible characters.`,
      },
    );
  }
  if (!/^[\w.:%-]{1,255}$/.test(gateway)) {
    throw new KitError('usage', 'E_GATEWAY', 'The gateway is neither a host name nor an address.', {
      hint: 'Write vpn.example.com, 192.0.2.1 or 2001:db8::1.',
    });
  }
  checkTexts(profile);
  for (const port of [profile.port, profile.natPort]) {
    if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
      throw new KitError('usage', 'E_PORT', `${port} is not a port.`);
    }
  }
  if (mtu !== undefined && !(Number.isInteger(mtu) && mtu >= 576 && mtu <= 65_535)) {
    throw new KitError('usage', 'E_PROFILE_VALUE', 'An MTU is a number from 576 to 65535.');
  }
  for (const id of [remoteId, localId]) if (id !== undefined) parseIdentity(id);
  for (const cidr of [...remoteTs, ...localTs]) parseCidr(cidr);
  for (const address of dns) parseIp(address);
  ikeProposals(profile);
  espProposals(profile);
  for (const pem of certificateTexts(profile)) certificateOfPem(pem);
  checkAuth(profile);
}

/** Control characters would end lines and values in files whose formats are lines. */
function checkTexts(profile: ClientProfile): void {
  const texts = {
    'the identity of the gateway': profile.remoteId,
    'the identity of the client': profile.localId,
    'the user name': profile.eapUser,
    'the path of the key': profile.keyFile,
    'the path of the passphrase': profile.keyPassphraseFile,
    'the path of the pre-shared key': profile.pskFile,
    'the path of the password': profile.eapPasswordFile,
  };
  for (const [what, text] of Object.entries(texts)) {
    if (text === undefined) continue;
    if (text === '' || text.length > 4096 || /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)) {
      throw new KitError(
        'usage',
        'E_PROFILE_VALUE',
        `In the profile, ${what} is empty, too long, or has control characters in it.`,
      );
    }
  }
}

function certificateTexts({ ca, certificates, serverCertificate }: ClientProfile): string[] {
  return [...ca, ...certificates, ...(serverCertificate === undefined ? [] : [serverCertificate])];
}

/** RFC 5998 2: what proves the server inside EAP is a method that proves both. */
const mutual: readonly string[] = ['eap-mschapv2', 'eap-tls'];

function checkAuth({ auth, serverAuth, eapUser }: ClientProfile): void {
  if (serverAuth === 'eap-only' && !mutual.includes(auth)) {
    throw new KitError(
      'usage',
      'E_PROFILE_AUTH',
      `A gateway cannot prove itself inside ${auth} alone; EAP-TLS and EAP-MSCHAPv2 can (RFC 5998).`,
    );
  }
  if ((auth === 'eap-mschapv2' || auth === 'eap-md5') && eapUser === undefined) {
    throw new KitError('usage', 'E_PROFILE_AUTH', `${auth} needs a user name.`, {
      hint: 'Name it with --eap-user.',
    });
  }
}

/** What a client cannot do, as an error. */
export function cannot(client: string, what: string, hint: string): KitError {
  return new KitError('usage', 'E_PROFILE_AUTH', `${client} cannot ${what}.`, { hint });
}

/** @throws KitError usage E_PROFILE_PORT where the client knows the ports 500 and 4500 only */
export function standardPorts({ port = 500, natPort = 4500 }: ClientProfile, client: string): void {
  if (port === 500 && natPort === 4500) return;
  throw new KitError('usage', 'E_PROFILE_PORT', `${client} dials the ports 500 and 4500 only.`, {
    hint: 'Let the gateway listen there, or redirect these ports to it.',
  });
}
