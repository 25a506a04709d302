/** One encryption: everything in hex. `key` ends in the salt that KEYMAT would carry; `sealed` ends in the ICV of an AEAD. */
export interface CipherVector {
  source: string;
  /** IANA transform id. */
  encr: number;
  key: string;
  iv: string;
  aad?: string;
  plaintext: string;
  sealed: string;
}

const singleBlock = '53696e676c6520626c6f636b206d7367';
const counting = (from: number, length: number): string =>
  Array.from({ length }, (_, i) => (from + i).toString(16).padStart(2, '0')).join('');

const sp800 =
  '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51' +
  '30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710';

const cbc: CipherVector[] = [
  {
    source: 'RFC 3602 case 1',
    encr: 12,
    key: '06a9214036b8a15b512e03d534120006',
    iv: '3dafba429d9eb430b422da802c9fac41',
    plaintext: singleBlock,
    sealed: 'e353779c1079aeb82708942dbe77181a',
  },
  {
    source: 'RFC 3602 case 2',
    encr: 12,
    key: 'c286696d887c9aa0611bbb3e2025a45a',
    iv: '562e17996d093d28ddb3ba695a2e6f58',
    plaintext: counting(0, 32),
    sealed: 'd296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1',
  },
  {
    source: 'RFC 3602 case 3',
    encr: 12,
    key: '6c3ea0477630ce21a2ce334aa746c2cd',
    iv: 'c782dc4c098c66cbd9cd27d825682c81',
    plaintext:
      '5468697320697320612034382d62797465206d657373616765202865786163746c79203320414553' + '20626c6f636b7329',
    sealed:
      'd0a02b3836451753d493665d33f0e8862dea54cdb293abc7506939276772f8d5021c19216bad525c8579695d83ba2684',
  },
  {
    source: 'RFC 3602 case 4',
    encr: 12,
    key: '56e47a38c5598974bc46903dba290349',
    iv: '8ce82eefbea0da3c44699ed7db51b7d9',
    plaintext: counting(0xa0, 64),
    sealed:
      'c30e32ffedc0774e6aff6af0869f71aa0f3af07a9a31a9c684db207eb0ef8e4e' +
      '35907aa632c3ffdf868bb7b29d3d46ad83ce9f9a102ee99d49a53e87f4c3da55',
  },
  {
    source: 'NIST SP 800-38A F.2.3',
    encr: 12,
    key: '8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b',
    iv: counting(0, 16),
    plaintext: sp800,
    sealed:
      '4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a' +
      '571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd',
  },
  {
    source: 'NIST SP 800-38A F.2.5',
    encr: 12,
    key: '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
    iv: counting(0, 16),
    plaintext: sp800,
    sealed:
      'f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d' +
      '39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b',
  },
];

/** The nonce stands between key and IV in RFC 3686; here it follows the key. */
const ctr: CipherVector[] = (
  [
    [
      'ae6852f8121067cc4bf7a5765577f39e',
      '00000030',
      '0000000000000000',
      singleBlock,
      'e4095d4fb7a7b3792d6175a3261311b8',
    ],
    [
      '7e24067817fae0d743d6ce1f32539163',
      '006cb6db',
      'c0543b59da48d90b',
      counting(0, 32),
      '5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28',
    ],
    [
      '7691be035e5020a8ac6e618529f9a0dc',
      '00e0017b',
      '27777f3f4a1786f0',
      counting(0, 36),
      'c1cf48a89f2ffdd9cf4652e9efdb72d74540a42bde6d7836d59a5ceaaef3105325b2072f',
    ],
    [
      '16af5b145fc9f579c175f93e3bfb0eed863d06ccfdb78515',
      '00000048',
      '36733c147d6d93cb',
      singleBlock,
      '4b55384fe259c9c84e7935a003cbe928',
    ],
    [
      '7c5cb2401b3dc33c19e7340819e0f69c678c3db8e6f6a91a',
      '0096b03b',
      '020c6eadc2cb500d',
      counting(0, 32),
      '453243fc609b23327edfaafa7131cd9f8490701c5ad4a79cfc1fe0ff42f4fb00',
    ],
    [
      '02bf391ee8ecb159b959617b0965279bf59b60a786d3e0fe',
      '0007bdfd',
      '5cbd60278dcc0912',
      counting(0, 36),
      '96893fc55e5c722f540b7dd1ddf7e758d288bc95c69165884536c811662f2188abee0935',
    ],
    [
      '776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c104',
      '00000060',
      'db5672c97aa8f0b2',
      singleBlock,
      '145ad01dbf824ec7560863dc71e3e0c0',
    ],
    [
      'f6d66d6bd52d59bb0796365879eff886c66dd51a5b6a99744b50590c87a23884',
      '00faac24',
      'c1585ef15a43d875',
      counting(0, 32),
      'f05e231b3894612c49ee000b804eb2a9b8306b508f839d6a5530831d9344af1c',
    ],
    [
      'ff7a617ce69148e4f1726e2f43581de2aa62d9f805532edff1eed687fb54153d',
      '001cc5b7',
      '51a51d70a1c11148',
      counting(0, 36),
      'eb6c52821d0bbbf7ce7594462aca4faab407df866569fd07f48cc0b583d6071f1ec0e6b8',
    ],
  ] as const
).map(([key, nonce, iv, plaintext, sealed], i) => ({
  source: `RFC 3686 vector ${i + 1}`,
  encr: 13,
  key: key + nonce,
  iv,
  plaintext,
  sealed,
}));

