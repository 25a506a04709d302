import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Conversations } from '../../../../src/lib/capture/analyse/conversations.js';
import { diagnose } from '../../../../src/lib/capture/analyse/diagnose.js';
import type { ConversationReport, Finding } from '../../../../src/lib/capture/analyse/types.js';
import { Decryptor } from '../../../../src/lib/capture/decrypt/decryptor.js';
import { loadKeys } from '../../../../src/lib/capture/keys/load.js';
import { KeyRing } from '../../../../src/lib/capture/keys/ring.js';
import { readCapture } from '../../../../src/lib/capture/read/capture.js';
import { openInput } from '../../../../src/lib/capture/read/input.js';
import { UnitExtractor } from '../../../../src/lib/capture/read/units.js';
import type { CaptureNote } from '../../../../src/lib/capture/types.js';

/** What a whole capture file comes to. */
export async function analyseFile(
  path: string,
  keys: readonly string[] = [],
): Promise<{ report: ConversationReport; findings: Finding[]; ids: string[] }> {
  const notes: CaptureNote[] = [];
  const ring = new KeyRing((await loadKeys(keys)).keys);
  const extractor = new UnitExtractor({ ports: [] });
  const decryptor = new Decryptor(ring, { describe: { certificates: true } });
  const conversations = new Conversations();
  const input = openInput(path, { signal: new AbortController().signal });
  for await (const frame of readCapture(input, (note) => notes.push(note))) {
    for (const unit of extractor.take(frame)) conversations.add(decryptor.decode(unit), unit);
  }
  extractor.finish();
  const findings = diagnose(conversations, [...notes, ...extractor.notes], extractor.incomplete);
  return { report: conversations.finish(), findings, ids: findings.map(({ id }) => id) };
}

/** The folder with captures that a user's clone does not have. */
export function sharedFolder(name: string): string | undefined {
  const shared = process.env.IPSEC_KIT_SHARED;
  if (shared === undefined || !existsSync(join(shared, name))) {
    process.stderr.write(`skipped: IPSEC_KIT_SHARED has no folder ${name}\n`);
    return undefined;
  }
  return join(shared, name);
}

/** Files below a folder whose names end so. */
export function filesBelow(folder: string, end: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => end.test(name))
    .map((name) => join(folder, name));
}
