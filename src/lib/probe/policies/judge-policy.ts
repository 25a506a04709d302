import { parseCertificate } from '../../pki/certificate.js';
import { describeKey } from '../../pki/keys.js';
import {
  type CheckContext,
  finding,
  inconclusive,
  mergePackets,
  type Outcome,
  pass,
  skipped,
  unanswered,
} from '../checks/check.js';
import { algorithmText, cite, listText, withoutFacts } from '../checks/sightings.js';
import type { Algorithm, AlgorithmKind, Finding, Suite, TargetFacts } from '../types.js';
import { covers, type Item, itemOf, knowledge } from './knowledge.js';
import type { Policy, PolicyEntry, PolicyKind, PolicyLists, PolicyRule } from './policy.js';

/**
 * One finding for each rule of the policy: ids `POLICY-<NAME>-<n>`.
 * @param depth of a quick run what was not found out was not asked either
 * @param paste lines that obey the policy, for rules about algorithms
 */
export function judgePolicy(
  facts: TargetFacts,
  policy: Policy,
  depth: CheckContext['depth'] = 'full',
  paste?: string,
): Finding[] {
  return policy.rules.map((rule) => {
    const examined = examine(facts, rule, policy);
    const outcome =
      examined.status === 'inconclusive'
        ? unanswered(facts, { depth }, examined.evidence.join(' '), examined.packets)
        : examined;
    const isFinding = outcome.status === 'finding';
    const isStatement = isFinding || outcome.status === 'pass';
    const doubt =
      rule.unverified === undefined ? [] : [`The rule was not compared with its source: ${rule.unverified}.`];
    return {
      id: `POLICY-${policy.name.toUpperCase()}-${rule.id}`,
      severity: rule.severity,
      status: outcome.status,
      title: rule.title,
      evidence: isStatement ? [...outcome.evidence, ...doubt] : outcome.evidence,
      packets: outcome.packets,
      references: [rule.reference, policy.source],
      remediation: isFinding ? remediation(rule, paste) : undefined,
    };
  });
}

function examine(facts: TargetFacts, rule: PolicyRule, policy: Policy): Outcome {
  const { demand } = rule;
  switch (demand.verb) {
    case 'minimum':
      return examineKey(facts, demand.rsaBits);
    case 'allow':
      return examineEach(facts, demand.lists, true, forbiddenBy(policy));
    case 'forbid':
      return examineEach(facts, demand.lists, false);
    case 'require':
      return examineRequired(facts, demand.lists);
    case 'everySuite':
      return examineSuites(facts, demand.lists);
  }
}

/** What the policy forbids by name: the rules that do report it, and lists of what is allowed need not again. */
function forbiddenBy({ rules }: Policy): (kind: PolicyKind, item: Item) => boolean {
  const lists = rules.flatMap(({ demand }) => (demand.verb === 'forbid' ? [demand.lists] : []));
  return (kind, item) => lists.some((list) => list[kind]?.some((entry) => covers(entry, item)));
}

/**
 * Whether everything that is accepted is in the lists (`listed`), or nothing is.
 * @param isElsewhere what another rule is about
 */
function examineEach(
  facts: TargetFacts,
  lists: PolicyLists,
  listed: boolean,
  isElsewhere: (kind: PolicyKind, item: Item) => boolean = () => false,
): Outcome {
  const kinds = entriesOf(lists).map(([kind, list]) => {
    const against = (item: Item): boolean => list.some((entry) => covers(entry, item)) !== listed;
    const all = knowledge(facts, kind);
    const own = (items: readonly Item[]): Item[] => items.filter((item) => !isElsewhere(kind, item));
    const known = { ...all, accepted: own(all.accepted), open: own(all.open) };
    return { bad: known.accepted.filter(against), open: known.open.filter(against), known };
  });
  const bad = kinds.flatMap((kind) => kind.bad);
  if (bad.length > 0) {
    const packets = mergePackets(...bad.map((item) => item.packets));
    return finding(`Accepted against the policy: ${textOf(bad)}${cite(packets)}.`, packets);
  }
  const open = kinds.flatMap((kind) => kind.open);
  if (open.length > 0) return inconclusive(`Nobody knows whether ${textOf(open)} is accepted.`);
  const gap = kinds.find(({ known }) => known.gap)?.known.gap;
  if (gap) return gap;
  if (!listed) return pass(`Not accepted: ${entryTexts(lists)}.`);
  const accepted = kinds.flatMap(({ known }) => known.accepted);
  return pass(accepted.length === 0 ? 'Nothing of the kind is accepted.' : `Accepted: ${textOf(accepted)}.`);
}

