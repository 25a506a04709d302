/** Shorter ones show nothing. */
const SHORTEST = 12;

/** Digits and signs that people write for letters. */
const disguises: Record<string, string> = {
  '0': 'o',
  '1': 'i',
  '!': 'i',
  '3': 'e',
  '4': 'a',
  '@': 'a',
  '5': 's',
  $: 's',
  '7': 't',
};

/**
 * Whether a text looks like letters and digits drawn at random. The estimator counts ten guesses for a character in
 * which it finds no pattern, which is right for words that it does not know and a thousandfold wrong for `pwgen -s`.
 * Drawn text of both cases changes between small letters, capitals and the rest at every second character, and has as
 * many capitals as small letters; words, also in CamelCase and with digits for letters, do not.
 */
export function looksDrawn(text: string): boolean {
  if (text.length < SHORTEST) return false;
  const undisguised = [...text].map((character) => disguises[character] ?? character);
  const letters = [...text].filter((character) => /[A-Za-z]/.test(character));
  const capitals = letters.filter((character) => /[A-Z]/.test(character)).length / letters.length;
  return (
    capitals >= 0.3 &&
    capitals <= 0.7 &&
    changes(undisguised) >= 0.35 &&
    // Whoever changes at each character does so on purpose.
    changes([...text]) <= 0.85
  );
}

/** How many neighbours are of different kinds, as a share of all. */
function changes(characters: readonly string[]): number {
  const kinds = characters.map((character) => {
    if (/[a-z]/.test(character)) return 'small';
    if (/[A-Z]/.test(character)) return 'capital';
    return /[0-9]/.test(character) ? 'digit' : 'sign';
  });
  return kinds.filter((kind, at) => at > 0 && kind !== kinds[at - 1]).length / (kinds.length - 1);
}
