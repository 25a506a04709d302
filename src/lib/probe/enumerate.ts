import { encrTransform, integTransform, keTransform, prfTransform } from '../crypto/registry.js';
import { TransformType } from '../crypto/transform.js';
import type { Transform } from '../ike/wire/types.js';
import {
  type Box,
  boxOf,
  type Combination,
  choicesOf,
  combinationKey,
  holds,
  mapBoxes,
  narrowed,
  sameChoice,
  subtract,
  subtractAll,
  volume,
  withChoices,
} from './enumerate-box.js';
import type { Knowledge } from './enumerate-knowledge.js';
import { describeQuestion, type Packing, packQuestions } from './enumerate-question.js';
import { cutByLikelihood, isCommon } from './enumerate-universe.js';
import type { Answer, Question } from './types.js';

const { ENCR, PRF, INTEG, KE } = TransformType;

/** Labels in one question: more proposals would gain little. */
const MAX_LABELS = 16;
/** So many labels split any run: its first choice stands alone. */
const MIN_LABELS = 4;
/** A list of choices this long takes two searches. */
const LONG = 16;
/** Halves of one search that may stay without a clear answer before it is given up. */
const MAX_UNCLEAR = 3;

/** Asks one question; resolves with what the gateway said. */
export type Ask = (question: Question) => Promise<Answer>;

/** What asking for boxes led to. `boxes`: one of their combinations was accepted; `known`: this one. */
export type Outcome =
  | { verdict: 'accepted'; boxes: Box[]; known?: Combination }
  | { verdict: 'rejected' }
  | { verdict: 'unclear' };

/**
 * Finds out what a gateway accepts, without I/O of its own. It asks for sets: an accepted set holds something, a refused
 * one holds nothing. INVALID_KE_PAYLOAD names the group of the proposal that was chosen, so that proposals with a group
 * each are labelled: one answer tells which of them was accepted.
 */
export class Explorer {
  #groupsListed = false;
  #mayOpen = true;

  constructor(
    readonly knowledge: Knowledge,
    private readonly ask: Ask,
    private readonly packing: Packing,
  ) {}

