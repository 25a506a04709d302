/** One MAC or PRF computation; everything in hex. `output` may be a prefix where the source truncates. */
export interface MacVector {
  source: string;
  /** IANA ids of the transforms that compute it; a PRF in full, an INTEG truncated. */
  prf?: number;
  integ?: number;
  key: string;
  data: string;
  output: string;
}

const text = (value: string): string => Buffer.from(value).toString('hex');
const counting = (from: number, length: number): string =>
  Array.from({ length }, (_, i) => (from + i).toString(16).padStart(2, '0')).join('');

const whatDoYaWant = text('what do ya want for nothing?');
const largerKey = text('Test Using Larger Than Block-Size Key - Hash Key First');
const largerBoth = text(
  'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
);

const sha1: MacVector[] = (
  [
    ['0b'.repeat(20), text('Hi There'), 'b617318655057264e28bc0b6fb378c8ef146be00'],
    [text('Jefe'), whatDoYaWant, 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79'],
    ['aa'.repeat(20), 'dd'.repeat(50), '125d7342b9ac11cd91a39af48aa17b4f63f175d3'],
    [counting(1, 25), 'cd'.repeat(50), '4c9007f4026250c6bc8414f9bf50c86c2d7235da'],
    ['0c'.repeat(20), text('Test With Truncation'), '4c1a03424b55e07fe7f27be1d58bb9324a9a5a04'],
    ['aa'.repeat(80), largerKey, 'aa4ae5e15272d00e95705637ce8a3b55ed402112'],
    [
      'aa'.repeat(80),
      text('Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data'),
      'e8e99d0f45237d786d6bbaa7965c7808bbff1a91',
    ],
  ] as const
).map(([key, data, output], i) => ({
  source: `RFC 2202 SHA-1 case ${i + 1}`,
  prf: 2,
  integ: 2,
  key,
  data,
  output,
}));

/** RFC 4231: key, data, and the outputs of SHA-256, SHA-384 and SHA-512; case 5 is truncated to 128 bits. */
const sha2: MacVector[] = (
  [
    [
      '0b'.repeat(20),
      text('Hi There'),
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
      'afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6',
      '87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854',
    ],
    [
      text('Jefe'),
      whatDoYaWant,
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      'af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649',
      '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
    ],
    [
      'aa'.repeat(20),
      'dd'.repeat(50),
      '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
      '88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27',
      'fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb',
    ],
    [
      counting(1, 25),
      'cd'.repeat(50),
      '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
      '3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679ccf8a386c674cffb',
      'b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd',
    ],
    [
      '0c'.repeat(20),
      text('Test With Truncation'),
      'a3b6167473100ee06e0c796c2955552b',
      '3abf34c3503b2a23a46efc619baef897',
      '415fad6271580a531d4179bc891d87a6',
    ],
    [
      'aa'.repeat(131),
      largerKey,
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
      '4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952',
      '80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598',
    ],
    [
      'aa'.repeat(131),
      largerBoth,
      '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
      '6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5a678cc31e799176d3860e6110c46523e',
      'e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58',
    ],
  ] as const
).flatMap(([key, data, ...outputs], i) =>
  outputs.map((output, hash) => ({
    source: `RFC 4231 case ${i + 1}, SHA-${[256, 384, 512][hash]}`,
    prf: 5 + hash,
    integ: 12 + hash,
    key,
    data,
    output,
  })),
);

const key128 = counting(0, 16);

const xcbc: MacVector[] = [
  ...(
    [
      ['', '75f0251d528ac01c4573dfd584d79f29'],
      [counting(0, 3), '5b376580ae2f19afe7219ceef172756f'],
      [counting(0, 16), 'd2a246fa349b68a79998a4394ff7a263'],
      [counting(0, 20), '47f51b4564966215b8985c63055ed308'],
      [counting(0, 32), 'f54f0ec8d2b9f3d36807734bd5283fd4'],
      [counting(0, 34), 'becbb3bccdb518a30677d5481fb6b4d8'],
      ['00'.repeat(1000), 'f0dafee895db30253761103b5d84528f'],
    ] as const
  ).map(([data, output], i) => ({
    source: `RFC 3566 case ${i + 1}`,
    prf: 4,
    integ: 5,
    key: key128,
    data,
    output,
  })),
  {
    source: 'RFC 4434 with a key of 10 bytes',
    prf: 4,
    key: counting(0, 10),
    data: counting(0, 20),
    output: '0fa087af7d866e7653434e602fdde835',
  },
  {
    source: 'RFC 4434 with a key of 18 bytes',
    prf: 4,
    key: `${key128}edcb`,
    data: counting(0, 20),
    output: '8cd3c93ae598a9803006ffb67c40e9e4',
  },
];

const cmacKey = '2b7e151628aed2a6abf7158809cf4f3c';
const cmacData =
  '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51' +
  '30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710';

const cmac: MacVector[] = [
  ...(
    [
      [0, 'bb1d6929e95937287fa37d129b756746'],
      [16, '070a16b46b4d4144f79bdd9dd04a287c'],
      [40, 'dfa66747de9ae63030ca32611497c827'],
      [64, '51f0bebf7e3b9d92fc49741779363cfe'],
    ] as const
  ).map(([length, output]) => ({
    source: `RFC 4493 and 4494 with ${length} bytes`,
    prf: 8,
    integ: 8,
    key: cmacKey,
    data: cmacData.slice(0, 2 * length),
    output,
  })),
  ...(
    [
      [`${key128}edcb`, '84a348a4a45d235babfffc0d2b4da09a'],
      [key128, '980ae87b5f4c9c5214f5b6a8455e4c2d'],
      [counting(0, 10), '290d9e112edb09ee141fcf64c0b72f3d'],
    ] as const
  ).map(([key, output]) => ({
    source: `RFC 4615 with a key of ${key.length / 2} bytes`,
    prf: 8,
    key,
    data: counting(0, 20),
    output,
  })),
];

export const macVectors: readonly MacVector[] = [...sha1, ...sha2, ...xcbc, ...cmac];
