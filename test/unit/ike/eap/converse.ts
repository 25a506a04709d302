import type { KeyObject } from 'node:crypto';
import { systemClock } from '../../../../src/lib/core/environment.js';
import { KitError } from '../../../../src/lib/core/errors.js';
import { Secret } from '../../../../src/lib/core/secret.js';
import {
  createEapAuthenticator,
  type EapAuthenticatorOptions,
} from '../../../../src/lib/ike/auth/eap/authenticator.js';
import { createAttemptLimiter } from '../../../../src/lib/ike/auth/eap/limiter.js';
import { createEapPeer, type EapPeerOptions } from '../../../../src/lib/ike/auth/eap/peer.js';
import { parseUsers } from '../../../../src/lib/ike/auth/eap/users.js';
import type { EapAuthenticator, EapPeer, EapStep } from '../../../../src/lib/ike/auth/types.js';
import type { Issuer } from '../../../../src/lib/pki/issue.js';
import { below, leaf, rootCa } from '../../pki/build.js';

export const ADDRESS = '192.0.2.7';
export const users = parseUsers('alice:opensesame\nbob:{nt}44ebba8d5312b8d611474411f56989ae\n');

/** A client; the right one unless something else is said. */
export function peer(options: Partial<EapPeerOptions> & { pass?: string } = {}): EapPeer {
  const { pass = 'opensesame', ...rest } = options;
  return createEapPeer({ method: 'mschapv2', user: 'alice', password: Secret.fromText(pass), ...rest });
}

export function authenticator(options: Partial<EapAuthenticatorOptions> = {}): EapAuthenticator {
  return createEapAuthenticator({
    methods: ['mschapv2'],
    users,
    limiter: createAttemptLimiter(systemClock),
    ...options,
  });
}

export interface Conversation {
  /** What both sides ended with; undefined where a side was never told. */
  peer: EapStep | undefined;
  server: EapStep;
  /** All packets, in order, the server's first. */
  packets: Uint8Array[];
  /** Errors that either side knew of before the end. */
  early: { peer?: KitError; server?: KitError };
}

/** Lets both talk until the server has ended it. @param tamper changes packets on their way */
export async function converse(
  client: EapPeer,
  server: EapAuthenticator,
  tamper: (packet: Uint8Array, at: number) => Uint8Array = (packet) => packet,
  identity?: string,
): Promise<Conversation> {
  const packets: Uint8Array[] = [];
  const early: Conversation['early'] = {};
  const carry = (message: Uint8Array) => {
    const packet = tamper(message, packets.length);
    packets.push(packet);
    return packet;
  };
  let said: EapStep = await server.start(ADDRESS, identity);
  for (;;) {
    if (said.type === 'send' && said.failed) early.server = said.failed;
    const answer = await client.step(carry(said.message));
    if (said.type !== 'send' || answer.type !== 'send') return { peer: answer, server: said, packets, early };
    if (answer.failed) early.peer = answer.failed;
    said = await server.step(carry(answer.message));
  }
}

export const codeOf = (step: EapStep | undefined): string | undefined =>
  step?.type === 'failure' ? step.error.code : step?.type;

export const mskOf = (step: EapStep | undefined): Uint8Array | undefined =>
  step?.type === 'success' ? step.msk?.reveal() : undefined;

/** Keys and certificates of both sides for EAP-TLS. */
export interface TlsParties {
  root: Issuer;
  server: { certificates: Uint8Array[]; key: KeyObject };
  client: { certificates: Uint8Array[]; key: KeyObject };
}

/** A server right below the root, a client below an intermediate CA. */
export async function tlsParties(): Promise<TlsParties> {
  const root = await rootCa();
  const intermediate = await below(root);
  const server = await leaf(root, { names: ['vpn.example.com'], kind: 'rsa-2048' });
  const client = await leaf(intermediate, { names: ['alice@example.com'], server: false, client: true });
  return {
    root,
    server: { certificates: [server.certificate.der], key: server.key },
    client: { certificates: [client.certificate.der, intermediate.certificate.der], key: client.key },
  };
}

export const distrust = () => {
  throw new KitError('refused', 'E_CERT_TEST', 'nobody signed it');
};
