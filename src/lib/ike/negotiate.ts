import { KitError } from '../core/errors.js';
import {
  encrTransform,
  integTransform,
  keTransform,
  prfTransform,
  transformName,
} from '../crypto/registry.js';
import {
  type EncrTransform,
  type IntegTransform,
  type KeTransform,
  TransformType,
} from '../crypto/transform.js';
import type { ProposalTemplate } from './proposals.js';
import type { ChildSuite, IkeSuite } from './suite.js';
import type { Proposal, Transform } from './wire/types.js';

/** How the responder treats key exchange groups. */
export interface KeChoice {
  /**
   * `required` for an IKE SA; `ignored` for the child SA of IKE_AUTH, where key exchange transforms mean nothing;
   * `optional` for a child SA of CREATE_CHILD_SA, where an offer without one, or with NONE, is taken as it is
   */
  ke: 'required' | 'optional' | 'ignored';
  /** Group of the KE payload that came: taken when the chosen proposal has it on both sides, which saves a round trip. */
  preferKe?: number;
  /**
   * Whether that may be a weaker group than the one we would choose. Not in IKE_SA_INIT: a forged INVALID_KE_PAYLOAD,
   * which nobody authenticates, may have put it there.
   */
  preferWeakerKe?: boolean;
}

/** What a responder chose, ready for its SA payload. `spi` is the one the initiator proposed. */
export interface Selection {
  number: number;
  spi: Uint8Array;
  transforms: Transform[];
}

/** Types in which id 0 means "none" or "the default", so that a transform left out is the same as id 0. */
const zeroTypes: ReadonlySet<number> = new Set([TransformType.INTEG, TransformType.KE, TransformType.ESN]);

const knownTypes: readonly number[] = [
  TransformType.ENCR,
  TransformType.PRF,
  TransformType.INTEG,
  TransformType.KE,
  TransformType.ESN,
];

/**
 * Proposals for an SA payload, numbered from 1 (RFC 7296 3.3.1).
 * @param options.withKe false leaves the key exchange out, as IKE_AUTH needs it; templates that then coincide count once
 * @param options.firstKe the group of the KE payload: it moves to the front of every proposal that has it
 */
export function proposalsToOffer(
  templates: readonly ProposalTemplate[],
  options: { spi: Uint8Array; withKe: boolean; firstKe?: number },
): Proposal[] {
  const seen = new Set<string>();
  const proposals: Proposal[] = [];
  for (const { protocolId, transforms } of templates) {
    const kept = transforms.filter(({ type }) => options.withKe || type !== TransformType.KE);
    const key = JSON.stringify([protocolId, kept]);
    if (seen.has(key)) continue;
    seen.add(key);
    proposals.push({
      number: proposals.length + 1,
      protocolId,
      spi: options.spi,
      transforms: groupFirst(kept, options.firstKe),
    });
  }
  return proposals;
}

/**
 * The responder's choice (RFC 7296 2.7, 3.3.6). The order of our templates and of the transforms in them decides.
 * @returns undefined when nothing offered is acceptable
 */
export function selectProposal(
  offered: readonly Proposal[],
  templates: readonly ProposalTemplate[],
  options: KeChoice,
): Selection | undefined {
  for (const template of templates) {
    for (const proposal of offered) {
      const transforms = matchProposal(proposal, template, options);
      if (transforms) return { number: proposal.number, spi: proposal.spi, transforms };
    }
  }
  return undefined;
}

/**
 * The initiator's check of the responder's answer (RFC 7296 2.7, 3.3): one proposal, one of ours, one transform of
 * each type out of those we offered.
 * @returns the responder's proposal
 * @throws KitError `E_PROPOSAL_ANSWER` (protocol)
 */
