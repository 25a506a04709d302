import { LONGEST_WORD } from './lines.js';

const LINE_FEED = 0x0a;

/** Some lines of a word list. */
export interface Batch {
  /** Whole lines; of an endless one only the beginning. In memory of their own, so that they can be handed over. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of the list that these lines took. */
  consumed: number;
}

/**
 * Cuts a word list at line ends, as it comes. A line that is longer than any word is cut short, but stays too long, so
 * that it takes no memory and still counts as a line.
 */
export async function* cutBatches(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Batch> {
  // What follows the last line end: at most as much as tells a line that is too long.
  const most = LONGEST_WORD + 2;
  let rest: Uint8Array = new Uint8Array(0);
  let dropped = 0;
  for await (const chunk of chunks) {
    let from = 0;
    if (rest.length === most) {
      const end = chunk.indexOf(LINE_FEED);
      from = end === -1 ? chunk.length : end;
      dropped += from;
    }
    const cut = chunk.lastIndexOf(LINE_FEED) + 1;
    if (cut > from) {
      const bytes = new Uint8Array(rest.length + cut - from);
      bytes.set(rest);
      bytes.set(chunk.subarray(from, cut), rest.length);
      yield { bytes, consumed: bytes.length + dropped };
      rest = new Uint8Array(0);
      dropped = 0;
      from = cut;
    }
    const left = chunk.subarray(from, from + most - rest.length);
    const joined = new Uint8Array(rest.length + left.length);
    joined.set(rest);
    joined.set(left, rest.length);
    dropped += chunk.length - from - left.length;
    rest = joined;
  }
  if (rest.length > 0) yield { bytes: new Uint8Array(rest), consumed: rest.length + dropped };
}