  /**
   * Names every accepted algorithm of the classes. Negatives are exact: at the end everything with an algorithm that was
   * not named is refused as a whole.
   * @param classes the one that most likely holds something first: it lists the groups, which serve the others as labels
   */
  async name(classes: readonly Box[]): Promise<void> {
    const [leader, ...others] = classes;
    if (leader === undefined) return;
    let goOn = (): void => {};
    const groupsListed = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    await Promise.all([
      this.#explore(leader, goOn).finally(goOn),
      ...others.map((box) => groupsListed.then(() => this.#explore(box))),
    ]);
  }

  /** Takes in what was accepted of a question that somebody else asked. */
  learn(classes: readonly Box[], answer: Answer): void {
    if (answer.verdict === 'accepted') this.#accepted(classes, answer);
  }

  /** Whether the gateway takes anything in these boxes. What is known already costs no question. */
  async accepts(boxes: readonly Box[]): Promise<Outcome> {
    const open = mapBoxes(boxes, (box) => this.#trim(box));
    const known = this.knowledge.confirmedIn(open);
    if (known !== undefined) return { verdict: 'accepted', boxes: [boxOf(known)], known };
    // Where the first question is refused, the others probably are as well and need not wait for each other.
    const [first, ...others] = packQuestions(open, this.packing);
    const outcome: Outcome = first === undefined ? { verdict: 'rejected' } : await this.#set(first);
    if (outcome.verdict === 'accepted') return outcome;
    const outcomes = [outcome, ...(await Promise.all(others.map((question) => this.#set(question))))];
    const accepted = outcomes.find(({ verdict }) => verdict === 'accepted');
    return accepted ?? outcomes.find(({ verdict }) => verdict === 'unclear') ?? outcome;
  }

  async #set(question: readonly Box[]): Promise<Outcome> {
    const answer = await this.#question(question, 'outside');
    if (answer.verdict === 'accepted') return this.#accepted(question, answer);
    if (answer.verdict !== 'rejected') return { verdict: 'unclear' };
    this.knowledge.refuse(question);
    return { verdict: 'rejected' };
  }

  /** One whole combination out of boxes of which something was accepted. */
  async reveal(boxes: readonly Box[]): Promise<Combination | undefined> {
    let left = [...boxes];
    const offer = mapBoxes(left, openable);
    const groups = new Set(offer.flatMap((box) => choicesOf(box, KE).map(({ id }) => id)));
    const [group] = groups;
    if (this.#mayOpen && group !== undefined && groups.size === 1) {
      const answer = await this.#question(offer, group);
      if (answer.verdict === 'accepted') {
        const { known } = this.#accepted(offer, answer);
        if (known !== undefined) return known;
      } else if (answer.verdict === 'rejected') {
        this.knowledge.refuse(offer);
        left = subtractAll(left, offer, Number.POSITIVE_INFINITY) ?? left;
      } else this.#mayOpen = false;
    }
    return this.#halve(left);
  }

  async #explore(box: Box, onGroups: () => void = () => {}): Promise<void> {
    const { knowledge } = this;
    /** How thoroughly each combination's neighbours were gone through. */
    const swept = new Map<string, 'common' | 'all'>();
    let base = await this.#any(box);
    while (base !== undefined) {
      const more = await this.accepts(knowledge.beyondHull(box));
      if (more.verdict === 'rejected') return;
      const before = knowledge.confirmations;
      const key = combinationKey(base);
      const done = swept.get(key);
      if (done !== 'all') {
        if (!this.#groupsListed) await this.#listGroups(box, base);
        onGroups();
        await this.#sweepAll(box, base, done === undefined);
        // Where nothing common goes with it, nothing else will.
        swept.set(key, done === undefined && knowledge.confirmations > before ? 'common' : 'all');
      }
      if (knowledge.confirmations > before) continue;
      if (more.verdict === 'unclear') return;
      if (swept.get(key) === 'all') base = more.known ?? (await this.reveal(more.boxes));
    }
  }

  async #any(box: Box): Promise<Combination | undefined> {
    const outcome = await this.accepts([box]);
    if (outcome.verdict !== 'accepted') return undefined;
    return outcome.known ?? this.reveal(outcome.boxes);
  }

  /** Every group that goes with the rest of a combination, by taking away the one that is named. */
  async #listGroups(box: Box, base: Combination): Promise<void> {
    this.#groupsListed = true;
    const { outsiders } = this.packing;
    const candidates = choicesOf(box, KE).filter((choice) => !this.knowledge.isAccepted(choice));
    // Two lists, because two questions may be under way. Each has no use for the other's outsider.
    const isOutsider = ({ id }: Transform): boolean => outsiders.includes(id);
    const lists = alternate(candidates.filter((choice) => !isOutsider(choice)));
    for (const choice of candidates.filter(isOutsider)) lists[outsiders.indexOf(choice.id)]!.push(choice);
    await Promise.all(lists.map((list) => this.#takeAway(base, list)));
  }

  async #takeAway(base: Combination, candidates: readonly Transform[]): Promise<void> {
    let left = candidates;
    while (left.length > 0) {
      const outcome = await this.accepts([withChoices(boxOf(base), KE, left)]);
      if (outcome.verdict !== 'accepted') return;
      const named = outcome.boxes.flatMap((box) => choicesOf(box, KE));
      left = left.filter((choice) => !named.some((other) => sameChoice(other, choice)));
    }
  }

  async #sweepAll(box: Box, base: Combination, onlyCommon: boolean): Promise<void> {
    await this.#sweepTogether(box, base);
    const isWide = this.#labels(base).length >= MIN_LABELS;
    await Promise.all(
      box
        .filter(({ type }) => type !== KE)
        .flatMap(({ type, choices }) => {
          // Two questions may be under way: the longest list is gone through from two sides.
          const lists = isWide && choices.length > LONG ? alternate(choices) : [choices];
          return lists.map((list) => this.#sweep(base, type, list, onlyCommon));
        }),
    );
  }

  /**
   * Common choices of several types at once: each proposal has one of each, so that one answer names as many. What is
   * refused in such company may still be accepted alone.
   */
  async #sweepTogether(box: Box, base: Combination): Promise<void> {
    const types = box.map(({ type }) => type).filter((type) => type !== KE);
    for (;;) {
      const pools = new Map(types.map((type) => [type, this.#commonUnknown(box, type)]));
      const lengths = [...pools.values()].map((pool) => pool.length).filter((length) => length > 0);
      const labels = this.#labels(base).slice(0, Math.max(0, ...lengths));
      if (labels.length < MIN_LABELS || lengths.length < 2) return;
      const boxes = labels.map((label, i) =>
        boxOf(base.map((own) => (own.type === KE ? label : (pools.get(own.type)?.[i] ?? own)))),
      );
      const unknown = boxes.map((part) =>
        part.flatMap(({ choices }) => choices.filter((choice) => !this.knowledge.isAccepted(choice))),
      );
      const outcome = await this.accepts(boxes);
      if (outcome.verdict !== 'accepted') return;
      const at = boxes.findIndex((part) => outcome.known !== undefined && holds(part, outcome.known));
      // When one answer names one choice only, the types are better gone through side by side.
      if ((unknown[at]?.length ?? 0) < 2) return;
    }
  }

  #commonUnknown(box: Box, type: number): Transform[] {
    return choicesOf(box, type).filter((choice) => isCommon(choice) && !this.knowledge.isAccepted(choice));
  }

  /**
   * Every choice of one type that goes with the rest of a combination: each answer names one, by its label.
   * @param onlyCommon ends when nothing common is left: the others are asked about as a whole later
   */
  async #sweep(
    base: Combination,
    type: number,
    choices: readonly Transform[],
    onlyCommon: boolean,
  ): Promise<void> {
    const single = (choice: Transform, label: Transform): Box =>
      withChoices(withChoices(boxOf(base), type, [choice]), KE, [label]);
    let pool = [...choices];
    let spread = false;
    for (;;) {
      const labels = this.#labels(base);
      pool = pool.filter(
        (choice) =>
          !this.knowledge.isAccepted(choice) &&
          !labels.some((label) => this.knowledge.isRefused(single(choice, label))),
      );
      if (!(onlyCommon ? pool.some(isCommon) : pool.length > 0)) return;
      const runs = cutByLikelihood(pool, labels.length);
      const outcome = await this.accepts(
        runs.map((run, i) => withChoices(single(run[0]!, labels[i]!), type, run)),
      );
      if (outcome.verdict !== 'accepted') return;
      if (outcome.known !== undefined) {
        spread = false;
        continue;
      }
      const run = outcome.boxes.flatMap((box) => choicesOf(box, type));
      // With labels enough to tell most of the run apart, the next question does so and may name another one besides.
      spread = !spread && labels.length >= MIN_LABELS;
      if (spread) pool = [...run, ...pool.filter((choice) => !run.includes(choice))];
      else if ((await this.#halve(outcome.boxes)) === undefined) return;
    }
  }

  #labels(base: Combination): Transform[] {
    const own = base.filter(({ type }) => type === KE);
    const others = this.knowledge.groups.filter(({ id }) => own.every((group) => group.id !== id));
    return [...own, ...others].slice(0, MAX_LABELS);
  }

  /** Halves boxes of which something was accepted until one combination is left, without opening anything. */
  async #halve(boxes: readonly Box[]): Promise<Combination | undefined> {
    let left = boxes.filter((box) => !this.knowledge.isRefused(box));
    let unclear = 0;
    while (left.length > 1 || (left[0] !== undefined && volume(left[0]) > 1)) {
      const [part, rest] = split(left);
      const outcome = await this.accepts(part);
      if (outcome.verdict === 'accepted') {
        if (outcome.known !== undefined) return outcome.known;
        left = outcome.boxes;
      } else {
        if (outcome.verdict === 'unclear' && ++unclear > MAX_UNCLEAR) return undefined;
        left = rest;
      }
    }
    // The last half may have been left over rather than accepted.
    const outcome = await this.accepts(left);
    return outcome.verdict === 'accepted' ? outcome.known : undefined;
  }

  /** The box without what refused boxes take off it cleanly; undefined when nothing is left. */
  #trim(box: Box): Box | undefined {
    let left = box;
    for (const hole of this.knowledge.refused) {
      const pieces = subtract(left, hole);
      if (pieces.length === 0) return undefined;
      if (pieces.length === 1) left = pieces[0]!;
    }
    return left;
  }

  #question(boxes: readonly Box[], ke: Question['ke']): Promise<Answer> {
    const proposals = boxes.map((box) => box.flatMap(({ choices }) => choices));
    return this.ask({ proposals, ke, summary: describeQuestion(boxes) });
  }

  #accepted(
    question: readonly Box[],
    answer: Extract<Answer, { verdict: 'accepted' }>,
  ): Extract<Outcome, { verdict: 'accepted' }> {
    if ('chosen' in answer) {
      for (const box of question) {
        const known = combinationIn(box, answer.chosen);
        if (known === undefined) continue;
        this.knowledge.confirm(known, answer.packets);
        return { verdict: 'accepted', boxes: [boxOf(known)], known };
      }
      return { verdict: 'accepted', boxes: [...question] };
    }
    const boxes = mapBoxes(question, (box) => narrowed(box, KE, ({ id }) => id === answer.wanted));
    const [only] = boxes;
    if (only !== undefined && boxes.length === 1 && volume(only) === 1) {
      const known = only.map(({ choices }) => choices[0]!);
      this.knowledge.confirm(known, answer.packets);
      return { verdict: 'accepted', boxes, known };
    }
    this.knowledge.accept({ type: KE, id: answer.wanted }, answer.packets);
    return { verdict: 'accepted', boxes };
  }
}

/** The part of a box with algorithms that have an implementation, so that the SA can be cleared again. */
function openable(box: Box): Box | undefined {
  if (box.some(({ type }) => type > KE)) return undefined;
  return box.reduce<Box | undefined>((left, { type }) => left && narrowed(left, type, isImplemented), box);
}

/** Whether we can use an algorithm, and not only name it. */
export function isImplemented({ type, id, keyLength }: Transform): boolean {
  switch (type) {
    case ENCR: {
      const row = encrTransform(id);
      const lengthFits = keyLength === undefined || row?.keyLengths.includes(keyLength) === true;
      return row?.bind !== undefined && row.kind !== 'null' && lengthFits;
    }
    case PRF:
      return prfTransform(id)?.compute !== undefined;
    case INTEG:
      return integTransform(id)?.compute !== undefined;
    default:
      return keTransform(id)?.generate !== undefined;
  }
}

/** Every other choice in one list, the rest in the other. */
function alternate(choices: readonly Transform[]): [Transform[], Transform[]] {
  return [choices.filter((_, i) => i % 2 === 0), choices.filter((_, i) => i % 2 === 1)];
}

/** Boxes in two parts of about equal likelihood; the first is a single box or a part of one. */
function split(boxes: readonly Box[]): [Box[], Box[]] {
  const [first, ...others] = boxes;
  if (first === undefined || others.length > 0) return [first === undefined ? [] : [first], others];
  const { type, choices } = first.reduce((most, next) =>
    next.choices.length > most.choices.length ? next : most,
  );
  const [likely = [], rest = []] = cutByLikelihood(choices, 2);
  return [[withChoices(first, type, likely)], [withChoices(first, type, rest)]];
}

/** The combination of the box that an answer chose; an optional transform that was left out is NONE. */
function combinationIn(box: Box, chosen: readonly Transform[]): Combination | undefined {
  const combination: Transform[] = [];
  for (const { type, choices } of box) {
    const answer = chosen.find((transform) => transform.type === type) ?? { type, id: 0 };
    const choice = choices.find((candidate) => sameChoice(candidate, answer));
    if (choice === undefined) return undefined;
    combination.push(choice);
  }
  return combination;
}
