import { systemEntropy } from '../../../src/lib/core/environment.js';
import { Secret } from '../../../src/lib/core/secret.js';
import { signedOctets } from '../../../src/lib/ike/auth/psk.js';
import { sealFragmented } from '../../../src/lib/ike/fragment.js';
import type { Identity } from '../../../src/lib/ike/identity.js';
import { deriveIkeKeys } from '../../../src/lib/ike/keys.js';
import { resolveIkeSuite } from '../../../src/lib/ike/negotiate.js';
import { parseProposals } from '../../../src/lib/ike/proposals.js';
import { createSkProtection, openMessage, type SkProtection } from '../../../src/lib/ike/sealed.js';
import { decodeHeader } from '../../../src/lib/ike/wire/header.js';
import type { Payload, Transform } from '../../../src/lib/ike/wire/types.js';
import type { HalfOpenSa, SaOpener } from '../../../src/lib/probe/oracle-sa.js';
import type { Gateway } from './direct-asker.js';

export const suite: readonly Transform[] = parseProposals('aes256gcm16-prfsha256-x25519', 1)[0]!.transforms;

/** What the gateway answers to the payloads of a protected request; undefined: nothing. */
export type Answer = (
  request: readonly Payload[],
  context: { sa: HalfOpenSa; messageId: number; exchangeType: number },
) => readonly Payload[] | undefined;

export interface AuthGatewayOptions {
  answer: Answer;
  /** Longest message, bytes; longer ones are fragmented. */
  fragmentSize?: number;
  /** How many SAs may be opened. */
  most?: number;
}

export interface AuthGateway {
  handle: Gateway;
  opener: SaOpener;
  /** How each SA ended, in the order in which they were opened. */
  readonly ends: ('open' | 'cleared' | 'ended')[];
  /** Message ids of `clear`. */
  readonly clearIds: number[];
}

/** The signed octets of the responder (RFC 7296 2.15). */
export function responderOctets(sa: HalfOpenSa, identity: Identity): Uint8Array {
  const { suite: chosen, response, nonceI, keys } = sa;
  return signedOctets({
    prf: chosen.prf,
    initMessage: response,
    peerNonce: nonceI,
    identity,
    skP: keys.skPr,
  });
}

/** A gateway from IKE_AUTH on, with the SAs that it and we have in common. */
export function authGateway({ answer, fragmentSize, most = 10 }: AuthGatewayOptions): AuthGateway {
  const sas: { sa: HalfOpenSa; opens: SkProtection; seals: SkProtection }[] = [];
  const ends: AuthGateway['ends'] = [];
  const clearIds: number[] = [];
  const at = (sa: HalfOpenSa): number => sas.findIndex((each) => each.sa === sa);

  const opener: SaOpener = {
    async open(transforms) {
      if (sas.length >= most) return undefined;
      const negotiated = resolveIkeSuite(transforms);
      const index = BigInt(sas.length + 1);
      const nonceI = systemEntropy.bytes(32);
      const nonceR = systemEntropy.bytes(32);
      const spis = { spiI: 0x1000n + index, spiR: 0x2000n + index };
      const keySecret = new Secret(systemEntropy.bytes(32));
      const keys = deriveIkeKeys({ suite: negotiated, keSecret: keySecret, nonceI, nonceR, ...spis });
      const sa: HalfOpenSa = {
        ...spis,
        suite: negotiated,
        keys,
        outgoing: createSkProtection(negotiated, keys.skEi, keys.skAi),
        incoming: createSkProtection(negotiated, keys.skEr, keys.skAr),
        nonceI,
        nonceR,
        request: systemEntropy.bytes(200),
        response: systemEntropy.bytes(200),
        payloads: [],
        packets: [],
      };
      sas.push({
        sa,
        opens: createSkProtection(negotiated, keys.skEi, keys.skAi),
        seals: createSkProtection(negotiated, keys.skEr, keys.skAr),
      });
      ends.push('open');
      return sa;
    },
    async clear(sa, messageId = 1) {
      ends[at(sa)] = 'cleared';
      clearIds.push(messageId);
      return true;
    },
    ended(sa) {
      ends[at(sa)] = 'ended';
    },
  };

  const handle: Gateway = (datagram) => {
    const { initiatorSpi } = decodeHeader(datagram);
    const found = sas.find(({ sa }) => sa.spiI === initiatorSpi);
    if (found === undefined) throw new Error('a request of no SA');
    const { header, payloads } = openMessage(datagram, found.opens);
    const { messageId, exchangeType } = header;
    const reply = answer(payloads, { sa: found.sa, messageId, exchangeType });
    if (reply === undefined) return [];
    const { length: _, nextPayload: __, ...fields } = header;
    const response = { ...fields, fromInitiator: false, isResponse: true };
    return sealFragmented(response, reply, found.seals, systemEntropy, fragmentSize ?? 65_000);
  };
  return { handle, opener, ends, clearIds };
}
