/**
 * What the public schema of SARIF 2.1.0 (OASIS, errata 01) demands of the objects that are written here, with no
 * property but those that are: what fits this fits the public schema. Its `definitions` have the same names.
 */
const text = { type: 'string' } as const;
const index = { type: 'integer', minimum: -1 } as const;
const level = { enum: ['none', 'note', 'warning', 'error'] } as const;
const ref = (name: string) => ({ $ref: `#/definitions/${name}` });

function object(required: string[], properties: Record<string, object>) {
  return { type: 'object', required, properties, additionalProperties: false };
}

const list = (items: object, uniqueItems = false) => ({ type: 'array', items, uniqueItems });
const time = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$' } as const;
const uri = { type: 'string', pattern: '^https://[^\\s]+$' } as const;
const propertyBag = { type: 'object', properties: { tags: list(text, true) } };

export const sarifSchema = {
  ...object(['version', 'runs'], {
    $schema: uri,
    version: { enum: ['2.1.0'] },
    runs: list(ref('run')),
  }),
  definitions: {
    run: object(['tool'], {
      tool: object(['driver'], { driver: ref('toolComponent') }),
      invocations: list(ref('invocation')),
      results: list(ref('result')),
    }),
    toolComponent: object(['name'], {
      name: text,
      version: text,
      semanticVersion: text,
      rules: list(ref('reportingDescriptor'), true),
    }),
    reportingDescriptor: object(['id'], {
      id: text,
      shortDescription: ref('message'),
      fullDescription: ref('message'),
      help: ref('message'),
      helpUri: uri,
      defaultConfiguration: object([], { level }),
      properties: propertyBag,
    }),
    invocation: object(['executionSuccessful'], {
      executionSuccessful: { type: 'boolean' },
      startTimeUtc: time,
      endTimeUtc: time,
      toolExecutionNotifications: list(ref('notification')),
    }),
    notification: object(['message'], {
      level,
      message: ref('message'),
      locations: list(ref('location'), true),
      associatedRule: {
        ...object([], { id: text, index }),
        anyOf: [{ required: ['index'] }, { required: ['id'] }],
      },
    }),
    result: object(['message'], {
      ruleId: text,
      ruleIndex: index,
      kind: { enum: ['notApplicable', 'pass', 'fail', 'review', 'open', 'informational'] },
      level,
      message: ref('message'),
      locations: list(ref('location')),
      partialFingerprints: { type: 'object', additionalProperties: text },
      baselineState: { enum: ['new', 'unchanged', 'updated', 'absent'] },
      properties: propertyBag,
    }),
    location: object([], { logicalLocations: list(ref('logicalLocation'), true) }),
    logicalLocation: object([], { name: text, fullyQualifiedName: text, kind: text }),
    message: object(['text'], { text }),
  },
};
