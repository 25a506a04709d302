import { transforms } from '../../lib/crypto/registry.js';
import type { Level } from '../../lib/crypto/transform.js';
import { transformTypeOf } from '../../lib/probe/checks/algorithm-check.js';
import { weaknessOf } from '../../lib/probe/checks/weaknesses.js';
import {
  type ProbeActive,
  type ProbeAlgorithm,
  type ProbeAlgorithmKind,
  type ProbeCapabilities,
  type ProbeIkev1Suite,
  type ProbeIkev2,
  type ProbeSuite,
  type ProbeTargetReport,
  probeAlgorithmKinds,
} from '../../lib/report/probe-document.js';
import { note, plain, type SectionView, type Tone, type Toned } from './view-model.js';
import { algorithmText, capabilityNames, countText, kindNames, listText, suiteText } from './words.js';

/** Suites that a report names; JSON has all. */
const MOST_SUITES = 40;
/** Groups of an offer that are named; JSON has all. */
const MOST_OFFERED = 5;
/** Vendor ids can be long; JSON has all of them. */
const MOST_HEX = 40;
/** RFC 8247 is silent about younger groups; these are as strong as AES-128. */
const STRONG_BITS = 128;

/** What was learnt about the gateway's protocols, section by section. */
export function protocolSections(target: ProbeTargetReport): SectionView[] {
  const { ikev2, capabilities } = target;
  return [
    ...(ikev2 ? [algorithmSection(ikev2), ...suiteSection(ikev2), ...steeringSection(ikev2)] : []),
    ...(capabilities ? [capabilitySection(capabilities)] : []),
    ...ikev1Section(target),
    ...authSection(target),
    ...vendorSection(target),
    ...activeSection(target),
  ];
}

/** Requirement level and judgement of an IKEv2 algorithm, with the tone of the worse. */
export function algorithmLevel(
  kind: ProbeAlgorithmKind,
  id: number,
): { level: Level; tone: Tone; word: string } {
  const row = transforms(transformTypeOf[kind]).find((each) => each.id === id);
  const level = row?.ikeLevel ?? 'unlisted';
  const severity = weaknessOf(kind, id);
  if (severity === 'critical' || severity === 'high') return { level, tone: 'bad', word: severity };
  if (severity !== undefined) return { level, tone: 'warn', word: severity };
  const strong = row !== undefined && (row.offered || ('strength' in row && row.strength >= STRONG_BITS));
  const good = strong || level === 'MUST' || level === 'SHOULD' || level === 'SHOULD+';
  return { level, tone: good ? 'good' : 'plain', word: good ? 'good' : '' };
}

function algorithmSection({ accepted, preferred }: ProbeIkev2): SectionView {
  const rows = probeAlgorithmKinds.flatMap((kind) =>
    accepted[kind].map((algorithm, at): Toned[] => {
      const { level, tone, word } = algorithmLevel(kind, algorithm.id);
      return [
        note(at === 0 ? kindNames[kind] : ''),
        { text: algorithmText(algorithm), tone },
        note(String(algorithm.id)),
        { text: level === 'unlisted' ? '' : level, tone },
        { text: word, tone },
        plain(isPreferred(kind, algorithm, preferred) ? 'preferred' : ''),
      ];
    }),
  );
  if (rows.length === 0) {
    return {
      title: 'IKEv2 algorithms',
      lines: [{ text: 'No offer was accepted: perhaps there is no connection for us.', tone: 'warn' }],
    };
  }
  return {
    title: 'IKEv2 algorithms that are accepted',
    table: { head: ['for', 'algorithm', 'IANA', 'RFC 8247', 'judgement', ''], rows },
  };
}

function isPreferred(
  kind: ProbeAlgorithmKind,
  { id, keyLength }: ProbeAlgorithm,
  preferred: ProbeSuite | null,
): boolean {
  const chosen = kind === 'addke' ? (preferred?.addke ?? []) : [preferred?.[kind]];
  return chosen.some((algorithm) => algorithm?.id === id && algorithm.keyLength === keyLength);
}

function suiteSection({ suites, suitesComplete, suitesMethod }: ProbeIkev2): SectionView[] {
  if (suitesMethod === 'none' || suites.length === 0) return [];
  const more = suites.length - MOST_SUITES;
  const how = suitesComplete ? 'all of them' : suitesMethod === 'pairwise' ? 'by pairs' : 'not all';
  return [
    {
      title: `Confirmed suites (${how})`,
      lines: [
        ...suites.slice(0, MOST_SUITES).map((suite) => plain(suiteText(suite))),
        ...(more > 0 ? [note(`and ${more} more; --format json has all`)] : []),
      ],
    },
  ];
}

function steeringSection({ steering }: ProbeIkev2): SectionView[] {
  if (steering.length === 0) return [];
  const lines = steering.map(({ offered, sent, wanted }) => {
    const { tone } = algorithmLevel('ke', wanted.id);
    const choice =
      offered.length > MOST_OFFERED
        ? `${offered.length} that were offered`
        : listText(offered.map(({ name }) => name));
    const text = `${wanted.name} instead of ${sent.name}, of ${choice}`;
    return { text, tone: tone === 'good' ? ('plain' as const) : tone };
  });
  const seen = new Set<string>();
  const once = lines.filter(({ text }) => !seen.has(text) && seen.add(text));
  return [{ title: 'Groups it asked for', lines: once.slice(0, MOST_SUITES) }];
}

