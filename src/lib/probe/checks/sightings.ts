import { printable } from '../../core/printable.js';
import { encrTransform, integTransform, keTransform, prfTransform } from '../../crypto/registry.js';
import type { Level } from '../../crypto/transform.js';
import type {
  Algorithm,
  AlgorithmKind,
  Ikev1Facts,
  Ikev1Suite,
  Ikev2Facts,
  PacketNumbers,
  TargetFacts,
} from '../types.js';
import { ONLY_PRODUCTS } from '../v1/main-mode.js';
import {
  type CheckContext,
  capital,
  inconclusive,
  mergePackets,
  type Outcome,
  skipped,
  unanswered,
} from './check.js';

/** An algorithm in one version of IKE. */
export interface Sighting {
  version: 'IKEv2' | 'IKEv1';
  kind: AlgorithmKind;
  algorithm: Algorithm;
  packets: PacketNumbers;
}

/** Numbers of packets that a sentence names. */
const MOST_CITED = 6;

/** What is known about the algorithms of a kind, in both versions. */
export interface Sightings {
  accepted: Sighting[];
  /** Neither accepted nor rejected. */
  open: Sighting[];
  /** Why an algorithm that is in neither list may be accepted nevertheless. */
  gap: string | undefined;
}

/** Whether there is a version of IKE whose algorithms can be judged. */
export function hasAlgorithms(facts: TargetFacts): boolean {
  return facts.ikev2 !== undefined || facts.ikev1?.enabled.value === true;
}

/** What a check of IKEv2 says when it lacks the facts it is about. */
export function withoutFacts(facts: TargetFacts, what: string): Outcome {
  switch (facts.verdict) {
    case 'answers':
      return facts.ikev2 === undefined && facts.ikev1?.enabled.value === true
        ? skipped('IKEv2 does not answer.')
        : inconclusive(`${capital(what)} was not found out.`);
    case 'blocked':
      return inconclusive(`The gateway stopped answering us before ${what} was known.`);
    default:
      return skipped(`The target does not answer IKE (${facts.verdict}).`);
  }
}

/** What a check says when nobody tried how the gateway authenticates. */
export function withoutAuth(facts: TargetFacts, context: CheckContext, what: string): Outcome {
  return facts.verdict === 'answers' && facts.ikev2 !== undefined
    ? unanswered(facts, context, `${capital(what)} was not found out: no SA could be opened to ask in.`)
    : withoutFacts(facts, what);
}

/** What a check of IKEv1 says when nobody asked for that, or the run ended before. */
export function withoutIkev1(facts: TargetFacts, context: CheckContext): Outcome {
  if (facts.verdict !== 'answers') return withoutFacts(facts, 'IKEv1');
  return context.ikev1
    ? unanswered(facts, context, 'IKEv1 was not asked before the run ended.')
    : skipped('IKEv1 was not asked, as wanted.');
}

/** What is known about a kind of algorithms. IKEv1's hash counts as integrity algorithm; it has no PRF of its own. */
export function sightings(facts: TargetFacts, kind: AlgorithmKind): Sightings {
  const { ikev1, ikev2 } = facts;
  const of = (version: Sighting['version'], algorithm: Algorithm, packets: PacketNumbers = []): Sighting => ({
    version,
    kind,
    algorithm,
    packets,
  });
  const inIkev1 = ikev1Suites(facts).flatMap((suite) => {
    const algorithm = ikev1Part(suite, kind);
    return algorithm ? [of('IKEv1', algorithm, suite.packets)] : [];
  });
  const inIkev2 = ikev2
    ? ikev2.accepted[kind].map((algorithm) => of('IKEv2', algorithm, evidenceOf(ikev2, kind, algorithm)))
    : [];
  const gaps = [
    ikev2 &&
      knowsNothing(ikev2) &&
      'IKEv2 accepted no offer at all, so that nothing is known about its algorithms.',
    ikev1?.enabled.value === true && ikev1Gap(ikev1, facts),
  ].filter((gap) => typeof gap === 'string');
  return {
    accepted: [...inIkev2, ...distinct(inIkev1)],
    open: (ikev2?.inconclusive[kind] ?? []).map((algorithm) => of('IKEv2', algorithm)),
    gap: gaps.length > 0 ? gaps.join(' ') : undefined,
  };
}

/** A gateway that decides about methods once it knows identities: nobody sees from outside what it would take. */
export function isMethodsUndecided(entry: string): boolean {
  return /^\w+ Mode authentication methods/.test(entry);
}

