import type { WireError } from '../core/errors.js';

/** One record of a capture file. */
export interface CapturedFrame {
  /** 1-based number, as other tools count. */
  frame: number;
  /** Nanoseconds since the epoch. */
  time: bigint;
  /** LINKTYPE_ number of the tcpdump registry. */
  linkType: number;
  data: Uint8Array;
  /** Length on the wire, bytes; larger than `data.length` when the capture cut it. */
  originalLength: number;
}

/** Something worth telling about the file itself: damage, cut frames, blocks passed over. */
export interface CaptureNote {
  code: `E_${string}` | `N_${string}`;
  message: string;
  /** Byte offset in the (uncompressed) file, where it applies. */
  offset?: number;
  frame?: number;
}

/** What a frame carries that concerns IPsec. */
export interface Unit {
  /** The frame that completed it. */
  frame: number;
  /** All frames it came in, when it was reassembled from IP fragments or a TCP stream. */
  frames?: number[];
  time: bigint;
  /** Canonical addresses; ports are 0 over bare IP. */
  src: { address: string; port: number };
  dst: { address: string; port: number };
  carrier: 'udp' | 'tcp' | 'ip';
  kind: 'ike' | 'esp' | 'ah' | 'keepalive';
  /** The non-ESP marker or the UDP encapsulation of RFC 3948, or the stream framing of RFC 9329. */
  encapsulated: boolean;
  /** IKE message, ESP packet from the SPI on, or AH from its next-header octet on. */
  data: Uint8Array;
  /** The whole IP packet around it; AH authenticates it. */
  ip: Uint8Array;
  /** Where `data` begins in the frame, bytes; undefined when reassembled. */
  offset?: number;
}

export type Icv = 'good' | 'bad' | 'none' | 'unchecked';

/** One payload as JSON: IANA names beside numbers, every attribute; nested lists for proposals and the like. */
export interface DescribedPayload {
  /** Short IANA name, e.g. `SA`, `KE`, `N`, `IDi`. */
  type: string;
  typeNumber: number;
  critical?: true;
  /** Bytes from the start of the IKE message, or of the decrypted chain when `inside` is true. */
  offset: number;
  length: number;
  inside?: true;
  /** Payload-specific fields, JSON-safe (numbers, strings, hex strings, arrays, objects). */
  fields: Record<string, unknown>;
  /** Set when it could not be parsed; `fields` then holds the raw bytes as hex. */
  error?: { code: WireError['code']; message: string; offset: number };
}

export interface DecodedIke {
  version: 1 | 2;
  /** 16 hex digits. */
  spiI: string;
  spiR: string;
  /** IANA name, e.g. `IKE_SA_INIT`, `Identity Protection (Main Mode)`. */
  exchange: string;
  exchangeNumber: number;
  messageId: number;
  response: boolean;
  /** Flag I (IKEv2). */
  initiator?: boolean;
  payloads: DescribedPayload[];
  /** IKEv1, flag E: what follows the header is encrypted and stays closed without a key. */
  encrypted?: { firstPayload: string; firstPayloadNumber: number; offset: number; length: number };
  /** RFC 7383 or Cisco fragment of a larger message; `total` is 0 until Cisco's last one tells it. */
  fragment?: { number: number; total: number };
  /** Payload bytes inside SK once opened (with good ICV); never in JSON. */
  inner?: Uint8Array;
}

export interface DecodedEsp {
  /** `0x` and 8 hex digits. */
  spi: string;
  seq: number;
  /** High word of the 64-bit sequence number, once the ICV confirmed it. */
  seqHigh?: number;
  nextHeader?: number;
}

/** The JSON of one packet, `packets[]` of `ipsec-kit/decode@1` and one line of NDJSON. */
export interface DecodedPacket {
  frame: number;
  frames?: number[];
  /** ISO 8601 with nanoseconds, UTC. */
  time: string;
  /** `address` or `address:port` (`[address]:port`). */
  src: string;
  dst: string;
  protocol: 'IKEv1' | 'IKEv2' | 'ESP' | 'AH' | 'NAT-keepalive';
  length: number;
  decrypted: boolean;
  icv: Icv;
  ike?: DecodedIke;
  esp?: DecodedEsp;
  ah?: { spi: string; seq: number; nextHeader: number };
  /** What the decrypted packet carries: one line, and the packet itself decoded when it is IPsec again. */
  inner?: { summary: string; packet?: DecodedPacket };
  /** Why it could not be parsed or decrypted. */
  error?: { code: string; message: string; offset?: number };
}