function capabilitySection(capabilities: ProbeCapabilities): SectionView {
  const facts = Object.entries(capabilities).map(([name, value]): [string, string] => [
    capabilityNames[name as keyof ProbeCapabilities],
    capabilityText(value),
  ]);
  return { title: 'Capabilities', facts };
}

function capabilityText(value: ProbeCapabilities[keyof ProbeCapabilities]): string {
  if (value === null) return 'not known';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  if (value.length === 0) return 'none';
  return value.map((item) => (typeof item === 'string' ? item : item.name)).join(', ');
}

function ikev1Section({ ikev1 }: ProbeTargetReport): SectionView[] {
  if (ikev1 === null || ikev1.enabled === false) return [];
  const row = (mode: string, { encr, hash, auth, group }: ProbeIkev1Suite, tone: Tone): Toned[] => [
    { text: mode, tone },
    plain(algorithmText(encr)),
    plain(hash.name),
    plain(auth.name),
    plain(group.name),
  ];
  const rows = [
    ...ikev1.mainMode.map((suite) => row('Main', suite, 'warn')),
    ...ikev1.aggressiveMode.map((suite) => row('Aggressive', suite, 'bad')),
  ];
  const { aggressiveIdentity, aggressiveHash } = ikev1;
  const facts: [string, string][] = [];
  if (aggressiveIdentity !== null) facts.push(['calls itself', aggressiveIdentity]);
  if (aggressiveHash !== null) {
    facts.push([
      'gave away',
      `a hash (${aggressiveHash.hash}) of its pre-shared key, which anybody can guess at offline; --save-hash keeps it`,
    ]);
  }
  if (rows.length === 0 && facts.length === 0) return [];
  return [
    {
      title: 'IKEv1',
      facts,
      ...(rows.length > 0 && {
        table: { head: ['mode', 'encryption', 'hash', 'authentication', 'group'], rows },
      }),
    },
  ];
}

function authSection({ auth }: ProbeTargetReport): SectionView[] {
  if (auth === null || auth.eap === null) return [];
  const facts: [string, string][] = [['EAP', auth.eap ? 'yes' : 'no']];
  if (auth.identity !== null) facts.push(['identity', auth.identity]);
  if (auth.responderMethod !== null) facts.push(['proves itself with', auth.responderMethod]);
  if (auth.signature !== null) facts.push(['signature', auth.signature]);
  for (const { details } of auth.certificates) {
    facts.push(
      details === undefined
        ? ['certificate', 'cannot be read']
        : [
            'certificate',
            `${details.subject}, for ${details.names.join(', ') || 'no names'}, ${details.key}, until ${details.notAfter.slice(0, 10)}, issued by ${details.issuer}`,
          ],
    );
  }
  if (auth.problems?.length === 0) facts.push(['chain', 'leads to a trusted CA']);
  const lines = (auth.problems ?? []).map(({ code, message }) => ({
    text: `${message} (${code})`,
    tone: 'bad' as const,
  }));
  if (auth.identityOracle !== null) {
    facts.push(['tells identities apart', auth.identityOracle ? 'yes' : 'no']);
  }
  return [{ title: 'Authentication', facts, ...(lines.length > 0 && { lines }) }];
}

function guessText(guesses: NonNullable<ProbeActive['pskGuesses']> | null): string {
  if (guesses === null) return 'not known';
  const { tried, foundLine } = guesses;
  if (foundLine !== null) return `guessed: it is line ${foundLine} of the word list`;
  return `${countText(tried, 'guess', 'guesses')}, none of them right`;
}

function vendorSection({ vendorIds }: ProbeTargetReport): SectionView[] {
  if (vendorIds.length === 0) return [];
  const rows = vendorIds.map(({ hex, name, version }) => [
    plain([name ?? 'unknown', ...(version === undefined ? [] : [version])].join(' ')),
    note(hex.length > MOST_HEX ? `${hex.slice(0, MOST_HEX)}…` : hex),
  ]);
  return [{ title: 'Vendor ids', table: { head: ['name', 'as received'], rows } }];
}

function activeSection({ active }: ProbeTargetReport): SectionView[] {
  if (active === null) return [];
  const facts: [string, string][] = [];
  const { invalidPublicValue, cookiesUnderLoad, pskGuesses } = active;
  if (invalidPublicValue !== undefined) {
    const taken = invalidPublicValue?.map(({ group, value }) => `${value} of group ${group}`);
    facts.push(['invalid public values', taken ? listText(taken) || 'refused' : 'not known']);
  }
  if (cookiesUnderLoad !== undefined) {
    const text = cookiesUnderLoad ? 'yes' : 'no';
    facts.push(['cookies under load', cookiesUnderLoad === null ? 'not known' : text]);
  }
  if (pskGuesses !== undefined) facts.push(['pre-shared key', guessText(pskGuesses)]);
  return facts.length === 0 ? [] : [{ title: 'Active checks', facts }];
}
