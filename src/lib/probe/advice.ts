import { formatKeyword, parseKeyword } from '../crypto/keywords.js';
import { encrTransform } from '../crypto/registry.js';
import { TransformType } from '../crypto/transform.js';
import { algorithmText, firstFew, knowsNothing } from './checks/sightings.js';
import { weaknessOf } from './checks/weaknesses.js';
import { obeys, permits, wholeSuites } from './policies/obedience.js';
import type { Policy } from './policies/policy.js';
import type { Algorithm, AlgorithmKind, Ikev2Facts, TargetFacts } from './types.js';

/** What is wanted first; what is accepted and not in a list comes after it, as nobody asks to drop it. */
const preference: Readonly<Record<AlgorithmKind, readonly string[]>> = {
  encr: [
    ...['aes256gcm16', 'chacha20poly1305', 'aes192gcm16', 'aes128gcm16', 'aes256ccm16', 'aes128ccm16'],
    ...['aes256', 'aes192', 'aes128'],
  ],
  integ: ['sha512', 'sha384', 'sha256'],
  prf: ['prfsha512', 'prfsha384', 'prfsha256'],
  ke: [
    ...['mlkem768', 'mlkem1024', 'mlkem512', 'x25519', 'ecp384', 'ecp521', 'x448', 'ecp256'],
    ...['ecp512bp', 'ecp384bp', 'ecp256bp', 'modp8192', 'modp6144', 'modp4096', 'modp3072'],
  ],
  addke: ['mlkem768', 'mlkem1024', 'mlkem512'],
};

/** For a gateway that accepts nothing strong, or of which nothing is known. Every current implementation has these. */
const fallback = {
  encr: ['aes256gcm16'],
  prf: ['prfsha384'],
  integ: ['sha384', 'sha256'],
  ke: ['x25519', 'ecp384'],
} as const;

/** Characters of a proposal: strongSwan 5.9 refuses one of 512, and with it the connection. */
const LONGEST = 500;

/** 112 bits, which RFC 8247 2.4 still calls MUST: after all others. */
const LAST_GROUP = 'modp2048';

const typeOf: Readonly<Record<AlgorithmKind, number>> = {
  encr: TransformType.ENCR,
  prf: TransformType.PRF,
  integ: TransformType.INTEG,
  ke: TransformType.KE,
  addke: TransformType.KE,
};
const kinds = Object.keys(typeOf) as AlgorithmKind[];

/** A better configuration for a gateway, with strongSwan's keywords. */
export interface Advice {
  /** Comma separated; empty where nothing is known that obeys the policy. */
  proposals: string;
  /** Lines for `connections.<name>`, with comments that say what to know before. */
  paste: string;
  /** The same with ML-KEM as additional key exchange; undefined where the policy has no place for it. */
  pasteMlKem: string | undefined;
}

/**
 * What to configure: everything that the gateway accepts and that no check and no rule of the policy wants dropped, best
 * first. Where that does not obey the policy, what the policy proposes itself comes in.
 * @param depth as it was probed: of a quick run it is said that little was asked
 */
export function advise(facts: TargetFacts, depth: 'quick' | 'full', policy?: Policy): Advice {
  const { ikev2 } = facts;
  const proposals = policy ? obedientProposals(ikev2, policy) : betterProposals(ikev2);
  const notes = [...(policy ? [policyNote(policy, proposals)] : []), ...gaps(facts, depth, policy)];
  const paste = (wanted: string): string => pasteLines(wanted, notes, policy);
  const mlKem = proposals === '' ? undefined : withMlKem(proposals, policy);
  return { proposals, paste: paste(proposals), pasteMlKem: mlKem && paste(mlKem) };
}

type Allows = (kind: AlgorithmKind, algorithm: Pick<Algorithm, 'id' | 'keyLength'>) => boolean;

/**
 * Proposals of all that is accepted and is not weak, best first, comma separated: with additional key exchanges beside a
 * classic group where they are accepted, then without. Where nothing strong is accepted, what every current implementation
 * has stands in. It says what to configure, not which combinations are accepted today.
 */
