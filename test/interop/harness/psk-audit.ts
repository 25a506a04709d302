import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PskAuditReport } from '../../../src/lib/report/psk-audit.schema.js';
import { command } from './kit.js';
import type { Lab } from './lab.js';
import { Child, type Exit } from './process.js';
import { checkDocument } from './schemas.js';

/** A key that a list of ten thousand words has. */
export const weakPsk = 'Sommer-2019!';

const words = 10_000;
/** Line of the weak key in the list. */
export const weakLine = 6173;

/** A file with ten thousand words, the same ones each time; the weak key is among them. */
export function wordList(lab: Lab): string {
  const file = join(lab.dir, 'words.txt');
  const lines = Array.from({ length: words }, (_, at) => (at === weakLine - 1 ? weakPsk : word(at)));
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

const syllables = ['ba', 'de', 'fi', 'go', 'lu', 'mar', 'nel', 'pis', 'tor', 'zum'];

/** A different word for each number below ten thousand. */
function word(at: number): string {
  const digits = [...String(at).padStart(4, '0')].map(Number);
  return digits.map((digit) => syllables[digit]).join('');
}

export interface AuditRun {
  report: PskAuditReport;
  exit: Exit;
  stderr: string;
}

/** `ipsec-kit psk audit FILE --wordlist WORDS --json` to its end; its document is checked against the shipped schema. */
export async function auditPsk(file: string, list: string, ...args: string[]): Promise<AuditRun> {
  const argv = [process.execPath, command, 'psk', 'audit', file, '--wordlist', list, '--json', ...args];
  const child = new Child(argv);
  const exit = await child.exited;
  if (child.stdout === '') throw new Error(child.describe());
  const report = JSON.parse(child.stdout) as PskAuditReport;
  checkDocument('psk-audit', report);
  return { report, exit, stderr: child.stderr };
}

/** The key that ike-scan's psk-crack finds in a file of one hash. It knows MD5 and SHA-1. */
export async function pskCrack(file: string, list: string): Promise<string | undefined> {
  const child = new Child(['psk-crack', `--dictionary=${list}`, file]);
  await child.exited;
  return /^key "(.*)" matches/m.exec(child.stdout)?.[1];
}