export function checkSelected(offered: readonly Proposal[], selected: readonly Proposal[]): Proposal {
  const [answer, ...more] = selected;
  if (!answer || more.length > 0) throw badAnswer(`has ${selected.length} proposals instead of one`);
  const ours = offered.find(({ number }) => number === answer.number);
  if (!ours || ours.protocolId !== answer.protocolId) {
    throw badAnswer(`names proposal ${answer.number}, which we did not make`);
  }
  const types = new Set(answer.transforms.map(({ type }) => type));
  if (types.size !== answer.transforms.length) throw badAnswer('has two transforms of one type');
  const stray = answer.transforms.find((transform) => !offers(ours, transform));
  if (stray) throw badAnswer(`chooses ${transformName(stray.type, stray.id)}, which we did not offer`);
  const needless = hasAead(answer.transforms) ? TransformType.INTEG : undefined;
  const missing = ours.transforms.find(
    ({ type }) => type !== needless && !types.has(type) && !offers(ours, { type, id: 0 }),
  );
  if (missing) {
    throw badAnswer(`chooses nothing of the kind of ${transformName(missing.type, missing.id)}`);
  }
  if (!hasAead(answer.transforms) && idOf(answer.transforms, TransformType.INTEG) === 0) {
    throw badAnswer('encrypts without integrity');
  }
  return answer;
}

/**
 * Registry rows of a negotiated IKE SA.
 * @throws KitError `E_NOT_IMPLEMENTED` (bug) for a transform without implementation: it should never have been offered
 */
export function resolveIkeSuite(transforms: readonly Transform[]): IkeSuite {
  const { encr, keyLength, integ } = resolveEncryption(transforms);
  const prf = prfTransform(idOf(transforms, TransformType.PRF));
  const ke = keTransform(idOf(transforms, TransformType.KE));
  if (!prf?.compute || !ke?.generate || encr.kind === 'null') throw notImplemented(transforms);
  return { encr, keyLength, integ, prf, ke };
}

/**
 * Registry rows of a negotiated child SA.
 * @throws KitError `E_NOT_IMPLEMENTED` (bug) for a transform without implementation
 */
export function resolveChildSuite(transforms: readonly Transform[]): ChildSuite {
  const group = idOf(transforms, TransformType.KE);
  const ke = group === 0 ? undefined : keTransform(group);
  if (group !== 0 && !ke?.generate) throw notImplemented(transforms);
  return { ...resolveEncryption(transforms), ke, esn: idOf(transforms, TransformType.ESN) === 1 };
}

function matchProposal(
  proposal: Proposal,
  template: ProposalTemplate,
  options: KeChoice,
): Transform[] | undefined {
  if (proposal.protocolId !== template.protocolId) return undefined;
  // A type we do not understand spoils the proposal (RFC 7296 3.3.6); RFC 9370's additional exchanges are such types.
  if (proposal.transforms.some(({ type }) => !knownTypes.includes(type))) return undefined;
  const chosen: Transform[] = [];
  for (const type of knownTypes) {
    if (type === TransformType.KE && options.ke === 'ignored') continue;
    const theirs = proposal.transforms.filter((transform) => transform.type === type);
    let ours: readonly Transform[] = template.transforms.filter((transform) => transform.type === type);
    if (type === TransformType.KE) ours = acceptableGroups(ours, theirs, options);
    // Some peers list INTEG beside an AEAD although RFC 7296 3.3 forbids it; the AEAD needs none, so none is taken.
    if (type === TransformType.INTEG && hasAead(chosen) && !theirs.some(({ id }) => id === 0)) continue;
    const pick = pickTransform(type, ours, theirs);
    if (!pick) return undefined;
    if (pick !== 'absent') chosen.push(pick);
  }
  if (options.ke === 'required' && idOf(chosen, TransformType.KE) === 0) return undefined;
  const isProtected = hasAead(chosen) || idOf(chosen, TransformType.INTEG) !== 0;
  return isProtected ? chosen : undefined;
}

/** Our first transform that they offer; `absent` when both sides mean id 0 and they left it unsaid. */
function pickTransform(
  type: number,
  ours: readonly Transform[],
  theirs: readonly Transform[],
): Transform | 'absent' | undefined {
  if (!zeroTypes.has(type)) {
    const none = ours.length === 0 && theirs.length === 0;
    return none ? 'absent' : ours.find((mine) => theirs.some((other) => sameTransform(mine, other)));
  }
  const zero: Transform = { type, id: 0 };
  const pick = (ours.length === 0 ? [zero] : ours).find((mine) =>
    theirs.length === 0 ? mine.id === 0 : theirs.some((other) => sameTransform(mine, other)),
  );
  return pick && theirs.length === 0 ? 'absent' : pick;
}

