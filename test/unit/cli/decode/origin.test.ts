import { expect, it } from 'vitest';
import { originOf } from '../../../../src/cli/decode/origin.js';
import { buildReport } from '../../../../src/cli/decode/report.js';
import type { IkeSaReport } from '../../../../src/lib/capture/analyse/types.js';
import { CaptureDecoder } from '../../../../src/lib/capture/decode.js';
import { PacketFilter } from '../../../../src/lib/capture/packet-filter.js';

const moment = { frame: 1, time: '2026-01-01T00:00:00.000000000Z' };
const sa = (changes: Partial<IkeSaReport>): IkeSaReport => ({
  id: 'ike-1',
  version: 2,
  spiI: '1111111111111111',
  spiR: '2222222222222222',
  initiator: '192.0.2.1:500',
  responder: '192.0.2.2:500',
  first: moment,
  last: moment,
  packets: 1,
  bytes: 1,
  state: 'established',
  identities: {},
  authMethods: {},
  vendorIds: { initiator: [], responder: [] },
  decrypted: true,
  exchanges: [],
  exchangesOmitted: 0,
  retransmissions: 0,
  icvFailures: 0,
  badIcvFrames: [],
  keepalives: 0,
  ...changes,
});
const first = sa({
  identities: {
    initiator: { type: 'ID_FQDN', value: 'a.test' },
    responder: { type: 'ID_FQDN', value: 'b.test' },
  },
  nat: { initiator: { frame: 1, source: 'differs', destination: 'matches' }, detected: true, movedTo4500: 3 },
});
const second = sa({ id: 'ike-2', rekeyOf: 'ike-1' });
/** Rekeyed by the other side. */
const third = sa({
  id: 'ike-3',
  rekeyOf: 'ike-2',
  initiator: '192.0.2.2:4500',
  responder: '192.0.2.1:4500',
  nat: { detected: false, movedTo4500: 20 },
});

function factsOf(ikeSas: IkeSaReport[]): Map<string, string> {
  const result = { ...new CaptureDecoder().finish(), ikeSas };
  return new Map(buildReport('', result, new PacketFilter([])).sections.at(-1)?.facts ?? []);
}

it('an IKE SA made by rekeying is who the first one of its chain was, whoever rekeyed', () => {
  const facts = factsOf([first, second, third]);
  expect(facts.get('initiator')).toBe('192.0.2.2:4500; is b.test (ID_FQDN)');
  expect(facts.get('responder')).toBe('192.0.2.1:4500; is a.test (ID_FQDN)');
  expect(facts.get('NAT')).toBe('detected in ike-1; port 4500 from #20 on');
});

it('nothing is claimed of addresses that changed, of IKEv1, or of a NAT whose detection was not seen', () => {
  const moved = { ...third, initiator: '203.0.113.9:4500' };
  expect(originOf(moved, [first, second, moved])).toEqual({ sa: first, roles: undefined });
  expect(originOf({ ...third, version: 1 }, [first, second])).toBeUndefined();
  expect(originOf(first, [first])).toBeUndefined();
  // Whatever a report says, the way back ends.
  expect(originOf(second, [{ ...first, rekeyOf: 'ike-2' }, second])?.sa.id).toBe('ike-1');
  const { rekeyOf: _, ...alone } = third;
  expect(factsOf([{ ...alone, state: 'partial' }]).get('NAT')).toMatch(/^not known: /);
});
