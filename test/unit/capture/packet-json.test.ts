import { describe, expect, it } from 'vitest';
import { encodeEsp, mostBytes } from '../../../src/lib/capture/packet-bytes.js';
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

describe('bytes of an ESP packet', () => {
  const line = (packet: DecodedPacket): string | undefined => {
    const most = mostBytes(packet);
    const into = new Uint8Array(10 + most + 10);
    const end = encodeEsp(packet, into, 10);
    expect(end).toBeLessThanOrEqual(10 + most);
    expect(into.subarray(0, 10)).toEqual(new Uint8Array(10));
    return end < 0 ? undefined : Buffer.from(into.subarray(10, end)).toString('utf8');
  };
  const same: [string, DecodedPacket][] = [
    ['without keys', { ...esp, decrypted: false, icv: 'unchecked' }],
    ['bare', esp],
    ['with everything', { ...esp, esp: { ...esp.esp!, seqHigh: 4_294_967_295, nextHeader: 4 } }],
    ['with a summary', { ...esp, inner: { summary: 'UDP 10.0.0.1:1 → é ￿ 1 bytes' } }],
    ['in frame 10 of 99', { ...esp, frame: 10, length: 99 }],
    [
      'in frame 99999999999',
      { ...esp, frame: 99_999_999_999, length: 0, esp: { spi: '0x00000000', seq: 0 } },
    ],
  ];

  it.each(same)('%s is the line of packetJson', (_name, packet) => {
    expect(line(packet)).toBe(`${packetJson(packet)}\n`);
  });

  it.each([
    ['an error', { ...esp, error: { code: 'E_ICV', message: '' } }],
    ['several frames', { ...esp, frames: [1, 2] }],
    ['a packet inside', { ...esp, inner: { summary: '', packet: esp } }],
    ['IKE', inner],
    ['a quote', { ...esp, inner: { summary: '"' } }],
    ['a backslash', { ...esp, inner: { summary: '\\' } }],
    ['a control character', { ...esp, inner: { summary: '\u001f' } }],
    ['a surrogate', { ...esp, inner: { summary: '😀' } }],
  ] satisfies [string, DecodedPacket][])('%s is left to packetJson', (_name, packet) => {
    expect(line(packet)).toBeUndefined();
  });
});
