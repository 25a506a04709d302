import type { Path } from '../../../src/lib/core/endpoint.js';
import { Secret } from '../../../src/lib/core/secret.js';
import { parseIdentity } from '../../../src/lib/ike/identity.js';
import { resolveChildSuite, resolveIkeSuite } from '../../../src/lib/ike/negotiate.js';
import { parseProposals } from '../../../src/lib/ike/proposals.js';
import type { ChildSaInfo, IkeSaInfo } from '../../../src/lib/ike/session/types.js';
import { selectorFromCidr } from '../../../src/lib/ike/traffic-selectors.js';
import { pskCredentials } from '../../../src/lib/tunnel/credentials.js';
import type { ServerOptions } from '../../../src/lib/tunnel/types.js';

/** `length` bytes counting up from `start`. */
export function secret(length: number, start: number): Secret {
  return new Secret(Uint8Array.from({ length }, (_, i) => (start + i) & 0xff));
}

export const path: Path = {
  local: { address: '192.0.2.1', port: 4500 },
  remote: { address: '198.51.100.7', port: 61_000 },
  natT: true,
};

export function ikeSaInfo(
  proposal = 'aes256gcm16-prfsha256-x25519',
  changes: Partial<IkeSaInfo> = {},
): IkeSaInfo {
  const suite = resolveIkeSuite(parseProposals(proposal, 1)[0]!.transforms);
  const encr = suite.keyLength / 8 + suite.encr.saltBytes;
  const integ = suite.integ?.keyBytes ?? 0;
  return {
    initiatorSpi: 0x62842d6b4e3e9234n,
    responderSpi: 0x00fa98173d508cben,
    role: 'responder',
    suite,
    keys: {
      skeyseed: secret(32, 1),
      skD: secret(32, 2),
      skAi: secret(integ, 0x10),
      skAr: secret(integ, 0x20),
      skEi: secret(encr, 0x30),
      skEr: secret(encr, 0x40),
      skPi: secret(32, 3),
      skPr: secret(32, 4),
    },
    keSecret: secret(32, 5),
    nonceI: secret(32, 6).reveal(),
    nonceR: secret(32, 7).reveal(),
    localId: parseIdentity('gw.example.com')!,
    remoteId: parseIdentity('alice@example.com')!,
    localAuth: 'ECDSA P-256 with SHA-256',
    remoteAuth: 'eap-mschapv2',
    eapIdentity: 'alice',
    path,
    ...changes,
  };
}

export function childSaInfo(proposal = 'aes256gcm16', changes: Partial<ChildSaInfo> = {}): ChildSaInfo {
  const suite = resolveChildSuite(parseProposals(proposal, 3)[0]!.transforms);
  const encr = suite.keyLength / 8 + suite.encr.saltBytes;
  const integ = suite.integ?.keyBytes ?? 0;
  return {
    id: 'child-1',
    inboundSpi: 0x0000c0de,
    outboundSpi: 0xdeadbeef,
    role: 'responder',
    suite,
    rekeyBytes: 2 ** 52,
    keys: {
      initiatorEncr: secret(encr, 0x50),
      initiatorInteg: secret(integ, 0x60),
      responderEncr: secret(encr, 0x70),
      responderInteg: secret(integ, 0x80),
    },
    keSecret: undefined,
    localTs: [selectorFromCidr('10.1.0.0/16')],
    remoteTs: [selectorFromCidr('10.9.0.1/32')],
    path,
    encapsulation: 'udp',
    ...changes,
  };
}

export function serverOptions(changes: Partial<ServerOptions> = {}): ServerOptions {
  return {
    credentials: pskCredentials(Secret.fromText('correct horse battery staple')),
    port: 0,
    natPort: 0,
    encap: true,
    listen: ['127.0.0.1'],
    pools: ['10.9.0.0/24'],
    dns: [],
    cookieThreshold: 32,
    ...changes,
  };
}
