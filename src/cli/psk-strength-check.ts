import type { ChalkInstance } from 'chalk';
import { ExitCode } from '../lib/core/errors.js';
import { estimatePsk } from '../lib/psk/strength.js';
import { type HoldReport, PSK_SCHEMA, type PskCheckReport } from '../lib/report/psk.schema.js';
import { paintFor } from './paint.js';
import { readPsk } from './psk.js';
import type { PskOutcome } from './psk-strength-command.js';
import type { PskOutputFlags } from './psk-strength-flags.js';

/** Flags of `psk check` as the parser yields them. */
export interface PskCheckFlags extends PskOutputFlags {
  'psk-file'?: string | undefined;
  'psk-stdin': boolean;
  'insecure-permissions': boolean;
  related?: string[] | undefined;
  'fail-on': 'weak' | 'fair' | 'never';
}

/** Verdicts that each --fail-on calls a finding. */
const findings: Record<PskCheckFlags['fail-on'], readonly string[]> = {
  never: [],
  weak: ['weak'],
  fair: ['weak', 'fair'],
};

/**
 * Reads a key from where `connect` and `serve` take it, and reports how well it withstands guessing.
 * @throws KitError usage, as readPsk
 */
export async function checkPsk(flags: PskCheckFlags): Promise<PskOutcome> {
  const secret = await readPsk({
    file: flags['psk-file'],
    stdin: flags['psk-stdin'],
    insecurePermissions: flags['insecure-permissions'],
  });
  const { suggestion, ...strength } = await estimatePsk(secret, flags.related);
  const ok = !findings[flags['fail-on']].includes(strength.verdict);
  const report: PskCheckReport = {
    schema: PSK_SCHEMA,
    command: 'check',
    ok,
    ...strength,
    ...(suggestion === undefined ? {} : { suggestion }),
  };
  return { stdout: renderCheck(report, flags), exitCode: ok ? ExitCode.ok : ExitCode.findings };
}

function renderCheck(report: PskCheckReport, flags: PskOutputFlags): string {
  if (flags.json || flags.format === 'json') return `${JSON.stringify(report, null, 2)}\n`;
  const paint = paintFor(process.stdout, flags.color);
  const { verdict, offline, why, suggestion } = report;
  const rows: [name: string, value: string][] = [
    ['verdict', verdictPaint(verdict, paint)(verdict)],
    ['one card', holdText(offline.gpu)],
    ['a hundred', holdText(offline.cluster)],
    ...why.map((phrase, at): [string, string] => [at === 0 ? 'because' : '', phrase]),
  ];
  const advice = suggestion === undefined ? '' : `\n${suggestion}\n`;
  return `${rows.map(([name, value]) => `${name.padEnd(10)} ${value}\n`).join('')}${advice}`;
}

function verdictPaint(verdict: PskCheckReport['verdict'], paint: ChalkInstance): ChalkInstance {
  return { weak: paint.red, fair: paint.yellow, strong: paint.green }[verdict];
}

function holdText({ text, guessesPerSecond }: HoldReport): string {
  return `${text}, at 10^${Math.log10(guessesPerSecond)} guesses a second`;
}
