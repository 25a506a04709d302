import { KitError } from '../lib/core/errors.js';

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Timers count milliseconds in 31 bits. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Reads `30s`, `4h`, `1h30m`, `250ms`, `2d`.
 * @param what names the flag in the error
 * @returns milliseconds
 * @throws KitError usage E_DURATION
 */
export function parseDuration(text: string, what: string): number {
  const fail = (reason: string, hint: string): never => {
    throw new KitError('usage', 'E_DURATION', `${what}: ${reason}.`, { hint });
  };
  if (text === '0') return 0;
  if (!/^(\d{1,9}d)?(\d{1,9}h)?(\d{1,9}m)?(\d{1,9}s)?(\d{1,9}ms)?$/.test(text) || text === '') {
    fail(
      `"${text}" is not a duration`,
      'Write a duration as numbers with units, largest first: 250ms, 30s, 5m, 4h, 1h30m.',
    );
  }
  let total = 0;
  for (const [, digits = '0', unit] of text.matchAll(/(\d+)(ms|[smhd])/g)) {
    total += Number(digits) * unitMs[unit as keyof typeof unitMs];
  }
  if (total > LONGEST_MS) fail(`"${text}" is longer than 24 days`, 'Give at most 24 days: 24d.');
  return total;
}

/**
 * A lifetime, where `0` says never.
 * @returns milliseconds, or undefined for never
 */
export function parseLifetime(text: string, what: string): number | undefined {
  return parseDuration(text, what) || undefined;
}