export function betterProposals(ikev2: Ikev2Facts | undefined, allows: Allows = () => true): string {
  const kept = (kind: AlgorithmKind): string[] =>
    inOrder(kind, ikev2?.accepted[kind] ?? [], allows).flatMap((one) => keywordOf(kind, one) ?? []);
  const or = (words: readonly string[], kind: keyof typeof fallback): string[] =>
    words.length > 0 ? [...words] : fallback[kind].filter((word) => allows(kind, parseKeyword(word)!));
  const encr = kept('encr');
  const aead = or(encr.filter(isAead), 'encr');
  const classic = encr.filter((word) => !isAead(word));
  const prf = or(kept('prf'), 'prf');
  const groups = or(kept('ke'), 'ke');
  const additional = kept('addke').map((word) => `ke1_${word}`);
  const symmetric = [
    { ciphers: aead, others: prf },
    { ciphers: classic, others: [...or(kept('integ'), 'integ'), ...prf] },
  ].filter(({ ciphers }) => ciphers.length > 0);
  if (prf.length === 0 || groups.length === 0) return '';
  const isClassicGroup = (word: string): boolean => !word.startsWith('mlkem');
  const first = groups.some(isClassicGroup) ? groups.filter(isClassicGroup) : groups;
  return [
    ...(additional.length > 0 ? symmetric.map((parts) => ({ ...parts, ke: [...first, ...additional] })) : []),
    ...symmetric.map((parts) => ({ ...parts, ke: groups })),
  ]
    .flatMap(({ ciphers, others, ke }) => proposalsOf(ciphers, [...others, ...ke].join('-')))
    .join(',');
}

/** One proposal, or as many as it takes to keep each so short that strongSwan reads it. */
function proposalsOf(ciphers: readonly string[], rest: string): string[] {
  const [first = '', ...more] = ciphers;
  const heads = [first];
  for (const cipher of more) {
    const longer = `${heads.at(-1) ?? ''}-${cipher}`;
    if (longer.length + 1 + rest.length > LONGEST) heads.push(cipher);
    else heads[heads.length - 1] = longer;
  }
  return heads.map((head) => `${head}-${rest}`);
}

/** @returns empty when neither the gateway nor the policy has anything to offer that obeys it */
function obedientProposals(ikev2: Ikev2Facts | undefined, policy: Policy): string {
  const own = wholeSuites(
    policy,
    betterProposals(ikev2, (kind, one) => permits(policy, kind, one)),
  );
  const candidates =
    policy.proposal === undefined ? [own] : [own, `${own},${policy.proposal}`, policy.proposal];
  return candidates.find((one) => !/^,|^$/.test(one) && obeys(policy, one)) ?? '';
}

/** The lines to paste; where they take strongSwan 6.0, beside what 5.9 loads. */
export function pasteLines(proposals: string, notes: readonly string[] = [], policy?: Policy): string {
  const comments = notes.map((note) => `# ${note}`);
  if (proposals === '') return comments.join('\n');
  const line = `proposals = ${proposals}`;
  if (!proposals.split(/[,-]/).some(isNew)) return [...comments, line].join('\n');
  const old = forFormerVersions(proposals);
  const isGood = old !== '' && (policy === undefined || obeys(policy, old));
  const instead = isGood
    ? ['# strongSwan 5.9, instead:', `# proposals = ${old}`]
    : [`# strongSwan 5.9 has nothing that obeys the policy ${policy?.name ?? ''}.`];
  return [...comments, '# strongSwan 6.0 or later, for ML-KEM:', line, ...instead].join('\n');
}

/** Additional key exchanges (RFC 9370) and ML-KEM came with 6.0; 5.9 discards the whole configuration for them. */
function isNew(word: string): boolean {
  return /^ke\d_|^mlkem/.test(word);
}

function forFormerVersions(proposals: string): string {
  const olds = proposals.split(',').map((proposal) => {
    const words = proposal.split('-').filter((word) => !isNew(word));
    const hasGroup = words.some((word) => parseKeyword(word)?.type === TransformType.KE);
    return [...words, ...(hasGroup ? [] : fallback.ke)].join('-');
  });
  return [...new Set(olds)].join(',');
}

/** The best proposal with ML-KEM beside its first classic group, and then the others. */
function withMlKem(proposals: string, policy: Policy | undefined): string | undefined {
  if (/-ke\d_mlkem/.test(proposals)) return proposals;
  const words = (proposals.split(',')[0] ?? '').split('-').filter((word) => !isNew(word));
  const isGroup = (word: string): boolean => parseKeyword(word)?.type === TransformType.KE;
  const base = [...words.filter((word) => !isGroup(word)), words.find(isGroup) ?? fallback.ke[0]];
  return preference.addke
    .map((word) => `${[...base, `ke1_${word}`].join('-')},${proposals}`)
    .find((candidate) => policy === undefined || obeys(policy, candidate));
}

