import { beforeAll, describe, expect, it } from 'vitest';
import { equalBytes } from '../../../../src/lib/core/bytes.js';
import type { AuthenticatorTlsOptions } from '../../../../src/lib/ike/auth/eap/authenticator.js';
import { decodeEap } from '../../../../src/lib/ike/auth/eap/codec.js';
import type { PeerTlsOptions, TlsVersions } from '../../../../src/lib/ike/auth/eap/peer.js';
import {
  authenticator,
  codeOf,
  converse,
  distrust,
  mskOf,
  peer,
  type TlsParties,
  tlsParties,
} from './converse.js';

let parties: TlsParties;
beforeAll(async () => {
  parties = await tlsParties();
});

const tls12: TlsVersions = { min: 'TLSv1.2', max: 'TLSv1.2' };
const tls13: TlsVersions = { min: 'TLSv1.3', max: 'TLSv1.3' };

function tlsPeer(options: Partial<PeerTlsOptions> = {}) {
  const tls = { ...parties.client, validateServer: () => {}, ...options };
  return peer({ method: 'tls', user: 'alice@example.com', tls });
}

function tlsServer(options: Partial<AuthenticatorTlsOptions> = {}) {
  const tls = { ...parties.server, validateClient: () => {}, ...options };
  return authenticator({ methods: ['tls'], tls });
}

describe.each([
  ['TLS 1.2', tls12],
  ['TLS 1.3', tls13],
])('EAP-TLS with %s', (_, versions) => {
  it('authenticates both sides and yields one key', async () => {
    const seen: { server?: readonly Uint8Array[]; client?: readonly Uint8Array[]; identity?: string } = {};
    const { peer: client, server } = await converse(
      tlsPeer({ versions, validateServer: (chain) => void (seen.server = chain) }),
      tlsServer({
        versions,
        validateClient: (chain, identity) => void Object.assign(seen, { client: chain, identity }),
      }),
    );
    expect([codeOf(client), codeOf(server)]).toEqual(['success', 'success']);
    expect(mskOf(client)).toHaveLength(64);
    expect(mskOf(client)).toEqual(mskOf(server));
    expect(seen.server).toEqual(parties.server.certificates);
    expect(seen.client).toEqual(parties.client.certificates);
    expect(seen.identity).toBe('alice@example.com');
    expect(server).toMatchObject({ identity: 'alice@example.com', method: 'eap-tls' });
  });

  it.each([32, 100, 1400])('cuts flights into packets of at most %i bytes', async (fragmentBytes) => {
    const {
      peer: client,
      server,
      packets,
    } = await converse(tlsPeer({ versions, fragmentBytes }), tlsServer({ versions, fragmentBytes }));
    expect([codeOf(client), codeOf(server)]).toEqual(['success', 'success']);
    expect(mskOf(client)).toEqual(mskOf(server));
    expect(Math.max(...packets.map(({ length }) => length))).toBeLessThanOrEqual(fragmentBytes);
  });

  it('fails when the client does not trust the server, and the server learns of it', async () => {
    const {
      peer: client,
      server,
      early,
    } = await converse(tlsPeer({ versions, validateServer: distrust }), tlsServer({ versions }));
    expect(codeOf(client)).toBe('E_EAP_SERVER');
    expect(early.peer?.message).toContain('nobody signed it');
    expect(codeOf(server)).toBe('E_EAP_FAILED');
  });

  it('does not show its own certificate to a server it does not trust', async () => {
    const { packets } = await converse(
      tlsPeer({ versions, validateServer: distrust }),
      tlsServer({ versions, validateClient: () => expect.unreachable() }),
    );
    const own = Buffer.from(parties.client.certificates[0]!);
    expect(packets.some((packet) => Buffer.from(packet).includes(own))).toBe(false);
  });

  it('fails when the server does not trust the client', async () => {
    const { peer: client, server } = await converse(
      tlsPeer({ versions }),
      tlsServer({ versions, validateClient: distrust }),
    );
    expect(codeOf(server)).toBe('E_EAP_CLIENT');
    expect(codeOf(client)).toBe('E_EAP_FAILED');
  });

  it('never skips the check of a certificate', async () => {
    let checks = 0;
    const count = () => void checks++;
    await converse(
      tlsPeer({ versions, validateServer: count }),
      tlsServer({ versions, validateClient: count }),
    );
    expect(checks).toBe(2);
  });

  it('makes a new key each time', async () => {
    const first = await converse(tlsPeer({ versions }), tlsServer({ versions }));
    const second = await converse(tlsPeer({ versions }), tlsServer({ versions }));
    expect(equalBytes(mskOf(first.peer)!, mskOf(second.peer)!)).toBe(false);
  });
});

describe('EAP-TLS', () => {
  it('settles on TLS 1.3 where both can', async () => {
    const { packets } = await converse(tlsPeer(), tlsServer());
    const types = packets.map((packet) => decodeEap(packet));
    expect(types.length).toBeGreaterThan(6);
  });

  it('fails without a common version', async () => {
    const { peer: client, server } = await converse(
      tlsPeer({ versions: tls12 }),
      tlsServer({ versions: tls13 }),
    );
    expect([codeOf(client), codeOf(server)]).toEqual(['E_EAP_FAILED', 'E_EAP_TLS']);
  });
});
