import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromHex, utf8 } from '../../../src/lib/core/bytes.js';
import { describeVendorId } from '../../../src/lib/probe/vendor-ids.js';

const ofText = (text: string) => describeVendorId(utf8(text));
const ofHash = (text: string) => describeVendorId(new Uint8Array(createHash('md5').update(text).digest()));

/** As public IKE tools list them. */
const listed: [hex: string, name: string | undefined, version: string | undefined][] = [
  ['882fe56d6fd20dbc2251613b2ebe5beb', 'strongSwan', undefined],
  ['9e10a0d4205edc6c90bd5381a53c2d2b', 'strongSwan', '5.1.1'],
  ['f2d4de999721c37fea51d4bcbc060120', 'strongSwan', '5.0.3rc1'],
  ['4f456d6470475f6c477d767d', 'Openswan', '2.6.39'],
  ['4f457a7d4646466667725f65', 'Openswan', '2.4.4'],
  ['4f53577e7b6566787577466d', 'Openswan', '2.6.45'],
  ['4f454a734e486b4a4c656272', 'FreeS/WAN', '0.5'],
  ['4f454e5f52685050487b645e', 'libreswan', '3.5'],
  ['1e2b516905991c7d7c96fcbfb587e46100000009', 'Microsoft Windows', '8 or later'],
  ['1f07f70eaa6514d3b0fa96542a500407', 'Cisco VPN 3000', '4.0.7'],
  ['12f5f28c457168a9702d9fe274cc0100', 'Cisco Unity 1.0', undefined],
  ['f6f7efc7f5aeb8cb158cb9d094ba69e7', 'Cisco VPN client', undefined],
  [
    'f4ed19e0c114eb516faaac0ee37daf2807b4381f000000010000138c000000000000000018800000',
    'Check Point FireWall-1',
    'NG AI R54',
  ],
  ['1d6e178f6c2c0be284985465450fe9d4', 'Fortinet FortiGate', undefined],
  ['5b362bc820f60007', 'SonicWall', undefined],
  ['166f932d55eb64d8e4df4fd37e2313f0d0fd84510000000000000000', 'Juniper NetScreen/ScreenOS/Junos', undefined],
  ['4c5647362e303a627269636b3a362e302e353732', 'Lucent VPN Gateway', '6.0'],
  ['526170746f7220506f77657256706e20536572766572205b56382e315d', 'Symantec Raptor', '8.1'],
  ['afcad71368a1f1c96b8696fc77570100', 'DPD (RFC 3706) 1.0', undefined],
  ['4a131c81070358455c5728f20e95452f', 'NAT-T (RFC 3947)', undefined],
  ['0123456789abcdef0123456789abcdef', undefined, undefined],
  ['', undefined, undefined],
];

describe('a vendor id', () => {
  it.each(listed)('%s is of %s %s', (hex, name, version) => {
    const expected = { hex, ...(name !== undefined && { name }), ...(version !== undefined && { version }) };
    expect(describeVendorId(fromHex(hex))).toEqual(expected);
  });

  it('may spell its version out', () => {
    expect(ofText('OpenIKED-7.2')).toMatchObject({ name: 'OpenIKED', version: '7.2' });
    expect(ofText('OE-Libreswan-4.10')).toMatchObject({ name: 'libreswan', version: '4.10' });
  });

  it('may be the hash of its version', () => {
    expect(ofHash('strongSwan 4.6.4')).toMatchObject({ name: 'strongSwan', version: '4.6.4' });
    expect(ofHash('strongSwan 4.3.6')).toMatchObject({ name: 'strongSwan', version: '4.3.6' });
    expect(ofHash('strongSwan 9.9.9').name).toBeUndefined();
  });

  it('cannot bring anything onto a terminal', () => {
    const { version, name } = ofText('OpenIKED-7\u001b[31m\u202e');
    expect(version).toBe('7');
    expect(name).toBe('OpenIKED');
    expect(ofText('OE-\u001b]0;x\u0007').name).not.toMatch(/\p{C}/u);
  });

  it('of any length is taken', () => {
    for (const length of [1, 3, 64, 1000, 60_000]) {
      const { hex } = describeVendorId(new Uint8Array(length).fill(0x4f));
      expect(hex).toHaveLength(2 * length);
    }
  });
});
