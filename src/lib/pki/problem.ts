/** Something wrong with a certificate or its chain. */
export interface Problem {
  /** Stable code, `E_…`; warnings have it too, as `W_…`. */
  code: `E_${string}` | `W_${string}`;
  /** One sentence. */
  message: string;
  /** What to do about it. */
  hint?: string;
}

/** A problem, with a hint when there is one. */
export function problem(code: Problem['code'], message: string, hint?: string): Problem {
  return { code, message, ...(hint !== undefined && { hint }) };
}

/** `2027-03-01 12:00 UTC`. */
export function dateText(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** Whole days between two dates, at least 0. */
export function daysBetween(from: Date | number, to: Date | number): number {
  return Math.max(0, Math.floor((Number(to) - Number(from)) / 86_400_000));
}
