import { encrTransform, keTransform } from '../crypto/registry.js';
import { TransformType } from '../crypto/transform.js';
import type { Transform } from '../ike/wire/types.js';
import { isImplemented } from './enumerate.js';
import { type Box, choicesOf, volume, withChoices } from './enumerate-box.js';
import { algorithmOf, type Knowledge } from './enumerate-knowledge.js';
import { proposalBytes } from './enumerate-question.js';
import { isCombined, plainClasses } from './enumerate-universe.js';
import type { Suite } from './types.js';

const { ENCR, PRF, INTEG, KE } = TransformType;

/** How many of the likeliest ciphers, PRFs and integrity algorithms the first offer holds. */
const COMMON: Readonly<Record<number, number>> = { [ENCR]: 14, [PRF]: 7, [INTEG]: 7 };
const COMMON_GROUPS = 25;

/** What nobody should use: RFC 8247 advises against it or is silent about something this old or small. */
const weak: Readonly<Record<number, readonly number[]>> = {
  [ENCR]: [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 22],
  [PRF]: [1, 2, 3],
  [INTEG]: [1, 2, 3, 4, 6, 7],
  [KE]: [1, 2, 5, 22, 23, 24, 25, 26, 27],
};

export function isWeak({ type, id }: Transform): boolean {
  return weak[type]?.includes(id) ?? false;
}

/** The order in which a careful client offers: strong first, so that a weak choice is the gateway's own. */
export function strongFirst(transforms: readonly Transform[]): Transform[] {
  return [...transforms].sort(
    (a, b) => a.type - b.type || Number(isWeak(a)) - Number(isWeak(b)) || strength(b) - strength(a),
  );
}

/** Strength in bits, near enough to put transforms of one type in order; AEADs before others. */
function strength({ type, id, keyLength }: Transform): number {
  switch (type) {
    case ENCR: {
      const row = encrTransform(id);
      return (
        (isCombined({ type, id }) ? 1000 : 0) + (keyLength ?? row?.fixedKeyLength ?? 0) + (row?.icvBytes ?? 0)
      );
    }
    case PRF:
    case INTEG:
      // Hashes by their numbers: SHA-2 in ascending order, then what is built on AES-128.
      return id === 4 || id === 5 || id === 8 ? (type === PRF && id === 5 ? 5 : 0) : id;
    default:
      return keTransform(id)?.strength ?? 0;
  }
}

/**
 * Everything in common use that we can use ourselves, so that the SA can be cleared again, as one offer.
 * @param room bytes that the proposals may take
 */
export function commonOffer(room: number): Transform[][] {
  for (let groups = COMMON_GROUPS; ; groups--) {
    const boxes = plainClasses.map((box) =>
      box.reduce<Box>(
        (left, { type, choices }) =>
          withChoices(left, type, choices.slice(0, COMMON[type] ?? groups).filter(isImplemented)),
        box,
      ),
    );
    if (groups === 1 || bytesOf(boxes) <= room) return boxes.map(proposalOf);
  }
}

/** Everything that is known to be accepted, as one offer; what is not common goes first when there is no room. */
export function acceptedOffer(knowledge: Knowledge, classes: readonly Box[], room: number): Transform[][] {
  let boxes = classes.flatMap((box) => {
    const hull = knowledge.hull(box);
    return hull !== undefined && knowledge.confirmedIn([box]) !== undefined ? [hull] : [];
  });
  while (bytesOf(boxes) > room && boxes.some((box) => volume(box) > 1)) {
    const longest = boxes
      .flat()
      .reduce((most, next) => (next.choices.length > most.choices.length ? next : most));
    boxes = boxes.map((box) =>
      box.map((dimension) =>
        dimension === longest ? { ...dimension, choices: dimension.choices.slice(0, -1) } : dimension,
      ),
    );
  }
  return boxes.map(proposalOf);
}

/** A combination with names. */
export function suiteOf(combination: readonly Transform[]): Suite {
  const of = (type: number): Transform | undefined =>
    combination.find((transform) => transform.type === type);
  const named = (type: number) => algorithmOf(of(type) ?? { type, id: 0 });
  const integ = of(INTEG);
  const additional = combination.filter(({ type, id }) => type >= TransformType.ADDKE1 && id !== 0);
  return {
    encr: named(ENCR),
    prf: named(PRF),
    ...(integ !== undefined && integ.id !== 0 && { integ: algorithmOf(integ) }),
    ke: named(KE),
    ...(additional.length > 0 && { addke: additional.map(algorithmOf) }),
  };
}

function proposalOf(box: Box): Transform[] {
  return box.flatMap(({ type }) => strongFirst(choicesOf(box, type)));
}

function bytesOf(boxes: readonly Box[]): number {
  return boxes.reduce((sum, box) => sum + proposalBytes(box), 0);
}
