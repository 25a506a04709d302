import { KitError, WireError } from '../../core/errors.js';
import { Secret } from '../../core/secret.js';
import { deriveIkeKeys } from '../../ike/keys.js';
import { resolveIkeSuite } from '../../ike/negotiate.js';
import { createSkProtection, openMessage, sealMessage } from '../../ike/sealed.js';
import { decodeHeader, HEADER_LENGTH } from '../../ike/wire/header.js';
import { ExchangeType } from '../../ike/wire/types.js';
import type { Exchanged } from '../oracle-exchange.js';
import type { HalfOpenSa } from '../oracle-sa.js';
import type { Asker } from '../scheduler.js';
import type { PacketNumbers } from '../types.js';

/** The SA of an answered IKE_SA_INIT under a given shared secret; undefined: no SA was chosen, or not one of ours. */
export function saWithSecret(exchanged: Exchanged, secret: Uint8Array): HalfOpenSa | undefined {
  const { reply, request, datagram, response, packets } = exchanged;
  if (reply.kind !== 'chosen' || response === undefined) return undefined;
  try {
    const suite = resolveIkeSuite(reply.transforms);
    const nonces = { nonceI: request.nonce, nonceR: reply.nonce.slice() };
    const spis = { spiI: request.spi, spiR: reply.spiR };
    const keys = deriveIkeKeys({ suite, keSecret: new Secret(secret), ...nonces, ...spis });
    return {
      ...spis,
      ...nonces,
      suite,
      keys,
      outgoing: createSkProtection(suite, keys.skEi, keys.skAi),
      incoming: createSkProtection(suite, keys.skEr, keys.skAr),
      request: datagram,
      response,
      payloads: reply.payloads,
      packets,
    };
  } catch (error) {
    if (error instanceof KitError) return undefined;
    throw error;
  }
}

/** An IKE_AUTH without content, which makes gateways forget an SA. */
export function emptyAuth(asker: Asker, sa: HalfOpenSa): Uint8Array {
  const header = {
    initiatorSpi: sa.spiI,
    responderSpi: sa.spiR,
    majorVersion: 2,
    minorVersion: 0,
    exchangeType: ExchangeType.IKE_AUTH,
    fromInitiator: true,
    isResponse: false,
    higherVersion: false,
    messageId: 1,
  };
  return sealMessage(header, [], sa.outgoing, asker.entropy);
}

/**
 * Whether the gateway has the keys of this SA: it answers an IKE_AUTH under them with one that is authentic.
 * `refused`: its answer is not protected, as when it could not make keys of the public value.
 */
export async function hasKeys(
  asker: Asker,
  sa: HalfOpenSa,
): Promise<{ verdict: 'has them' | 'refused' | 'no answer'; packets: PacketNumbers }> {
  const asked = await asker.ask(emptyAuth(asker, sa), {
    summary: 'IKE_AUTH under the keys of an invalid public value',
    match: (reply) => readProof(reply, sa) !== undefined,
  });
  const { packets } = asked;
  if (asked.outcome !== 'answered') return { verdict: 'no answer', packets };
  return { verdict: readProof(asked.reply, sa) ?? 'no answer', packets };
}

/** Under other keys nothing is authentic, so that such an answer says nothing about these. */
function readProof(reply: Uint8Array, sa: HalfOpenSa): 'has them' | 'refused' | undefined {
  if (reply.length < HEADER_LENGTH) return undefined;
  const { initiatorSpi, responderSpi, isResponse, exchangeType } = decodeHeader(reply);
  const isSa = initiatorSpi === sa.spiI && responderSpi === sa.spiR;
  if (!isSa || !isResponse || exchangeType !== ExchangeType.IKE_AUTH) return undefined;
  try {
    openMessage(reply, sa.incoming);
    return 'has them';
  } catch (error) {
    if (error instanceof WireError) return 'has them';
    if (error instanceof KitError) return error.code === 'E_NO_SK' ? 'refused' : undefined;
    throw error;
  }
}
