/** A frame as it came from an interface; the bytes are the receiver's to keep. */
export interface LiveFrame {
  /** 1-based. */
  frame: number;
  /** Nanoseconds since the epoch. */
  time: bigint;
  /** LINKTYPE_ number. */
  linkType: number;
  data: Uint8Array;
  /** Bytes on the wire. */
  originalLength: number;
}
