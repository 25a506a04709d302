import {
  type ProbeAlgorithm,
  type ProbeCapabilities,
  type ProbeCertificate,
  type ProbeChangedAlgorithm,
  type ProbeChangedFinding,
  type ProbeChanges,
  type ProbeFinding,
  type ProbeIkev2,
  type ProbeSeverity,
  type ProbeSuite,
  type ProbeTargetReport,
  probeAlgorithmKinds,
  probeSeverities,
} from './probe-document.js';

/** What a comparison needs of a target's result. */
export interface ComparedTarget extends Pick<ProbeTargetReport, 'host' | 'address' | 'port' | 'verdict'> {
  grade: Pick<ProbeTargetReport['grade'], 'letter'>;
  ikev2: Pick<ProbeIkev2, 'accepted' | 'inconclusive' | 'suites' | 'suitesComplete' | 'preferred'> | null;
  auth: {
    certificates: readonly { details?: Pick<NonNullable<ProbeCertificate['details']>, 'sha256'> }[];
  } | null;
  capabilities: ProbeCapabilities | null;
  findings: readonly ComparedFinding[];
}

export type ComparedFinding = Pick<ProbeFinding, 'id' | 'severity' | 'status' | 'title'>;

/** Findings of policies (`POLICY-…`) are compared only where both runs judged by the policy. */
const POLICY = /^(POLICY-.*)-\d+$/;

/**
 * A former result to compare with, target by target: host, port and IP version pair them. What
 * only one of the runs found out is listed as unclear, or, where it is a finding now, as newly known.
 */
export class Baseline {
  readonly #targets: ReadonlyMap<string, ComparedTarget>;
  readonly #met = new Set<string>();

  constructor(targets: readonly ComparedTarget[]) {
    this.#targets = new Map(targets.map((target) => [keyOf(target), target]));
  }

