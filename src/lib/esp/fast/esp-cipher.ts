/**
 * ESP of one direction of a child SA on packets in an arena; places are offsets into it. The memory after what is
 * written stays as it is.
 */
export interface EspCipher {
  /** Explicit IV, bytes. */
  readonly ivBytes: number;
  readonly icvBytes: number;
  /** The plaintext with its trailer is a multiple of this, bytes. */
  readonly alignment: number;
  /**
   * Writes a whole ESP packet: SPI, sequence number, IV, ciphertext, ICV.
   * @param packet where it begins
   * @param plaintext where payload, padding, Pad Length and Next Header are; may overlap the packet only where the
   *   ciphertext comes to lie exactly upon it
   * @param length bytes of those, a multiple of {@link alignment}
   * @param sequence whole sequence number, never used before with this SA
   * @returns bytes of the packet
   * @throws RangeError when something lies outside of the arena or where it may not, or the sequence number is too large
   * @throws {KitError} `E_ESP_CIPHER` (bug) when the cipher is for opening or was freed
   */
  seal(packet: number, plaintext: number, length: number, sequence: number): number;
  /**
   * Checks the ICV and decrypts.
   * @param packet where the SPI is
   * @param length bytes of the packet
   * @param out where the plaintext goes: as many bytes as the ciphertext has; what is there afterwards counts only
   *   when the result says so; may overlap the packet only where the ciphertext is
   * @param sequence whole sequence number, as the replay window inferred it
   * @returns bytes of plaintext with its trailer; -1 when it is not authentic or too short
   * @throws RangeError when something lies outside of the arena or where it may not
   * @throws {KitError} `E_ESP_CIPHER` (bug) when the cipher is for sealing or was freed
   */
  open(packet: number, length: number, out: number, sequence: number): number;
  /** Frees what is held outside of the heap; to be called once, and nothing after it. */
  free(): void;
}
