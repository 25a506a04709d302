import { transformName } from '../crypto/registry.js';
import { TransformType } from '../crypto/transform.js';
import type { Transform } from '../ike/wire/types.js';
import {
  type Box,
  type Combination,
  choiceKey,
  combinationKey,
  encloses,
  holds,
  narrowed,
  subtract,
  subtractAll,
  volume,
} from './enumerate-box.js';
import type { Algorithm, AlgorithmKind, Ikev2Facts, PacketNumbers } from './types.js';

const { ENCR, PRF, INTEG, KE } = TransformType;

/** Pieces at which bookkeeping about what is still open gives up: then it counts as open. */
const MAX_PIECES = 4000;

const kinds: Readonly<Record<number, AlgorithmKind>> = {
  [ENCR]: 'encr',
  [PRF]: 'prf',
  [INTEG]: 'integ',
  [KE]: 'ke',
};

/** Which list of algorithms a transform type belongs to. */
export function kindOf(type: number): AlgorithmKind {
  return kinds[type] ?? 'addke';
}

/** A transform with its IANA name. */
export function algorithmOf({ type, id, keyLength }: Transform): Algorithm {
  return { id, ...(keyLength !== undefined && { keyLength }), name: transformName(type, id) };
}

/** A combination that was accepted, with the packets that show it. */
export interface Confirmed {
  combination: Combination;
  packets: PacketNumbers;
}

/**
 * What the answers prove: combinations that were accepted, and boxes that were refused as a whole. All that is reported
 * follows from these, so that nothing passes for refused that was only not heard.
 */
export class Knowledge {
  readonly #confirmed = new Map<string, Confirmed>();
  readonly #accepted = new Map<string, { transform: Transform; packets: PacketNumbers }>();
  #refused: { box: Box; at: number }[] = [];
  #refusals = 0;

  /** @param onAccepted told of each algorithm when it is first seen accepted */
  constructor(private readonly onAccepted: (kind: AlgorithmKind, algorithm: Algorithm) => void = () => {}) {}

  /** How many combinations are known as accepted. */
  get confirmations(): number {
    return this.#confirmed.size;
  }

