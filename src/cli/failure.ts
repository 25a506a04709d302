import { ExitCode, KitError } from '../lib/core/errors.js';
import { printable } from '../lib/core/printable.js';

/** What a user is told when a command fails. */
export interface Failure {
  exitCode: number;
  /** Stable code, `E_…`. */
  code: string;
  /** One sentence. */
  message: string;
  /** What to do next. */
  hint?: string | undefined;
  /** Where it happened; only for our own mistakes and only with IPSEC_KIT_DEBUG or DEBUG set. */
  stack?: string | undefined;
}

interface OclifError extends Error {
  oclif: { exit?: number };
  code?: string;
}

function isOclifError(error: unknown): error is OclifError {
  return error instanceof Error && 'oclif' in error && typeof error.oclif === 'object';
}

/** oclif ends `--help` and `--version` inside a command by throwing. */
export function isQuietExit(error: unknown): boolean {
  return isOclifError(error) && error.code === 'EEXIT';
}

/** Sorts any thrown value into the taxonomy. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof KitError) {
    return {
      exitCode: error.exitCode,
      code: error.code,
      message: error.message,
      hint: error.hint,
      stack: error.kind === 'bug' ? debugStack(error) : undefined,
    };
  }
  if (isQuietExit(error)) {
    return { exitCode: (error as OclifError).oclif.exit ?? ExitCode.ok, code: 'E_EXIT', message: '' };
  }
  if (isOclifError(error)) return usageFailure(error.message);
  if (error instanceof Error && error.name === 'ExitPromptError') {
    return { exitCode: ExitCode.interrupted, code: 'E_INTERRUPTED', message: 'Interrupted.' };
  }
  return {
    exitCode: ExitCode.bug,
    code: 'E_BUG',
    // The text of an unknown exception may quote data, so only its type is shown.
    message: `Internal error (${error instanceof Error ? error.name : typeof error}).`,
    hint: 'This is a mistake in ipsec-kit; run again with IPSEC_KIT_DEBUG=1 to see where, and report it.',
    stack: debugStack(error),
  };
}

/** oclif's parser writes several lines and its own advice; one sentence is left. */
function usageFailure(text: string): Failure {
  const message = text
    .replace(/\n?See more help with --help/g, '')
    .replace(/\s*Note: --[\s\S]*$/, '')
    .replace(/^Parsing (--[\w-]+)\s+/, '$1: ')
    .replace(
      /^command (\S+) not found$/,
      (_, id: string) => `There is no command "${id.split(':').join(' ')}"`,
    )
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
  return {
    exitCode: ExitCode.usage,
    code: 'E_USAGE',
    message: /[.!?]$/.test(message) ? message : `${message}.`,
    hint: 'Add --help to see the flags and examples.',
  };
}

function debugStack(error: unknown): string | undefined {
  const wanted = process.env.IPSEC_KIT_DEBUG || process.env.DEBUG;
  return wanted && error instanceof Error ? error.stack : undefined;
}

/** The sentence with its code, and the hint. */
export function failureText(failure: Failure): string {
  const lines = [`error: ${printable(failure.message).replace(/\.$/, '')} (${failure.code})`];
  if (failure.hint !== undefined) lines.push(`hint: ${printable(failure.hint)}`);
  if (failure.stack !== undefined) lines.push(failure.stack);
  return `${lines.join('\n')}\n`;
}
