import { beforeAll, describe, expect, it } from 'vitest';
import { formatIdentity, type Identity, parseIdentity } from '../../../src/lib/ike/identity.js';
import type { Issuer } from '../../../src/lib/pki/issue.js';
import type { Credentials, OwnCertificate } from '../../../src/lib/tunnel/credentials.js';
import {
  assertDialled,
  certificateIdentity,
  dialledName,
  ownIdentity,
} from '../../../src/lib/tunnel/credentials-identity.js';
import { leaf, rootCa } from '../pki/build.js';

let root: Issuer;
beforeAll(async () => {
  root = await rootCa();
});

const own = async (...names: string[]): Promise<OwnCertificate> => {
  const { certificate, key } = await leaf(root, { names });
  return { key, certificates: [certificate] };
};
const text = (identity: Identity | undefined): string | undefined => identity && formatIdentity(identity);
const credentials = (changes: Partial<Credentials>): Credentials => ({
  local: ['cert'],
  remote: [['cert']],
  ...changes,
});

describe('the identity of a certificate', () => {
  it.each([
    [['192.0.2.1', 'alice@example.com', 'vpn.example.com'], 'vpn.example.com', '192.0.2.1'],
    [['alice@example.com', '2001:db8::1'], 'alice@example.com', 'alice@example.com'],
    [['*.example.com', '192.0.2.1'], '192.0.2.1', '192.0.2.1'],
    [['*.example.com'], 'CN=*.example.com', 'CN=*.example.com'],
  ])('%j is %s for a server and %s for a client', async (names, server, client) => {
    const [certificate] = (await own(...names)).certificates;
    expect(text(certificateIdentity(certificate, 'responder'))).toBe(server);
    expect(text(certificateIdentity(certificate, 'initiator'))).toBe(client);
  });
});

describe('our own identity', () => {
  it('is what the certificate covers, or one of it that was asked for', async () => {
    const withCert = credentials({ own: await own('vpn.example.com', '192.0.2.1') });
    expect(text(ownIdentity(undefined, withCert, 'responder'))).toBe('vpn.example.com');
    expect(text(ownIdentity('192.0.2.1', withCert, 'responder'))).toBe('192.0.2.1');
    expect(text(ownIdentity('CN=vpn.example.com', withCert, 'responder'))).toBe('CN=vpn.example.com');
    expect(text(ownIdentity('%any', withCert, 'responder'))).toBe('vpn.example.com');
  });

  it.each(['gw.example.com', '192.0.2.2', 'vpn@example.com', 'keyid:vpn', 'CN=gw'])(
    'is refused as %s, which the certificate does not cover',
    async (wanted) => {
      const withCert = credentials({ own: await own('vpn.example.com', '192.0.2.1') });
      expect(() => ownIdentity(wanted, withCert, 'responder')).toThrow(
        expect.objectContaining({
          kind: 'usage',
          code: 'E_IDENTITY_NOT_IN_CERT',
          message: expect.stringContaining('DNS:vpn.example.com, IP:192.0.2.1, DN:CN=vpn.example.com'),
        }),
      );
    },
  );

  it('is free where no certificate proves it', async () => {
    expect(text(ownIdentity('gw.example.com', credentials({ local: ['psk'] }), 'responder'))).toBe(
      'gw.example.com',
    );
    expect(ownIdentity(undefined, credentials({ local: ['psk'] }), 'initiator')).toBeUndefined();
    const unused = credentials({ local: ['psk'], own: await own('vpn.example.com') });
    expect(text(ownIdentity('gw.example.com', unused, 'responder'))).toBe('gw.example.com');
  });

  it('is the EAP user, the certificate of EAP-TLS, or nobody', async () => {
    const eap = credentials({ local: ['eap-mschapv2'], eapUser: 'alice' });
    expect(text(ownIdentity(undefined, eap, 'initiator'))).toBe('alice');
    expect(text(ownIdentity('bob@example.com', eap, 'initiator'))).toBe('bob@example.com');
    const tls = credentials({ local: ['eap-tls'], own: await own('alice@example.com') });
    expect(text(ownIdentity(undefined, tls, 'initiator'))).toBe('alice@example.com');
    const rounds = credentials({
      local: ['cert', 'eap-mschapv2'],
      own: await own('laptop.example.com'),
      eapUser: 'alice',
    });
    expect(text(ownIdentity(undefined, rounds, 'initiator'))).toBe('laptop.example.com');
    expect(text(ownIdentity(undefined, credentials({ local: ['null'] }), 'initiator'))).toBe('%null');
  });
});

describe('what was dialled', () => {
  it('is an address or a domain name', () => {
    expect(dialledName('192.0.2.1')).toEqual({ kind: 'ip', bytes: parseIdentity('192.0.2.1')!.data });
    expect(dialledName('fe80::1%eth0')).toEqual({ kind: 'ip', bytes: parseIdentity('fe80::1')!.data });
    expect(dialledName('vpn.example.com.')).toEqual({ kind: 'dns', value: 'vpn.example.com' });
  });

  it('has to be in the certificate of the gateway', async () => {
    const [certificate] = (await own('vpn.example.com', '192.0.2.1')).certificates;
    for (const host of ['VPN.example.com', '192.0.2.1']) assertDialled(certificate, dialledName(host));
    for (const host of ['example.com', '192.0.2.2', '2001:db8::1']) {
      expect(() => assertDialled(certificate, dialledName(host))).toThrow(
        expect.objectContaining({
          kind: 'refused',
          code: 'E_CERT_NAME',
          hint: expect.stringContaining('--remote-id'),
        }),
      );
    }
  });
});