/** Whether one of the entries is accepted. */
function examineRequired(facts: TargetFacts, lists: PolicyLists): Outcome {
  const kinds = entriesOf(lists).map(([kind, list]) => ({ list, known: knowledge(facts, kind) }));
  const wanted = (items: readonly Item[], list: readonly PolicyEntry[]): Item[] =>
    items.filter((item) => list.some((entry) => covers(entry, item)));
  const found = kinds.flatMap(({ list, known }) => wanted(known.accepted, list));
  if (found.length > 0) {
    const packets = mergePackets(...found.map((item) => item.packets));
    return pass(`Accepted: ${textOf(found)}${cite(packets)}.`, packets);
  }
  const open = kinds.flatMap(({ list, known }) => wanted(known.open, list));
  if (open.length > 0) return inconclusive(`Nobody knows whether ${textOf(open)} is accepted.`);
  const gap = kinds.find(({ known }) => known.gap)?.known.gap;
  return gap ?? finding(`Required and not accepted: ${entryTexts(lists)}.`);
}

/** Whether each confirmed suite has one of the entries. */
function examineSuites(facts: TargetFacts, lists: PolicyLists): Outcome {
  const { ikev2 } = facts;
  if (!ikev2) return withoutFacts(facts, 'IKEv2');
  const obeys = (suite: Suite): boolean =>
    entriesOf(lists).some(([kind, list]) =>
      suiteParts(suite, kind as AlgorithmKind).some((algorithm) =>
        list.some((entry) => covers(entry, itemOf(algorithm))),
      ),
    );
  const bad = ikev2.suites.filter((suite) => !obeys(suite));
  if (bad.length > 0) {
    const more = bad.length > 3 ? `; and ${bad.length - 3} more` : '';
    return finding(`Without ${entryTexts(lists)}: ${bad.slice(0, 3).map(suiteText).join('; ')}${more}.`);
  }
  if (ikev2.suites.length > 0 && ikev2.suitesComplete) return pass(`Every suite has ${entryTexts(lists)}.`);
  const required = examineRequired(facts, lists);
  if (required.status !== 'pass') return required;
  return inconclusive('Not all suites are known: ask with --suites.');
}

function examineKey(facts: TargetFacts, rsaBits: number): Outcome {
  if (!facts.auth) return withoutFacts(facts, "the gateway's certificate");
  const { certificates, responderMethod } = facts.auth;
  if (certificates.length === 0) {
    if (facts.auth.eap.value === false)
      return skipped('The gateway does not show a certificate before the client has authenticated.');
    return responderMethod.value === undefined || responderMethod.value === 'certificate'
      ? inconclusive('It showed no certificate.', responderMethod.packets)
      : skipped('It does not use a certificate.');
  }
  const keys = certificates.map(readKey);
  const readable = keys.filter((key) => key !== undefined);
  const short = readable.filter(({ type, bits }) => type.startsWith('rsa') && bits < rsaBits);
  const named = (list: typeof readable): string => listText(list.map(({ text }) => text));
  if (short.length > 0) return finding(`In its chain: ${named(short)}; at least ${rsaBits} bits are wanted.`);
  if (readable.length < keys.length) return inconclusive('A key in its chain cannot be read.');
  return pass(`In its chain: ${named(readable)}.`);
}

