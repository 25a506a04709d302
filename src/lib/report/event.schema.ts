/** Name and version of the documents that `--format ndjson` writes, one a line. */
export const EVENT_SCHEMA = 'ipsec-kit/event@1';

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const port = { type: 'integer', minimum: 0, maximum: 65535 } as const;
const texts = { type: 'array', items: text } as const;
const ikeSpi = { type: 'string', pattern: '^[0-9a-f]{16}$' } as const;
const childSpi = { type: 'string', pattern: '^0x[0-9a-f]{8}$' } as const;
/** `address:port`, `[address]:port` for IPv6. */
const endpoint = { type: 'string', pattern: '^(\\[[0-9a-f:.]+\\]|[0-9.]+):[0-9]+$' } as const;

/** An IKE SA that never heard from its peer may not know where it is. */
const endpointOrUnknown = { anyOf: [endpoint, { const: 'unknown' }] } as const;

const ikeSpis = { initiatorSpi: ikeSpi, responderSpi: ikeSpi } as const;
const child = {
  inboundSpi: childSpi,
  outboundSpi: childSpi,
  proposal: text,
  /** How ESP travels: in UDP (RFC 3948), or by itself as IP protocol 50. */
  encapsulation: { enum: ['udp', 'none'] },
  localTs: texts,
  remoteTs: texts,
} as const;

/** Numbers by name. */
const counts = { type: 'object', additionalProperties: count } as const;
const childStats = {
  type: 'object',
  properties: {
    inboundSpi: childSpi,
    outboundSpi: childSpi,
    peer: endpoint,
    packetsIn: count,
    packetsOut: count,
    bytesIn: count,
    bytesOut: count,
    icvFailures: count,
    replays: count,
    malformed: count,
    lastInbound: text,
  },
  required: [
    ...['inboundSpi', 'outboundSpi', 'peer', 'packetsIn', 'packetsOut', 'bytesIn', 'bytesOut'],
    ...['icvFailures', 'replays', 'malformed'],
  ],
  additionalProperties: false,
} as const;

/** One kind of event: all fields are required except those named in `optional`. */
function event(name: string, fields: Record<string, object>, optional: string[] = []): object {
  return {
    type: 'object',
    properties: {
      schema: { const: EVENT_SCHEMA },
      time: { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' },
      event: { const: name },
      ...fields,
    },
    required: [
      'schema',
      'time',
      'event',
      ...Object.keys(fields).filter((field) => !optional.includes(field)),
    ],
    additionalProperties: false,
  };
}

/** JSON Schema (draft-07) of one event line. */
export const eventSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: EVENT_SCHEMA,
  title: 'One event of ipsec-kit connect or ipsec-kit serve',
  oneOf: [
    event('listening', {
      addresses: {
        type: 'array',
        items: {
          type: 'object',
          properties: { address: text, port, natT: flag },
          required: ['address', 'port', 'natT'],
          additionalProperties: false,
        },
      },
    }),
    event('host-advice', { missing: text, commands: texts }),
    event('device-up', { device: text, mtu: count, addresses: texts, routes: texts }),
    event('exchange', {
      exchange: text,
      initiatedByUs: flag,
      messageId: count,
      purpose: text,
      peer: endpoint,
    }),
    event(
      'ike-sa-established',
      {
        role: { enum: ['initiator', 'responder'] },
        proposal: text,
        localId: text,
        remoteId: text,
        localAuth: text,
        remoteAuth: text,
        eapIdentity: text,
        local: endpoint,
        peer: endpoint,
        ...ikeSpis,
      },
      ['eapIdentity'],
    ),
    event('addresses-assigned', { addresses: texts, dns: texts, peer: endpoint }),
    event('child-sa-established', { peer: endpoint, ...child }),
    event('child-sa-rekeyed', {
      oldInboundSpi: childSpi,
      oldOutboundSpi: childSpi,
      peer: endpoint,
      ...child,
    }),
    event('child-sa-deleted', {
      reason: text,
      packetsIn: count,
      packetsOut: count,
      bytesIn: count,
      bytesOut: count,
      peer: endpoint,
      ...child,
    }),
    event('ike-sa-rekeyed', {
      oldInitiatorSpi: ikeSpi,
      oldResponderSpi: ikeSpi,
      proposal: text,
      peer: endpoint,
      ...ikeSpis,
    }),
    event(
      'stats',
      {
        plane: { enum: ['fast', 'simple', 'memory'] },
        drops: counts,
        batches: counts,
        childSas: { type: 'array', items: childStats },
      },
      ['batches'],
    ),
    event('peer-moved', { local: endpoint, peer: endpoint }),
    event('path-mtu', { peer: endpoint, pathMtu: count, innerMtu: count }),
    event('ike-sa-deleted', { reason: text, peer: endpointOrUnknown, ...ikeSpis }, [
      'initiatorSpi',
      'responderSpi',
    ]),
    event('profile-exported', { for: text, path: text, secret: flag, note: text }),
    event('warning', { code: { type: 'string', pattern: '^[EW]_[A-Z0-9_]+$' }, message: text, peer: text }, [
      'peer',
    ]),
    event(
      'error',
      { code: { type: 'string', pattern: '^E_[A-Z0-9_]+$' }, message: text, hint: text, peer: text },
      ['hint', 'peer'],
    ),
  ],
} as const;
