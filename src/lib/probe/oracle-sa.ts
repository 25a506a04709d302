import type { IkeKeys } from '../ike/keys.js';
import type { SkProtection } from '../ike/sealed.js';
import type { IkeSuite } from '../ike/suite.js';
import type { Payload, Transform } from '../ike/wire/types.js';
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
   * Makes the gateway forget the SA, with an IKE_AUTH of message id `messageId` (default 1) whose SK payload is empty.
   * Call this, or `ended`, once for each SA that was opened.
   * @returns whether the gateway confirmed it
   */
  clear(sa: HalfOpenSa, messageId?: number): Promise<boolean>;
  /** The gateway itself ended the SA, e.g. with AUTHENTICATION_FAILED. */
  ended(sa: HalfOpenSa): void;
}
