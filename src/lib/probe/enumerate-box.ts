import { TransformType } from '../crypto/transform.js';
import type { Transform } from '../ike/wire/types.js';

/** The transforms of one type that may be chosen from. */
export interface Dimension {
  type: number;
  choices: readonly Transform[];
}

/**
 * Every combination of one choice out of each dimension, as one proposal of an SA payload means it. Dimensions are
 * ordered by type; boxes of the same types are of one class.
 */
export type Box = readonly Dimension[];

/** One transform of each type, ordered by type. */
export type Combination = readonly Transform[];

/** What tells transforms of one type apart. */
export function choiceKey({ id, keyLength }: Transform): string {
  return keyLength === undefined ? `${id}` : `${id}/${keyLength}`;
}

/** What tells combinations apart. */
export function combinationKey(combination: Combination): string {
  return combination.map((transform) => `${transform.type}:${choiceKey(transform)}`).join(' ');
}

export function sameChoice(a: Transform, b: Transform): boolean {
  return a.id === b.id && a.keyLength === b.keyLength;
}

/** How many combinations a box has. */
export function volume(box: Box): number {
  return box.reduce((product, { choices }) => product * choices.length, 1);
}

export function choicesOf(box: Box, type: number): readonly Transform[] {
  return box.find((dimension) => dimension.type === type)?.choices ?? [];
}

/** The box with other choices of one type. */
export function withChoices(box: Box, type: number, choices: readonly Transform[]): Box {
  return box.map((dimension) => (dimension.type === type ? { type, choices } : dimension));
}

/** The part of a box whose choices of one type satisfy a condition; undefined when that is nothing. */
export function narrowed(box: Box, type: number, keep: (choice: Transform) => boolean): Box | undefined {
  const choices = choicesOf(box, type).filter(keep);
  return choices.length === 0 ? undefined : withChoices(box, type, choices);
}

/** The box that holds one combination only. */
export function boxOf(combination: Combination): Box {
  return combination.map((transform) => ({ type: transform.type, choices: [transform] }));
}

export function sameClass(a: Box, b: Box): boolean {
  return a.length === b.length && a.every(({ type }, i) => type === b[i]!.type);
}

export function holds(box: Box, combination: Combination): boolean {
  return (
    box.length === combination.length &&
    box.every(({ type, choices }, i) => {
      const chosen = combination[i]!;
      return chosen.type === type && choices.some((choice) => sameChoice(choice, chosen));
    })
  );
}

/** Whether all of `inner` is in `outer`. */
export function encloses(outer: Box, inner: Box): boolean {
  return (
    sameClass(outer, inner) &&
    inner.every(({ choices }, i) =>
      choices.every((choice) => outer[i]!.choices.some((other) => sameChoice(choice, other))),
    )
  );
}

/**
 * What is left of `box` without `hole`, as boxes that do not overlap: at most one for each dimension. Groups are cut off
 * first, so that the long list of them stands in one piece only.
 */
export function subtract(box: Box, hole: Box): Box[] {
  if (!sameClass(box, hole)) return [box];
  const cuts = box.map(({ type, choices }, i) => {
    const inside = choices.filter((choice) => hole[i]!.choices.some((other) => sameChoice(choice, other)));
    return { type, inside, outside: choices.filter((choice) => !inside.includes(choice)) };
  });
  if (cuts.some(({ inside }) => inside.length === 0)) return [box];
  const left: Box[] = [];
  let rest = box;
  for (const { type, inside, outside } of cuts.sort((a, b) => cutOrder(a.type) - cutOrder(b.type))) {
    if (outside.length > 0) left.push(withChoices(rest, type, outside));
    rest = withChoices(rest, type, inside);
  }
  return left;
}

function cutOrder(type: number): number {
  return type === TransformType.KE ? 0 : type;
}

/** Boxes without holes. Undefined when there are more than `limit` pieces. */
export function subtractAll(boxes: readonly Box[], holes: readonly Box[], limit: number): Box[] | undefined {
  let left = [...boxes];
  for (const hole of holes) {
    left = left.flatMap((box) => subtract(box, hole));
    if (left.length > limit) return undefined;
  }
  return left;
}

/** What `change` makes of each box, without those of which it leaves nothing. */
export function mapBoxes(boxes: readonly Box[], change: (box: Box) => Box | undefined): Box[] {
  return boxes.map(change).filter((box) => box !== undefined);
}
