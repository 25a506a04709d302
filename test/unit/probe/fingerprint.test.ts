import { describe, expect, it } from 'vitest';
import { fromHex, utf8 } from '../../../src/lib/core/bytes.js';
import { encodeMessage } from '../../../src/lib/ike/wire/message.js';
import { notify } from '../../../src/lib/ike/wire/notify.js';
import type { Payload } from '../../../src/lib/ike/wire/types.js';
import { type FingerprintEvidence, fingerprintOf } from '../../../src/lib/probe/fingerprint.js';
import type { Ikev1Facts } from '../../../src/lib/probe/types.js';
import { describeVendorId } from '../../../src/lib/probe/vendor-ids.js';

const nothing: FingerprintEvidence = {
  vendorIds: [],
  initResponse: undefined,
  ikev2: undefined,
  ikev1: undefined,
};

const NAT: readonly Payload[] = [notify(16388, new Uint8Array(20)), notify(16389, new Uint8Array(20))];
const FRAGMENTS = notify(16430);
const HASHES = notify(16431, fromHex('000200030004'));
const CHILDLESS = notify(16418);
const MULTIPLE = notify(16404);

/** An IKE_SA_INIT response of aes256-sha256-modp2048 with its transforms in this order. */
function response(order: readonly number[], rest: readonly Payload[]): Uint8Array {
  const ids: Record<number, number> = { 1: 12, 2: 5, 3: 12, 4: 14 };
  const transforms = order.map((type) => ({ type, id: ids[type]!, ...(type === 1 && { keyLength: 256 }) }));
  return encodeMessage(
    {
      initiatorSpi: 1n,
      responderSpi: 2n,
      majorVersion: 2,
      minorVersion: 0,
      exchangeType: 34,
      fromInitiator: false,
      isResponse: true,
      higherVersion: false,
      messageId: 0,
    },
    [
      { type: 33, proposals: [{ number: 1, protocolId: 1, spi: new Uint8Array(0), transforms }] },
      { type: 34, group: 14, data: new Uint8Array(256) },
      { type: 40, data: new Uint8Array(32) },
      ...rest,
    ],
  );
}

/** As the daemons were seen to answer. */
const seen = {
  strongSwan: response([1, 3, 2, 4], [...NAT, FRAGMENTS, HASHES, CHILDLESS, MULTIPLE]),
  olderStrongSwan: response([1, 3, 2, 4], [...NAT, MULTIPLE]),
  libreswan: response([1, 2, 3, 4], [FRAGMENTS, ...NAT, CHILDLESS]),
  openIked: response([1, 2, 3, 4], [{ type: 43, data: utf8('OpenIKED-7.2') }, ...NAT, HASHES]),
  other: response([1, 2, 3, 4], [...NAT, FRAGMENTS, HASHES]),
};

describe('the fingerprint', () => {
  it.each([
    ['strongSwan', seen.strongSwan],
    ['strongSwan', seen.olderStrongSwan],
    ['libreswan', seen.libreswan],
    ['OpenIKED', seen.openIked],
  ])('knows %s by its answer alone', (implementation, initResponse) => {
    const found = fingerprintOf({ ...nothing, initResponse });
    expect(found?.implementation).toBe(implementation);
    expect(found?.confidence).toBeLessThan(0.9);
    expect(found?.reasons.length).toBeGreaterThan(0);
  });

  it('is none where nothing is known', () => {
    expect(fingerprintOf(nothing)).toBeUndefined();
    expect(fingerprintOf({ ...nothing, initResponse: seen.other })).toBeUndefined();
    expect(fingerprintOf({ ...nothing, initResponse: Uint8Array.of(1, 2, 3) })).toBeUndefined();
    expect(
      fingerprintOf({ ...nothing, vendorIds: [{ hex: '00', name: 'DPD (RFC 3706) 1.0' }] }),
    ).toBeUndefined();
  });

  it('is surer with a vendor id, and knows the version from it', () => {
    const vendorIds = [describeVendorId(utf8('OpenIKED-7.2'))];
    const found = fingerprintOf({ ...nothing, vendorIds, initResponse: seen.openIked });
    expect(found).toMatchObject({ implementation: 'OpenIKED', version: '7.2' });
    expect(found?.confidence).toBeGreaterThan(0.95);
    expect(found?.reasons).toContain('vendor id of OpenIKED 7.2');
  });

  it('is less sure when signs contradict one another', () => {
    const vendorIds = [describeVendorId(fromHex('882fe56d6fd20dbc2251613b2ebe5beb'))];
    const alone = fingerprintOf({ ...nothing, vendorIds });
    const contradicted = fingerprintOf({ ...nothing, vendorIds, initResponse: seen.libreswan });
    expect(alone).toMatchObject({ implementation: 'strongSwan', confidence: 0.9 });
    expect(contradicted?.implementation).toBe('strongSwan');
    expect(contradicted!.confidence).toBeLessThan(0.7);
  });

  it('counts how refusals and cookies look, though not for much', () => {
    const refusal = new Uint8Array(36).fill(1);
    refusal.fill(0, 8, 16);
    const cookie = new Uint8Array(24);
    const more = fingerprintOf({ ...nothing, initResponse: seen.strongSwan, initRefusal: refusal, cookie });
    const less = fingerprintOf({ ...nothing, initResponse: seen.strongSwan });
    expect(more!.confidence).toBeGreaterThan(less!.confidence);
    expect(fingerprintOf({ ...nothing, initRefusal: refusal })).toBeUndefined();
    expect(fingerprintOf({ ...nothing, initRefusal: new Uint8Array(3) })).toBeUndefined();
  });

  it.each<[string, string[], number, string]>([
    ['strongSwan', ['09002689dfd6b712', '4048b7d56ebce88525e7de7f00d6c2d380000000'], 0, 'strongSwan'],
    ['libreswan', ['4048b7d56ebce88525e7de7f00d6c2d3'], 1, 'libreswan'],
  ])('knows %s by IKEv1', (_, ids, auth, implementation) => {
    const algorithm = { id: 1, name: 'x' };
    const ikev1: Ikev1Facts = {
      enabled: { value: true, packets: [] },
      mainMode: [{ encr: algorithm, hash: algorithm, auth: { id: auth, name: 'x' }, group: algorithm }],
      aggressiveMode: [],
      aggressiveHash: undefined,
      inconclusive: [],
      halfOpenLeft: 0,
    };
    const vendorIds = ids.map((hex) => describeVendorId(fromHex(hex)));
    expect(fingerprintOf({ ...nothing, vendorIds, ikev1 })?.implementation).toBe(implementation);
  });

  it('takes Windows, Cisco and others from their vendor ids', () => {
    const of = (hex: string) => fingerprintOf({ ...nothing, vendorIds: [describeVendorId(fromHex(hex))] });
    expect(of('1e2b516905991c7d7c96fcbfb587e46100000007')).toMatchObject({
      implementation: 'Microsoft Windows',
      version: '7',
    });
    expect(of('434953434f2d44454c4554452d524541534f4e')?.implementation).toBe('Cisco');
    expect(of('404bf439522ca3f6')?.implementation).toBe('SonicWall');
  });
});