function readKey(der: Uint8Array): ReturnType<typeof describeKey> | undefined {
  try {
    const { publicKey } = parseCertificate(der);
    return publicKey && describeKey(publicKey);
  } catch {
    return undefined;
  }
}

function suiteParts(suite: Suite, kind: AlgorithmKind): Algorithm[] {
  if (kind === 'addke') return suite.addke ?? [];
  const part = suite[kind];
  return part ? [part] : [];
}

function suiteText({ encr, prf, integ, ke, addke = [] }: Suite): string {
  return [encr, ...(integ ? [integ] : []), prf, ke, ...addke].map(algorithmText).join(' / ');
}

function entriesOf(lists: PolicyLists): [kind: PolicyKind, list: readonly PolicyEntry[]][] {
  return Object.entries(lists) as [PolicyKind, readonly PolicyEntry[]][];
}

function textOf(items: readonly Item[]): string {
  return listText(items.map(({ text }) => text));
}

function entryTexts(lists: PolicyLists): string {
  const texts = entriesOf(lists).flatMap(([, list]) => list.map(({ text }) => text));
  return [...new Set(texts)].join(' or ');
}

function remediation({ demand, reference }: PolicyRule, paste: string | undefined): Finding['remediation'] {
  const withLine = (text: string): Finding['remediation'] => ({
    text,
    ...(paste !== undefined && { strongswan: paste }),
  });
  if (demand.verb === 'minimum') {
    return {
      text: `Issue the certificate for a new key: RSA of at least ${demand.rsaBits} bits, or ECDSA.`,
      strongswan: 'local {\n  certs = gateway.pem\n}',
    };
  }
  const texts = entryTexts(demand.lists).replaceAll(' or ', ', ');
  if ('version' in demand.lists) return { text: `Keep ${texts} only.`, strongswan: 'version = 2' };
  const isProposal = suiteLists.some((kind) => kind in demand.lists);
  const advice = {
    allow: `Keep only what ${reference} allows: ${texts}.`,
    forbid: `Take out what ${reference} forbids: ${texts}.`,
    require: `Accept what ${reference} requires: ${entryTexts(demand.lists)}.`,
    everySuite: `Accept no suite without ${entryTexts(demand.lists)}.`,
  }[demand.verb];
  if (isProposal) return withLine(advice);
  const lines = otherLines(demand);
  return { text: advice, ...(lines !== undefined && { strongswan: lines }) };
}

/** What to configure for signatures and capabilities, where strongSwan has words for it. */
function otherLines({ verb, lists }: ListDemand): string | undefined {
  if (lists.hash !== undefined) {
    const listed = lists.hash.map(({ id }) => id);
    const words = Object.entries(hashWords)
      .filter(([id]) => listed.includes(Number(id)) === (verb !== 'forbid'))
      .map(([, word]) => word);
    const auth = ['pubkey', ...words].join('-');
    return words.length === 0 ? undefined : `local {\n  auth = ${auth}\n}\nremote {\n  auth = ${auth}\n}`;
  }
  if (verb !== 'require') return undefined;
  const lines = (lists.capability ?? []).flatMap(({ text }) => capabilityLines[text] ?? []);
  return lines.length === 0 ? undefined : lines.join('\n');
}

type ListDemand = Exclude<PolicyRule['demand'], { verb: 'minimum' }>;

/** By number in SIGNATURE_HASH_ALGORITHMS; a key of Ed25519 or Ed448 signs with "Identity" (RFC 8420) whatever is said. */
const hashWords: Readonly<Record<number, string>> = { 2: 'sha256', 3: 'sha384', 4: 'sha512' };

const capabilityLines: Readonly<Record<string, string>> = {
  fragmentation: 'fragmentation = yes',
  childless: 'childless = allow',
};

const suiteLists: readonly PolicyKind[] = ['encr', 'prf', 'integ', 'ke', 'addke'];
