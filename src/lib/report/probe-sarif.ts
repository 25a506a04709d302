import type {
  ProbeChanges,
  ProbeDocument,
  ProbeFinding,
  ProbeSeverity,
  ProbeTargetReport,
} from './probe-document.js';

/** What every SARIF 2.1.0 log has beside its `runs`. */
export const sarifHead = {
  $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
  version: '2.1.0',
} as const;

/** A check, whether it found something or not. */
export interface SarifCheck {
  id: string;
  title: string;
  severity: ProbeSeverity;
  references: readonly string[];
}

interface SarifMessage {
  text: string;
}

type SarifLevel = 'none' | 'note' | 'warning' | 'error';

interface SarifRule {
  id: string;
  shortDescription: SarifMessage;
  fullDescription?: SarifMessage;
  help?: SarifMessage;
  helpUri?: string;
  defaultConfiguration: { level: SarifLevel };
  properties: { tags: string[]; 'security-severity': string; references: string[] };
}

interface SarifLocation {
  logicalLocations: { name: string; fullyQualifiedName: string; kind: 'resource' }[];
}

export interface SarifResult {
  ruleId: string;
  ruleIndex: number;
  /** `open`: nobody knows whether it is a problem (SARIF 3.27.9). */
  kind: 'fail' | 'open';
  level: SarifLevel;
  message: SarifMessage;
  locations: SarifLocation[];
  partialFingerprints: Record<string, string>;
  baselineState?: 'new' | 'updated' | 'unchanged';
  properties: { severity: ProbeSeverity; packets: number[]; remediation?: string; strongswan?: string };
}

interface SarifNotification {
  level: SarifLevel;
  message: SarifMessage;
  locations: SarifLocation[];
  associatedRule?: { id: string; index: number };
}

/** A run without its results. */
export interface SarifRun {
  tool: {
    driver: { name: string; version: string; semanticVersion: string; rules: SarifRule[] };
  };
  invocations: {
    executionSuccessful: boolean;
    startTimeUtc: string;
    endTimeUtc: string;
    toolExecutionNotifications: SarifNotification[];
  }[];
}

const levels: Readonly<Record<ProbeSeverity, SarifLevel>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  info: 'note',
};

/** The middles of CVSS 3.1's ranges (section 5), which viewers sort by. */
const securitySeverities: Readonly<Record<ProbeSeverity, string>> = {
  critical: '9.5',
  high: '8.0',
  medium: '5.5',
  low: '2.0',
  info: '0.0',
};

/**
 * Makes a run of a SARIF 2.1.0 log: checks are rules, findings are results at the target as logical location, checks
 * that stayed inconclusive are results of kind `open`, and what kept the run from being complete is a notification.
 * Results are handed out target by target, so that a log can be written while targets are probed.
 */
export class SarifRunWriter {
  readonly #rules: SarifRule[] = [];
  readonly #index = new Map<string, number>();
  readonly #notifications: SarifNotification[] = [];
  #answered = false;

  /**
   * @param checks the catalogue; findings of others (policies) describe their rules themselves
   * @param version of this package
   */
  constructor(
    checks: readonly SarifCheck[],
    private readonly version: string,
  ) {
    for (const check of checks) this.#indexOf(check);
  }

  /** @param changes since the former result, with a baseline */
  results(target: ProbeTargetReport, changes: ProbeChanges | undefined): SarifResult[] {
    this.#answered ||= target.verdict === 'answers' || target.verdict === 'blocked';
    this.#notifications.push(...limitNotifications(target));
    const results: SarifResult[] = [];
    for (const finding of target.findings) {
      const at = this.#indexOf(finding);
      if (finding.status === 'finding' || finding.status === 'inconclusive') {
        results.push(result(target, finding, at, changes));
      } else if (finding.status === 'error') {
        this.#notifications.push({
          level: 'error',
          message: message(`${finding.title}: ${finding.evidence.join(' ')}`),
          locations: [location(target)],
          associatedRule: { id: finding.id, index: at },
        });
      }
    }
    return results;
  }

  /** The run, when all targets had their turn. */
  end({ interrupted, started, ended }: Pick<ProbeDocument, 'interrupted' | 'started' | 'ended'>): SarifRun {
    const { version } = this;
    return {
      tool: { driver: { name: 'ipsec-kit', version, semanticVersion: version, rules: this.#rules } },
      invocations: [
        {
          // Without results of anybody a run must not read as one without findings.
          executionSuccessful: !interrupted && this.#answered,
          startTimeUtc: started,
          endTimeUtc: ended,
          toolExecutionNotifications: this.#notifications,
        },
      ],
    };
  }

  #indexOf(check: SarifCheck): number {
    const known = this.#index.get(check.id);
    if (known !== undefined) return known;
    this.#index.set(check.id, this.#rules.length);
    return this.#rules.push(rule(check)) - 1;
  }
}

