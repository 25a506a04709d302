import { describe, expect, it } from 'vitest';
import { formatSelector } from '../../../src/lib/ike/traffic-selectors.js';
import { clientPolicy, serverPolicy } from '../../../src/lib/tunnel/policy.js';
import type { ClientOptions } from '../../../src/lib/tunnel/types.js';
import { serverOptions } from './fixtures.js';

const { listen: _, pools: __, dns: ___, cookieThreshold: ____, ...common } = serverOptions();
const client = (changes: Partial<ClientOptions> = {}): ClientOptions => ({
  ...common,
  gateway: 'vpn.example.com',
  dnsMode: 'none',
  ...changes,
});
const texts = (list: readonly Parameters<typeof formatSelector>[0][] | undefined) =>
  list?.map(formatSelector);

describe('clientPolicy', () => {
  it('asks for an address and for everything by default', () => {
    const policy = clientPolicy(client());
    expect(policy.localTs).toBeUndefined();
    expect(texts(policy.remoteTs)).toEqual(['0.0.0.0/0', '::/0']);
    expect(policy.localId).toBeUndefined();
    expect(policy.ikeProposals.length).toBeGreaterThan(0);
  });

  it('asks for everything in the families of its own selectors', () => {
    expect(texts(clientPolicy(client({ localTs: ['10.0.0.0/24'] })).remoteTs)).toEqual(['0.0.0.0/0']);
    expect(texts(clientPolicy(client({ localTs: ['fd00::/64'] })).remoteTs)).toEqual(['::/0']);
    expect(texts(clientPolicy(client({ remoteTs: ['10.1.0.0/16'] })).remoteTs)).toEqual(['10.1.0.0/16']);
  });

  it('says what cannot be read', () => {
    expect(() => clientPolicy(client({ ike: 'aes256gcm17-x25519' }))).toThrow(
      expect.objectContaining({ kind: 'usage', code: 'E_PROPOSAL' }),
    );
    expect(() => clientPolicy(client({ localTs: ['10.0.0.0/99'] }))).toThrow(
      expect.objectContaining({ kind: 'usage' }),
    );
  });
});

describe('serverPolicy', () => {
  it('grants everything in the families of its pools', () => {
    expect(texts(serverPolicy(serverOptions()).localTs)).toEqual(['0.0.0.0/0']);
    expect(texts(serverPolicy(serverOptions({ pools: ['fd00::/64', '10.0.0.0/24'] })).localTs)).toEqual([
      '0.0.0.0/0',
      '::/0',
    ]);
    expect(serverPolicy(serverOptions()).remoteTs).toBeUndefined();
    expect(texts(serverPolicy(serverOptions({ localTs: ['10.1.0.0/16'] })).localTs)).toEqual(['10.1.0.0/16']);
  });

  it('needs a pool or remote selectors', () => {
    expect(() => serverPolicy(serverOptions({ pools: [] }))).toThrow(
      expect.objectContaining({ kind: 'usage', code: 'E_NO_REMOTE_TS' }),
    );
    const policy = serverPolicy(serverOptions({ pools: [], remoteTs: ['10.0.0.0/8'] }));
    expect(policy.pool).toBeUndefined();
    expect(texts(policy.localTs)).toEqual(['0.0.0.0/0']);
  });
});
