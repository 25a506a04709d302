/** Name and version of the document that `decode --format json` writes. */
export const DECODE_SCHEMA = 'ipsec-kit/decode@1';

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const frame = { type: 'integer', minimum: 1 } as const;
const milliseconds = { type: 'number' } as const;
const texts = { type: 'array', items: text } as const;
const frames = { type: 'array', items: frame } as const;
const spi32 = { type: 'string', pattern: '^0x[0-9a-f]{8}$' } as const;
const spi64 = { type: 'string', pattern: '^[0-9a-f]{16}$' } as const;
const time = { type: 'string', pattern: '^\\d{4,6}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z$' } as const;
const icv = { enum: ['good', 'bad', 'none', 'unchecked'] } as const;
const role = { enum: ['initiator', 'responder'] } as const;

const list = (items: object) => ({ type: 'array', items });
const ref = (name: string) => ({ $ref: `#/definitions/${name}` });

/** An object of exactly these properties; names that end in `?` may be absent. */
function object(properties: Record<string, object>): object {
  const entries = Object.entries(properties);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, schema]) => [name.replace(/\?$/, ''), schema])),
    required: entries.map(([name]) => name).filter((name) => !name.endsWith('?')),
    additionalProperties: false,
  };
}

const packets = {
  payload: object({
    type: text,
    typeNumber: count,
    'critical?': { const: true },
    offset: count,
    length: count,
    'inside?': { const: true },
    fields: { type: 'object' },
    'error?': object({ code: text, message: text, offset: count }),
  }),
  ike: object({
    version: { enum: [1, 2] },
    spiI: spi64,
    spiR: spi64,
    exchange: text,
    exchangeNumber: count,
    messageId: count,
    response: flag,
    'initiator?': flag,
    payloads: list(ref('payload')),
    'encrypted?': object({ firstPayload: text, firstPayloadNumber: count, offset: count, length: count }),
    'fragment?': object({ number: count, total: count }),
  }),
  packet: object({
    frame,
    'frames?': frames,
    time,
    src: text,
    dst: text,
    protocol: { enum: ['IKEv1', 'IKEv2', 'ESP', 'AH', 'NAT-keepalive'] },
    length: count,
    decrypted: flag,
    icv,
    'ike?': ref('ike'),
    'esp?': object({ spi: spi32, seq: count, 'seqHigh?': count, 'nextHeader?': count }),
    'ah?': object({ spi: spi32, seq: count, nextHeader: count }),
    'inner?': object({ summary: text, 'packet?': ref('packet') }),
    'error?': object({ code: text, message: text, 'offset?': count }),
  }),
};

const messages = {
  moment: object({ frame, time }),
  proposal: object({
    number: count,
    protocol: text,
    'spi?': text,
    transforms: list(object({ type: text, name: text, id: count, 'keyLength?': count })),
  }),
  identity: object({ type: text, value: text }),
  message: object({
    frames,
    time,
    src: text,
    dst: text,
    length: count,
    readable: flag,
    icv,
    retransmissions: count,
    retransmissionFrames: frames,
    'fragments?': object({ total: count, seen: list(count) }),
    payloads: texts,
    'sealedBytes?': count,
    'proposals?': list(ref('proposal')),
    'proposalsOmitted?': count,
    'keyExchange?': object({ name: text, group: count }),
    'notifies?': list(
      object({ name: text, number: count, 'protocol?': text, 'spi?': text, 'values?': { type: 'object' } }),
    ),
    'idI?': ref('identity'),
    'idR?': ref('identity'),
    'authMethod?': text,
    'authAlgorithm?': text,
    'certificates?': list(
      object({
        'subject?': text,
        'issuer?': text,
        names: texts,
        'notBefore?': text,
        'notAfter?': text,
        'key?': text,
        'signature?': text,
        'ca?': flag,
        'extendedKeyUsage?': texts,
        'publicKeySha1?': text,
      }),
    ),
    'authorities?': texts,
    'tsI?': texts,
    'tsR?': texts,
    'deletes?': list(object({ protocol: text, spis: texts })),
    'vendorIds?': texts,
    'eap?': object({
      code: text,
      'type?': text,
      'identity?': text,
      'step?': text,
      'error?': count,
      'meaning?': text,
      'alert?': text,
      'desired?': texts,
    }),
    'configuration?': object({ type: text, attributes: texts }),
  }),
  exchange: object({
    exchange: text,
    messageId: count,
    requester: role,
    state: { enum: ['answered', 'unanswered', 'one-sided', 'one-way', 'incomplete'] },
    'request?': ref('message'),
    'response?': ref('message'),
    'further?': list(ref('message')),
    retransmissions: count,
    'roundTripMs?': milliseconds,
    story: text,
  }),
};

