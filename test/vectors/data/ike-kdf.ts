/**
 * NIST CAVP, SP 800-135 section 4.1.2 (IKEv2). Everything in hex; `keymat` is prf+(SKEYSEED, Ni | Nr | SPIi | SPIr),
 * whose beginning is SK_d; `child` and `childKe` are KEYMAT without and with a fresh key exchange.
 */
export interface IkeKdfVector {
  hash: string;
  prf: number;
  nonceI: string;
  nonceR: string;
  spiI: string;
  spiR: string;
  keSecret: string;
  newKeSecret: string;
  skeyseed: string;
  keymat: string;
  rekeySkeyseed: string;
  child?: string;
  childKe?: string;
}

export const ikeKdfVectors: readonly IkeKdfVector[] = [
  {
    hash: 'SHA-1',
    prf: 2,
    nonceI: '32b50d5f4a3763f3',
    nonceR: '9206a04b26564cb1',
    spiI: '34c9e7c188868785',
    spiR: '3ff77d760d2b2199',
    keSecret: '4b2c1f971981a8ad8d0abeafabf38cf75fc8349c148142465ed9c8b516b8be52',
    newKeSecret: '863f3c9d06efd39d2b907b97f8699e5dd5251ef64a2a176f36ee40c87d4f9330',
    skeyseed: 'a9a7b222b59f8f48645f28a1db5b5f5d7479cba7',
    keymat:
      'a14293677cc80ff8f9cc0eee30d895da9d8f405666e30ef0dfcb63c634a46002a2a63080e514a062768b76606f9fa5e9' +
      '92204fc5a670bde3f10d6b027113936a5c55b648a194ae587b0088d52204b702c979fa280870d2ed41efa9c549fd1119' +
      '8af1670b143d384bd275c5f594cf266b05ebadca855e4249520a441a81157435a7a56cc4',
    rekeySkeyseed: '63e81194946ebd05df7df5ebf5d8750056bf1f1d',
    child:
      '8059e3ee8810e6c3a91bc8bcd2a7a41151b8d0e6ae239c7b38093ad85ef4c5811a8e7b5d1cdabd9560b2d5e092d1f24e' +
      '2d4b85eccdf0ad0dc9abd94b51ee71814ca6dbc8bb51b6309f5b9545c7eb35cf5580b1e521a8fe20754a2d883ba0c2cf' +
      '285f524aea6545b33106bc03e614296d319d41d4b50b3f510b1c0a22f3e664994d234cb4',
    childKe:
      'bb43244c1860ad65ee1e211ffe8bb3661750c8f89cb9f547df7f4fa61d37301628190e38c66232eab4b3ab14c400a519' +
      '7dd3730ed4820a8a10394d51e1c0400052f63ebd36b0e7ef53aaed31eba4a5080d7d4b5666023a8bbb5ffb7857240f9a' +
      '05884d1b7d2f933708450b7b3288f1fc863ab49fa901227cffc06e27899c7054d56fd74c',
  },
  {
    hash: 'SHA-256',
    prf: 5,
    nonceI: '3f302be1abcb28e1',
    nonceR: '8c332ee006064c9b',
    spiI: '40dac39e1e1a8640',
    spiR: '8619a1cf9a6e4c07',
    keSecret: '0f4d257d7a58fc4545c7d7a88119eee5d5c9690c5b4c989171d3abbfd99d1d29',
    newKeSecret: '25f3b12d6f282739256e39bf54eda53b60ffcf379bb7bcc90c27b4c4c578616c',
    skeyseed: '5f00d1bd2c58ec224b1e6b71fa0f19a1faa7a193952c444411b47c1a9d8ba6fe',
    keymat:
      '0b137d669b0947d7d026d593f0305ad401ff0c471357d695778a9c7f4b4869ece98aca531188d16041b3bb936d2dbb3b' +
      '4993a6e768a809160de45d0283f273a6cdf6854379e31be72b8d3d1fa990cf9c5b015ca9f918a7df6253c958114a09d4' +
      'e1c19bdcd4db14b29d98db1a74ad405c588662c14a04d0d36aa4ab55e90f8986d12d4aad',
    rekeySkeyseed: '2d63f6debc92048b4fef3889c4c99ca67d6496e0fac14a2bca9a2d6566ff2398',
  },
  {
    hash: 'SHA-384',
    prf: 6,
    nonceI: 'fd1b572a8e735591',
    nonceR: '6013b0ef88dacd3d',
    spiI: '2116ad07ce61f749',
    spiR: '24880e55f11a65b7',
    keSecret: 'd3288cd87565101e88fe3bad918f31939d8dd26ff1071f8b2d7f447524e58d7c',
    newKeSecret: '3358f620539473aee8d07e779764c4c6a9aabddc79a28e136b3bac021dbde44a',
    skeyseed:
      '69fe7a1ac94adaeb711295f5fe004b1a8d6a0b65d05692758ce8ad2f7a45f59d7d0b596f51f7dfcf3330061888f6a94f',
    keymat:
      '4f904c2025c90c817ea5ff9b662a6fdb445a73b57cdf09eacd379b95e1f03cacb04cd6deeda4f952191dd9bc1f7a9502' +
      '471a648d74dc06d38112de48a42501f6b1a3ad55c2099cd9a648e5f17e5bf3e34bf9b5953decb768a34f875fe2b78dca' +
      '0c2fcca81ec1a412006dfaed38fa06882e61f4c148105fb8e231fdb33c4d484c001721d4',
    rekeySkeyseed:
      'e0548c1682e13bce454026b3b1bdf42985b24e4e7408095a7c529de38c3d1fcb04c9fe6868042a34c9614c6c99e3fcea',
  },
  {
    hash: 'SHA-512',
    prf: 7,
    nonceI: '97c41a9b0a03e74c',
    nonceR: 'a659fd06e1746600',
    spiI: 'ff43c5c689b95481',
    spiR: 'e2ba607f30079bb7',
    keSecret: '276255c3eaace5c6db32b609aa86c0ef07bba4bf2dc4c262995efd95ca607c3f',
    newKeSecret: 'bb4015f7727b35532021336a9e4a6370ac8729b01fbb8f15d52236820fac4709',
    skeyseed:
      'd6e74966b75fd2afab48be319d63d97c8a5d2ffe2e320763a462c664b36c3a944067d867c3a55fd8a7e5cca64b22e244' +
      '15987e15549f09a81b455adaa5303df8',
    keymat:
      '22259105314717dc73c210919ee9cb3ded774dc087e866aa3960404c0ed7b8e78e79b993888388e2e5cb238d4bfcb4cd' +
      'ee9da074a26e329d6c2f2f660cc9c711c941a2fb3d85a2e5d01e579c8f2c9d00fa6fabe76a137b00c7ff1b2918999065' +
      '88c26f073d819063238c4c844f0f8d221b65b76dbc9ed6f6368e5dba86b3e81b60eb44a1',
    rekeySkeyseed:
      'ecdaf3ccb990abc898a453b03fd56f9975275f150e1e571b0560b3cb2ee67289e82b899cdc2129fd821fe8aebea796f1' +
      '90765c25798f5883f923526551f16a4b',
  },
];
