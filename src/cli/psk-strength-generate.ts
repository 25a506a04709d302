import { systemEntropy } from '../lib/core/environment.js';
import { ExitCode, KitError } from '../lib/core/errors.js';
import { printable } from '../lib/core/printable.js';
import { type GeneratedPsk, generateCharacters, generateWords } from '../lib/psk/generate.js';
import { PSK_SCHEMA, type PskGenerateReport } from '../lib/report/psk.schema.js';
import type { PskOutcome } from './psk-strength-command.js';
import type { PskOutputFlags } from './psk-strength-flags.js';

/** Flags of `psk generate` as the parser yields them. */
export interface PskGenerateFlags extends PskOutputFlags {
  bits?: number | undefined;
  words?: number | undefined;
  out: string;
  force: boolean;
}

const DEFAULT_BITS = 256;

/**
 * Makes a key and writes it where the user wants it: alone on stdout, or into a file of its owner.
 * @throws KitError usage E_PSK_BITS, E_PSK_WORDS, E_PSK_OUTPUT, E_FILE_EXISTS, environment E_FILE_WRITE
 */
export async function generatePsk(flags: PskGenerateFlags): Promise<PskOutcome> {
  const json = flags.json || flags.format === 'json';
  if (json && flags.out === '-') {
    throw new KitError('usage', 'E_PSK_OUTPUT', 'JSON never holds the key, so the key needs a place.', {
      hint: 'Name a file with --out, or leave --format json away.',
    });
  }
  const key =
    flags.words === undefined
      ? generateCharacters(flags.bits ?? DEFAULT_BITS, systemEntropy)
      : generateWords(flags.words, systemEntropy);
  const line = `${Buffer.from(key.secret.reveal()).toString('utf8')}\n`;
  if (flags.out === '-') return { stdout: line, stderr: `${madeOf(key)}\n`, exitCode: ExitCode.ok };
  const { writeFileSafely } = await import('../lib/pki/atomic-file.js');
  await writeFileSafely(flags.out, line, { mode: 0o600, replace: flags.force });
  const report: PskGenerateReport = {
    schema: PSK_SCHEMA,
    command: 'generate',
    path: flags.out,
    bits: key.bits,
    form: key.form,
    next: [
      'Bring the same file to the other side over a way that nobody reads, such as scp.',
      'ipsec-kit serve and ipsec-kit connect take it with --psk-file.',
    ],
  };
  const stdout = json ? `${JSON.stringify(report, null, 2)}\n` : reportText(report, key);
  return { stdout, exitCode: ExitCode.ok };
}

function madeOf({ form, bits }: GeneratedPsk): string {
  return `${form}, ${bits} bits drawn at random`;
}

function reportText({ path, next }: PskGenerateReport, key: GeneratedPsk): string {
  return `wrote ${printable(path)}: ${madeOf(key)}\n\nNext:\n${next.map((line) => `  ${line}\n`).join('')}`;
}
