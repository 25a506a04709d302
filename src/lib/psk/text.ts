import type { MatchExtended, ZxcvbnFactory } from '@zxcvbn-ts/core';
import { looksDrawn } from './drawn.js';
import type { Guesses } from './guesses.js';
import { vpnWords } from './known.js';

/** The time that pattern matching takes grows faster than the text. More characters do not make a key easier. */
const LONGEST_JUDGED = 64;

/**
 * Readings of digits and signs as letters that are tried. All at once comes first, and is what people do; the usual
 * hundred find no more and take six times as long.
 */
const DISGUISES_TRIED = 16;

/**
 * What a character of a drawn key counts as, in powers of ten: 32 possibilities, fewer than the 62 letters and digits,
 * because "looks drawn" is a guess too.
 */
const DRAWN_CHARACTER_LOG10 = 1.5;

let matcher: Promise<ZxcvbnFactory> | undefined;

/** The dictionaries take a quarter of a second to load, which only a key that is text has to pay, and only once. */
async function loadMatcher(): Promise<ZxcvbnFactory> {
  const [{ ZxcvbnFactory }, common, english] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ]);
  return new ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary, vpn: vpnWords },
    graphs: common.adjacencyGraphs,
    maxLength: LONGEST_JUDGED,
    l33tMaxSubstitutions: DISGUISES_TRIED,
  });
}

/**
 * Judges a key that is text: words, names, dates, keyboard runs, repetitions and sequences are found.
 * @param related words that an attacker would try first; domain names and addresses also by their parts
 */
export async function guessText(text: string, related: readonly string[]): Promise<Guesses> {
  matcher ??= loadMatcher();
  const judged = text.slice(0, LONGEST_JUDGED);
  const words = related.flatMap((name) => [name, ...name.split(/[^\p{L}\p{N}]+/u)]);
  const { guessesLog10, sequence } = (await matcher).check(
    judged,
    words.filter((word) => word.length > 2),
  );
  const drawn = looksDrawn(judged);
  const log10 = drawn ? Math.max(guessesLog10, drawnLog10(sequence)) : guessesLog10;
  const why = describe(sequence, judged.length);
  if (why.length === 0) {
    why.push(
      drawn
        ? 'looks drawn at random'
        : 'no known pattern, counted as ten guesses a character like anything that people make up',
    );
  }
  if (text.length > judged.length) why.push(`only its first ${LONGEST_JUDGED} characters are judged`);
  return { log10, why };
}

/** The found pieces at what they cost, the rest as drawn. */
function drawnLog10(sequence: readonly MatchExtended[]): number {
  return sequence.reduce(
    (sum, { pattern, token, guessesLog10 }) =>
      sum + (pattern === 'bruteforce' ? token.length * DRAWN_CHARACTER_LOG10 : Number(guessesLog10)),
    0,
  );
}

/** What was found, unless it is little: some short word turns up in any long text. */
function describe(sequence: readonly MatchExtended[], length: number): string[] {
  const found = sequence.flatMap((match) => {
    const telling = match.token.length > 3 || ['vpn', 'userInputs'].includes(String(match.dictionaryName));
    const phrase = telling ? describeMatch(match) : undefined;
    return phrase === undefined ? [] : [{ phrase, length: match.token.length }];
  });
  const covered = found.reduce((sum, match) => sum + match.length, 0);
  return covered < length / 3 ? [] : [...new Set(found.map(({ phrase }) => phrase))];
}

/** A match in words, without what was matched. */
function describeMatch(match: MatchExtended): string | undefined {
  switch (match.pattern) {
    case 'dictionary':
      return describeWord(match);
    case 'wordSequence':
      return 'words in their usual order';
    case 'spatial':
      return 'neighbouring keys of a keyboard';
    case 'repeat':
      return 'repeated characters or words';
    case 'sequence':
      return 'letters or digits in order';
    case 'date':
      return 'a date';
    case 'regex':
      return 'a year';
    default:
      return undefined;
  }
}

function describeWord({ dictionaryName, l33t, reversed }: MatchExtended): string {
  const disguise = `${l33t ? ', with digits or signs for letters' : ''}${reversed ? ', reversed' : ''}`;
  return `${wordKind(String(dictionaryName))}${disguise}`;
}

function wordKind(dictionary: string): string {
  if (dictionary.startsWith('passwords')) return 'a common password';
  if (/^(first|last)names/.test(dictionary)) return 'a name of persons';
  if (dictionary === 'userInputs') return 'a name of this connection';
  if (dictionary === 'vpn') return 'a word of VPN configurations';
  return 'a dictionary word';
}
