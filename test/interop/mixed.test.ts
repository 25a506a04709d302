import { describe, expect, test } from 'vitest';
import type { Flags } from './harness/kit.js';
import { type Lab, openLab } from './harness/lab.js';
import { certFlags, credentials, issuePeople, type People, secretFile } from './harness/people.js';
import type { Round } from './harness/strongswan-config.js';
import { connectToStrongSwan, expectTraffic, serveStrongSwan } from './harness/tunnels.js';

/** What each side does, in our words; rounds are joined by `+`. */
interface Mixture {
  name: string;
  client: string;
  server: string;
  /** The same in events. */
  clientAuth: string;
  serverAuth: string;
}

const signature = 'ECDSA P-256 with SHA-256';

const mixtures: Mixture[] = [
  {
    name: 'the client a key, the server a certificate',
    client: 'psk',
    server: 'cert',
    clientAuth: 'psk',
    serverAuth: signature,
  },
  {
    name: 'the client a certificate, the server a key',
    client: 'cert',
    server: 'psk',
    clientAuth: signature,
    serverAuth: 'psk',
  },
  {
    name: 'the client a certificate and then a password (RFC 4739)',
    client: 'cert+eap-mschapv2',
    server: 'cert',
    clientAuth: `${signature} + eap-mschapv2`,
    serverAuth: signature,
  },
  {
    name: 'both a certificate and then a key (RFC 4739)',
    client: 'cert+psk',
    server: 'cert+psk',
    clientAuth: `${signature} + psk`,
    serverAuth: `${signature} + psk`,
  },
];

const users = { carol: 'wonderland seven' };

/** strongSwan's rounds for our words. */
function rounds(text: string, side: 'own' | 'wanted', own: People['alice']): Round[] {
  return text.split('+').map((method) => {
    if (method === 'psk') return { auth: 'psk' };
    if (method === 'cert') return { auth: 'pubkey', ...(side === 'own' && { cert: own }) };
    return { auth: method, eap_id: side === 'own' ? 'carol' : '%any' };
  });
}

function ourFlags(lab: Lab, people: People, { client, server }: Mixture, role: 'client' | 'server'): Flags {
  const [own, other] = role === 'client' ? [client, server] : [server, client];
  const { cert, key, ca } = certFlags(people, role === 'client' ? people.alice : people.bob);
  return {
    auth: own,
    [role === 'client' ? 'server-auth' : 'client-auth']: other,
    ...(own.includes('cert') && { cert, key }),
    ...(other.includes('cert') && { ca }),
    ...(client.includes('eap') &&
      (role === 'client'
        ? { 'eap-user': 'carol', 'eap-password-file': secretFile(lab, 'password', users.carol) }
        : { users: secretFile(lab, 'users', `carol:${users.carol}\n`) })),
  };
}

describe.each(mixtures)('$name', (mixture) => {
  const { client, server, clientAuth, serverAuth } = mixture;

  test('connect to strongSwan', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const people = await issuePeople(lab);
    const { kit } = await connectToStrongSwan(lab, {
      flags: ourFlags(lab, people, mixture, 'client'),
      peer: {
        localAuth: rounds(server, 'own', people.bob),
        remoteAuth: rounds(client, 'wanted', people.bob),
        credentials: { ...credentials(people, people.bob), users },
      },
    });
    expect(kit.all('ike-sa-established')).toMatchObject([{ localAuth: clientAuth, remoteAuth: serverAuth }]);
    await expectTraffic(lab);
  });

  test('serve for strongSwan', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const people = await issuePeople(lab);
    const { kit } = await serveStrongSwan(lab, {
      flags: ourFlags(lab, people, mixture, 'server'),
      peer: {
        localAuth: rounds(client, 'own', people.alice),
        remoteAuth: rounds(server, 'wanted', people.alice),
        credentials: { ...credentials(people, people.alice), users },
      },
    });
    expect(kit.all('ike-sa-established')).toMatchObject([{ localAuth: serverAuth, remoteAuth: clientAuth }]);
    await expectTraffic(lab);
  });
});
