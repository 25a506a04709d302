import { expect, it } from 'vitest';
import { utf8 } from '../../src/lib/core/bytes.js';
import { parseMaterial, proves } from '../../src/lib/psk/audit/material.js';

/**
 * The examples that hashcat publishes for its modes 5300 (IKE-PSK MD5) and 5400 (IKE-PSK SHA1); the key of both is
 * `hashcat`. They fix the order of the nine fields.
 */
const examples = [
  {
    hash: 'md5',
    fields: [
      '50503326cac6e4bd892b8257805b5a59a285f464ad3f63dc01bd0335f8341ef52e00be0b8cb205422a3788f021e4e6e8ccbe34784bc85abe42f62545bac64888426a2f1264fa28cf384ff00b14cfa5eff562dda4fad2a31fd7a6715218cff959916deed856feea5bee2e773241c5fbebf202958f0ce0c432955e0f1f6d1259da',
      '688a7bfa8d5819630a970ed6d27018021a15fbb3e2fdcc36ce9b563d8ff95f510c4b3236c014d1cde9c2f1a999b121bc3ab1bc8049c8ac1e8c167a84f53c867492723eb01ab4b38074b38f4297d6fea8f44e01ea828fce33c433430938b1551f60673ce8088e7d2f41e3b49315344046fefee1e3860064331417562761db3ba4',
      'c66606d691eaade4',
      '8bdc88a2cdb4a1cf',
      'c3b13137fae9f66684d98709939e5c3454ee31a98c80a1c76427d805b5dea866eff045515e8fb42dd259b9448caba9d937f4b3b75ec1b092a92232b4c8c1e70a60a52076e907f887b731d0f66e19e09b535238169c74c04a4b393f9b815c54eef4558cd8a22c9018bb4f24ee6db0e32979f9a353361cdba948f9027551ee40b1c96ba81c28aa3e1a0fac105dc469efa83f6d3ee281b945c6fa8b4677bac26dda',
      '53f757c5b08afad6',
      'aa02d9289e1702e5d7ed1e4ebf35ab31c2688e00',
      'aab8580015cf545ac0b7291d15a4f2c79e06defd',
      '944a0df3939f3bd281c9d05fbc0e3d30',
    ],
  },
  {
    hash: 'sha1',
    fields: [
      '266b43c54636c062b6696b71f24b30999c98bd4c3ba57e2de56a7ae50bb17ebcbca1abcd33e9ad466d4df6e6f2a407600f0c5a983f79d493b0a3694080a81143d4bac7a8b7b008ae5364a04688b3cfae44824885ca96ade1e395936567ecad519b502c3a786c72847f79c67b777feb8ba4f747303eb985709e92b3a5634f6513',
      '60f861c6209c9c996ac0dcb49d6f6809faaaf0e8eb8041fe603a918170a801e94ab8ab10c5906d850f4282c0668029fa69dbc8576f7d86633dc2b21f0d79aa06342b02a4d2732841cd3266b84a7eb49ac489b307ba55562a17741142bac7712025f0a8cad59b11f19d9b756ce998176fd6b063df556957b257b3645549a138c2',
      'f4dd079ed2b60e77',
      'f1f8da1f38f76923',
      'fd862602549f6949b33870f186d96cb8926a19d78442c02af823460740be719eba41a79388aeefb072e1ec7cb46b2f0b72e21fb30bd3a6568d2b041af7f9dc0c9cce27ed577e5aabb9ab6c405f1c4b189adbee8c9fb6abf4788b63a3ae05a02c192187b9d7246efe5e46db9b01bf8f4be05f7599ae52bf137743e41d90dceb85bd6ae07397dcc168bbc904adfebb08e6bc67e653edeee97a7e4ab9dab5e63fec',
      '56e3f0d49ea70514',
      'e754055008febe970053d795d26bfe609f42eda8',
      '0c3283efd6396e7a2ecb008e1933fccb694a4ac0',
      '8f79167724f4bdb2d76ee5d5e502b665e3445ea6',
    ],
  },
];

it.each(examples)('hashcat’s example with $hash is read, and its key proves it', ({ hash, fields }) => {
  const [target, ...rest] = parseMaterial(fields.join(':'));
  expect(rest).toEqual([]);
  expect(target).toMatchObject({ kind: 'ikev1-aggressive', hash });
  expect(target && proves(utf8('hashcat'), target)).toBe(true);
  expect(target && proves(utf8('hashcat '), target)).toBe(false);
});
