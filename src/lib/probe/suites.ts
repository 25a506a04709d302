import { TransformType } from '../crypto/transform.js';
import type { Transform } from '../ike/wire/types.js';
import type { Explorer } from './enumerate.js';
import {
  type Box,
  boxOf,
  type Combination,
  choiceKey,
  choicesOf,
  holds,
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
/** Pairs that are asked for at most: a gateway that takes everything has more than anybody wants to wait for. */
const MAX_PAIRS = 155;

/**
 * Confirms combinations of algorithms that were named. A class is taken for a product first: in one, every pair of
 * ciphers, PRFs and integrity algorithms occurs, and so does every group. When something in it is refused, what is not
 * confirmed yet is asked for as a whole, and when that holds more, the box is cut where acceptance ends.
 */
export class SuiteLister {
  #allowance: number;
  #ranOut = false;

  constructor(
    private readonly explorer: Explorer,
    private readonly mode: 'pairwise' | 'exact',
  ) {
    this.#allowance = mode === 'exact' ? Number.POSITIVE_INFINITY : MAX_PAIRS;
  }

  /** Why not every pair was asked for, in a sentence. */
  get limit(): string | undefined {
    if (!this.#ranOut) return undefined;
    return 'Not every pair of algorithms was asked for, because there are so many: only exact suites would confirm them all.';
  }

  /** @param classes of which the algorithms are named */
  async list(classes: readonly Box[]): Promise<void> {
    const hulls = classes.flatMap((box) => {
      const hull = this.explorer.knowledge.hull(box);
      return hull !== undefined && this.explorer.knowledge.confirmedIn([box]) !== undefined ? [hull] : [];
    });
    // Each class gets its share of the questions that may be asked.
    const plans = hulls.map((hull) => ({ hull, pairs: openPairs(hull, this.#known(hull)) }));
    let left = plans.reduce((sum, { pairs }) => sum + pairs, 0);
    for (const { hull, pairs } of plans) {
      const share = left <= this.#allowance ? this.#allowance : Math.floor((this.#allowance * pairs) / left);
      const others = this.#allowance - share;
      this.#allowance = share;
      await this.#list(hull);
      this.#allowance += others;
      left -= pairs;
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
        if (this.#allowance <= 0) {
          this.#ranOut = true;
          return;
        }
        this.#allowance -= 1;
        const outcome = await explorer.accepts([boxOf(combination)]);
        if (outcome.verdict === 'rejected') refused ??= combination;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return refused;
  }

  #known(box: Box): Combination[] {
    return this.explorer.knowledge.confirmed
      .map(({ combination }) => combination)
      .filter((combination) => holds(box, combination));
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

/** Pairs of choices of a box, groups aside, of which some are in a combination already. */
class Pairs {
  readonly #open = new Map<string, Combination>();
  /** How often each choice was in a combination. */
  readonly #uses = new Map<string, number>();
  readonly #types: readonly number[];

  constructor(readonly box: Box) {
    this.#types = box.flatMap(({ type }, i) => (type === KE ? [] : [i]));
    for (const [n, i] of this.#types.entries()) {
      for (const j of this.#types.slice(n + 1)) {
        for (const a of box[i]!.choices) {
          for (const b of box[j]!.choices) this.#open.set(pairKey(a, b), [a, b]);
        }
      }
    }
  }

  get open(): number {
    return this.#open.size;
  }

  /** One of the open pairs. */
  get next(): Combination {
    const [pair = []] = this.#open.values();
    return pair;
  }

  cover(combination: Combination): void {
    for (const pair of this.#pairsOf(combination)) this.#open.delete(pair);
    for (const transform of combination) {
      const key = useKey(transform);
      this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1);
    }
  }

  uses(transform: Transform): number {
    return this.#uses.get(useKey(transform)) ?? 0;
  }

  /** How many open pairs a combination would cover. */
  gain(combination: Combination): number {
    return this.#pairsOf(combination).filter((pair) => this.#open.has(pair)).length;
  }

  #pairsOf(combination: Combination): string[] {
    return this.#types.flatMap((i, n) =>
      this.#types.slice(n + 1).map((j) => pairKey(combination[i]!, combination[j]!)),
    );
  }
}

function useKey(transform: Transform): string {
  return `${transform.type}:${choiceKey(transform)}`;
}

function pairKey(a: Transform, b: Transform): string {
  return `${useKey(a)} ${useKey(b)}`;
}

function openPairs(box: Box, known: readonly Combination[]): number {
  const pairs = new Pairs(box);
  for (const combination of known) pairs.cover(combination);
  return pairs.open;
}

/**
 * Combinations in which every pair of choices occurs, groups aside: these take turns, and each occurs at least once.
 * What was used least comes first, so that the first few say something about everything.
 * @param known combinations that need not be asked for again
 */
export function* pairwise(box: Box, known: readonly Combination[]): Generator<Combination> {
  const pairs = new Pairs(box);
  for (const combination of known) pairs.cover(combination);
  for (;;) {
    const group = leastUsed(pairs, choicesOf(box, KE));
    if (pairs.open === 0 && (group === undefined || pairs.uses(group) > 0)) return;
    const rich = richest(pairs, group);
    const stuck = pairs.open > 0 && pairs.gain(rich) === 0;
    const combination = stuck ? withPair(rich, pairs.next) : rich;
    yield combination;
    pairs.cover(combination);
  }
}

function withPair(combination: Combination, pair: Combination): Combination {
  return combination.map((transform) => pair.find(({ type }) => type === transform.type) ?? transform);
}

function leastUsed(pairs: Pairs, choices: readonly Transform[]): Transform | undefined {
  return [...choices].sort((a, b) => pairs.uses(a) - pairs.uses(b))[0];
}

/** A combination with this group that covers much, with choices that were used little. */
function richest(pairs: Pairs, group: Transform | undefined): Combination {
  const { box } = pairs;
  let best: { combination: Combination; gain: number } | undefined;
  const [first] = box;
  for (const choice of [...(first?.choices ?? [])].sort((a, b) => pairs.uses(a) - pairs.uses(b))) {
    const start = box.map(({ type, choices }) =>
      type === KE && group !== undefined ? group : (leastUsed(pairs, choices) ?? choices[0]!),
    );
    let combination: Combination = start.map((transform, i) => (i === 0 ? choice : transform));
    // One type after the other takes the choice with which most is gained.
    for (const [i, { type, choices }] of box.entries()) {
      if (i === 0 || type === KE) continue;
      for (const other of choices) {
        const candidate = combination.map((transform, j) => (j === i ? other : transform));
        if (pairs.gain(candidate) > pairs.gain(combination)) combination = candidate;
      }
    }
    const gain = pairs.gain(combination);
    if (best === undefined || gain > best.gain) best = { combination, gain };
  }
  return best?.combination ?? [];
}
