import { expect, it } from 'vitest';
import { forJson, packetJson } from '../../../src/lib/capture/packet-json.js';
import type { DecodedPacket } from '../../../src/lib/capture/types.js';

const esp: DecodedPacket = {
  frame: 7,
  time: '2026-01-02T03:04:05.000000006Z',
  src: '192.0.2.1',
  dst: '[2001:db8::1]:4500',
  protocol: 'ESP',
  length: 120,
  decrypted: true,
  icv: 'good',
  esp: { spi: '0x00000007', seq: 4_294_967_295 },
};
const { esp: _esp, ...head } = esp;
const inner: DecodedPacket = {
  ...head,
  protocol: 'IKEv2',
  ike: {
    version: 2,
    spiI: '0000000000000001',
    spiR: '0000000000000002',
    exchange: 'INFORMATIONAL',
    exchangeNumber: 37,
    messageId: 2,
    response: true,
    payloads: [],
    inner: Uint8Array.of(1, 2, 3),
  },
};

it.each([
  ['ESP', esp],
  [
    'all of ESP',
    { ...esp, esp: { ...esp.esp!, seqHigh: 1, nextHeader: 4 }, inner: { summary: 'UDP "a" → b' } },
  ],
  ['reassembled', { ...esp, frames: [3, 7] }],
  ['with an error', { ...esp, icv: 'bad', error: { code: 'E_ICV', message: 'wrong "ICV"', offset: 3 } }],
] satisfies [string, DecodedPacket][])('%s is the packet', (_name, packet) => {
  expect(JSON.parse(packetJson(packet))).toEqual(packet);
});

it('leaves decrypted bytes out, at every depth, and the packet as it was', () => {
  const nested: DecodedPacket = { ...esp, inner: { summary: '', packet: inner } };
  expect(packetJson(nested)).not.toContain('"inner":{"0"');
  expect(forJson(nested).inner?.packet?.ike).not.toHaveProperty('inner');
  expect(JSON.parse(packetJson(inner)).ike).toEqual({ ...inner.ike, inner: undefined });
  expect(nested.inner?.packet?.ike?.inner).toEqual(Uint8Array.of(1, 2, 3));
});

it('writes every field that a packet can have', () => {
  const proposals = [{ transforms: [{ name: 'ENCR_AES_GCM_16' }], text: '"quoted"' }];
  const sa = { type: 'SA', typeNumber: 33, offset: 28, length: 40, fields: Object.freeze({ proposals }) };
  const payloads = [
    sa,
    { ...sa, offset: 68, inside: true as const },
    {
      type: 'a "type"',
      typeNumber: 200,
      critical: true as const,
      offset: 108,
      length: 8,
      inside: true as const,
      fields: { data: '\u001b', nested: [{ a: 1 }] },
      error: { code: 'E_X' as const, message: '"', offset: 0 },
    },
  ];
  const { inner: _bytes, ...ike } = inner.ike!;
  const packet: DecodedPacket = {
    ...head,
    frames: [3, 7],
    protocol: 'IKEv2',
    ike: {
      ...ike,
      exchange: 'an "exchange"',
      initiator: true,
      payloads,
      encrypted: { firstPayload: 'HASH', firstPayloadNumber: 8, offset: 28, length: 9 },
      fragment: { number: 1, total: 2 },
    },
    inner: {
      summary: 'a',
      packet: { ...esp, protocol: 'AH', ah: { spi: '0x00000001', seq: 2, nextHeader: 50 } },
    },
    error: { code: 'E_Y', message: '\n' },
  };
  // Twice: the second time the text of the proposals is known.
  for (let round = 0; round < 2; round++) expect(JSON.parse(packetJson(packet))).toEqual(packet);
});
