import { Ajv } from 'ajv';
import { decodeSchema } from '../../../src/lib/report/decode.schema.js';
import { demoSchema } from '../../../src/lib/report/demo.schema.js';
import { eventSchema } from '../../../src/lib/report/event.schema.js';
import { keysSchema } from '../../../src/lib/report/keys.schema.js';
import { probeSchema } from '../../../src/lib/report/probe.schema.js';
import { pskAuditSchema } from '../../../src/lib/report/psk-audit.schema.js';

const ajv = new Ajv({ strictRequired: false });

const validators = {
  decode: ajv.compile(decodeSchema),
  demo: ajv.compile(demoSchema),
  event: ajv.compile(eventSchema),
  keys: ajv.compile(keysSchema),
  probe: ajv.compile(probeSchema),
  'psk-audit': ajv.compile(pskAuditSchema),
};

/** Throws when a document is not what its shipped JSON Schema says. */
export function checkDocument(kind: keyof typeof validators, document: unknown): void {
  const validate = validators[kind];
  if (validate(document)) return;
  throw new Error(
    `not an ipsec-kit/${kind}@1 document: ${JSON.stringify(document)}\n${ajv.errorsText(validate.errors)}`,
  );
}
