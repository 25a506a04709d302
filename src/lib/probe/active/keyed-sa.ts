import { KitError, WireError } from '../../core/errors.js';
import { openMessage } from '../../ike/sealed.js';
import { decodeHeader, HEADER_LENGTH } from '../../ike/wire/header.js';
import { ExchangeType } from '../../ike/wire/types.js';
import type { Asker } from '../asker.js';
import { type HalfOpenSa, sealRequest } from '../oracle-sa.js';
import type { PacketNumbers } from '../types.js';

/**
 * Whether the gateway has the keys of this SA: it answers an IKE_AUTH under them with one that is authentic.
 * `refused`: its answer is not protected, as when it could not make keys of the public value.
 */
export async function hasKeys(
  asker: Asker,
  sa: HalfOpenSa,
): Promise<{ verdict: 'has them' | 'refused' | 'no answer'; packets: PacketNumbers }> {
  const request = sealRequest(sa, { exchangeType: ExchangeType.IKE_AUTH, messageId: 1 }, [], asker.entropy);
  const asked = await asker.ask(request, {
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