/** Our groups in the order in which to try them against this offer. */
function acceptableGroups(
  ours: readonly Transform[],
  theirs: readonly Transform[],
  options: KeChoice,
): readonly Transform[] {
  const real = preferredFirst(
    ours.filter(({ id }) => id !== 0),
    theirs,
    options,
  );
  if (options.ke === 'required') return real;
  const none: Transform = { type: TransformType.KE, id: 0 };
  const mayDoWithout = theirs.length === 0 || theirs.some(({ id }) => id === 0);
  return mayDoWithout ? [...real, none] : real;
}

function preferredFirst(
  ours: readonly Transform[],
  theirs: readonly Transform[],
  { preferKe, preferWeakerKe = false }: KeChoice,
): readonly Transform[] {
  const best = ours.find((mine) => theirs.some((other) => sameTransform(mine, other)));
  if (preferKe === undefined || !best) return ours;
  return preferWeakerKe || !isWeakerGroup(preferKe, best.id) ? groupFirst(ours, preferKe) : ours;
}

/** Whether a key exchange group is weaker than another: by strength, or because RFC 8247 advises against it alone. */
export function isWeakerGroup(group: number, than: number): boolean {
  const [one, other] = [keTransform(group), keTransform(than)];
  if (!one || !other) return one === undefined && other !== undefined;
  return one.strength < other.strength || (isDiscouraged(one) && !isDiscouraged(other));
}

const isDiscouraged = ({ ikeLevel }: KeTransform): boolean =>
  ikeLevel === 'SHOULD NOT' || ikeLevel === 'MUST NOT';

function groupFirst(transforms: readonly Transform[], group: number | undefined): Transform[] {
  const isFirst = ({ type, id }: Transform): boolean => type === TransformType.KE && id === group;
  return [...transforms.filter(isFirst), ...transforms.filter((transform) => !isFirst(transform))];
}

/** Equal in every respect; a transform with an attribute we do not understand equals none of ours (RFC 7296 3.3.6). */
function sameTransform(ours: Transform, theirs: Transform): boolean {
  return (
    ours.type === theirs.type &&
    ours.id === theirs.id &&
    ours.keyLength === theirs.keyLength &&
    (theirs.otherAttributes ?? []).length === 0
  );
}

/** Whether the transform is in our offer; id 0 where we offered nothing of its type counts as offered. */
function offers(ours: Proposal, transform: Transform): boolean {
  const alternatives = ours.transforms.filter(({ type }) => type === transform.type);
  if (alternatives.length === 0) return zeroTypes.has(transform.type) && transform.id === 0;
  return alternatives.some((mine) => sameTransform(mine, transform));
}

function hasAead(transforms: readonly Transform[]): boolean {
  return encrTransform(idOf(transforms, TransformType.ENCR))?.kind === 'aead';
}

/** The id of the transform of this type, 0 without one. */
function idOf(transforms: readonly Transform[], type: number): number {
  return transforms.find((transform) => transform.type === type)?.id ?? 0;
}

function resolveEncryption(transforms: readonly Transform[]): {
  encr: EncrTransform;
  keyLength: number;
  integ: IntegTransform | undefined;
} {
  const encr = encrTransform(idOf(transforms, TransformType.ENCR));
  const keyLength =
    transforms.find(({ type }) => type === TransformType.ENCR)?.keyLength ?? encr?.fixedKeyLength ?? 0;
  const integ = integTransform(idOf(transforms, TransformType.INTEG));
  if (!encr?.bind || !integ) throw notImplemented(transforms);
  if (encr.keyLengths.length > 0 && !encr.keyLengths.includes(keyLength)) throw notImplemented(transforms);
  if (encr.kind === 'aead') return { encr, keyLength, integ: undefined };
  if (!integ.compute) throw notImplemented(transforms);
  return { encr, keyLength, integ };
}

function notImplemented(transforms: readonly Transform[]): KitError {
  const names = transforms.map(({ type, id }) => transformName(type, id)).join(', ');
  return new KitError('bug', 'E_NOT_IMPLEMENTED', `no implementation for the negotiated suite ${names}`);
}

function badAnswer(problem: string): KitError {
  return new KitError('protocol', 'E_PROPOSAL_ANSWER', `the peer's answer to our proposals ${problem}`, {
    hint: 'the peer breaks RFC 7296 section 3.3; offer it a single suite with --ike or --esp',
  });
}
