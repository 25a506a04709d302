import { TransformType } from '../crypto/transform.js';
import { describeProposal } from '../ike/proposals.js';
import { type Box, choicesOf, mapBoxes, narrowed, volume, withChoices } from './enumerate-box.js';
import { proposalsBytes } from './oracle-message.js';

const { ENCR, PRF, INTEG, KE } = TransformType;

/** Bytes of a box as a proposal. */
export function proposalBytes(box: Box): number {
  return proposalsBytes([box.flatMap(({ choices }) => choices)]);
}

export interface Packing {
  /**
   * Groups for the KE payload of a question that must not hold them: the first is for all questions without it, the
   * second for those about the first.
   */
  outsiders: readonly [number, number];
  /** Bytes that proposals may take in one question, by the group of its KE payload. */
  room(group: number): number;
}

/** Distributes boxes over as few questions as they fit in; each has room, and a group left for its KE payload. */
export function packQuestions(boxes: readonly Box[], { outsiders, room }: Packing): Box[][] {
  const isFirst = ({ id }: { id: number }): boolean => id === outsiders[0];
  const withoutFirst = mapBoxes(boxes, (box) => narrowed(box, KE, (choice) => !isFirst(choice)));
  const withFirst = mapBoxes(boxes, (box) => narrowed(box, KE, isFirst));
  const plain = fill(withoutFirst, room(outsiders[0]));
  if (withFirst.length === 0) return plain;
  // What has no use for the second outsider may keep the boxes about the first company.
  const limit = room(outsiders[1]);
  const apart = fill(withFirst, limit);
  const last = apart[apart.length - 1]!;
  const kept = plain.filter((question) => {
    const fits =
      sizeOf(question) + sizeOf(last) <= limit && !question.some((box) => offers(box, outsiders[1]));
    if (fits) last.push(...question);
    return !fits;
  });
  return [...kept, ...apart];
}

/** In one question as they come, or else first fit, the largest first; what is too large is cut in halves. */
function fill(boxes: readonly Box[], limit: number): Box[][] {
  if (boxes.length > 0 && sizeOf(boxes) <= limit) return [[...boxes]];
  const pieces = boxes
    .flatMap((box) => halved(box, limit))
    .sort((a, b) => proposalBytes(b) - proposalBytes(a));
  const questions: Box[][] = [];
  for (const piece of pieces) {
    const place = questions.find((question) => sizeOf(question) + proposalBytes(piece) <= limit);
    if (place === undefined) questions.push([piece]);
    else place.push(piece);
  }
  return questions;
}

function halved(box: Box, limit: number): Box[] {
  if (proposalBytes(box) <= limit || volume(box) === 1) return [box];
  const { type, choices } = box.reduce((most, next) =>
    next.choices.length > most.choices.length ? next : most,
  );
  const half = Math.ceil(choices.length / 2);
  return [choices.slice(0, half), choices.slice(half)].flatMap((part) =>
    halved(withChoices(box, type, part), limit),
  );
}

function sizeOf(question: readonly Box[]): number {
  return question.reduce((sum, box) => sum + proposalBytes(box), 0);
}

function offers(box: Box, group: number): boolean {
  return choicesOf(box, KE).some(({ id }) => id === group);
}

/** A question in a few words, e.g. `14 ciphers, 9 PRFs, 31 groups`. */
export function describeQuestion(boxes: readonly Box[]): string {
  const [only] = boxes;
  if (boxes.length === 1 && only !== undefined && volume(only) === 1) {
    return describeProposal(only.flatMap(({ choices }) => choices));
  }
  const count = (one: string, many: string, ...types: number[]): string[] => {
    const keys = new Set(
      boxes.flatMap((box) =>
        types.flatMap((type) => choicesOf(box, type).map(({ id, keyLength }) => `${id}/${keyLength}`)),
      ),
    );
    return keys.size === 0 ? [] : [`${keys.size} ${keys.size === 1 ? one : many}`];
  };
  return [
    ...(boxes.length > 1 ? [`${boxes.length} proposals`] : []),
    ...count('cipher', 'ciphers', ENCR),
    ...count('PRF', 'PRFs', PRF),
    ...count('integrity algorithm', 'integrity algorithms', INTEG),
    ...count('group', 'groups', KE),
    ...count('additional method', 'additional methods', TransformType.ADDKE1, TransformType.ADDKE2),
  ].join(', ');
}
