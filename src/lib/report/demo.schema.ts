/** Name and version of the document that `demo --json` writes. */
export const DEMO_SCHEMA = 'ipsec-kit/demo@1';

/** One IKEv2 exchange of the demonstration. */
export interface DemoExchange {
  /** Milliseconds since the start of the demonstration. */
  at: number;
  /** `IKE_SA_INIT`, `IKE_AUTH`, `CREATE_CHILD_SA`, `INFORMATIONAL`. */
  exchange: string;
  initiator: 'client' | 'server';
  messageId: number;
  /** What it did, in plain words. */
  purpose: string;
}

/** Why the demonstration did not run in namespaces. */
export interface DemoObstacle {
  /** Stable code, `E_…`. */
  code: string;
  /** What is missing, one sentence. */
  message: string;
  /** What to do about it. */
  remedy: string;
}

/** What went through the tunnel while nothing held it back. */
export interface DemoThroughput {
  /** What carried the packets on the client; the server is started the same way. */
  plane: 'fast' | 'simple' | 'memory';
  /**
   * `tcp`: one stream up, then one down, between applications on two hosts. `udp`: packets of our own there and back at
   * the same time, with both ends in one process.
   */
  traffic: 'tcp' | 'udp';
  /** Bits of payload per second, from client to server and back. */
  up: number;
  down: number;
}

/** What the demonstration did and measured. */
export interface DemoReport {
  schema: typeof DEMO_SCHEMA;
  /** `namespaces`: two processes, TUN devices, the kernel's TCP. `memory`: one process, generated packets. */
  mode: 'namespaces' | 'memory';
  /** Everything below is as it should be. */
  ok: boolean;
  /** What is not, one sentence each. */
  problems: string[];
  /** Only in mode `memory`, when it was not asked for. */
  obstacle?: DemoObstacle;
  durationMs: number;
  /** Negotiated suites; absent when the tunnel did not come up. */
  suites?: { ike: string; child: string };
  pingsSent: number;
  pingsLost: number;
  rekeys: { ike: number; child: number };
  /** Payload bytes sent through the tunnel and echoed back. */
  bytes: number;
  /** SHA-256 at the sender, at the receiver and of the echo are the same. */
  checksumsEqual: boolean;
  /** Absent when the demonstration ended before. */
  throughput?: DemoThroughput;
  exchanges: DemoExchange[];
}

const text = { type: 'string' } as const;
const count = { type: 'integer', minimum: 0 } as const;

function object(properties: Record<string, object>, optional: string[] = []): object {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
    additionalProperties: false,
  };
}

/** JSON Schema (draft-07) of a {@link DemoReport}. */
export const demoSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: DEMO_SCHEMA,
  title: 'Report of ipsec-kit demo',
  ...object(
    {
      schema: { const: DEMO_SCHEMA },
      mode: { enum: ['namespaces', 'memory'] },
      ok: { type: 'boolean' },
      problems: { type: 'array', items: text },
      obstacle: object({ code: { type: 'string', pattern: '^E_[A-Z0-9_]+$' }, message: text, remedy: text }),
      durationMs: count,
      suites: object({ ike: text, child: text }),
      pingsSent: count,
      pingsLost: count,
      rekeys: object({ ike: count, child: count }),
      bytes: count,
      checksumsEqual: { type: 'boolean' },
      throughput: object({
        plane: { enum: ['fast', 'simple', 'memory'] },
        traffic: { enum: ['tcp', 'udp'] },
        up: count,
        down: count,
      }),
      exchanges: {
        type: 'array',
        items: object({
          at: count,
          exchange: text,
          initiator: { enum: ['client', 'server'] },
          messageId: count,
          purpose: text,
        }),
      },
    },
    ['obstacle', 'suites', 'throughput'],
  ),
};
