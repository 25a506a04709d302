/** Reads values whose shape is only known by convention; what does not fit becomes empty. */

/** Texts of peers that are longer say nothing more to a reader. */
const MAX_TEXT = 512;

export function text(value: unknown): string {
  if (typeof value === 'string') return value.length > MAX_TEXT ? value.slice(0, MAX_TEXT) : value;
  return typeof value === 'number' ? String(value) : '';
}

export function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

export function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

export function list(value: unknown, most: number): readonly unknown[] {
  if (!Array.isArray(value)) return [];
  return value.length > most ? value.slice(0, most) : value;
}