const gcmKey = 'feffe9928665731c6d6a8f9467308308';
const gcmAad = 'feedfacedeadbeeffeedfacedeadbeefabaddad2';
const gcmPlaintext =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72' +
  '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255';
const gcm128 =
  '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e' +
  '21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985';
const gcm192 =
  '3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c' +
  '7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710acade256';
const gcm256 =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa' +
  '8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad';

/** The GCM specification of McGrew and Viega, the cases with a 96-bit nonce; shorter ICVs are prefixes of the tag. */
const gcm: CipherVector[] = (
  [
    [3, 20, gcmKey, '', gcmPlaintext, `${gcm128}4d5c2af327cd64a62cf35abd2ba6fab4`],
    [3, 19, gcmKey, '', gcmPlaintext, `${gcm128}4d5c2af327cd64a62cf35abd`],
    [3, 18, gcmKey, '', gcmPlaintext, `${gcm128}4d5c2af327cd64a6`],
    [
      4,
      20,
      gcmKey,
      gcmAad,
      gcmPlaintext.slice(0, 120),
      `${gcm128.slice(0, 120)}5bc94fbc3221a5db94fae95ae7121a47`,
    ],
    [9, 20, `${gcmKey}feffe9928665731c`, '', gcmPlaintext, `${gcm192}9924a7c8587336bfb118024db8674a14`],
    [15, 20, gcmKey + gcmKey, '', gcmPlaintext, `${gcm256}b094dac5d93471bdec1a502270e3cc6c`],
    [
      16,
      20,
      gcmKey + gcmKey,
      gcmAad,
      gcmPlaintext.slice(0, 120),
      `${gcm256.slice(0, 120)}76fc6ece0f4e1768cddf8853bb2d551b`,
    ],
  ] as const
).map(([number, encr, key, aad, plaintext, sealed]) => ({
  source: `GCM specification test case ${number}, ICV of transform ${encr}`,
  encr,
  key: `${key}cafebabe`,
  iv: 'facedbaddecaf888',
  aad,
  plaintext,
  sealed,
}));

/** NIST CAVP vectors whose nonce has 11 bytes, as RFC 4309 and 5282 use it. */
const ccm: CipherVector[] = (
  [
    [
      16,
      '83ac5466c2ebe5052e01d1fc5d82662e96ac59',
      '3007a1e2a2c75524',
      '',
      '19c881f6e986ff930b7867e5bbb7fc6e8377b3a60c8c9f9c352eade062f991a1',
      'ab6fe1691d1999a892a0c46f7ee28bb170bb8ca64c6e978a572bbe5d98a6b132da24ead9a13998fda4bed9f21a6d22a8',
    ],
    [
      16,
      '1e2c7e01419aefc00d58966e5ca24bd34fa319',
      'd3015ad830601556',
      'dae6289c452dfd635eda4cb6e6fcf9b70c56cbe4e0057ae10a630978bc2c55de',
      '87a336fd96b39378a92863ba12a31485571e06c97b21ef767f387e8e29a43e7e',
      '8a1e11f0026be219fc70c46d8eb799abc54ba2acd3f348ff3bb5ce53efdebb02a986156c13feda0a22b8293dd8399a23',
    ],
    [
      16,
      'f46bc27562feb4e1a3f0ffdd4e4b1275531473668d88f680a02035',
      '26f2218d5020dae2',
      '5b9e1367025eefc16cf9d71e528f7a47e9d4cf20146ef02dd89e2b56102356e7',
      '',
      '36ea7a7008dc6abcad0c7a63f661fd9b',
    ],
    [
      16,
      '56df5c8f263f0e42ef7ad3cefc846062cab440af5fc9c901d63c8c',
      '8684b6cdef092e94',
      '0265783ce9213091b1b9da769a786d95f28832a3f250cb4ce300736984698779',
      '9fd2024b5249313c43693a2d8e70ad7ee0e54609808913b28c8bd93f86fbb56b',
      '39df7c3c5a29b9625d51c216d8bd069f9b6a0970c15183c266881d4f9adae01ec7791158e56b20407aea46428be46fe1',
    ],
    [
      14,
      'e08d997160d7971abd0199d58adf713ad3df244b5e3d4b4e307ab9d8530a5e2b1e2991',
      'ad8ec1530acf2dbe',
      '19b61f57c4f3f08b782b9402290f42276b75cb9834087e79e43e490d848b2287',
      'e1d9d813eb3a753f9dbd5f66bedcbb66bf1799624a39271f1ddc24ae192f984c',
      '19b86133452b43966f51d020307d9bc6263df8c96516a89ff0621734f21e8d754e13ccc0c32a542d',
    ],
    [
      15,
      '7cc8183b8d99e07c4541b8bd5ca7c2328ab80259a4fea92c09759a9b3c9b2739f9d94e',
      '63b53d9d43f61e50',
      '57f56b8b575c3d3b1302010c834c96358ed639cf7d149b94b03936e68f57e013',
      '3b6c2936b6ef07a68372074fcffa66895fcab1bad58f2c2730db750993d465e4',
      'b0885a33aae5c71d8523c7c62ff41e3dcc63442507784f9e96b888ebbc481f0639af39acd84a80397b728af7',
    ],
    [
      16,
      'abd0e9330726e5838c7695d4b6dcf346f98fade3021383773fb0f1a1a1220f2b24a78b',
      '07cbcc0ee633bff5',
      'd4db301d03fefd5f87d48cb6b6f17a5dab90658d8eca4d4f160c40904bc73673',
      'f5c67d48c1b7e692975acac4a96df93d6cdebcf190ea6ab2358636af5cfe4b3a',
      '836f408772cfc113efbb8021046c5809071bfcdfc03f5bc7e079a86e717c3fcf5cdab233e513e20d74d1efb50f3ab5f8',
    ],
    [14, 'ab2f8a74b71cd2b1ff802e487d82f8b9af9487', '783582817f889468', '', '', '413cb88773cbf3f3'],
    [
      14,
      '39bba7be59979e73a2bc6b98d7757fe3a448933926714ac6ee4983',
      'e9a9ffe957bafd9e',
      '44a62c05e9e143b1587cf25c6d390a64a4f01305d177996711c4c6db00563661',
      '',
      '7199faf44412689b',
    ],
    [
      14,
      'a44b54290ab86d015b802acf25c4b75c202cad30c22b41fb0e85bc33ad0f2bffee4983',
      'e9a9ffe957bafd9e',
      '',
      '',
      '1fb88fa3dd5400f2',
    ],
    [
      14,
      '585da096651a04d796e5c568aa9535e029a0ba9e4878d1baee4983',
      'e9a9ffe957bafd9e',
      '44a62c05e9e143b1587cf25c6d390a64a4f01305d177996711c4c6db00563661',
      '85346642c8920f3658e06b913c985cbb0a85cc02ad7a96e96543a4c30fdc5581',
      'fbe55d34bee5e8e75aef2fbf1f7fd4b266ca611e967a61b31c164552ba049c9fb1d240bc527c6fb1',
    ],
  ] as const
).map(([encr, key, iv, aad, plaintext, sealed], i) => ({
  source: `NIST CAVP CCM ${i + 1}`,
  encr,
  key,
  iv,
  aad,
  plaintext,
  sealed,
}));

