import { describe, expect, it } from 'vitest';
import { PacketFilter } from '../../../src/lib/capture/packet-filter.js';
import type { DecodedPacket } from '../../../src/lib/capture/types.js';

const base = { frame: 1, time: '', length: 0, decrypted: false, icv: 'none' } as const;
const ike: DecodedPacket = {
  ...base,
  src: '10.0.0.1:500',
  dst: '[2001:db8::2]:500',
  protocol: 'IKEv2',
  ike: {
    version: 2,
    spiI: '00000000c0ffee01',
    spiR: 'aaaaaaaaaaaaaaaa',
    exchange: 'IKE_AUTH',
    exchangeNumber: 35,
    messageId: 1,
    response: false,
    payloads: [],
  },
};
const main: DecodedPacket = {
  ...ike,
  protocol: 'IKEv1',
  ike: { ...ike.ike!, version: 1, exchange: 'Identity Protection (Main Mode)' },
};
const esp: DecodedPacket = {
  ...base,
  src: '10.0.0.1',
  dst: '2001:db8::2',
  protocol: 'ESP',
  esp: { spi: '0xc0ffee01', seq: 1 },
};
const nested: DecodedPacket = {
  ...esp,
  inner: { summary: '', packet: { ...esp, esp: { spi: '0x00000007', seq: 1 } } },
};

const matching = (...texts: string[]) => {
  const filter = new PacketFilter(texts);
  return [ike, main, esp, nested].map((packet) => filter.matches(packet));
};

describe('a filter', () => {
  it('lets everything through when it is empty', () => {
    expect(new PacketFilter([]).empty).toBe(true);
    expect(matching(' ')).toEqual([true, true, true, true]);
  });

  it.each([
    ['exchange=IKE_AUTH', [true, false, false, false]],
    ['exchange=ike-auth', [true, false, false, false]],
    ['exchange=main_mode', [false, true, false, false]],
    ['EXCHANGE=auth exchange=main-mode', [true, true, false, false]],
    ['spi=0xc0ffee01', [true, true, true, true]],
    ['spi=C0FFEE01', [true, true, true, true]],
    ['spi=aaaaaaaaaaaaaaaa', [true, true, false, false]],
    ['spi=7', [false, false, false, true]],
    ['address=10.0.0.1', [true, true, true, true]],
    ['address=10.0.0.0/31', [true, true, true, true]],
    ['address=10.0.0.2/31', [false, false, false, false]],
    ['address=8.0.0.0/6', [true, true, true, true]],
    ['address=0.0.0.0/0', [true, true, true, true]],
    ['address=2001:db8::/33', [true, true, true, true]],
    ['address=2001:db8::3', [false, false, false, false]],
    ['address=10.0.0.2 address=2001:db8::2', [true, true, true, true]],
    ['exchange=auth spi=7', [false, false, false, false]],
  ])('%s', (text, expected) => {
    expect(matching(text)).toEqual(expected);
    expect(matching(...text.split(' '))).toEqual(expected);
  });

  it('asks for the findings separately', () => {
    const filter = new PacketFilter(['finding=no-proposal_chosen']);
    expect(filter.needsFindings).toBe(true);
    expect(filter.matches(ike)).toBe(true);
    expect(filter.matchesFinding({ id: 'NO_PROPOSAL_CHOSEN' })).toBe(true);
    expect(filter.matchesFinding({ id: 'NO_PROPOSAL_CHOSEN_TWICE' })).toBe(false);
    expect(new PacketFilter(['finding=any']).matchesFinding({ id: 'X' })).toBe(true);
  });

  it('judges conversations by the same terms', () => {
    const talk = { exchanges: ['IKE_AUTH'], spis: ['0x00000007'], addresses: ['10.0.0.1:4500'] };
    const holds = (text: string) => new PacketFilter([text]).matchesConversation(talk);
    expect(holds('exchange=ike_auth spi=7 address=10.0.0.1')).toBe(true);
    expect(holds('exchange=informational')).toBe(false);
    expect(holds('spi=8')).toBe(false);
    expect(holds('address=10.0.0.2')).toBe(false);
  });

  it.each([
    'colour=red',
    'exchange',
    'exchange=',
    'spi=xyz',
    'spi=0x11112222333344445',
    'address=10.0.0.0/33',
  ])('refuses %s', (text) => {
    expect(() => new PacketFilter([text])).toThrow(
      expect.objectContaining({ code: 'E_FILTER', kind: 'usage' }),
    );
  });
});
