import type { CapturedFrame, CaptureNote } from '../types.js';

/** More than any interface hands over in one piece; a record that claims more is damage. */
export const MAX_FRAME = 1 << 20;

/** Where a record reader puts what it finds. */
export interface RecordSink {
  frames: CapturedFrame[];
  /** Frames so far, which is the number of the last one. */
  count: number;
  note(note: CaptureNote): void;
}

/** Bytes that cannot be a record of the format. `at` counts from the start of the record. */
export class Damage extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

/** Cuts one file format into records. */
export interface RecordReader {
  /** What the bytes at the reading position are called, in a note on a file that ends inside them. */
  readonly what: string;
  /** Bytes that the record at the reading position has at least. */
  readonly need: number;
  /** Bytes that are to be dropped unread before the next record. */
  skip: number;
  /**
   * Reads the record at `at`, of which at least `need` bytes are there.
   * @param offset of the record in the file
   * @returns its length; 0 when `need` has grown
   * @throws {Damage}
   */
  read(data: Uint8Array, view: DataView, at: number, offset: number, sink: RecordSink): number;
}