const chachaKey = counting(0x80, 32);

const chacha: CipherVector[] = [
  {
    source: 'RFC 8439 2.8.2',
    encr: 28,
    key: `${chachaKey}07000000`,
    iv: '4041424344454647',
    aad: '50515253c0c1c2c3c4c5c6c7',
    plaintext: Buffer.from(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    ).toString('hex'),
    sealed:
      'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b' +
      '1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc' +
      '3ff4def08e4b7a9de576d26586cec64b6116' +
      '1ae10b594f09e26a7e902ecbd0600691',
  },
  {
    source: 'RFC 7634 appendix A (ESP)',
    encr: 28,
    key: `${chachaKey}a0a1a2a3`,
    iv: counting(0x10, 8),
    aad: '0102030400000005',
    plaintext:
      '45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f' +
      `${counting(0x10, 40)}01020204`,
    sealed:
      '24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95dfab4c02f7' +
      '2aa71e7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b82829f641e0' +
      '76aaa8266b7fb0f7b11b369907e1ad43',
  },
  {
    source: 'RFC 7634 appendix B (IKE)',
    encr: 28,
    key: `${chachaKey}a0a1a2a3`,
    iv: counting(0x10, 8),
    aad: `${counting(0xc0, 8)}${counting(0xd0, 8)}2e202500000000090000004529000029`,
    plaintext: '0000000c000040010000000a00',
    sealed: '610394701f8d017f7c129248896b71bfe25236efd7cdc67066906315b2',
  },
];

const tripleDesKey = '0123456789abcdef23456789abcdef01456789abcdef0123';

/** One ECB block is one CBC block under a zero IV. */
const tripleDes: CipherVector[] = (
  [
    ['5468652071756663', 'a826fd8ce53b855f'],
    ['6b2062726f776e20', 'cce21c8112256fe6'],
    ['666f78206a756d70', '68d5c05dd9b6b900'],
  ] as const
).map(([plaintext, sealed], i) => ({
  source: `NIST SP 800-67 appendix B.1 block ${i + 1}`,
  encr: 3,
  key: tripleDesKey,
  iv: '0000000000000000',
  plaintext,
  sealed,
}));

const nothing: CipherVector[] = [
  { source: 'RFC 2410 section 3', encr: 11, key: '', iv: '', plaintext: '1234567890', sealed: '1234567890' },
];

export const cipherVectors: readonly CipherVector[] = [
  ...cbc,
  ...ctr,
  ...gcm,
  ...ccm,
  ...chacha,
  ...tripleDes,
  ...nothing,
];
