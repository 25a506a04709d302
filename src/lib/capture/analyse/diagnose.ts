import type { IncompleteDatagram } from '../read/units.js';
import type { CaptureNote } from '../types.js';
import type { Conversations } from './conversations.js';
import { joinFrames } from './evidence.js';
import { findingGroups } from './findings/catalogue.js';
import { sceneOf } from './findings/queries.js';
import type { Finding, Severity } from './types.js';

const rank: Readonly<Record<Severity, number>> = { critical: 0, high: 1, medium: 2, low: 3, info: 4 };

/** Findings of one id that are told apart; a scan of thousands of hosts says the same thousands of times. */
const MAX_OF_ONE_ID = 50;

/**
 * What went wrong and what to change, most severe first, then by first frame.
 * @param incomplete IP datagrams of which fragments are missing, as the unit extractor lists them
 */
export function diagnose(
  conversations: Pick<Conversations, 'finish'>,
  notes: readonly CaptureNote[],
  incomplete: readonly IncompleteDatagram[] = [],
): Finding[] {
  const scene = sceneOf(conversations.finish(), notes, incomplete);
  const found = findingGroups.flatMap((group) => group.find(scene));
  return limit(merge(found)).sort(
    (a, b) => rank[a.severity] - rank[b.severity] || (a.frames[0] ?? 0) - (b.frames[0] ?? 0),
  );
}

/** The same sentence about several SAs is one finding. */
function merge(findings: readonly Finding[]): Finding[] {
  const byText = new Map<string, Finding>();
  for (const finding of findings) {
    const key = `${finding.id}\n${finding.title}\n${finding.advice}`;
    const known = byText.get(key);
    if (known === undefined) byText.set(key, finding);
    else known.frames = joinFrames(known.frames, finding.frames);
  }
  return [...byText.values()];
}

/** The last one of an id that has too many says how many more there are. */
function limit(findings: readonly Finding[]): Finding[] {
  const counts = new Map<string, number>();
  for (const { id } of findings) counts.set(id, (counts.get(id) ?? 0) + 1);
  const seen = new Map<string, number>();
  return findings.flatMap((finding) => {
    const number = (seen.get(finding.id) ?? 0) + 1;
    seen.set(finding.id, number);
    const more = counts.get(finding.id)! - MAX_OF_ONE_ID;
    if (number > MAX_OF_ONE_ID) return [];
    if (number < MAX_OF_ONE_ID || more <= 0) return [finding];
    return [{ ...finding, title: `${finding.title} (And ${more} more like this.)` }];
  });
}
