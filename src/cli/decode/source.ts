import { readBatches } from '../../lib/capture/read/capture.js';
import { openInput } from '../../lib/capture/read/input.js';
import type { CapturedFrame, CaptureNote } from '../../lib/capture/types.js';
import { KitError } from '../../lib/core/errors.js';
import { liveCapture } from '../../lib/net/live-capture.js';

/** Frames of an interface that may wait to be decoded; more are dropped and counted. */
const MAX_WAITING = 50_000;

export interface Source {
  file?: string | undefined;
  interface?: string | undefined;
  follow: boolean;
}

/** @throws {KitError} `E_USAGE` unless exactly one of file and interface is named */
export function expectOneSource({ file, interface: iface, follow }: Source): void {
  if ((file === undefined) === (iface === undefined)) {
    throw new KitError(
      'usage',
      'E_USAGE',
      'Name one capture: a file, "-" for standard input, or --interface',
      {
        hint: 'Add --help to see the flags and examples.',
      },
    );
  }
  if (follow && iface !== undefined) {
    throw new KitError('usage', 'E_USAGE', '--follow is for files; an interface is followed anyway');
  }
}

/** The frames of a file, standard input or an interface, in batches, until its end or the signal. */
export function openSource(
  source: Source,
  onNote: (note: CaptureNote) => void,
  signal: AbortSignal,
): AsyncIterable<CapturedFrame[]> {
  if (source.interface !== undefined) return liveBatches(source.interface, onNote, signal);
  return readBatches(openInput(source.file ?? '-', { follow: source.follow, lend: true, signal }), onNote);
}

async function* liveBatches(
  iface: string,
  onNote: (note: CaptureNote) => void,
  signal: AbortSignal,
): AsyncGenerator<CapturedFrame[]> {
  let waiting: CapturedFrame[] = [];
  let dropped = 0;
  let wake: () => void = () => {};
  let ended = false;
  const capture = liveCapture(
    iface,
    (frame) => {
      if (waiting.length < MAX_WAITING) waiting.push(frame);
      else dropped += 1;
      wake();
    },
    signal,
  ).finally(() => {
    ended = true;
    wake();
  });
  // The error is thrown by the await below; until then nobody looks at the promise.
  capture.catch(() => {});
  while (!ended || waiting.length > 0) {
    if (waiting.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const batch = waiting;
    waiting = [];
    if (batch.length > 0) yield batch;
  }
  const lost = dropped + (await capture).dropped;
  if (lost > 0) {
    onNote({
      code: 'N_FRAMES_DROPPED',
      message: `${lost} frames came faster than they could be read and are missing`,
    });
  }
}
