import type { TunnelEvent } from '../../../src/lib/tunnel/types.js';

const child = {
  inboundSpi: '0xc0000001',
  outboundSpi: '0xc0000002',
  proposal: 'AES_GCM_16-256 / Curve25519',
  localTs: ['10.20.0.1/32'],
  remoteTs: ['10.10.0.0/24', 'fd10::/64'],
};
const ike = { initiatorSpi: '0123456789abcdef', responderSpi: 'fedcba9876543210' };
const peer = '192.0.2.1:4500';

/** One event of each kind; a kind without an example does not compile. */
export const examples: { [Name in TunnelEvent['event']]: Extract<TunnelEvent, { event: Name }> } = {
  listening: { event: 'listening', addresses: [{ address: '2001:db8::1', port: 500, natT: false }] },
  'host-advice': {
    event: 'host-advice',
    missing: 'forwarding',
    commands: ['sysctl -w net.ipv4.ip_forward=1'],
  },
  'device-up': {
    event: 'device-up',
    device: 'ikit0',
    mtu: 1400,
    addresses: ['10.20.0.1/32'],
    routes: ['10.10.0.0/24'],
  },
  exchange: {
    event: 'exchange',
    exchange: 'IKE_AUTH',
    initiatedByUs: true,
    messageId: 1,
    purpose: 'authenticated',
    peer,
  },
  'ike-sa-established': {
    event: 'ike-sa-established',
    role: 'initiator',
    proposal: 'AES_GCM_16-256 / PRF_HMAC_SHA2_256 / Curve25519',
    localId: 'alice@example.com',
    remoteId: 'vpn.example.com',
    localAuth: 'psk + eap-mschapv2',
    remoteAuth: 'ECDSA P-256 with SHA-256',
    eapIdentity: 'alice',
    local: '192.0.2.2:4500',
    peer,
    ...ike,
  },
  'addresses-assigned': { event: 'addresses-assigned', addresses: ['10.20.0.1'], dns: ['10.10.0.53'], peer },
  'child-sa-established': { event: 'child-sa-established', peer, ...child },
  'child-sa-rekeyed': {
    event: 'child-sa-rekeyed',
    oldInboundSpi: '0xc0000003',
    oldOutboundSpi: '0xc0000004',
    peer,
    ...child,
  },
  'child-sa-deleted': {
    event: 'child-sa-deleted',
    reason: 'deleted-by-peer',
    packetsIn: 1,
    packetsOut: 2,
    bytesIn: 3,
    bytesOut: 4,
    peer: '[2001:db8::1]:4500',
    ...child,
  },
  'ike-sa-rekeyed': {
    event: 'ike-sa-rekeyed',
    oldInitiatorSpi: '1111111111111111',
    oldResponderSpi: '2222222222222222',
    proposal: 'AES_GCM_16-256',
    peer,
    ...ike,
  },
  'peer-moved': { event: 'peer-moved', local: '192.0.2.2:4500', peer },
  'ike-sa-deleted': { event: 'ike-sa-deleted', reason: 'deleted-by-us', peer, ...ike },
  'profile-exported': {
    event: 'profile-exported',
    for: 'apple',
    path: 'profiles/apple/vpn.mobileconfig',
    secret: true,
    note: 'Open it on the device.',
  },
  warning: { event: 'warning', code: 'W_SIGNATURE_SHA1', message: 'The signature is weak.', peer },
  error: {
    event: 'error',
    code: 'E_AUTHENTICATION',
    message: 'The peer refused.',
    hint: 'Compare the keys.',
    peer,
  },
};