const natDetection = object({
  frame,
  source: { enum: ['matches', 'differs'] },
  destination: { enum: ['matches', 'differs'] },
});

const associations = {
  flow: object({
    protocol: { enum: ['ESP', 'AH'] },
    spi: spi32,
    src: text,
    dst: text,
    encapsulated: flag,
    first: ref('moment'),
    last: ref('moment'),
    packets: count,
    bytes: count,
    lost: count,
    duplicated: count,
    duplicateFrames: frames,
    reordered: count,
    lowestSeq: count,
    highestSeq: count,
    replay: object({
      dropped: object({ 32: count, 64: count, 1024: count }),
      'smallestSafe?': { enum: [32, 64, 1024] },
      furthestBehind: count,
    }),
    lateFrames: frames,
    icv: object({ good: count, bad: count, unchecked: count, truncated: count }),
    badIcvFrames: frames,
    frames,
    'lengthModulo8?': count,
    'childSa?': text,
  }),
  childSa: object({
    id: text,
    'ikeSa?': text,
    evidence: { enum: ['negotiated', 'inferred'] },
    protocol: { enum: ['ESP', 'AH'] },
    'mode?': { enum: ['tunnel', 'transport'] },
    'suite?': ref('proposal'),
    'pfsGroup?': text,
    'tsI?': texts,
    'tsR?': texts,
    created: ref('moment'),
    'requester?': role,
    'spiToRequester?': spi32,
    'spiFromRequester?': spi32,
    'toRequester?': ref('flow'),
    'fromRequester?': ref('flow'),
    'deleted?': object({ frame, time, by: role }),
    'rekeyOf?': text,
    'rekeyedTo?': text,
    'rekeyOverlapMs?': milliseconds,
  }),
  ikeSa: object({
    id: text,
    version: { enum: [1, 2] },
    spiI: spi64,
    spiR: spi64,
    initiator: text,
    responder: text,
    first: ref('moment'),
    last: ref('moment'),
    packets: count,
    bytes: count,
    state: {
      enum: [
        'unanswered',
        'half-open',
        'refused',
        'encrypted',
        'established',
        'deleted',
        'rekeyed',
        'partial',
      ],
    },
    'suite?': ref('proposal'),
    identities: object({ 'initiator?': ref('identity'), 'responder?': ref('identity') }),
    authMethods: object({ 'initiator?': text, 'responder?': text }),
    vendorIds: object({ initiator: texts, responder: texts }),
    'nat?': object({
      'initiator?': natDetection,
      'responder?': natDetection,
      detected: flag,
      'movedTo4500?': frame,
    }),
    decrypted: flag,
    'rekeyOf?': text,
    'rekeyedTo?': text,
    'rekeyInferred?': { const: true },
    exchanges: list(ref('exchange')),
    exchangesOmitted: count,
    retransmissions: count,
    icvFailures: count,
    badIcvFrames: frames,
    keepalives: count,
  }),
};

const outcome = {
  summary: object({
    frames: count,
    bytes: count,
    'first?': time,
    'last?': time,
    packets: count,
    protocols: object({ IKEv1: count, IKEv2: count, ESP: count, AH: count, 'NAT-keepalive': count }),
    decrypted: count,
    icv: object({ good: count, bad: count, none: count, unchecked: count }),
    errors: count,
    damaged: flag,
  }),
  finding: object({
    id: text,
    severity: { enum: ['critical', 'high', 'medium', 'low', 'info'] },
    frames,
    title: text,
    advice: text,
  }),
  note: object({
    code: { type: 'string', pattern: '^[EN]_[A-Z0-9_]+$' },
    message: text,
    'offset?': count,
    'frame?': frame,
  }),
};

const definitions = { ...packets, ...messages, ...associations, ...outcome };

/** JSON Schema (draft-07) of one line of `decode --format ndjson`. */
export const decodedPacketSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: 'ipsec-kit/decoded-packet@1',
  title: 'One packet of ipsec-kit decode',
  definitions: packets,
  allOf: [ref('packet')],
};

/** JSON Schema (draft-07) of the document. */
export const decodeSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: DECODE_SCHEMA,
  title: 'Report of ipsec-kit decode',
  definitions,
  ...object({
    schema: { const: DECODE_SCHEMA },
    packets: list(ref('packet')),
    summary: ref('summary'),
    ikeSas: list(ref('ikeSa')),
    childSas: list(ref('childSa')),
    flows: list(ref('flow')),
    'first?': ref('moment'),
    'last?': ref('moment'),
    omitted: object({ ikeMessages: count, childSas: count, flowPackets: count }),
    diagnosis: list(ref('finding')),
    notes: list(ref('note')),
  }),
};