  /** What is different with a target. */
  compare(target: ComparedTarget): ProbeChanges {
    const key = keyOf(target);
    this.#met.add(key);
    return compareTarget(this.#targets.get(key), target);
  }

  /** Targets that were not compared with anything, for the end of a run that came to all of its targets. */
  missing(): ProbeChanges[] {
    return [...this.#targets]
      .filter(([key]) => !this.#met.has(key))
      .map(([, former]) => unchanged(former, 'missing'));
  }
}

function compareTarget(former: ComparedTarget | undefined, target: ComparedTarget): ProbeChanges {
  if (former === undefined) return unchanged(target, 'added');
  const unclear: string[] = [];
  const changes: ProbeChanges = {
    ...unchanged(target, 'unchanged'),
    verdict: pair(former.verdict, target.verdict),
    grade: pair(former.grade.letter, target.grade.letter),
    ...compareAlgorithms(former.ikev2, target.ikev2, unclear),
    capabilities: compareCapabilities(former.capabilities, target.capabilities, unclear),
    suites: compareSuites(former.ikev2, target.ikev2),
    preferred: comparePreferred(former.ikev2, target.ikev2, unclear),
    certificate: compareCertificates(former.auth, target.auth),
    ...compareFindings(former.findings, target.findings, unclear),
    unclear,
  };
  const { verdict, grade, preferred, certificate, suites, capabilities } = changes;
  const { gained, lost, newFindings, newlyKnown, worse, goneFindings } = changes;
  const lists = [gained, lost, capabilities, newFindings, newlyKnown, worse, goneFindings];
  const changed =
    [verdict, grade, preferred, certificate].some((pair) => pair !== null) ||
    [...lists, suites.gained, suites.lost].some((list) => list.length > 0);
  return { ...changes, state: changed ? 'changed' : 'unchanged' };
}

function keyOf({ host, address, port }: ComparedTarget): string {
  const version = address === null ? '' : address.includes(':') ? '6' : '4';
  return `${host.toLowerCase()} ${version} ${port}`;
}

function unchanged({ host, address, port }: ComparedTarget, state: ProbeChanges['state']): ProbeChanges {
  return {
    host,
    address,
    port,
    state,
    verdict: null,
    grade: null,
    gained: [],
    lost: [],
    capabilities: [],
    suites: { gained: [], lost: [] },
    preferred: null,
    certificate: null,
    newFindings: [],
    newlyKnown: [],
    worse: [],
    goneFindings: [],
    unclear: [],
  };
}

function pair<T>(before: T, after: T): { before: T; after: T } | null {
  return before === after ? null : { before, after };
}

function compareAlgorithms(
  before: ComparedTarget['ikev2'],
  after: ComparedTarget['ikev2'],
  unclear: string[],
): Pick<ProbeChanges, 'gained' | 'lost'> {
  const gained: ProbeChangedAlgorithm[] = [];
  const lost: ProbeChangedAlgorithm[] = [];
  if (before === null || after === null) {
    if (before !== after) unclear.push('algorithms of IKEv2');
    return { gained, lost };
  }
  for (const kind of probeAlgorithmKinds) {
    for (const [from, to, found] of [
      [before, after, gained],
      [after, before, lost],
    ] as const) {
      for (const algorithm of to.accepted[kind]) {
        if (has(from.accepted[kind], algorithm)) continue;
        if (has(from.inconclusive[kind], algorithm)) unclear.push(`${kind} ${nameOf(algorithm)}`);
        else found.push({ kind, ...algorithm });
      }
    }
  }
  return { gained, lost };
}

/** Combinations of a run that does not know all of them may be there all the same. */
function compareSuites(
  before: ComparedTarget['ikev2'],
  after: ComparedTarget['ikev2'],
): ProbeChanges['suites'] {
  if (!before?.suitesComplete || !after?.suitesComplete) return { gained: [], lost: [] };
  const [old, now] = [new Set(before.suites.map(suiteText)), new Set(after.suites.map(suiteText))];
  return {
    gained: [...now].filter((suite) => !old.has(suite)),
    lost: [...old].filter((suite) => !now.has(suite)),
  };
}

function comparePreferred(
  before: ComparedTarget['ikev2'],
  after: ComparedTarget['ikev2'],
  unclear: string[],
): ProbeChanges['preferred'] {
  // Said of all algorithms already.
  if (before === null || after === null) return null;
  if (before.preferred === null || after.preferred === null) {
    if (before.preferred !== after.preferred) unclear.push('preferred suite');
    return null;
  }
  return pair(suiteText(before.preferred), suiteText(after.preferred));
}

/** Of the gateway's own certificate, which comes first. */
function compareCertificates(
  before: ComparedTarget['auth'],
  after: ComparedTarget['auth'],
): ProbeChanges['certificate'] {
  const [old, now] = [before, after].map((auth) => auth?.certificates[0]?.details?.sha256);
  return old === undefined || now === undefined ? null : pair(old, now);
}

/** `ENCR_AES_CBC-256/PRF_HMAC_SHA1/AUTH_HMAC_SHA1_96/Curve25519`. */
function suiteText({ encr, prf, integ, ke, addke = [] }: ProbeSuite): string {
  return [encr, prf, ...(integ ? [integ] : []), ke, ...addke].map(nameOf).join('/');
}

function has(list: readonly ProbeAlgorithm[], { id, keyLength }: ProbeAlgorithm): boolean {
  return list.some((other) => other.id === id && other.keyLength === keyLength);
}

function nameOf({ name, keyLength }: ProbeAlgorithm): string {
  return keyLength === undefined ? name : `${name}-${keyLength}`;
}

function compareCapabilities(
  before: ProbeCapabilities | null,
  after: ProbeCapabilities | null,
  unclear: string[],
): ProbeChanges['capabilities'] {
  if (before === null || after === null) return [];
  return (Object.keys(after) as (keyof ProbeCapabilities)[]).flatMap((name) => {
    const [old, now] = [before[name] ?? null, after[name]];
    const [oldText, nowText] = [valueText(old), valueText(now)];
    if (oldText === nowText) return [];
    if (old === null || now === null) {
      unclear.push(`capability ${name}`);
      return [];
    }
    return [{ name, before: oldText, after: nowText }];
  });
}

function valueText(value: ProbeCapabilities[keyof ProbeCapabilities]): string {
  if (value === null) return 'not known';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  const items = value.map((item) => (typeof item === 'string' ? item : item.name));
  return items.length === 0 ? 'none' : items.toSorted().join(', ');
}

function compareFindings(
  before: readonly ComparedFinding[],
  after: readonly ComparedFinding[],
  unclear: string[],
): Pick<ProbeChanges, 'newFindings' | 'newlyKnown' | 'worse' | 'goneFindings'> {
  const [old, now] = [byId(before), byId(after)];
  const newFindings: ProbeChangedFinding[] = [];
  const goneFindings: ProbeChangedFinding[] = [];
  const newlyKnown: ProbeChangedFinding[] = [];
  const worse: ProbeChanges['worse'] = [];
  for (const finding of after.filter(({ status }) => status === 'finding')) {
    const { id, title, severity } = finding;
    const former = old.get(id);
    if (former?.status === 'pass') newFindings.push(changed(finding));
    else if (former?.status !== 'finding') newlyKnown.push(changed(finding));
    else if (weightOf(severity) > weightOf(former.severity)) {
      worse.push({ id, title, before: former.severity, after: severity });
    }
  }
  for (const finding of before) {
    if (finding.status !== 'finding') continue;
    const status = now.get(finding.id)?.status;
    if (status === 'pass') goneFindings.push(changed(finding));
    else if (status !== 'finding' && wasJudged(finding.id, after)) unclear.push(`finding ${finding.id}`);
  }
  return { newFindings, newlyKnown, worse, goneFindings };
}

function weightOf(severity: ProbeSeverity): number {
  return -probeSeverities.indexOf(severity);
}

/** Whether the policy of a finding was asked for this time; checks of the catalogue always are. */
function wasJudged(id: string, findings: readonly ComparedFinding[]): boolean {
  const [, policy] = POLICY.exec(id) ?? [];
  return policy === undefined || findings.some((finding) => POLICY.exec(finding.id)?.[1] === policy);
}

function byId(findings: readonly ComparedFinding[]): Map<string, ComparedFinding> {
  return new Map(findings.map((finding) => [finding.id, finding]));
}

function changed({ id, severity, title }: ComparedFinding): ProbeChangedFinding {
  return { id, severity, title };
}
