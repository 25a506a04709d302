import { transformName, transforms } from './registry.js';
import { type TransformRow, TransformType } from './transform.js';

/** What a proposal keyword stands for; `keyLength` in bits where the transform has a Key Length attribute. */
export interface KeywordTransform {
  type: number;
  id: number;
  keyLength?: number;
}

/** Other spellings that strongSwan takes: ICV lengths in bits, a missing ICV length, older names. */
const aliases: readonly (readonly [alias: RegExp, keyword: string])[] = [
  [/^(aes|camellia|blowfish)$/, '$1128'],
  [/^((?:aes|camellia)\d{3}(?:gcm|ccm))64$/, '$18'],
  [/^((?:aes|camellia)\d{3}(?:gcm|ccm))96$/, '$112'],
  [/^((?:aes|camellia)\d{3}(?:gcm|ccm))128$/, '$116'],
  [/^((?:aes|camellia)\d{3}(?:gcm|ccm))$/, '$116'],
  [/^sha$/, 'sha1'],
  [/^sha2_(256|384|512)$/, 'sha$1'],
  [/^none$/, 'modpnone'],
  [/^curve(25519|448)$/, 'x$1'],
];

const byKeyword: ReadonlyMap<string, KeywordTransform> = new Map(
  [TransformType.ENCR, TransformType.PRF, TransformType.INTEG, TransformType.KE, TransformType.ESN]
    .flatMap((type) => transforms(type))
    .flatMap(keywordsOf),
);

/** Every keyword in its canonical spelling. */
export const keywords: readonly string[] = [...byKeyword.keys()];

/** The transform behind a strongSwan proposal keyword; undefined for an unknown word. */
export function parseKeyword(word: string): KeywordTransform | undefined {
  const lower = word.toLowerCase();
  const canonical = aliases.find(([alias]) => alias.test(lower));
  return byKeyword.get(canonical ? lower.replace(canonical[0], canonical[1]) : lower);
}

/** The canonical keyword of a transform; where strongSwan has none, its IANA name in lower case. */
export function formatKeyword({ type, id, keyLength }: KeywordTransform): string {
  const keyword = transforms(type).find((row) => row.id === id)?.keyword;
  if (keyword !== undefined)
    return keyword.replace('{bits}', keyLength === undefined ? '' : String(keyLength));
  const name = transformName(type, id).toLowerCase().replaceAll('-', '_').replaceAll(' ', '_');
  return keyLength === undefined ? name : `${name}_${keyLength}`;
}

/** Keywords that look like `word`, nearest first: for "did you mean". */
export function similarKeywords(word: string): string[] {
  const lower = word.toLowerCase();
  return keywords
    .map((keyword) => ({ keyword, distance: editDistance(lower, keyword) }))
    .filter(({ distance }) => distance <= 2)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ keyword }) => keyword);
}

function keywordsOf(row: TransformRow): [string, KeywordTransform][] {
  const { keyword, type, id } = row;
  if (keyword === undefined) return [];
  if (row.type !== TransformType.ENCR || row.keyLengths.length === 0) return [[keyword, { type, id }]];
  return row.keyLengths.map((bits) => [
    keyword.replace('{bits}', String(bits)),
    { type, id, keyLength: bits },
  ]);
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replace, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
