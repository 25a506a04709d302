/** Name and version of the document that `cert … --format json` writes. */
export const CERT_SCHEMA = 'ipsec-kit/cert@1';

/** A certificate, for people and scripts. */
export interface CertificateReport {
  subject: string;
  issuer: string;
  /** Hexadecimal. */
  serial: string;
  /** ISO 8601, UTC. */
  notBefore: string;
  notAfter: string;
  /** `DNS:gw.example.com`, `IP:192.0.2.1`, `email:alice@example.com`. */
  names: string[];
  key: string;
  signatureAlgorithm: string;
  ca: boolean;
  selfSigned: boolean;
  pathLength?: number;
  permitted: string[];
  excluded: string[];
  keyUsage: string[];
  extendedKeyUsage: string[];
  crlUrls: string[];
  sha256: string;
}

export interface RequestReport {
  subject: string;
  names: string[];
  key: string;
  extendedKeyUsage: string[];
}

export interface CrlReport {
  issuer: string;
  number?: string;
  thisUpdate: string;
  nextUpdate?: string;
  revoked: { serial: string; date: string; reason: string }[];
}

/** A file that was written. */
export interface WrittenFile {
  path: string;
  content: 'certificate' | 'key' | 'request' | 'crl' | 'chain' | 'p12' | 'pem';
}

export interface ProblemReport {
  /** `E_…`, for warnings also `W_…`. */
  code: string;
  message: string;
  hint?: string;
}

export type CertAction = 'ca' | 'issue' | 'csr' | 'sign' | 'show' | 'verify' | 'revoke' | 'crl' | 'export';

/** What a `cert` command did or found. */
export interface CertReport {
  schema: typeof CERT_SCHEMA;
  command: CertAction;
  /** False when there are problems. */
  ok: boolean;
  /** What was made or read; for `verify` the chain, the certificate itself first. */
  certificates: CertificateReport[];
  requests: RequestReport[];
  crls: CrlReport[];
  /** Kinds of private keys in the file. */
  keys: string[];
  files: WrittenFile[];
  problems: ProblemReport[];
  warnings: ProblemReport[];
  /** What to do next, one sentence or command each. */
  next: string[];
}

const text = { type: 'string' } as const;
const texts = { type: 'array', items: text } as const;
const flag = { type: 'boolean' } as const;
const hex = { type: 'string', pattern: '^[0-9a-f]+$' } as const;
const date = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' } as const;
const list = (items: object): object => ({ type: 'array', items });

function object(properties: Record<string, object>, optional: string[] = []): object {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
    additionalProperties: false,
  };
}

const problemSchema = object(
  { code: { type: 'string', pattern: '^[EW]_[A-Z0-9_]+$' }, message: text, hint: text },
  ['hint'],
);

/** JSON Schema (draft-07) of a {@link CertReport}. */
export const certSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: CERT_SCHEMA,
  title: 'Result of ipsec-kit cert',
  ...object({
    schema: { const: CERT_SCHEMA },
    command: { enum: ['ca', 'issue', 'csr', 'sign', 'show', 'verify', 'revoke', 'crl', 'export'] },
    ok: flag,
    certificates: list(
      object(
        {
          subject: text,
          issuer: text,
          serial: hex,
          notBefore: date,
          notAfter: date,
          names: texts,
          key: text,
          signatureAlgorithm: text,
          ca: flag,
          selfSigned: flag,
          pathLength: { type: 'integer', minimum: 0 },
          permitted: texts,
          excluded: texts,
          keyUsage: texts,
          extendedKeyUsage: texts,
          crlUrls: texts,
          sha256: hex,
        },
        ['pathLength'],
      ),
    ),
    requests: list(object({ subject: text, names: texts, key: text, extendedKeyUsage: texts })),
    crls: list(
      object(
        {
          issuer: text,
          number: hex,
          thisUpdate: date,
          nextUpdate: date,
          revoked: list(object({ serial: hex, date, reason: text })),
        },
        ['number', 'nextUpdate'],
      ),
    ),
    keys: texts,
    files: list(
      object({
        path: text,
        content: { enum: ['certificate', 'key', 'request', 'crl', 'chain', 'p12', 'pem'] },
      }),
    ),
    problems: list(problemSchema),
    warnings: list(problemSchema),
    next: texts,
  }),
};
