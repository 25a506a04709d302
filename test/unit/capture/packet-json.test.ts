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
] satisfies [string, DecodedPacket][])('%s is what JSON.stringify writes', (_name, packet) => {
  expect(JSON.parse(packetJson(packet))).toEqual(packet);
  expect(packetJson(packet)).toBe(JSON.stringify(packet));
});

it('leaves decrypted bytes out, at every depth, and the packet as it was', () => {
  const nested: DecodedPacket = { ...esp, inner: { summary: '', packet: inner } };
  expect(packetJson(nested)).not.toContain('"inner":{"0"');
  expect(forJson(nested).inner?.packet?.ike).not.toHaveProperty('inner');
  expect(JSON.parse(packetJson(inner)).ike).toEqual({ ...inner.ike, inner: undefined });
  expect(nested.inner?.packet?.ike?.inner).toEqual(Uint8Array.of(1, 2, 3));
});