function rule({ id, title, severity, references }: SarifCheck): SarifRule {
  const helpUri = references.map(addressOf).find((address) => address !== undefined);
  const text = references.length === 0 ? title : `${title}. See ${references.join(', ')}.`;
  return {
    id,
    shortDescription: message(title),
    fullDescription: message(text),
    help: message(text),
    ...(helpUri !== undefined && { helpUri }),
    defaultConfiguration: { level: levels[severity] },
    properties: {
      tags: ['security', 'ike'],
      'security-severity': securitySeverities[severity],
      references: [...references],
    },
  };
}

/** Where a reference can be read; undefined for those without a stable address. */
function addressOf(reference: string): string | undefined {
  if (/^https:\/\/[\w./?=&%#-]+$/.test(reference)) return reference;
  const rfc = /^RFC (\d{1,5})\b/.exec(reference)?.[1];
  if (rfc !== undefined) return `https://www.rfc-editor.org/rfc/rfc${rfc}`;
  return /^CVE-\d{4}-\d{4,}$/.test(reference) ? `https://www.cve.org/CVERecord?id=${reference}` : undefined;
}

function result(
  target: ProbeTargetReport,
  finding: ProbeFinding,
  ruleIndex: number,
  changes: ProbeChanges | undefined,
): SarifResult {
  const { id, severity, title, evidence, packets, remediation } = finding;
  const isOpen = finding.status === 'inconclusive';
  return {
    ruleId: id,
    ruleIndex,
    kind: isOpen ? 'open' : 'fail',
    // What is no failure has no level (SARIF 3.27.10).
    level: isOpen ? 'none' : levels[severity],
    message: message(`${isOpen ? `Not known: ${title}` : title}. ${evidence.join(' ')}`.trim()),
    locations: [location(target)],
    partialFingerprints: { 'targetAndCheck/v1': `${identityOf(target)} ${id}` },
    ...(changes && !isOpen && { baselineState: baselineState(id, changes) }),
    properties: {
      severity,
      packets,
      ...(remediation && { remediation: remediation.text }),
      ...(remediation?.strongswan !== undefined && { strongswan: remediation.strongswan }),
    },
  };
}

/** What cannot be a result, because no check stands for it: targets that do not answer, runs that are incomplete. */
function limitNotifications(target: ProbeTargetReport): SarifNotification[] {
  const { verdict, limits } = target;
  const said = [...(verdict === 'answers' ? [] : [`The target: ${verdict}.`]), ...limits];
  return said.map((text) => ({ level: 'warning', message: message(text), locations: [location(target)] }));
}

function location(target: ProbeTargetReport): SarifLocation {
  return {
    logicalLocations: [{ name: target.host, fullyQualifiedName: identityOf(target), kind: 'resource' }],
  };
}

/** `vpn.example.com/192.0.2.1/udp/500`. */
function identityOf({ host, address, port }: Pick<ProbeTargetReport, 'host' | 'address' | 'port'>): string {
  const place = address === null || address === host ? host : `${host}/${address}`;
  return `${place}/udp/${port}`;
}

function baselineState(
  id: string,
  { state, newFindings, newlyKnown, worse }: ProbeChanges,
): NonNullable<SarifResult['baselineState']> {
  const isNew = [...newFindings, ...newlyKnown].some((finding) => finding.id === id);
  if (state === 'added' || isNew) return 'new';
  return worse.some((finding) => finding.id === id) ? 'updated' : 'unchanged';
}

/** Braces stand for arguments in messages, unless they are doubled (SARIF 3.11.5). */
function message(text: string): SarifMessage {
  return { text: text.replace(/[{}]/g, (brace) => brace + brace) };
}
