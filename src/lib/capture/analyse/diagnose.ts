import type { IncompleteDatagram } from '../read/units.js';
import type { CaptureNote } from '../types.js';
import type { Conversations } from './conversations.js';
import type { Finding } from './types.js';

/**
 * What went wrong and what to change, most severe first, then by first frame.
 * @param incomplete IP datagrams of which fragments are missing, as the unit extractor lists them
 */
export function diagnose(
  _conversations: Conversations,
  _notes: readonly CaptureNote[],
  _incomplete: readonly IncompleteDatagram[] = [],
): Finding[] {
  return [];
}
