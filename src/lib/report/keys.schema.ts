const spi64 = { type: 'string', pattern: '^[0-9a-f]{16}$' };
const spi32 = { type: 'string', pattern: '^0x[0-9a-f]{8}$' };
const hex = { type: 'string', pattern: '^([0-9a-f]{2})*$' };
const time = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' };
const role = { enum: ['initiator', 'responder'] };

const orNull = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });
const record = (properties: Record<string, object>) => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties,
});

const transform = record({ id: { type: 'integer', minimum: 0, maximum: 65535 }, name: { type: 'string' } });
const cipher = record({
  id: { type: 'integer', minimum: 0, maximum: 65535 },
  name: { type: 'string' },
  keyLength: { type: 'integer', minimum: 0, description: 'Bits; 0 for NULL.' },
});
const endpoint = record({
  address: { type: 'string' },
  port: { type: 'integer', minimum: 0, maximum: 65535 },
});
const ikeSpis = record({ initiatorSpi: spi64, responderSpi: spi64 });
const childSpis = record({ inboundSpi: spi32, outboundSpi: spi32 });
const direction = record({
  spi: spi32,
  source: endpoint,
  destination: endpoint,
  encrKey: { ...hex, description: 'Key bytes, then salt bytes where the cipher has a salt.' },
  integKey: { ...hex, description: 'Empty with an AEAD.' },
});

const ikeSa = record({
  time,
  initiatorSpi: spi64,
  responderSpi: spi64,
  rekeyOf: { ...orNull(ikeSpis), description: 'The IKE SA this one replaces (RFC 7296 2.18).' },
  role: { ...role, description: 'Whether the writer of this file initiated this IKE SA.' },
  proposal: { type: 'string', description: 'strongSwan keywords.' },
  suite: record({ encr: cipher, integ: orNull(transform), prf: transform, ke: transform }),
  local: endpoint,
  remote: endpoint,
  natT: { type: 'boolean', description: 'Port-4500 framing (RFC 3948).' },
  localId: { ...orNull({ type: 'string' }), description: 'Null when authentication failed.' },
  remoteId: orNull({ type: 'string' }),
  keSecret: hex,
  nonceI: hex,
  nonceR: hex,
  skeyseed: hex,
  skD: hex,
  skAi: hex,
  skAr: hex,
  skEi: hex,
  skEr: hex,
  skPi: hex,
  skPr: hex,
});

const childSa = record({
  time,
  parent: { ...ikeSpis, description: 'The IKE SA whose SK_d the keys come from (RFC 7296 2.17).' },
  rekeyOf: { ...orNull(childSpis), description: 'The pair this one replaces.' },
  role: { ...role, description: 'Whether the writer initiated the exchange that made this pair.' },
  proposal: { type: 'string', description: 'strongSwan keywords.' },
  suite: record({ encr: cipher, integ: orNull(transform), ke: orNull(transform), esn: { type: 'boolean' } }),
  natT: { type: 'boolean', description: 'ESP is encapsulated in UDP (RFC 3948).' },
  localTs: { type: 'array', items: { type: 'string' } },
  remoteTs: { type: 'array', items: { type: 'string' } },
  keSecret: { ...orNull(hex), description: 'Shared secret of a PFS exchange.' },
  inbound: { ...direction, description: 'From the peer to the writer.' },
  outbound: { ...direction, description: 'From the writer to the peer.' },
});

/** JSON Schema of `keys.json` in a key-log folder. SPIs and keys are lower-case hex. */
export const keysSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: 'ipsec-kit/keys@1',
  title: 'Keys of IKE and child SAs, oldest first',
  type: 'object',
  additionalProperties: false,
  required: ['schema', 'ikeSas', 'childSas'],
  properties: {
    schema: { const: 'ipsec-kit/keys@1' },
    ikeSas: { type: 'array', items: ikeSa },
    childSas: { type: 'array', items: childSa },
  },
} as const;
