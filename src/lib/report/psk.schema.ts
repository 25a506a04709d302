/** Name and version of the document that `psk … --format json` writes. */
export const PSK_SCHEMA = 'ipsec-kit/psk@1';

/** How long a key holds against one attacker who guesses offline. */
export interface HoldReport {
  guessesPerSecond: number;
  seconds: number;
  /** The same in words. */
  text: string;
}

/** What `psk check` found out about a key; never any part of it. */
export interface PskCheckReport {
  schema: typeof PSK_SCHEMA;
  command: 'check';
  verdict: 'weak' | 'fair' | 'strong';
  /** False when the verdict is at or below --fail-on. */
  ok: boolean;
  /** Logarithm, base 10. */
  guessesLog10: number;
  offline: {
    /** One graphics card. */
    gpu: HoldReport;
    /** A hundred of them. */
    cluster: HoldReport;
  };
  /** Verdict and durations in one sentence. */
  text: string;
  why: string[];
  suggestion?: string;
}

/** What `psk generate` wrote where. */
export interface PskGenerateReport {
  schema: typeof PSK_SCHEMA;
  command: 'generate';
  /** The file that holds the key. */
  path: string;
  /** Bits drawn at random. */
  bits: number;
  /** What it is made of, such as "52 letters and digits". */
  form: string;
  /** What to do next, one sentence or command each. */
  next: string[];
}

export type PskReport = PskCheckReport | PskGenerateReport;

const text = { type: 'string' } as const;
const texts = { type: 'array', items: text } as const;
const amount = { type: 'number', minimum: 0 } as const;

function object(properties: Record<string, object>, optional: string[] = []): object {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
    additionalProperties: false,
  };
}

const hold = object({ guessesPerSecond: amount, seconds: amount, text });

/** JSON Schema (draft-07) of a {@link PskReport}. */
export const pskSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: PSK_SCHEMA,
  title: 'Result of ipsec-kit psk',
  oneOf: [
    object(
      {
        schema: { const: PSK_SCHEMA },
        command: { const: 'check' },
        verdict: { enum: ['weak', 'fair', 'strong'] },
        ok: { type: 'boolean' },
        guessesLog10: amount,
        offline: object({ gpu: hold, cluster: hold }),
        text,
        why: texts,
        suggestion: text,
      },
      ['suggestion'],
    ),
    object({
      schema: { const: PSK_SCHEMA },
      command: { const: 'generate' },
      path: text,
      bits: { type: 'integer', minimum: 1 },
      form: text,
      next: texts,
    }),
  ],
};
