import type { Guesses } from './guesses.js';

const LOG10_OF_2 = Math.log10(2);

/**
 * Judges a binary key: eight bits a byte, less where the bytes follow a pattern. Repeating, counting and using few
 * values are recognised; everything else counts as drawn at random.
 */
export function guessBytes(bytes: Uint8Array): Guesses {
  const unit = bytes.subarray(0, periodOf(bytes));
  const repeats = unit.length < bytes.length;
  const counted = codeLength(unit);
  const bits = counted + (repeats ? Math.log2(bytes.length) : 0);
  const why: string[] = [];
  if (repeats) why.push('the same bytes repeat');
  if (counted < 8 * unit.length) why.push('its bytes follow a pattern: few values, or equal steps');
  if (why.length === 0) why.push(`${bytes.length} bytes without a pattern`);
  // On average half of the keys are tried before the right one.
  return { log10: Math.max(0, bits - 1) * LOG10_OF_2, why };
}

/** Length of the shortest piece whose repetition, the last one perhaps cut short, is all of it. */
function periodOf(bytes: Uint8Array): number {
  for (let period = 1; period <= bytes.length / 2; period++) {
    if (bytes.every((byte, at) => at < period || byte === bytes[at - period])) return period;
  }
  return bytes.length;
}

/** Bits of the shortest of three descriptions: byte by byte, as choices from few values, as steps from few values. */
function codeLength(bytes: Uint8Array): number {
  const steps = bytes.subarray(1).map((byte, at) => byte - (bytes[at] ?? 0));
  return Math.min(8 * bytes.length, fewValues(bytes), 8 + fewValues(steps));
}

/** The values once, then which of them comes at each place. */
function fewValues(bytes: Uint8Array): number {
  const values = new Set(bytes).size;
  return 8 * values + (values === 0 ? 0 : bytes.length * Math.log2(values));
}
