import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { KitError } from '../../../src/lib/core/errors.js';
import type { SessionEvent } from '../../../src/lib/ike/session/types.js';
import { formatEndpoint, toTunnelEvents } from '../../../src/lib/tunnel/events.js';
import { childSaInfo, ikeSaInfo, path } from './fixtures.js';

const peer = '198.51.100.7:61000';
const child = childSaInfo();
const childFields = {
  inboundSpi: '0x0000c0de',
  outboundSpi: '0xdeadbeef',
  proposal: 'aes256gcm16',
  encapsulation: 'udp',
  localTs: ['10.1.0.0/16'],
  remoteTs: ['10.9.0.1/32'],
};
const ikeSpis = { initiatorSpi: '62842d6b4e3e9234', responderSpi: '00fa98173d508cbe' };

describe('toTunnelEvents', () => {
  it('tells the IKE SA', () => {
    expect(toTunnelEvents({ type: 'ike-sa-established', ikeSa: ikeSaInfo() }, { path })).toEqual([
      {
        event: 'ike-sa-established',
        role: 'responder',
        ...ikeSpis,
        proposal: 'aes256gcm16-prfsha256-x25519',
        localId: 'gw.example.com',
        remoteId: 'alice@example.com',
        localAuth: 'ECDSA P-256 with SHA-256',
        remoteAuth: 'eap-mschapv2',
        eapIdentity: 'alice',
        local: '192.0.2.1:4500',
        peer,
      },
    ]);
  });

  it('leaves the EAP identity out where there is none, and hands warnings on', () => {
    const [event] = toTunnelEvents(
      { type: 'ike-sa-established', ikeSa: ikeSaInfo(undefined, { eapIdentity: undefined }) },
      { path },
    );
    expect(event).not.toHaveProperty('eapIdentity');
    const warning = { type: 'warning', code: 'W_SIGNATURE_SHA1', message: 'Weak.' } as const;
    expect(toTunnelEvents(warning, { path })).toEqual([
      { event: 'warning', code: 'W_SIGNATURE_SHA1', message: 'Weak.', peer },
    ]);
    expect(toTunnelEvents(warning, { path: undefined })).toEqual([
      { event: 'warning', code: 'W_SIGNATURE_SHA1', message: 'Weak.' },
    ]);
  });

  it('tells child SAs, what they replace, and their counters at the end', () => {
    expect(toTunnelEvents({ type: 'child-sa-established', child }, { path })).toEqual([
      { event: 'child-sa-established', ...childFields, peer },
    ]);
    const next = childSaInfo('aes128-sha256-ecp256', { id: 'child-2', inboundSpi: 1, outboundSpi: 2 });
    expect(
      toTunnelEvents(
        { type: 'child-sa-rekeyed', oldId: 'child-1', child: next, sendOn: 'old' },
        { path, replaced: child },
      ),
    ).toEqual([
      {
        event: 'child-sa-rekeyed',
        oldInboundSpi: '0x0000c0de',
        oldOutboundSpi: '0xdeadbeef',
        ...childFields,
        proposal: 'aes128-sha256-ecp256',
        inboundSpi: '0x00000001',
        outboundSpi: '0x00000002',
        peer,
      },
    ]);
    const stats = {
      packetsIn: 1,
      packetsOut: 2,
      bytesIn: 3,
      bytesOut: 4,
      icvFailures: 0,
      replays: 0,
      malformed: 0,
      lastInboundAt: 5,
    };
    expect(toTunnelEvents({ type: 'child-sa-deleted', child, reason: 'rekeyed' }, { path, stats })).toEqual([
      {
        event: 'child-sa-deleted',
        reason: 'rekeyed',
        ...childFields,
        packetsIn: 1,
        packetsOut: 2,
        bytesIn: 3,
        bytesOut: 4,
        peer,
      },
    ]);
  });

  it('tells rekeys, moves, exchanges and addresses', () => {
    const ikeSa = ikeSaInfo('aes256-sha256-modp2048', { initiatorSpi: 1n, responderSpi: 2n });
    expect(toTunnelEvents({ type: 'ike-sa-rekeyed', old: ikeSaInfo(), ikeSa }, { path })).toEqual([
      {
        event: 'ike-sa-rekeyed',
        oldInitiatorSpi: ikeSpis.initiatorSpi,
        oldResponderSpi: ikeSpis.responderSpi,
        initiatorSpi: '0000000000000001',
        responderSpi: '0000000000000002',
        proposal: 'aes256-sha256-prfsha256-modp2048',
        peer,
      },
    ]);
    const moved = { ...path, remote: { address: '2001:db8::1', port: 9 } };
    expect(
      toTunnelEvents({ type: 'peer-moved', path: moved, encapsulation: 'udp' }, { path: moved }),
    ).toEqual([{ event: 'peer-moved', local: '192.0.2.1:4500', peer: '[2001:db8::1]:9' }]);
    const summary = {
      exchange: 'IKE_AUTH',
      initiatedByUs: true,
      messageId: 1,
      purpose: 'authenticated',
    } as const;
    expect(toTunnelEvents({ type: 'exchange', summary }, { path: undefined })).toEqual([
      { event: 'exchange', ...summary, peer: 'unknown' },
    ]);
    const assigned = { addresses: ['10.9.0.1'], dns: ['10.9.0.53'] };
    expect(toTunnelEvents({ type: 'addresses-assigned', assigned }, { path })).toEqual([
      { event: 'addresses-assigned', ...assigned, peer },
    ]);
  });

  it('tells why an SA ended', () => {
    const error = new KitError('network', 'E_PEER_DEAD', 'The peer is silent', { hint: 'Wait.' });
    const told = { event: 'error', code: 'E_PEER_DEAD', message: 'The peer is silent', hint: 'Wait.', peer };
    expect(
      toTunnelEvents({ type: 'ike-sa-deleted', ikeSa: ikeSaInfo(), reason: 'peer-dead', error }, { path }),
    ).toEqual([told, { event: 'ike-sa-deleted', reason: 'peer-dead', ...ikeSpis, peer }]);
    expect(
      toTunnelEvents(
        { type: 'ike-sa-deleted', ikeSa: undefined, reason: 'failed', error: undefined },
        { path },
      ),
    ).toEqual([{ event: 'ike-sa-deleted', reason: 'failed', peer }]);
    expect(toTunnelEvents({ type: 'child-sa-failed', error }, { path })).toEqual([told]);
  });

  it('gives no secret away', () => {
    const events: SessionEvent[] = [
      { type: 'ike-sa-established', ikeSa: ikeSaInfo() },
      { type: 'ike-sa-rekeyed', old: ikeSaInfo(), ikeSa: ikeSaInfo() },
      { type: 'child-sa-established', child },
      { type: 'child-sa-rekeyed', oldId: 'x', child, sendOn: 'new' },
      { type: 'child-sa-deleted', child, reason: 'deleted-by-us' },
    ];
    const told = JSON.stringify(events.flatMap((event) => toTunnelEvents(event, { path })));
    const secrets = [...Object.values(ikeSaInfo().keys), ...Object.values(child.keys), ikeSaInfo().keSecret];
    for (const key of secrets.filter(({ length }) => length > 0)) {
      expect(told).not.toContain(Buffer.from(key.reveal()).toString('hex'));
      expect(told).not.toContain('[redacted]');
    }
    expect(inspect(told)).not.toContain('skEi');
  });
});

describe('formatEndpoint', () => {
  it('brackets IPv6', () => {
    expect(formatEndpoint({ address: '192.0.2.1', port: 500 })).toBe('192.0.2.1:500');
    expect(formatEndpoint({ address: '::1', port: 500 })).toBe('[::1]:500');
  });
});
