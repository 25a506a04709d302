/**
 * The bytes of a file, or of standard input for `-`.
 * @param options.follow wait at the end of the file for more, until the signal
 * @throws {KitError} `E_CAPTURE_FILE` (usage)
 */
export async function* openInput(
  _path: string,
  _options: { follow?: boolean; signal: AbortSignal },
): AsyncGenerator<Uint8Array> {}
