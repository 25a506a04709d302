import { describe, expect, it } from 'vitest';
import { KitError } from '../../../../src/lib/core/errors.js';
import { readBaseline } from '../../../../src/lib/report/probe-baseline.js';
import { Baseline } from '../../../../src/lib/report/probe-diff.js';
import {
  PROBE_SCHEMA,
  type ProbeCertificate,
  type ProbeChanges,
  type ProbeTargetReport,
} from '../../../../src/lib/report/probe-document.js';
import {
  aesGcm,
  byKind,
  compareProbes,
  document,
  facts,
  finding,
  group2,
  ikev2,
  open,
  pass,
  seen,
  silent,
  target,
  tripleDes,
} from './reports.js';

function compare(before: ProbeTargetReport, after: ProbeTargetReport): ProbeChanges {
  const [changes, ...rest] = compareProbes([before], [after]);
  expect(rest).toEqual([]);
  return changes!;
}

const withIkev2 = (changes: Parameters<typeof ikev2>[0]): ProbeTargetReport =>
  target({ facts: facts({ ikev2: ikev2(changes) }) });

describe('a comparison', () => {
  it('of a result with itself finds nothing', () => {
    const both = [target(), silent()];
    for (const changes of compareProbes(both, both)) {
      expect(changes).toMatchObject({ state: 'unchanged', verdict: null, grade: null, unclear: [] });
    }
  });

  it('names algorithms gained and lost, key lengths apart', () => {
    const after = withIkev2({ accepted: byKind({ encr: [{ ...aesGcm, keyLength: 128 }], ke: [group2] }) });
    const { state, gained, lost } = compare(
      withIkev2({ accepted: byKind({ encr: [aesGcm, tripleDes] }) }),
      after,
    );
    expect(state).toBe('changed');
    expect(gained).toEqual([
      { kind: 'encr', ...aesGcm, keyLength: 128 },
      { kind: 'ke', ...group2 },
    ]);
    expect(lost).toEqual([
      { kind: 'encr', ...aesGcm },
      { kind: 'encr', ...tripleDes },
    ]);
  });

  it('names suites where both runs know all, and what the gateway prefers', () => {
    const suite = { encr: aesGcm, prf: { id: 5, name: 'PRF_HMAC_SHA2_256' }, ke: group2 };
    const other = { ...suite, prf: { id: 7, name: 'PRF_HMAC_SHA2_512' } };
    const before = { suites: [suite], suitesComplete: true, preferred: suite };
    const after = { suites: [other], suitesComplete: true, preferred: other };
    const [old, now] = ['256', '512'].map(
      (bits) => `${aesGcm.name}-${aesGcm.keyLength}/PRF_HMAC_SHA2_${bits}/${group2.name}`,
    );
    expect(compare(withIkev2(before), withIkev2(after))).toMatchObject({
      state: 'changed',
      suites: { gained: [now], lost: [old] },
      preferred: { before: old, after: now },
    });
    const partly = compare(
      withIkev2(before),
      withIkev2({ ...after, suitesComplete: false, preferred: undefined }),
    );
    expect(partly).toMatchObject({ suites: { gained: [], lost: [] }, preferred: null });
    expect(partly.unclear).toContain('preferred suite');
  });

  it('names another certificate', () => {
    const withCertificate = (sha256: string): ProbeTargetReport => {
      const auth = { eap: true, responderMethod: null, identity: null, signature: null } as const;
      const details = { sha256 } as NonNullable<ProbeCertificate['details']>;
      const certificates = [{ pem: '', details }];
      return { ...target(), auth: { ...auth, certificates, problems: null, identityOracle: null } };
    };
    const changes = compare(withCertificate('aa'), withCertificate('bb'));
    expect(changes).toMatchObject({ state: 'changed', certificate: { before: 'aa', after: 'bb' } });
    const read = readBaseline(JSON.stringify({ schema: PROBE_SCHEMA, ...withCertificate('aa') }), 'old.json');
    expect(new Baseline(read).compare(withCertificate('aa')).state).toBe('unchanged');
  });

  it('does not call lost or gained what one of the runs did not find out', () => {
    const knows = withIkev2({ accepted: byKind({ encr: [tripleDes] }) });
    const unsure = withIkev2({ accepted: byKind(), inconclusive: byKind({ encr: [tripleDes] }) });
    for (const pair of [
      [knows, unsure],
      [unsure, knows],
    ] as const) {
      expect(compare(...pair)).toMatchObject({
        state: 'unchanged',
        gained: [],
        lost: [],
        unclear: ['encr ENCR_3DES'],
      });
    }
    const mute = target({ facts: facts({ verdict: 'no answer', ikev2: undefined }) });
    const changes = compare(knows, mute);
    expect(changes).toMatchObject({ verdict: { before: 'answers', after: 'no answer' }, lost: [] });
    expect(changes.unclear).toContain('algorithms of IKEv2');
  });

  it('tells capabilities and grades', () => {
    const { capabilities } = ikev2();
    const changed = target({
      facts: facts({
        ikev2: ikev2({
          capabilities: {
            ...capabilities,
            fragmentation: seen(false),
            signatureHashes: seen([3]),
            ppk: { value: undefined, packets: [] },
          },
        }),
      }),
      grade: { letter: 'B', reasons: [] },
    });
    const changes = compare(target(), changed);
    expect(changes.grade).toEqual({ before: 'C', after: 'B' });
    expect(changes.capabilities).toEqual([
      { name: 'fragmentation', before: 'yes', after: 'no' },
      { name: 'signatureHashes', before: 'SHA2-256, SHA2-384', after: 'SHA2-384' },
    ]);
    expect(changes.unclear).toEqual(['capability ppk']);
  });

  it('tells findings that are new, gone, or perhaps gone', () => {
    const of = (...findings: Parameters<typeof finding>[0][]): ProbeTargetReport =>
      target({ findings: findings.map(finding) });
    const changes = compare(
      of(
        { id: 'IKE-A-1' },
        { id: 'IKE-B-1' },
        { id: 'IKE-C-1' },
        { id: 'IKE-D-1', status: 'inconclusive' },
        { id: 'IKE-E-1', status: 'pass' },
      ),
      of(
        { id: 'IKE-A-1' },
        { id: 'IKE-B-1', status: 'pass' },
        { id: 'IKE-C-1', status: 'inconclusive' },
        { id: 'IKE-D-1' },
        { id: 'IKE-E-1' },
        { id: 'IKE-F-1' },
      ),
    );
    expect(changes.newFindings.map(({ id }) => id)).toEqual(['IKE-E-1']);
    expect(changes.newlyKnown.map(({ id }) => id)).toEqual(['IKE-D-1', 'IKE-F-1']);
    expect(changes.goneFindings.map(({ id }) => id)).toEqual(['IKE-B-1']);
    expect(changes.unclear).toEqual(['finding IKE-C-1']);
  });

  it('tells findings that weigh more than before, and not those that weigh less', () => {
    const [light, heavy] = [finding({ severity: 'low' }), finding({ severity: 'critical' })];
    const changes = compare(target({ findings: [light] }), target({ findings: [heavy] }));
    expect(changes).toMatchObject({ state: 'changed', newFindings: [], newlyKnown: [] });
    expect(changes.worse).toEqual([
      { id: 'IKE-ENC-002', title: '3DES is accepted', before: 'low', after: 'critical' },
    ]);
    expect(compare(target({ findings: [heavy] }), target({ findings: [light] })).worse).toEqual([]);
  });

  it('misses no findings of a policy that nobody asked for this time', () => {
    const before = target({ findings: [pass, finding({ id: 'POLICY-BSI-2' })] });
    expect(compare(before, target({ findings: [pass] }))).toMatchObject({ unclear: [], goneFindings: [] });
    const partly = target({ findings: [pass, finding({ id: 'POLICY-BSI-1', status: 'pass' })] });
    expect(compare(before, partly).unclear).toEqual(['finding POLICY-BSI-2']);
  });

  it('pairs by name, port and IP version: addresses of names may change', () => {
    const at = (address: string, port = 500): ProbeTargetReport =>
      target({ facts: facts({ address, port }) });
    const states = (before: ProbeTargetReport[], after: ProbeTargetReport[]): string[] =>
      compareProbes(before, after).map(({ address, state }) => `${address} ${state}`);
    expect(states([at('192.0.2.1')], [at('192.0.2.7')])).toEqual(['192.0.2.7 unchanged']);
    expect(states([at('192.0.2.1')], [at('2001:db8::1')])).toEqual([
      '2001:db8::1 added',
      '192.0.2.1 missing',
    ]);
    expect(states([at('192.0.2.1')], [at('192.0.2.1', 4500)])).toEqual([
      '192.0.2.1 added',
      '192.0.2.1 missing',
    ]);
  });
});

