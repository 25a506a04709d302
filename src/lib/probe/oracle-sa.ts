import type { Entropy } from '../core/environment.js';
import { KitError } from '../core/errors.js';
import { Secret } from '../core/secret.js';
import { keTransform } from '../crypto/registry.js';
import { type KeyExchange, TransformType } from '../crypto/transform.js';
import { deriveIkeKeys, type IkeKeys } from '../ike/keys.js';
import { resolveIkeSuite } from '../ike/negotiate.js';
import { createSkProtection, type SkProtection, sealMessage } from '../ike/sealed.js';
import type { IkeSuite } from '../ike/suite.js';
import { decodeHeader, HEADER_LENGTH } from '../ike/wire/header.js';
import { ExchangeType, type Payload, type Transform } from '../ike/wire/types.js';
import type { Asker } from './asker.js';
import type { Exchanged, InitExchanger } from './oracle-exchange.js';
import type { PacketNumbers } from './types.js';

/** An IKE SA that the gateway keeps half-open for us, with its keys: IKE_AUTH (message id 1) comes next. */
export interface HalfOpenSa {
  spiI: bigint;
  spiR: bigint;
  suite: IkeSuite;
  keys: IkeKeys;
  /** Seals what we send. There is one per key: IVs count in it. */
  outgoing: SkProtection;
  /** Opens what comes. */
  incoming: SkProtection;
  nonceI: Uint8Array;
  nonceR: Uint8Array;
  /** The two IKE_SA_INIT messages as they went over the wire, for AUTH. */
  request: Uint8Array;
  response: Uint8Array;
  /** Of the response. */
  payloads: Payload[];
  packets: PacketNumbers;
}

/** Opens and clears half-open SAs for those who have more to ask inside one. */
export interface SaOpener {
  /**
   * Runs IKE_SA_INIT with exactly these transforms, cookies answered. Waits until no other SA of ours is half-open.
   * @returns undefined when the gateway refuses, is silent, or as many half-open SAs as may be left are left
   */
  open(transforms: readonly Transform[]): Promise<HalfOpenSa | undefined>;
  /**
   * Makes the gateway forget the SA, with an IKE_AUTH of message id `messageId` (default 1) whose SK payload is empty:
   * most drop it without a word. Call this, or `ended`, once for each SA that was opened.
   * @returns whether it could be sent
   */
  clear(sa: HalfOpenSa, messageId?: number): Promise<boolean>;
  /** The gateway itself ended the SA, e.g. with AUTHENTICATION_FAILED. */
  ended(sa: HalfOpenSa): void;
}

/** Sees to it that nothing stays half-open. */
export class SaKeeper implements SaOpener {
  constructor(
    private readonly asker: Asker,
    private readonly exchanger: InitExchanger,
  ) {}

  async open(transforms: readonly Transform[]): Promise<HalfOpenSa | undefined> {
    const group = transforms.find(({ type }) => type === TransformType.KE)?.id ?? 0;
    const exchange = keTransform(group)?.generate?.();
    if (exchange === undefined || !(await this.asker.halfOpen.open())) return undefined;
    const { publicValue } = exchange;
    const question = { proposals: [transforms], summary: 'one suite' };
    const exchanged = await this.exchanger.exchange(question, { group, publicValue, announce: [] });
    const sa = deriveSa(exchanged, (value) => exchange.agree(value));
    if (sa !== undefined) return sa;
    // There, and without keys that could clear it.
    if (isOpen(exchanged)) this.asker.halfOpen.stays();
    else this.asker.halfOpen.cleared();
    return undefined;
  }

  async clear(sa: HalfOpenSa, messageId = 1): Promise<boolean> {
    const message = sealRequest(
      sa,
      { exchangeType: ExchangeType.IKE_AUTH, messageId },
      [],
      this.asker.entropy,
    );
    const summary = 'IKE_AUTH with nothing in it, to clear the half-open SA';
    const isSent = this.asker.tell(message, summary, (reply) => isAbout(reply, sa)) !== undefined;
    if (isSent) this.asker.halfOpen.cleared();
    else this.asker.halfOpen.stays();
    return isSent;
  }

  ended(_sa: HalfOpenSa): void {
    this.asker.halfOpen.cleared();
  }

  /** After a question that may have opened an SA, once `halfOpen.open()` counted it: clears it. */
  clearUp(exchanged: Exchanged, exchange: KeyExchange | undefined): void {
    const sa = exchange && deriveSa(exchanged, (value) => exchange.agree(value));
    if (sa !== undefined) void this.clear(sa);
    else if (isOpen(exchanged)) this.asker.halfOpen.stays();
    else if (exchange !== undefined) this.asker.halfOpen.cleared();
  }
}

/** Whether the gateway made an SA of it. */
export function isOpen({ reply }: Exchanged): boolean {
  return reply.kind === 'chosen' || (reply.kind === 'unclear' && reply.isOpen === true);
}

/** A response of the SA, protected or not. */
export function isAbout(reply: Uint8Array, sa: HalfOpenSa): boolean {
  if (reply.length < HEADER_LENGTH) return false;
  const { initiatorSpi, responderSpi, isResponse, exchangeType } = decodeHeader(reply);
  const isSa = initiatorSpi === sa.spiI && responderSpi === sa.spiR;
  return isSa && isResponse && exchangeType !== ExchangeType.IKE_SA_INIT;
}

/** A protected request of the SA. */
export function sealRequest(
  { spiI, spiR, outgoing }: HalfOpenSa,
  { exchangeType, messageId }: { exchangeType: number; messageId: number },
  payloads: readonly Payload[],
  entropy: Entropy,
): Uint8Array {
  const header = {
    initiatorSpi: spiI,
    responderSpi: spiR,
    majorVersion: 2,
    minorVersion: 0,
    exchangeType,
    fromInitiator: true,
    isResponse: false,
    higherVersion: false,
    messageId,
  };
  return sealMessage(header, payloads, outgoing, entropy);
}

/**
 * The SA that the gateway chose, with its keys; undefined when it chose none or we cannot have the keys.
 * @param agree makes the shared secret of the gateway's public value
 */
export function deriveSa(
  { reply, request, datagram, response, packets }: Exchanged,
  agree: (publicValue: Uint8Array) => Uint8Array,
): HalfOpenSa | undefined {
  if (reply.kind !== 'chosen' || response === undefined) return undefined;
  try {
    const suite = resolveIkeSuite(reply.transforms);
    const keSecret = new Secret(agree(reply.ke.data));
    const nonces = { nonceI: request.nonce, nonceR: reply.nonce.slice() };
    const spis = { spiI: request.spi, spiR: reply.spiR };
    const keys = deriveIkeKeys({ suite, keSecret, ...nonces, ...spis });
    const outgoing = createSkProtection(suite, keys.skEi, keys.skAi);
    const incoming = createSkProtection(suite, keys.skEr, keys.skAr);
    const messages = { request: datagram, response, payloads: reply.payloads };
    return { ...spis, suite, keys, outgoing, incoming, ...nonces, ...messages, packets };
  } catch (error) {
    if (error instanceof KitError) return undefined;
    throw error;
  }
}