/** Algorithms are known, and only which of them go together was not asked to the end: no check is about that. */
export function isAboutProducts(entry: string): boolean {
  return entry.endsWith(ONLY_PRODUCTS);
}

/** We were refused, or ignored, for who we said we are: which algorithms there are was asked in Main Mode too. */
function isAboutIdentity(entry: string): boolean {
  return /^Aggressive Mode: .* another identity may get/.test(entry);
}

/** Which authentication methods there are, and for whom, says nothing about the algorithms that go with them. */
function ikev1Gap({ inconclusive: entries }: Ikev1Facts, facts: TargetFacts): string | undefined {
  const about = [isMethodsUndecided, isAboutProducts, isAboutIdentity];
  const open = entries.filter((entry) => !about.some((is) => is(entry)));
  if (open.length > 0) return `IKEv1 left questions open: ${firstFew(open)}.`;
  return ikev1Suites(facts).length === 0 ? 'IKEv1 answers, but accepted none of our suites.' : undefined;
}

/** A list of which the rest is only counted. */
export function firstFew(items: readonly string[], most = 5): string {
  const shown = items.slice(0, most);
  const more = items.length - shown.length;
  return printable(listText(more > 0 ? [...shown, `${more} more`] : shown));
}

/** Suites of both modes of IKEv1. */
export function ikev1Suites({ ikev1 }: TargetFacts): Ikev1Suite[] {
  return ikev1 ? [...ikev1.mainMode, ...ikev1.aggressiveMode] : [];
}

/** Not one whole offer was taken: refusals say nothing then, because something else may be wrong with us. */
export function knowsNothing({ accepted }: Ikev2Facts): boolean {
  return accepted.encr.length === 0 || accepted.ke.length === 0;
}

/** `ENCR_AES_CBC-128`. */
export function algorithmText({ name, keyLength }: Algorithm): string {
  return keyLength === undefined ? name : `${name}-${keyLength}`;
}

/** `A`, `A and B`, `A, B and C`. */
export function listText(items: readonly string[]): string {
  const distinctItems = [...new Set(items)];
  const last = distinctItems.pop() ?? '';
  return distinctItems.length === 0 ? last : `${distinctItems.join(', ')} and ${last}`;
}

/** ` (packets 3 and 4)`, the first few of many; nothing where there are none. */
export function cite(packets: PacketNumbers): string {
  if (packets.length === 0) return '';
  const more = packets.length - MOST_CITED;
  const numbers = packets.slice(0, MOST_CITED).map(String);
  const list = more > 0 ? `${numbers.join(', ')} and ${more} more` : listText(numbers);
  return ` (packet${packets.length === 1 ? '' : 's'} ${list})`;
}

/** `IKEv2 accepts ENCR_3DES, which RFC 8247 calls MAY (packets 12 and 13).` */
export function acceptedSentence({ version, kind, algorithm, packets }: Sighting): string {
  const level = version === 'IKEv2' ? levelOf(kind, algorithm.id) : 'unlisted';
  const said = level === 'unlisted' ? '' : `, which RFC 8247 calls ${level}`;
  return `${version} accepts ${algorithmText(algorithm)}${said}${cite(packets)}.`;
}

function levelOf(kind: AlgorithmKind, id: number): Level {
  const find = {
    encr: encrTransform,
    prf: prfTransform,
    integ: integTransform,
    ke: keTransform,
    addke: keTransform,
  };
  return find[kind](id)?.ikeLevel ?? 'unlisted';
}

function evidenceOf(
  { evidence = [] }: Ikev2Facts,
  kind: AlgorithmKind,
  { id, keyLength }: Algorithm,
): PacketNumbers {
  return mergePackets(
    ...evidence
      .filter((entry) => entry.kind === kind && entry.id === id && entry.keyLength === keyLength)
      .map(({ packets }) => packets),
  );
}

function ikev1Part(suite: Ikev1Suite, kind: AlgorithmKind): Algorithm | undefined {
  if (kind === 'encr') return suite.encr;
  if (kind === 'integ') return suite.hash;
  return kind === 'ke' ? suite.group : undefined;
}

/** One sighting an algorithm, with the packets of all. */
function distinct(list: readonly Sighting[]): Sighting[] {
  const byName = new Map<string, Sighting>();
  for (const sighting of list) {
    const name = algorithmText(sighting.algorithm);
    const packets = mergePackets(byName.get(name)?.packets, sighting.packets);
    byName.set(name, { ...sighting, packets });
  }
  return [...byName.values()];
}
