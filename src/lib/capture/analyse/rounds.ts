import type { MessageReport, Role } from './types.js';
import { SHARED_KEY } from './words.js';

/** EAP types that are no methods. */
const notMethods: ReadonlySet<string> = new Set(['Identity', 'Notification', 'Legacy Nak']);

/** With EAP both sides prove at the end that they have its key, in messages without an identity (RFC 7296 2.16). */
export function isEapKey({ authMethod, idI, idR }: MessageReport): boolean {
  return authMethod === SHARED_KEY && idI === undefined && idR === undefined;
}

/** The method of AUTH, with the algorithm that Digital Signature names: `Digital Signature (Ed25519)`. */
export function methodName({ authMethod, authAlgorithm }: MessageReport): string | undefined {
  return authAlgorithm === undefined ? authMethod : `${authMethod} (${authAlgorithm})`;
}

/**
 * How a side proved itself, round by round (RFC 4739): `pre-shared key, then EAP-MSCHAPv2`. Of an EAP method that did
 * not come to its end the last one tried counts.
 * @param messages of the SA, in their order
 */
export function methodsOf(
  messages: readonly { from: Role; message: MessageReport }[],
  role: Role,
): string | undefined {
  const rounds: string[] = [];
  let eap: string | undefined;
  for (const { from, message } of messages) {
    const type = message.eap?.type;
    if (type !== undefined && !notMethods.has(type)) eap = type;
    const method = methodName(message);
    if (from !== role || method === undefined) continue;
    if (!isEapKey(message)) rounds.push(method);
    // A responder proves itself before EAP, unless it does so by EAP alone (RFC 5998).
    else if (eap !== undefined && (role === 'initiator' || rounds.length === 0)) rounds.push(eap);
    eap = undefined;
  }
  if (eap !== undefined && role === 'initiator') rounds.push(eap);
  return rounds.length === 0 ? undefined : rounds.join(', then ');
}
