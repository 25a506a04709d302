import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { describeChecks } from '../../../../src/lib/probe/judge.js';
import type { ProbeDocument } from '../../../../src/lib/report/probe-document.js';
import {
  type SarifResult,
  type SarifRun,
  SarifRunWriter,
  sarifHead,
} from '../../../../src/lib/report/probe-sarif.js';
import { compareProbes, document, EVIL, facts, finding, open, pass, silent, target } from './reports.js';
import { sarifSchema } from './sarif-schema.js';

const validate = new Ajv({ allErrors: true }).compile(sarifSchema);

function log(result: ProbeDocument): { runs: (SarifRun & { results: SarifResult[] })[] } {
  const writer = new SarifRunWriter(describeChecks(), '1.2.3');
  const results = result.targets.flatMap((each, at) => writer.results(each, result.changes?.[at]));
  const made = { ...sarifHead, runs: [{ ...writer.end(result), results }] };
  expect(validate(made), JSON.stringify(validate.errors)).toBe(true);
  return made;
}

const [run] = log(document([target()])).runs;

describe('SARIF', () => {
  it('has the catalogue for rules, each with severity, level and where to read about it', () => {
    const rules = run!.tool.driver.rules;
    expect(rules.map(({ id }) => id)).toEqual(describeChecks().map(({ id }) => id));
    const rule = rules.find(({ id }) => id === 'IKE-ENC-002');
    expect(rule).toMatchObject({
      shortDescription: { text: '3DES is accepted' },
      defaultConfiguration: { level: 'warning' },
      helpUri: 'https://www.rfc-editor.org/rfc/rfc8247',
    });
    expect(rule?.properties['security-severity']).toBe('5.5');
  });

  it('has a result for each finding, at the target, and none for what passed or was skipped', () => {
    expect(run!.results.map(({ ruleId, level, kind }) => [ruleId, level, kind])).toEqual([
      ['IKE-INT-002', 'note', 'fail'],
      ['IKE-ENC-002', 'warning', 'fail'],
    ]);
    const result = run!.results[1]!;
    expect(result.message.text).toBe('3DES is accepted. IKEv2 accepts ENCR_3DES (packets 3 and 4).');
    expect(result.locations).toEqual([
      {
        logicalLocations: [
          {
            name: 'vpn.example.com',
            fullyQualifiedName: 'vpn.example.com/192.0.2.1/udp/500',
            kind: 'resource',
          },
        ],
      },
    ]);
    expect(result.properties.strongswan).toContain('proposals = ');
    for (const { ruleId, ruleIndex } of run!.results) {
      expect(run!.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
    }
  });

  it.each([
    ['critical', 'error'],
    ['high', 'error'],
    ['medium', 'warning'],
    ['low', 'note'],
    ['info', 'note'],
  ] as const)('%s is of level %s', (severity, level) => {
    const [only] = log(document([target({ findings: [finding({ severity })] })])).runs[0]!.results;
    expect(only?.level).toBe(level);
  });

  it('says what stayed open, what failed and which target did not answer, so that silence is no pass', () => {
    const broken = finding({ status: 'error', evidence: ['The check itself failed: x'] });
    const { results, invocations } = log(
      document([target({ findings: [open, broken], facts: facts({ limits: ['interrupted'] }) }), silent()], {
        interrupted: true,
      }),
    ).runs[0]!;
    expect(results).toMatchObject([{ ruleId: 'IKE-META-001', kind: 'open', level: 'none' }]);
    const [invocation] = invocations;
    expect(invocation?.executionSuccessful).toBe(false);
    expect(invocation?.toolExecutionNotifications.map(({ message }) => message.text)).toEqual([
      'interrupted',
      '3DES is accepted: The check itself failed: x',
      'The target: no answer.',
    ]);
  });

  it('is no success when no target answered', () => {
    const success = (...targets: ProbeDocument['targets']) =>
      log(document(targets)).runs[0]?.invocations[0]?.executionSuccessful;
    expect([success(silent()), success(silent(), target())]).toEqual([false, true]);
  });

  it('describes rules of policies by their findings', () => {
    const policy = finding({
      id: 'POLICY-CNSA2-2',
      title: 'AES with 256-bit keys',
      references: ['NSA CNSA 2.0'],
    });
    const { tool, results } = log(document([target({ findings: [pass, policy] })])).runs[0]!;
    expect(tool.driver.rules.at(-1)?.id).toBe('POLICY-CNSA2-2');
    expect(tool.driver.rules[results[0]!.ruleIndex]?.id).toBe('POLICY-CNSA2-2');
  });

  it('says with a baseline what is new', () => {
    const before = [target({ findings: [finding()] })];
    const after = [target({ findings: [finding(), finding({ id: 'IKE-ENC-001' })] })];
    const { results } = log(document(after, { changes: compareProbes(before, after) })).runs[0]!;
    expect(results.map(({ ruleId, baselineState }) => [ruleId, baselineState])).toEqual([
      ['IKE-ENC-002', 'unchanged'],
      ['IKE-ENC-001', 'new'],
    ]);
    expect(run!.results[0]).not.toHaveProperty('baselineState');
    const added = log(document(after, { changes: compareProbes([], after) })).runs[0]!.results;
    expect(added.map(({ baselineState }) => baselineState)).toEqual(['new', 'new']);
  });

  it('leaves no placeholder in messages', () => {
    const [only] = log(document([target({ findings: [finding({ evidence: [EVIL] })] })])).runs[0]!.results;
    expect(only?.message.text).toContain('{{0}}');
  });
});
