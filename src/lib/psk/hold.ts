/**
 * How fast a pre-shared key is guessed offline.
 *
 * A client proves the key with AUTH = prf(prf(key, "Key Pad for IKEv2"), octets) (RFC 7296 2.15), and sends it to
 * whoever answered its IKE_SA_INIT, before the gateway has proved anything. A rogue gateway knows the octets and
 * tries keys on its own: with HMAC-SHA-256 four compressions for the inner prf and, because its result is the key of
 * the outer one, three more and one for each 64 bytes of octets: twelve to seventeen in all.
 *
 * Published hashcat benchmarks: an RTX 3090 makes 9.7e9 SHA-256 a second, 1.9e9 HMAC-SHA-256 with the guess as key
 * (mode 1450), and 1.15e9 guesses at IKEv1's key with SHA-1 (mode 5400, the nearest to ours); an RTX 4090 makes 21.5e9
 * SHA-256, which leaves 1.3e9 to 1.8e9 of ours. So 1e9 is one graphics card within a factor of three, whichever prf
 * the rogue chooses, and a hundred of them can be rented by anybody.
 */
const GRAPHICS_CARD = 1e9;
const CLUSTER = 100 * GRAPHICS_CARD;

const DAY = 86_400;
const YEAR = 365.25 * DAY;

/** Below this many guesses one graphics card is done within thirty days. */
export const WEAK_BELOW_LOG10 = Math.log10(30 * DAY * GRAPHICS_CARD);
/** From this many guesses on a cluster takes more than a century. */
export const STRONG_FROM_LOG10 = Math.log10(100 * YEAR * CLUSTER);

/** How long a key holds against one attacker who guesses offline. */
export interface Hold {
  /** Keys tried a second. */
  guessesPerSecond: number;
  /** Until the key is found. */
  seconds: number;
  /** The same in words: "about 3 days". */
  text: string;
}

/** How long a key holds against one graphics card, and against a hundred. */
export function offlineHold(guessesLog10: number): { gpu: Hold; cluster: Hold } {
  const against = (guessesPerSecond: number): Hold => {
    const seconds = 10 ** guessesLog10 / guessesPerSecond;
    return { guessesPerSecond, seconds, text: inWords(seconds) };
  };
  return { gpu: against(GRAPHICS_CARD), cluster: against(CLUSTER) };
}

const units: [name: string, seconds: number][] = [
  ['year', YEAR],
  ['month', YEAR / 12],
  ['day', DAY],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/** An estimate deserves no more than two digits. */
function inWords(seconds: number): string {
  if (seconds < 1) return 'less than a second';
  if (seconds >= 1e6 * YEAR) return 'more than a million years';
  const [name, size] = units.find(([, unit]) => seconds >= unit) ?? ['second', 1];
  const count = Number((seconds / size).toPrecision(2));
  return `about ${count.toLocaleString('en-US')} ${name}${count === 1 ? '' : 's'}`;
}
