/** What JSON.stringify leaves as it is and a terminal may obey: DEL, C1 controls, formatting and separators. */
const UNSAFE = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** JSON whose text, which gateways had a part in, does nothing to a terminal. */
export function jsonText(value: unknown, space = 0): string {
  return JSON.stringify(value, null, space).replace(UNSAFE, escaped);
}

/** JSON text with the members of an object or list so many steps of two spaces further in. */
export function indented(value: unknown, steps: number): string {
  return jsonText(value, 2).replaceAll('\n', `\n${'  '.repeat(steps)}`);
}

/** Each UTF-16 unit as `\uNNNN` (RFC 8259 7). */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
