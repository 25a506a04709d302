/** After how many repetitions in vain a message is tried in smaller fragments (RFC 7383 2.5.2). */
const PATIENCE = 2;

/** A message of ours, kept to be sent again: as a retransmission, or as the answer to one. */
export class SentMessage {
  #datagrams: readonly Uint8Array[];
  #repetitions = 0;

  /**
   * @param datagrams the message, whole or in fragments, in the order to send them
   * @param smaller the same in smaller fragments; undefined when there is nothing smaller to try
   */
  constructor(
    datagrams: readonly Uint8Array[],
    private readonly smaller: () => readonly Uint8Array[] | undefined = () => undefined,
  ) {
    this.#datagrams = datagrams;
  }

  get datagrams(): readonly Uint8Array[] {
    return this.#datagrams;
  }

  /** What to send once more: the same bytes, or smaller fragments when these seem to get lost on the way. */
  repeat(): readonly Uint8Array[] {
    this.#repetitions += 1;
    if (this.#repetitions === PATIENCE + 1) this.#datagrams = this.smaller() ?? this.#datagrams;
    return this.#datagrams;
  }
}
