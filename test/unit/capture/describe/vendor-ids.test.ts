import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { vendorName } from '../../../../src/lib/capture/describe/vendor-ids.js';
import { fromHex, utf8 } from '../../../../src/lib/core/bytes.js';

/** As seen on the wire and published by vendors, logs and other tools. */
test.each([
  ['882fe56d6fd20dbc2251613b2ebe5beb', 'strongSwan'],
  ['4a131c81070358455c5728f20e95452f', 'NAT-T (RFC 3947)'],
  ['90cb80913ebb696e086381b5ec427b1f', 'draft-ietf-ipsec-nat-t-ike-02\\n'],
  ['7d9419a65310ca6f2c179d9215529d56', 'draft-ietf-ipsec-nat-t-ike-03'],
  ['afcad71368a1f1c96b8696fc77570100', 'DPD (RFC 3706) 1.0'],
  ['09002689dfd6b712', 'XAUTH'],
  ['12f5f28c457168a9702d9fe274cc0100', 'Cisco Unity 1.0'],
  ['1f07f70eaa6514d3b0fa96542a500407', 'Cisco VPN 3000 4.0.7'],
  ['434953434f2d44454c4554452d524541534f4e', 'Cisco Delete Reason'],
  ['464c455856504e2d535550504f52544544', 'Cisco FlexVPN Supported'],
  ['4048b7d56ebce88525e7de7f00d6c2d3', 'IKE Fragmentation'],
  ['4048b7d56ebce88525e7de7f00d6c2d3c0000000', 'IKE Fragmentation (capabilities 0xc0000000)'],
  ['1e2b516905991c7d7c96fcbfb587e46100000009', 'MS NT5 ISAKMPOAKLEY (Windows 8 or later)'],
  ['1e2b516905991c7d7c96fcbfb587e461000000ff', 'MS NT5 ISAKMPOAKLEY (version 255)'],
  ['fb1de3cdf341b7ea16b7e5be0855f120', 'MS-Negotiation Discovery Capable'],
  ['26244d38eddb61b3172a36e3d0cfb819', 'Microsoft Vid-Initial-Contact'],
  ['e3a5966a76379fe707228231e5ce8652', 'Microsoft IKE CGA version 1'],
  ['01528bbbc00696121849ab9a1c5b2a5100000002', 'Microsoft Windows (00000002)'],
  ['8299031757a36082c6a621de0005024d', 'Fortinet FortiGate (0005024d)'],
  [
    '699369228741c6d4ca094c93e242c9de19e7b7c60000000500000500',
    'Juniper NetScreen/ScreenOS/Junos (0000000500000500)',
  ],
  ['4865617274426561745f4e6f74696679386b0100', 'Juniper NetScreen HeartBeat_Notify 8k\\x01\\x00'],
  [
    'f4ed19e0c114eb516faaac0ee37daf2807b4381f000000010000138d000000000000000018000000',
    'Check Point FireWall-1 NG AI R55',
  ],
  ['404bf439522ca3f6', 'SonicWall'],
  ['7f50cc4ebf04c2d9da73abfd69b77aa2', 'Sophos/Astaro'],
  ['7003cbc1097dbe9c2600ba6983bc8b35', 'KAME/racoon'],
  ['4f456b5262475852766d5045', 'libreswan, Openswan or FreeS/WAN'],
  ['4f452d4c696272657377616e2d342e3130', 'Libreswan-4.10'],
])('%s is %s', (hex, name) => {
  expect(vendorName(fromHex(hex))).toBe(name);
});

test('hashes of texts are those of the texts', () => {
  for (const text of ['strongSwan 4.2.17', 'SSH Sentinel 1.4', 'draft-stenberg-ipsec-nat-traversal-02']) {
    expect(vendorName(createHash('md5').update(text).digest())).toBe(text);
  }
});

test.each(['', '00', '8299', 'deadbeefdeadbeefdeadbeefdeadbeef', '4f456b', '4f456b5262475852766d50ff'])(
  'nobody is known by %j',
  (hex) => {
    expect(vendorName(fromHex(hex))).toBeUndefined();
  },
);

test('what follows a name cannot paint the terminal', () => {
  expect(vendorName(utf8('CISCO(COPYRIGHT)&\u001b[31m(c)'))).toBe('Cisco Copyright \\x1b[31m(c)');
});
