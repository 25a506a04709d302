import type {
  ProbeChanges,
  ProbeDocument,
  ProbeFinding,
  ProbeSeverity,
  ProbeTargetReport,
} from './probe-document.js';

/** The schema that every SARIF 2.1.0 log names. */
const SARIF_SCHEMA =
  'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/** A check, whether it found something or not. */
export interface SarifCheck {
  id: string;
  title: string;
  severity: ProbeSeverity;
  references: readonly string[];
}

/** The parts of SARIF 2.1.0 that results of probe need. */
export interface SarifLog {
  $schema: string;
  version: '2.1.0';
  runs: SarifRun[];
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

interface SarifResult {
  ruleId: string;
  ruleIndex: number;
  /** `open`: nobody knows whether it is a problem (SARIF 3.27.9). */
  kind: 'fail' | 'open';
  level: SarifLevel;
  message: SarifMessage;
  locations: SarifLocation[];
  partialFingerprints: Record<string, string>;
  baselineState?: 'new' | 'unchanged';
  properties: { severity: ProbeSeverity; packets: number[]; remediation?: string; strongswan?: string };
}

interface SarifNotification {
  level: SarifLevel;
  message: SarifMessage;
  locations: SarifLocation[];
  associatedRule?: { id: string; index: number };
}

interface SarifRun {
  tool: {
    driver: { name: string; version: string; semanticVersion: string; rules: SarifRule[] };
  };
  invocations: {
    executionSuccessful: boolean;
    startTimeUtc: string;
    endTimeUtc: string;
    toolExecutionNotifications: SarifNotification[];
  }[];
  results: SarifResult[];
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
 * The result as a SARIF 2.1.0 log: checks are rules, findings are results at the target as logical location, checks
 * that stayed inconclusive are results of kind `open`, and what kept the run from being complete is a notification.
 * @param checks the catalogue; findings of others (policies) describe their rules themselves
 * @param version of this package
 */
export function sarifLog(document: ProbeDocument, checks: readonly SarifCheck[], version: string): SarifLog {
  const rules = collectRules(document, checks);
  const index = new Map(rules.map(({ id }, at) => [id, at]));
  const reported = document.targets.flatMap((target) =>
    target.findings.map((finding) => ({ target, finding, at: index.get(finding.id) ?? 0 })),
  );
  const newIds = newFindings(document.changes);
  return {
    $schema: SARIF_SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'ipsec-kit', version, semanticVersion: version, rules } },
        invocations: [
          {
            executionSuccessful: !document.interrupted,
            startTimeUtc: document.started,
            endTimeUtc: document.ended,
            toolExecutionNotifications: [
              ...document.targets.flatMap(limitNotifications),
              ...reported
                .filter(({ finding }) => finding.status === 'error')
                .map(({ target, finding, at }) => ({
                  level: 'error' as const,
                  message: message(`${finding.title}: ${finding.evidence.join(' ')}`),
                  locations: [location(target)],
                  associatedRule: { id: finding.id, index: at },
                })),
            ],
          },
        ],
        results: reported
          .filter(({ finding }) => finding.status === 'finding' || finding.status === 'inconclusive')
          .map(({ target, finding, at }) => result(target, finding, at, newIds)),
      },
    ],
  };
}

function collectRules({ targets }: ProbeDocument, checks: readonly SarifCheck[]): SarifRule[] {
  const known = new Set(checks.map(({ id }) => id));
  const others = new Map<string, SarifCheck>();
  for (const finding of targets.flatMap(({ findings }) => findings)) {
    if (!known.has(finding.id)) others.set(finding.id, finding);
  }
  return [...checks, ...others.values()].map(rule);
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
  newIds: ReadonlySet<string> | undefined,
): SarifResult {
  const { id, severity, title, evidence, packets, remediation } = finding;
  const isOpen = finding.status === 'inconclusive';
  const fingerprint = `${identityOf(target)} ${id}`;
  return {
    ruleId: id,
    ruleIndex,
    kind: isOpen ? 'open' : 'fail',
    // What is no failure has no level (SARIF 3.27.10).
    level: isOpen ? 'none' : levels[severity],
    message: message(`${isOpen ? `Not known: ${title}` : title}. ${evidence.join(' ')}`.trim()),
    locations: [location(target)],
    partialFingerprints: { 'targetAndCheck/v1': fingerprint },
    ...(newIds && !isOpen && { baselineState: newIds.has(fingerprint) ? 'new' : 'unchanged' }),
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

function newFindings(changes: readonly ProbeChanges[] | undefined): Set<string> | undefined {
  return (
    changes &&
    new Set(changes.flatMap((change) => change.newFindings.map(({ id }) => `${identityOf(change)} ${id}`)))
  );
}

/** Braces stand for arguments in messages, unless they are doubled (SARIF 3.11.5). */
function message(text: string): SarifMessage {
  return { text: text.replace(/[{}]/g, (brace) => brace + brace) };
}
