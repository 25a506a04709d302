/** Name and version of the document that `psk audit --format json` writes. */
export const PSK_AUDIT_SCHEMA = 'ipsec-kit/psk-audit@1';

/** One hash of the file, and what came of it. */
export interface PskAuditTargetReport {
  /** Line of the file, from 1. */
  line: number;
  kind: 'ikev1-aggressive' | 'ikev2-auth';
  hash: 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';
  /** Who proved the key. */
  identity: string;
  /** `open`: the audit ended before the word list did. */
  status: 'found' | 'not found' | 'open';
  /** Line of the word list, from 1. */
  wordLine?: number;
  /** With --show the key as text, where it is UTF-8; otherwise `[redacted]`. */
  psk?: string;
  /** With --show the key's bytes. */
  pskHex?: string;
}

/** What `psk audit` found. */
export interface PskAuditReport {
  schema: typeof PSK_AUDIT_SCHEMA;
  file: string;
  /** `-`: standard input. */
  wordlist: string;
  /** No key was found. */
  ok: boolean;
  /** All keys were found, or all words tried. */
  complete: boolean;
  targets: PskAuditTargetReport[];
  words: {
    /** Over all runs of a resumed audit. */
    tried: number;
    /** Lines that are too long for a key. */
    skipped: number;
  };
  /** Of this run. */
  seconds: number;
  /** Words tried in a second of this run; each was tried against every open hash. */
  wordsPerSecond: number;
  threads: number;
  /** File from which --resume goes on. */
  resume?: string;
}

const text = { type: 'string' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const lineNumber = { type: 'integer', minimum: 1 } as const;
const amount = { type: 'number', minimum: 0 } as const;

function object(properties: Record<string, object>, optional: string[] = []): object {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
    additionalProperties: false,
  };
}

/** JSON Schema (draft-07) of a {@link PskAuditReport}. */
export const pskAuditSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: PSK_AUDIT_SCHEMA,
  title: 'Result of ipsec-kit psk audit',
  ...object(
    {
      schema: { const: PSK_AUDIT_SCHEMA },
      file: text,
      wordlist: text,
      ok: { type: 'boolean' },
      complete: { type: 'boolean' },
      targets: {
        type: 'array',
        minItems: 1,
        items: object(
          {
            line: lineNumber,
            kind: { enum: ['ikev1-aggressive', 'ikev2-auth'] },
            hash: { enum: ['md5', 'sha1', 'sha256', 'sha384', 'sha512'] },
            identity: text,
            status: { enum: ['found', 'not found', 'open'] },
            wordLine: lineNumber,
            psk: text,
            pskHex: { type: 'string', pattern: '^([0-9a-f]{2})*$' },
          },
          ['wordLine', 'psk', 'pskHex'],
        ),
      },
      words: object({ tried: count, skipped: count }),
      seconds: amount,
      wordsPerSecond: amount,
      threads: lineNumber,
      resume: text,
    },
    ['resume'],
  ),
};