describe('a former result', () => {
  const both = [target({ findings: [open, finding()] }), silent('unresolved')];

  it('is the document or lines of NDJSON, and gives the same comparison', () => {
    const lines = both.map((each) => JSON.stringify({ schema: PROBE_SCHEMA, ...each })).join('\n');
    for (const text of [JSON.stringify(document(both)), `${lines}\n\n`, `${lines}\r\n`]) {
      const former = readBaseline(text, 'old.json');
      expect(former.map(({ host }) => host)).toEqual(['vpn.example.com', 'silent.example.com']);
      expect(compareProbes(former, both)).toEqual(compareProbes(both, both));
    }
  });

  const broken = (change: (fields: Record<string, unknown>) => void): string => {
    const fields = structuredClone({ schema: PROBE_SCHEMA, ...both[0]! }) as unknown as Record<
      string,
      unknown
    >;
    change(fields);
    return JSON.stringify(fields);
  };

  it.each<[string, string, string]>([
    ['nothing', '', 'is empty'],
    ['no JSON', '{', 'is not JSON'],
    ['a list', '[]', 'not an object'],
    ['null', 'null', 'not an object'],
    ['another document', '{"schema":"ipsec-kit/cert@1"}', 'ipsec-kit/probe@1'],
    ['a newer document', '{"schema":"ipsec-kit/probe@2","targets":[]}', 'ipsec-kit/probe@1'],
    ['targets that are none', JSON.stringify({ schema: PROBE_SCHEMA, targets: [1] }), 'a target'],
    ['no host', broken((fields) => delete fields.host), 'host'],
    ['an unknown verdict', broken((fields) => Object.assign(fields, { verdict: 'fine' })), 'verdict'],
    ['an unknown grade', broken((fields) => Object.assign(fields, { grade: { letter: 'E' } })), 'grade'],
    ['no findings', broken((fields) => Object.assign(fields, { findings: {} })), 'findings'],
    [
      'an algorithm without number',
      broken((fields) => Object.assign(fields, { ikev2: { accepted: { encr: [{}] } } })),
      'accepted.encr',
    ],
    [
      'a list of kinds that is short',
      broken((fields) => Object.assign(fields, { ikev2: { accepted: { encr: [] }, inconclusive: {} } })),
      'accepted.prf',
    ],
    [
      'strange hashes',
      broken((fields) => Object.assign(fields, { capabilities: { signatureHashes: ['x'] } })),
      'signatureHashes',
    ],
  ])('with %s is refused by its name', (_what, text, said) => {
    const read = (): unknown => readBaseline(text, 'old.json');
    expect(read).toThrow(KitError);
    expect(read).toThrow(expect.objectContaining({ code: 'E_BASELINE', kind: 'usage' }));
    expect(read).toThrow(said);
    expect(read).toThrow('old.json');
  });
});
