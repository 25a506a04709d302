import { transforms } from '../crypto/registry.js';
import { type EncrTransform, type KeTransform, TransformType } from '../crypto/transform.js';
import type { Transform } from '../ike/wire/types.js';
import { type Box, choiceKey } from './enumerate-box.js';

const { ENCR, PRF, INTEG, KE, ADDKE1, ADDKE2, ADDKE3 } = TransformType;

/** Key lengths of ciphers that are negotiated with one although the registry names none. */
const oddKeyLengths: Readonly<Record<number, readonly (number | undefined)[]>> = {
  4: [undefined, 128],
  5: [undefined, 128],
  6: [undefined, 128],
  7: [undefined, 128, 192, 256, 448],
  22: [256, 512],
};

/** What gateways commonly take, most common first: sets are offered and halved in this order. */
const common: Readonly<Record<number, readonly string[]>> = {
  [ENCR]: words(
    '20/256 20/128 12/256 12/128 28 20/192 12/192 3 16/256 16/128 18/256 18/128 19/256 19/128 14/256 14/128 15/256 15/128',
    '13/256 13/128 23/256 23/128 23/192 16/192 18/192 19/192 13/192 14/192 15/192 24/256 24/128 24/192',
    '27/256 27/128 27/192 25/256 25/128 25/192 26/256 26/128 26/192',
  ),
  [PRF]: words('5 7 6 2 4 8'),
  [INTEG]: words('12 14 13 2 5 8'),
  [KE]: words('14 31 19 20 21 15 16 2 5 17 18 24 32 28 29 30 36 35 37 26 25 27 23 1 22'),
  [ADDKE1]: words('36 37 35 31 19 20 21 32'),
};

/** What stands in for a second or third additional exchange: the post-quantum methods, for which there are several. */
const laterMethods = [36, 37, 35, 38, 39, 40];
const NONE = 0;

const encr = byLikelihood(ENCR, transforms(ENCR).flatMap(encrChoices));
const prf = byLikelihood(
  PRF,
  transforms(PRF).map(({ id }) => ({ type: PRF, id })),
);
const integ = byLikelihood(
  INTEG,
  transforms(INTEG)
    .filter(({ id }) => id !== 0)
    .map(({ id }) => ({ type: INTEG, id })),
);
const ke = byLikelihood(KE, methods(KE));
const aead = encr.filter(isCombined);
const classic = encr.filter((choice) => !isCombined(choice));

/**
 * Everything that IANA knows, as classes that have to be asked apart: AEADs go without INTEG (RFC 7296 3.3), and one
 * transform of a type that a peer does not know spoils its proposal (3.3.6), so that additional key exchanges
 * (RFC 9370) stand in classes of their own.
 */
export const plainClasses: readonly Box[] = [
  [dimension(ENCR, aead), dimension(PRF, prf), dimension(KE, ke)],
  [dimension(ENCR, classic), dimension(PRF, prf), dimension(INTEG, integ), dimension(KE, ke)],
];

/**
 * The same with one additional key exchange. Without what nobody would combine with one, so that a class fits in one
 * question: ciphers without a specification for IKEv2, and groups that are too weak to add anything.
 */
export const additionalClasses: readonly Box[] = plainClasses.map((box) => [
  ...box.map(({ type, choices }) =>
    dimension(
      type,
      choices.filter((choice) => isCurrent(type, choice)),
    ),
  ),
  dimension(
    ADDKE1,
    byLikelihood(ADDKE1, methods(ADDKE1)).filter((choice) => isCurrent(KE, choice)),
  ),
]);

/** With two or three: NONE makes the third optional (RFC 9370 2.2.1). */
export const furtherClasses: readonly Box[] = additionalClasses.map((box) => [
  ...box,
  dimension(ADDKE2, later(ADDKE2, laterMethods)),
  dimension(ADDKE3, later(ADDKE3, [...laterMethods, NONE])),
]);

/** Whether a cipher does without an INTEG transform. GMAC and the like have an ICV of their own and encrypt nothing. */
export function isCombined({ id }: Transform): boolean {
  const row = transforms(ENCR).find((candidate) => candidate.id === id);
  return row !== undefined && row.kind !== 'cipher' && row.icvBytes > 0;
}

/** Cuts choices into at most `parts` runs of about equal likelihood, taking them to be ordered by it. */
export function cutByLikelihood(choices: readonly Transform[], parts: number): Transform[][] {
  if (choices.length <= parts) return choices.map((choice) => [choice]);
  const weights = choices.map((_, i) => 1 / (i + 1));
  const runs: Transform[][] = [];
  let weightLeft = weights.reduce((sum, weight) => sum + weight, 0);
  let at = 0;
  for (let part = parts; part > 0 && at < choices.length; part--) {
    const share = weightLeft / part;
    const start = at;
    let taken = 0;
    // Every later part needs one choice at least.
    do taken += weights[at++]!;
    while (at < choices.length - (part - 1) && taken + weights[at]! / 2 <= share);
    if (part === 1) at = choices.length;
    runs.push(choices.slice(start, at));
    weightLeft -= taken;
  }
  return runs;
}

/** What somebody who has additional key exchanges may have beside them. */
function isCurrent(type: number, { id }: Transform): boolean {
  if (type === ENCR) return id === 3 || (id >= 12 && id <= 20) || (id >= 23 && id <= 31);
  return type !== KE || (id >= 14 && id <= 21) || id >= 28;
}

function dimension(type: number, choices: readonly Transform[]) {
  return { type, choices };
}

function later(type: number, ids: readonly number[]): Transform[] {
  return ids.map((id) => ({ type, id }));
}

function methods(type: number): Transform[] {
  return transforms(KE)
    .filter(({ id }) => id !== 0)
    .map(({ id }: KeTransform) => ({ type, id }));
}

function encrChoices({ id, keyLengths }: EncrTransform): Transform[] {
  const lengths = oddKeyLengths[id] ?? (keyLengths.length > 0 ? keyLengths : [undefined]);
  return lengths.map((keyLength) => ({ type: ENCR, id, ...(keyLength !== undefined && { keyLength }) }));
}

/** Whether gateways commonly take it. */
export function isCommon(choice: Transform): boolean {
  return common[choice.type]?.includes(choiceKey(choice)) ?? false;
}

function words(...lines: string[]): string[] {
  return lines.join(' ').split(' ');
}

function byLikelihood(type: number, choices: readonly Transform[]): Transform[] {
  const order = common[type] ?? [];
  const rank = (choice: Transform): number => {
    const at = order.indexOf(choiceKey(choice));
    return at < 0 ? order.length : at;
  };
  return [...choices].sort((a, b) => rank(a) - rank(b));
}
