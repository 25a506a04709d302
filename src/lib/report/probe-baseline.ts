import { KitError } from '../core/errors.js';
import type { ComparedFinding, ComparedTarget } from './probe-diff.js';
import {
  findingStatuses,
  grades,
  PROBE_SCHEMA,
  type ProbeAlgorithm,
  type ProbeCapabilities,
  type ProbeIkev2,
  type ProbeSuite,
  probeAlgorithmKinds,
  probeSeverities,
  probeVerdicts,
} from './probe-document.js';

/** Larger than any result of thousands of targets; it keeps a wrong file from filling the memory. */
export const MAX_BASELINE_BYTES = 256 << 20;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a former result, the document or lines of NDJSON, as far as a comparison needs it.
 * @param name of the file, for errors
 * @throws KitError usage `E_BASELINE`
 */
export function readBaseline(text: string, name: string): ComparedTarget[] {
  const reader = new Reader(name);
  const document = parse(text);
  const values = document === undefined ? lines(text, reader) : [document];
  return values.flatMap((value) => {
    const fields = reader.object(value, 'the document');
    if (fields.schema !== PROBE_SCHEMA) reader.fail(`has no "schema": "${PROBE_SCHEMA}"`);
    return 'targets' in fields
      ? reader.list(fields.targets, 'targets').map((target) => reader.target(target))
      : [reader.target(fields)];
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function lines(text: string, reader: Reader): unknown[] {
  const filled = text.split('\n').filter((line) => line.trim() !== '');
  if (filled.length === 0) reader.fail('is empty');
  return filled.map((line) => parse(line) ?? reader.fail('is not JSON'));
}

/** Reads values that may be anything, and says what is wrong with them. */
class Reader {
  constructor(private readonly name: string) {}

  fail(complaint: string): never {
    throw new KitError('usage', 'E_BASELINE', `--baseline: ${this.name} ${complaint}.`, {
      hint: 'Name a result that probe wrote with --format json or ndjson.',
    });
  }

  object(value: unknown, what: string): Fields {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
    return this.fail(`is no result of probe: ${what} is not an object`);
  }

  list(value: unknown, what: string): unknown[] {
    return Array.isArray(value) ? value : this.fail(`is no result of probe: ${what} is not a list`);
  }

  text(value: unknown, what: string): string {
    return typeof value === 'string' ? value : this.fail(`is no result of probe: ${what} is not text`);
  }

  number(value: unknown, what: string): number {
    return typeof value === 'number' ? value : this.fail(`is no result of probe: ${what} is not a number`);
  }

  oneOf<T extends string>(value: unknown, choices: readonly T[], what: string): T {
    const found = choices.find((choice) => choice === value);
    return found ?? this.fail(`is no result of probe: ${what} has an unknown value`);
  }

  target(value: unknown): ComparedTarget {
    const fields = this.object(value, 'a target');
    const { host, address, port, verdict, grade, ikev2, auth, capabilities, findings } = fields;
    return {
      host: this.text(host, 'host'),
      address: address === null ? null : this.text(address, 'address'),
      port: this.number(port, 'port'),
      verdict: this.oneOf(verdict, probeVerdicts, 'verdict'),
      grade: { letter: this.oneOf(this.object(grade, 'grade').letter, grades, 'grade') },
      ikev2: ikev2 === null ? null : this.ikev2(ikev2),
      auth: auth === null ? null : this.auth(auth),
      capabilities: capabilities === null ? null : this.capabilities(capabilities),
      findings: this.list(findings, 'findings').map((finding) => this.finding(finding)),
    };
  }

  private ikev2(value: unknown): ComparedTarget['ikev2'] {
    const fields = this.object(value, 'ikev2');
    return {
      accepted: this.byKind(fields.accepted, 'ikev2.accepted'),
      inconclusive: this.byKind(fields.inconclusive, 'ikev2.inconclusive'),
      suites: this.list(fields.suites, 'ikev2.suites').map((suite) => this.suite(suite, 'ikev2.suites')),
      suitesComplete: fields.suitesComplete === true,
      preferred: fields.preferred === null ? null : this.suite(fields.preferred, 'ikev2.preferred'),
    };
  }

  private suite(value: unknown, what: string): ProbeSuite {
    const { encr, prf, integ, ke, addke } = this.object(value, what);
    return {
      encr: this.algorithm(encr, `${what}.encr`),
      prf: this.algorithm(prf, `${what}.prf`),
      ...(integ !== undefined && { integ: this.algorithm(integ, `${what}.integ`) }),
      ke: this.algorithm(ke, `${what}.ke`),
      ...(addke !== undefined && {
        addke: this.list(addke, `${what}.addke`).map((each) => this.algorithm(each, `${what}.addke`)),
      }),
    };
  }

  private auth(value: unknown): ComparedTarget['auth'] {
    const { certificates } = this.object(value, 'auth');
    return {
      certificates: this.list(certificates, 'auth.certificates').map((each) => {
        const { details } = this.object(each, 'auth.certificates');
        if (details === undefined) return {};
        const { sha256 } = this.object(details, 'auth.certificates.details');
        return { details: { sha256: this.text(sha256, 'auth.certificates.details.sha256') } };
      }),
    };
  }

  private byKind(value: unknown, what: string): ProbeIkev2['accepted'] {
    const fields = this.object(value, what);
    const [encr, prf, integ, ke, addke] = probeAlgorithmKinds.map((kind) =>
      this.list(fields[kind], `${what}.${kind}`).map((item) => this.algorithm(item, `${what}.${kind}`)),
    );
    return { encr: encr!, prf: prf!, integ: integ!, ke: ke!, addke: addke! };
  }

  private algorithm(value: unknown, what: string): ProbeAlgorithm {
    const { id, keyLength, name } = this.object(value, what);
    return {
      id: this.number(id, `${what}.id`),
      ...(keyLength !== undefined && { keyLength: this.number(keyLength, `${what}.keyLength`) }),
      name: this.text(name, `${what}.name`),
    };
  }

  /** Values are only compared and shown, so their exact shape does not matter; strange ones count as not known. */
  private capabilities(value: unknown): ProbeCapabilities {
    const fields = this.object(value, 'capabilities');
    const flag = (name: string): boolean | null => {
      const found = fields[name];
      return typeof found === 'boolean' ? found : null;
    };
    const { signatureHashes, certificateRequest, cookies } = fields;
    const cookieState = (['never', 'under load', 'always'] as const).find((state) => state === cookies);
    return {
      fragmentation: flag('fragmentation'),
      signatureHashes: Array.isArray(signatureHashes)
        ? signatureHashes.map((hash) => this.algorithm(hash, 'capabilities.signatureHashes'))
        : null,
      intermediate: flag('intermediate'),
      ppk: flag('ppk'),
      childless: flag('childless'),
      redirect: flag('redirect'),
      downgradePrevention: flag('downgradePrevention'),
      multipleAuth: flag('multipleAuth'),
      natDetection: flag('natDetection'),
      multipleKe: flag('multipleKe'),
      certificateRequest: Array.isArray(certificateRequest)
        ? certificateRequest.map((hash) => this.text(hash, 'capabilities.certificateRequest'))
        : null,
      cookies: cookieState ?? null,
    };
  }

  private finding(value: unknown): ComparedFinding {
    const { id, severity, status, title } = this.object(value, 'a finding');
    return {
      id: this.text(id, 'findings.id'),
      severity: this.oneOf(severity, probeSeverities, 'findings.severity'),
      status: this.oneOf(status, findingStatuses, 'findings.status'),
      title: this.text(title, 'findings.title'),
    };
  }
}
