import {
  findingStatuses,
  grades,
  PROBE_SCHEMA,
  portStates,
  probeAlgorithmKinds,
  probeSeverities,
  probeVerdicts,
} from './probe-document.js';

const text = { type: 'string' } as const;
const texts = { type: 'array', items: text } as const;
const flag = { type: 'boolean' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const hex = { type: 'string', pattern: '^([0-9a-f]{2})*$' } as const;
const date = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' } as const;
const packetNumbers = { type: 'array', items: { type: 'integer', minimum: 1 } } as const;

const list = (items: object) => ({ type: 'array', items });
const ref = (name: string) => ({ $ref: `#/definitions/${name}` });
const orNull = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });
const choice = (values: readonly string[]) => ({ enum: values });

/** An object of exactly these properties; names that end in `?` may be absent. */
function object(properties: Record<string, object>) {
  const entries = Object.entries(properties);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, schema]) => [name.replace(/\?$/, ''), schema])),
    required: entries.map(([name]) => name).filter((name) => !name.endsWith('?')),
    additionalProperties: false,
  };
}

const byKind = object(Object.fromEntries(probeAlgorithmKinds.map((kind) => [kind, list(ref('algorithm'))])));
const named = object({ id: count, name: text });
const knownOr = orNull(flag);
const change = (values: readonly string[]) =>
  orNull(object({ before: choice(values), after: choice(values) }));

const target = {
  host: text,
  address: orNull(text),
  port: { type: 'integer', minimum: 1, maximum: 65_535 },
  verdict: choice(probeVerdicts),
  grade: object({ letter: choice(grades), reasons: texts }),
  ports: object({ ike: choice(portStates), natT: choice(portStates), tcp: choice(portStates) }),
  ikev2: orNull(ref('ikev2')),
  capabilities: orNull(ref('capabilities')),
  vendorIds: list(object({ hex, 'name?': text, 'version?': text })),
  fingerprint: orNull(
    object({
      implementation: text,
      'version?': text,
      confidence: { type: 'number', minimum: 0, maximum: 1 },
      reasons: texts,
    }),
  ),
  ikev1: orNull(ref('ikev1')),
  auth: orNull(ref('auth')),
  active: orNull(
    object({
      'invalidPublicValue?': orNull(list(object({ group: count, value: text }))),
      'cookiesUnderLoad?': knownOr,
      'pskGuesses?': orNull(object({ tried: count, foundLine: orNull({ type: 'integer', minimum: 1 }) })),
    }),
  ),
  findings: list(ref('finding')),
  unknown: list(object({ subject: text, reason: text })),
  limits: texts,
  proposal: text,
  'paste?': text,
  packets: object({ sent: count, received: count, bytesSent: count, bytesReceived: count }),
  log: list(
    object({
      number: { type: 'integer', minimum: 1 },
      at: { type: 'number' },
      direction: choice(['sent', 'received']),
      bytes: count,
      summary: text,
    }),
  ),
};

const definitions = {
  algorithm: object({ id: count, 'keyLength?': count, name: text }),
  suite: object({
    encr: ref('algorithm'),
    prf: ref('algorithm'),
    'integ?': ref('algorithm'),
    ke: ref('algorithm'),
    'addke?': list(ref('algorithm')),
  }),
  ikev2: object({
    accepted: byKind,
    inconclusive: byKind,
    suites: list(ref('suite')),
    suitesComplete: flag,
    suitesMethod: {
      ...choice(['exact', 'pairwise', 'none']),
      description:
        'What was asked about combinations, as far as limits allowed. exact: every one, also where a run without --suites came to know them all; pairwise: every pair; none: nothing',
    },
    preferred: orNull(ref('suite')),
    mixedChoice: orNull(ref('suite')),
    steering: list(
      object({
        offered: list(ref('algorithm')),
        sent: ref('algorithm'),
        wanted: ref('algorithm'),
        packets: packetNumbers,
      }),
    ),
    otherNotifies: list(named),
    halfOpenLeft: count,
  }),
  capabilities: object({
    fragmentation: knownOr,
    signatureHashes: orNull(list(named)),
    intermediate: knownOr,
    ppk: knownOr,
    childless: knownOr,
    redirect: knownOr,
    downgradePrevention: knownOr,
    multipleAuth: knownOr,
    natDetection: knownOr,
    multipleKe: knownOr,
    certificateRequest: orNull(list(hex)),
    cookies: orNull(choice(['never', 'under load', 'always'])),
  }),
  ikev1Suite: object({
    encr: ref('algorithm'),
    hash: ref('algorithm'),
    auth: ref('algorithm'),
    group: ref('algorithm'),
  }),
  ikev1: object({
    enabled: knownOr,
    mainMode: list(ref('ikev1Suite')),
    aggressiveMode: list(ref('ikev1Suite')),
    aggressiveIdentity: orNull(text),
    aggressiveHash: orNull(object({ identity: text, hash: text })),
    inconclusive: texts,
    'halfOpenLeft?': count,
  }),
  auth: object({
    eap: knownOr,
    responderMethod: orNull(choice(['certificate', 'psk', 'none'])),
    identity: orNull(text),
    certificates: list(
      object({
        pem: text,
        'details?': object({
          subject: text,
          issuer: text,
          names: texts,
          notBefore: date,
          notAfter: date,
          key: text,
          signatureAlgorithm: text,
          sha256: hex,
        }),
      }),
    ),
    signature: orNull(text),
    problems: orNull(list(object({ code: text, message: text }))),
    identityOracle: knownOr,
  }),
  finding: object({
    id: { type: 'string', pattern: '^[A-Z0-9]+(-[A-Z0-9]+)+$' },
    severity: choice(probeSeverities),
    status: choice(findingStatuses),
    title: text,
    evidence: texts,
    packets: packetNumbers,
    references: texts,
    remediation: orNull(object({ text, 'strongswan?': text })),
  }),
  target: object(target),
  changedAlgorithm: object({ kind: choice(probeAlgorithmKinds), id: count, 'keyLength?': count, name: text }),
  changedFinding: object({ id: text, severity: choice(probeSeverities), title: text }),
  changes: object({
    host: text,
    address: orNull(text),
    port: { type: 'integer', minimum: 1, maximum: 65_535 },
    state: choice(['unchanged', 'changed', 'added', 'missing']),
    verdict: change(probeVerdicts),
    grade: change(grades),
    gained: list(ref('changedAlgorithm')),
    lost: list(ref('changedAlgorithm')),
    capabilities: list(object({ name: text, before: text, after: text })),
    suites: object({ gained: texts, lost: texts }),
    preferred: orNull(object({ before: text, after: text })),
    certificate: orNull(object({ before: hex, after: hex })),
    newFindings: list(ref('changedFinding')),
    newlyKnown: list(ref('changedFinding')),
    worse: list(
      object({ id: text, title: text, before: choice(probeSeverities), after: choice(probeSeverities) }),
    ),
    goneFindings: list(ref('changedFinding')),
    unclear: texts,
  }),
  document: object({
    schema: { const: PROBE_SCHEMA },
    started: date,
    ended: date,
    interrupted: flag,
    targets: list(ref('target')),
    notProbed: texts,
    'changes?': list(ref('changes')),
  }),
  line: object({ schema: { const: PROBE_SCHEMA }, ...target, 'changes?': ref('changes') }),
};

/** JSON Schema (draft-07) of the document, which has `targets`, and of one line of NDJSON, which is a target itself. */
export const probeSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: PROBE_SCHEMA,
  title: 'Result of ipsec-kit probe',
  definitions,
  anyOf: [ref('document'), ref('line')],
};
