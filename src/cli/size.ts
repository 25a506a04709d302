import { KitError } from '../lib/core/errors.js';

const units = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 } as const;

/** Less would be a rekey every few packets. */
const LEAST = 64 * units.K;
/** More than a counter of bytes can tell, and than any cipher is good for. */
const MOST = 4096 * units.T;

/**
 * Reads how many bytes a key may protect: `500M`, `1G`, `2GiB`; units are powers of 1024. `0` sets no limit.
 * @param what names the flag in the error
 * @returns bytes, or undefined for no limit
 * @throws KitError usage E_SIZE
 */
export function parseByteLifetime(text: string, what: string): number | undefined {
  const fail = (reason: string, hint: string): never => {
    throw new KitError('usage', 'E_SIZE', `${what}: ${reason}.`, { hint });
  };
  const [, digits, unit] = /^(\d{1,16})([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  if (digits === undefined || unit === undefined) {
    return fail(`"${text}" is not a size`, 'Write a size as a whole number with a unit: 500M, 1G.');
  }
  const bytes = Number(digits) * units[unit.toUpperCase() as keyof typeof units];
  if (bytes !== 0 && bytes < LEAST)
    return fail(`"${text}" is too little`, 'Give at least 64K, or 0 for no limit.');
  if (bytes > MOST) return fail(`"${text}" is too much`, 'Give at most 4096T, or 0 for no limit.');
  return bytes || undefined;
}