function policyNote(policy: Policy, proposals: string): string {
  const { name } = policy;
  if (proposals === '')
    return `Nothing to paste: nothing that is accepted obeys the policy ${name}, and it has no proposal.`;
  const isStrong = proposals.split(/[,-]/).every((text) => {
    const word = parseKeyword(text.replace(/^ke\d_/, ''));
    const kind = kinds.find((one) => typeOf[one] === word?.type);
    return !word || !kind || weaknessOf(kind, word.id) === undefined;
  });
  return isStrong
    ? `Obeys the policy ${name}, and mends the other findings about algorithms too.`
    : `Obeys the policy ${name}, whose own proposal has algorithms that other findings are about.`;
}

/** What is not in the proposals although nobody asked to drop it. */
function gaps(facts: TargetFacts, depth: 'quick' | 'full', policy: Policy | undefined): string[] {
  const { ikev2 } = facts;
  const allows: Allows = (kind, one) => policy === undefined || permits(policy, kind, one);
  const listed = (which: 'accepted' | 'inconclusive'): { kind: AlgorithmKind; algorithm: Algorithm }[] =>
    kinds.flatMap((kind) =>
      inOrder(kind, ikev2?.[which][kind] ?? [], allows).map((algorithm) => ({ kind, algorithm })),
    );
  const unnamed = listed('accepted').filter(
    ({ kind, algorithm }) => keywordOf(kind, algorithm) === undefined,
  );
  const open = listed('inconclusive').map(
    ({ kind, algorithm }) => keywordOf(kind, algorithm) ?? algorithm.name,
  );
  const why = incompleteness(facts, depth);
  return [
    ...(why === undefined ? [] : [`Incomplete: ${why}. Add what your peers need and is not known here.`]),
    ...(open.length === 0 ? [] : [`Not known whether it is accepted: ${firstFew(open)}.`]),
    ...(unnamed.length === 0
      ? []
      : [
          `Accepted too, but strongSwan has no word for it: ${firstFew(unnamed.map(({ algorithm }) => algorithmText(algorithm)))}.`,
        ]),
  ];
}

function incompleteness(facts: TargetFacts, depth: 'quick' | 'full'): string | undefined {
  const { ikev2, unfinished, verdict, limits } = facts;
  if (unfinished === 'budget') return 'the budget was used up before everything was asked';
  if (unfinished !== undefined) return 'the run ended before everything was asked';
  if (verdict === 'blocked') return 'the gateway stopped answering';
  if (depth === 'quick') return 'a quick run asks for a few algorithms only';
  if (!ikev2) return 'nothing is known of IKEv2';
  if (knowsNothing(ikev2)) return 'IKEv2 accepted no offer at all';
  return limits.length > 0 || kinds.some((kind) => ikev2.inconclusive[kind].length > 0)
    ? 'not every question was answered'
    : undefined;
}

/** Those that neither a check nor the policy wants dropped, best first. */
function inOrder(kind: AlgorithmKind, algorithms: readonly Algorithm[], allows: Allows): Algorithm[] {
  const rank = (algorithm: Algorithm): number => {
    const word = keywordOf(kind, algorithm) ?? '';
    const at = preference[kind].indexOf(word);
    return at >= 0 ? at : word === LAST_GROUP ? Number.MAX_SAFE_INTEGER : preference[kind].length;
  };
  return algorithms
    .filter((one) => one.id !== 0 && weaknessOf(kind, one.id) === undefined && allows(kind, one))
    .toSorted((a, b) => rank(a) - rank(b));
}

/** undefined where strongSwan has no keyword for it. */
function keywordOf(kind: AlgorithmKind, { id, keyLength }: Algorithm): string | undefined {
  const word = formatKeyword({ type: typeOf[kind], id, ...(keyLength !== undefined && { keyLength }) });
  return parseKeyword(word) === undefined ? undefined : word;
}

function isAead(word: string): boolean {
  return encrTransform(parseKeyword(word)?.id ?? 0)?.kind === 'aead';
}
