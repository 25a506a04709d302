import { TransformType } from '../crypto/transform.js';
import type { Transform } from '../ike/wire/types.js';
import type { Explorer } from './enumerate.js';
import {
  type Box,
  boxOf,
  type Combination,
  choiceKey,
  choicesOf,
  narrowed,
  sameChoice,
  subtractAll,
  withChoices,
} from './enumerate-box.js';

const { KE } = TransformType;

/** Questions that wait at once; the asker keeps fewer in flight. */
const AT_ONCE = 4;
/** Pieces of a box without its confirmed combinations, up to which one question asks for all of them. */
const MAX_PIECES = 24;

/**
 * Confirms combinations of algorithms that were named. A class is taken for a product first: in one, every pair of
 * ciphers, PRFs and integrity algorithms occurs, and so does every group. When something in it is refused, what is not
 * confirmed yet is asked for as a whole, and when that holds more, the box is cut where acceptance ends.
 */
export class SuiteLister {
  constructor(
    private readonly explorer: Explorer,
    private readonly mode: 'pairwise' | 'exact',
  ) {}

  /** @param classes of which the algorithms are named */
  async list(classes: readonly Box[]): Promise<void> {
    for (const box of classes) {
      const hull = this.explorer.knowledge.hull(box);
      if (hull !== undefined && this.explorer.knowledge.confirmedIn([box]) !== undefined)
        await this.#list(hull);
    }
  }

  async #list(box: Box): Promise<void> {
    const { explorer } = this;
    const { knowledge } = explorer;
    const refused = await this.#confirm(box);
    if (refused === undefined) return;
    const confirmed = knowledge.confirmed.map(({ combination }) => boxOf(combination));
    const left = subtractAll([box], [...knowledge.refused, ...confirmed], MAX_PIECES);
    if (left !== undefined) {
      const more = await explorer.accepts(left);
      if (more.verdict === 'rejected') return;
      if (more.verdict === 'accepted' && more.known === undefined) await explorer.reveal(more.boxes);
    }
    const base = knowledge.confirmedIn([box]) ?? (await this.#any(box));
    if (base === undefined) return;
    for (const part of await this.#cut(box, base, refused)) await this.#list(part);
  }

  /** Asks for the combinations that stand for a product. @returns one that was refused */
  async #confirm(box: Box): Promise<Combination | undefined> {
    const { explorer } = this;
    const plan = this.mode === 'exact' ? combinations(box) : pairwise(box, this.#known(box));
    let refused: Combination | undefined;
    const work = async (): Promise<void> => {
      for (const combination of plan) {
        if (refused !== undefined) return;
        const outcome = await explorer.accepts([boxOf(combination)]);
        if (outcome.verdict === 'rejected') refused = combination;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return refused;
  }

  #known(box: Box): Combination[] {
    return this.explorer.knowledge.confirmed
      .map(({ combination }) => combination)
      .filter((combination) => subtractAll([boxOf(combination)], [box], 1)?.length === 0);
  }

  async #any(box: Box): Promise<Combination | undefined> {
    const outcome = await this.explorer.accepts([box]);
    if (outcome.verdict !== 'accepted') return undefined;
    return outcome.known ?? this.explorer.reveal(outcome.boxes);
  }

  /**
   * Two boxes out of one: walks from an accepted combination to a refused one, and parts the choices of the type at which
   * acceptance ends.
   */
  async #cut(box: Box, base: Combination, refused: Combination): Promise<Box[]> {
    let at = base;
    for (const [i, { type, choices }] of box.entries()) {
      const next = at.map((transform, j) => (j === i ? refused[i]! : transform));
      const outcome = await this.explorer.accepts([boxOf(next)]);
      if (outcome.verdict === 'accepted') {
        at = next;
        continue;
      }
      const taken: Transform[] = [];
      for (const choice of choices) {
        const line = withChoices(boxOf(at), type, [choice]);
        if ((await this.explorer.accepts([line])).verdict === 'accepted') taken.push(choice);
      }
      const isTaken = (choice: Transform): boolean => taken.some((other) => sameChoice(other, choice));
      return [narrowed(box, type, isTaken), narrowed(box, type, (choice) => !isTaken(choice))].filter(
        (part) => part !== undefined,
      );
    }
    return [];
  }
}

/** Every combination of a box. */
function* combinations(box: Box): Generator<Combination> {
  const [first, ...others] = box;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const choice of first.choices) {
    for (const rest of combinations(others)) yield [choice, ...rest];
  }
}

/**
 * Combinations in which every pair of choices occurs, groups aside: these take turns, and each occurs at least once.
 * @param known combinations that need not be asked for again
 */
export function* pairwise(box: Box, known: readonly Combination[]): Generator<Combination> {
  const paired = box.map(({ type }, i) => ({ type, i })).filter(({ type }) => type !== KE);
  const uncovered = new Set<string>();
  const key = (i: number, a: Transform, j: number, b: Transform): string =>
    `${i}:${choiceKey(a)} ${j}:${choiceKey(b)}`;
  const pairsOf = (combination: Combination): string[] =>
    paired.flatMap(({ i }, n) =>
      paired.slice(n + 1).map(({ i: j }) => key(i, combination[i]!, j, combination[j]!)),
    );
  for (const [n, { i, type }] of paired.entries()) {
    for (const { i: j, type: other } of paired.slice(n + 1)) {
      for (const a of choicesOf(box, type))
        for (const b of choicesOf(box, other)) uncovered.add(key(i, a, j, b));
    }
  }
  const turns = new Map(choicesOf(box, KE).map((group) => [choiceKey(group), { group, uses: 0 }]));
  const cover = (combination: Combination): void => {
    for (const pair of pairsOf(combination)) uncovered.delete(pair);
    const group = combination.find(({ type }) => type === KE);
    const turn = group && turns.get(choiceKey(group));
    if (turn !== undefined) turn.uses += 1;
  };
  known.forEach(cover);
  for (;;) {
    const group = [...turns.values()].sort((a, b) => a.uses - b.uses)[0];
    const [open] = uncovered;
    if (open === undefined && group?.uses !== 0) return;
    const combination = richest(
      box,
      group?.group,
      (candidate) => pairsOf(candidate).filter((pair) => uncovered.has(pair)).length,
    );
    yield combination;
    cover(combination);
  }
}

/** A combination with this group that covers much: each type in turn takes the choice with which most is gained. */
function richest(
  box: Box,
  group: Transform | undefined,
  gain: (candidate: Combination) => number,
): Combination {
  const start = box.map(({ type, choices }) => (type === KE && group !== undefined ? group : choices[0]!));
  let best: Combination = start;
  let bestGain = -1;
  for (const [i, { type, choices }] of box.entries()) {
    if (type === KE) continue;
    for (const choice of choices) {
      const candidate = climb(
        box,
        best.map((transform, j) => (j === i ? choice : transform)),
        i,
        gain,
      );
      const candidateGain = gain(candidate);
      if (candidateGain > bestGain) {
        best = candidate;
        bestGain = candidateGain;
      }
    }
  }
  return best;
}

/** The candidate with the best choices of all types but one and the group, one after the other. */
function climb(
  box: Box,
  from: Combination,
  fixed: number,
  gain: (candidate: Combination) => number,
): Combination {
  let best = from;
  for (const [i, { type, choices }] of box.entries()) {
    if (type === KE || i === fixed) continue;
    for (const choice of choices) {
      const candidate = best.map((transform, j) => (j === i ? choice : transform));
      if (gain(candidate) > gain(best)) best = candidate;
    }
  }
  return best;
}