  get confirmed(): Confirmed[] {
    return [...this.#confirmed.values()];
  }

  get refused(): Box[] {
    return this.#refused.map(({ box }) => box);
  }

  /** Accepted key exchange methods, in the order in which they were found. */
  get groups(): Transform[] {
    return [...this.#accepted.values()].flatMap(({ transform }) =>
      transform.type === KE ? [transform] : [],
    );
  }

  /** The gateway took exactly this. */
  confirm(combination: Combination, packets: PacketNumbers): void {
    const key = combinationKey(combination);
    if (!this.#confirmed.has(key)) this.#confirmed.set(key, { combination, packets });
    for (const transform of combination) this.accept(transform, packets);
  }

  /** The gateway took this in a combination that is not known as a whole. */
  accept(transform: Transform, packets: PacketNumbers): void {
    const key = acceptedKey(transform);
    if (this.#accepted.has(key) || isNone(transform)) return;
    this.#accepted.set(key, { transform, packets });
    this.onAccepted(kindOf(transform.type), algorithmOf(transform));
  }

  /** The gateway took nothing out of these. */
  refuse(boxes: readonly Box[]): void {
    this.#refusals += 1;
    for (const box of boxes) this.#refused.push({ box, at: this.#refusals });
  }

  /** Forgets everything. */
  clear(): void {
    this.#confirmed.clear();
    this.#accepted.clear();
    this.#refused = [];
  }

  /** How many refusals came so far; see {@link distrustSince}. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Forgets what was refused after so many refusals: the gateway refuses what it takes, so they prove nothing. */
  distrustSince(refusals: number): void {
    this.#refused = this.#refused.filter(({ at }) => at <= refusals);
  }

  isAccepted(transform: Transform): boolean {
    return isNone(transform) || this.#accepted.has(acceptedKey(transform));
  }

  isRefused(box: Box): boolean {
    return this.#refused.some((entry) => encloses(entry.box, box));
  }

  /** A confirmed combination in one of the boxes. */
  confirmedIn(boxes: readonly Box[]): Combination | undefined {
    const large = boxes.filter((box) => volume(box) > 1);
    for (const box of boxes) {
      if (volume(box) > 1) continue;
      const single = this.#confirmed.get(combinationKey(box.map(({ choices }) => choices[0]!)));
      if (single !== undefined) return single.combination;
    }
    if (large.length === 0) return undefined;
    return this.confirmed.find(({ combination }) => large.some((box) => holds(box, combination)))
      ?.combination;
  }

  /** The part of a class that has accepted algorithms only; undefined when there is none. */
  hull(box: Box): Box | undefined {
    const dimensions = box.map(({ type, choices }) => ({
      type,
      choices: choices.filter((choice) => this.isAccepted(choice)),
    }));
    return dimensions.some(({ choices }) => choices.length === 0) ? undefined : dimensions;
  }

  /** The parts of a class in which every combination has an algorithm that is not known as accepted. */
  beyondHull(box: Box): Box[] {
    const hull = this.hull(box);
    return hull === undefined ? [box] : subtract(box, hull);
  }

  accepted(kind: AlgorithmKind): Algorithm[] {
    return this.#of(kind)
      .map(({ transform }) => algorithmOf(transform))
      .sort(byNumber);
  }

  /** The packets that show each accepted algorithm. */
  evidence(): NonNullable<Ikev2Facts['evidence']> {
    return [...this.#accepted.values()].map(({ transform: { type, id, keyLength }, packets }) => ({
      kind: kindOf(type),
      id,
      ...(keyLength !== undefined && { keyLength }),
      packets,
    }));
  }

  /** Algorithms of these classes that are neither accepted nor refused in everything they could be part of. */
  inconclusive(kind: AlgorithmKind, classes: readonly Box[]): Algorithm[] {
    const open = new Map<string, Algorithm>();
    for (const box of classes) {
      for (const { type, choices } of box.filter((dimension) => kindOf(dimension.type) === kind)) {
        for (const choice of choices) {
          if (this.isAccepted(choice) || open.has(choiceKey(choice))) continue;
          const part = narrowed(box, type, (other) => choiceKey(other) === choiceKey(choice));
          if (part !== undefined && !this.isSettled([part])) open.set(choiceKey(choice), algorithmOf(choice));
        }
      }
    }
    return [...open.values()].sort(byNumber);
  }

  /** Whether every combination of the boxes is confirmed or refused. */
  isSettled(boxes: readonly Box[]): boolean {
    const holes = this.refused.sort((a, b) => volume(b) - volume(a));
    const left = subtractAll(boxes, holes, MAX_PIECES);
    if (left === undefined) return false;
    const combinations = left.reduce((sum, box) => sum + volume(box), 0);
    if (combinations === 0) return true;
    // The pieces do not overlap, so that counting is enough.
    const confirmed = this.confirmed.filter(({ combination }) => left.some((box) => holds(box, combination)));
    return confirmed.length === combinations;
  }

  #of(kind: AlgorithmKind): { transform: Transform; packets: PacketNumbers }[] {
    return [...this.#accepted.values()].filter(({ transform }) => kindOf(transform.type) === kind);
  }
}

/** Additional methods are one list, whichever their place. */
function acceptedKey(transform: Transform): string {
  return `${kindOf(transform.type)} ${choiceKey(transform)}`;
}

/** NONE stands for the absence of an optional transform. */
function isNone({ type, id }: Transform): boolean {
  return id === 0 && kindOf(type) === 'addke';
}

function byNumber(a: Algorithm, b: Algorithm): number {
  return a.id - b.id || (a.keyLength ?? 0) - (b.keyLength ?? 0);
}
