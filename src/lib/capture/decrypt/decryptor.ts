import type { DescribeOptions } from '../describe/describe.js';
import type { KeyRing } from '../keys/ring.js';
import type { CaptureNote, DecodedPacket, Unit } from '../types.js';

export interface DecryptorOptions {
  /** Gets every decrypted packet as a whole IP packet, with the time of the one it came in. */
  onInner?: (packet: Uint8Array, time: bigint) => void;
  /** One line on each inner packet (`inner.summary`); default true. */
  summaries?: boolean;
  describe?: DescribeOptions;
}

/** A pair of child SAs as its exchange was seen. "Initiator" is who started that exchange. */
export interface SeenChild {
  /** The IKE SA, 16 hex digits each. */
  spiI: string;
  spiR: string;
  protocol: 'ESP' | 'AH';
  /** `0x` and 8 hex digits: the SPI of packets to the exchange's initiator, and to its responder. */
  initiatorSpi: string;
  responderSpi: string;
  /** Addresses without ports. */
  initiator: string;
  responder: string;
  pfs: boolean;
  /** The SPI that this pair replaces, as the REKEY_SA notify names it. */
  rekeys?: string;
  /** Whether its packets can be opened; otherwise what is missing. */
  keys: 'derived' | 'no SK_d' | 'no KE secret' | 'no nonces' | 'not implemented';
  frame: number;
}

/** Opens what the keys can open. One unit in, one packet out, in the order of the capture. */
export class Decryptor {
  /** What should be told about keys, such as children that cannot be derived because SK_d is unknown. */
  readonly notes: CaptureNote[] = [];
  /** Child SAs whose exchange was opened, oldest first; bounded. */
  readonly children: SeenChild[] = [];

  constructor(
    readonly ring: KeyRing,
    readonly options: DecryptorOptions = {},
  ) {}

  decode(_unit: Unit): DecodedPacket {
    throw new Error('not built yet');
  }
}
