import { describe, expect, it } from 'vitest';
import { KitError } from '../../src/lib/core/errors.js';
import { transforms } from '../../src/lib/crypto/registry.js';
import {
  defaultEspProposals,
  defaultIkeProposals,
  describeProposal,
  formatProposal,
  parseProposals,
} from '../../src/lib/ike/proposals.js';

const IKE = 1;
const ESP = 3;

function formatted(text: string, protocolId: 1 | 3): string[] {
  return parseProposals(text, protocolId).map((template) => formatProposal(template.transforms));
}

function failure(text: string, protocolId: 1 | 3): KitError {
  try {
    parseProposals(text, protocolId);
  } catch (error) {
    if (error instanceof KitError) return error;
    throw error;
  }
  throw new Error(`'${text}' was accepted`);
}

describe('parseProposals', () => {
  it('gives the transforms of an AEAD proposal', () => {
    expect(parseProposals('aes256gcm16-prfsha256-x25519', IKE)).toEqual([
      {
        protocolId: 1,
        transforms: [
          { type: 1, id: 20, keyLength: 256 },
          { type: 2, id: 5 },
          { type: 4, id: 31 },
        ],
      },
    ]);
  });

  it.each([
    ['aes256-sha256-modp2048', 'aes256-sha256-prfsha256-modp2048'],
    ['aes256gcm16-sha384-ecp384', 'aes256gcm16-prfsha384-ecp384'],
    ['aes128ctr-aesxcbc-ecp256', 'aes128ctr-aesxcbc-prfaesxcbc-ecp256'],
    ['aes128-aescmac-ecp256', 'aes128-aescmac-prfaescmac-ecp256'],
    ['modp3072-sha512-aes256-aes128', 'aes256-aes128-sha512-prfsha512-modp3072'],
    ['aes256-aes256-sha256-sha2_256-x25519-curve25519', 'aes256-sha256-prfsha256-x25519'],
    ['3des-sha1-modp1024', '3des-sha1-prfsha1-modp1024'],
  ])('reads the IKE proposal %s as strongSwan does', (text, expected) => {
    expect(formatted(text, IKE)).toEqual([expected]);
  });

  it.each([
    [
      'aes256gcm16',
      [
        [1, 20, 256],
        [5, 0],
      ],
    ],
    [
      'aes256gcm16-x25519-esn',
      [
        [1, 20, 256],
        [4, 31],
        [5, 1],
      ],
    ],
    [
      'aes128-sha1-esn-noesn',
      [
        [1, 12, 128],
        [3, 2],
        [5, 1],
        [5, 0],
      ],
    ],
    [
      'null-sha256',
      [
        [1, 11, undefined],
        [3, 12],
        [5, 0],
      ],
    ],
    [
      'aes128gcm16-x25519-none',
      [
        [1, 20, 128],
        [4, 31],
        [4, 0],
        [5, 0],
      ],
    ],
  ])('reads the ESP proposal %s as strongSwan does', (text, expected) => {
    const [template] = parseProposals(text, ESP);
    expect(template!.transforms.map(({ type, id, keyLength }) => [type, id, keyLength])).toEqual(
      expected.map(([type, id, keyLength]) => [type, id, keyLength]),
    );
  });

  it('takes lists, blanks around commas, and `default`', () => {
    const list = parseProposals('aes256gcm16-prfsha256-x25519 , default', IKE);
    expect(list).toHaveLength(1 + defaultIkeProposals.length);
    expect(list.slice(1)).toEqual(defaultIkeProposals);
    expect(parseProposals('default', ESP)).toEqual(defaultEspProposals);
    list[1]!.transforms.length = 0;
    expect(defaultIkeProposals[0]!.transforms.length).toBeGreaterThan(3);
  });

  it('names a bad word and what is near it', () => {
    const error = failure('aes256gmc16-prfsha256-x25519', IKE);
    expect(error).toMatchObject({ kind: 'usage', code: 'E_PROPOSAL' });
    expect(error.message).toContain("'aes256gmc16'");
    expect(error.hint).toContain('aes256gcm16');
  });

  it.each([
    ['', IKE],
    ['aes256-sha256-modp2048,', IKE],
    ['aes256--sha256', IKE],
    ['sha256-modp2048', IKE],
    ['aes256-modp2048', IKE],
    ['aes256gcm16-x25519', IKE],
    ['aes256gcm16-prfsha256', IKE],
    ['aes256gcm16-prfsha256-none', IKE],
    ['aes256gcm16-prfsha256-x25519-esn', IKE],
    ['null-sha256-prfsha256-x25519', IKE],
    ['aes256-aes256gcm16-sha256-x25519', IKE],
    ['aes256-prfmd5-sha256-x25519', IKE],
    ['aes256gcm16-prfsha256-mlkem768', IKE],
    ['camellia256-sha256-x25519', IKE],
    ['aes256', ESP],
    ['null', ESP],
    ['aes256gcm16-prfsha256', ESP],
    ['md5-aes128', ESP],
    ['x'.repeat(20_000), ESP],
    [Array(256).fill('null-sha1').join(','), ESP],
  ] as const)('refuses %s for protocol %i', (text, protocolId) => {
    expect(failure(text, protocolId).code).toBe('E_PROPOSAL');
  });
});

describe('writing proposals', () => {
  it.each([
    'aes256gcm16-prfsha256-x25519',
    'aes128ctr-sha384-prfsha384-ecp384',
    'aes192ccm8-prfaescmac-x448',
    'chacha20poly1305-prfsha512-ecp512bp',
  ])('%s goes round', (text) => {
    expect(formatted(text, IKE)).toEqual([text]);
  });

  it('goes round for ESP, saying noesn only beside esn', () => {
    expect(formatted('aes256gcm16-noesn', ESP)).toEqual(['aes256gcm16']);
    expect(formatted('aes256gcm16-esn', ESP)).toEqual(['aes256gcm16-esn']);
    expect(formatted('aes256gcm16-x25519-none-esn-noesn', ESP)).toEqual([
      'aes256gcm16-x25519-modpnone-esn-noesn',
    ]);
    expect(formatted('null-sha256', ESP)).toEqual(['null-sha256']);
  });

  it('describes in IANA terms', () => {
    const [ike] = parseProposals('aes256gcm16-prfsha256-x25519', IKE);
    expect(describeProposal(ike!.transforms)).toBe('AES_GCM_16-256 / PRF_HMAC_SHA2_256 / Curve25519');
    const [esp] = parseProposals('3des-sha1', ESP);
    expect(describeProposal(esp!.transforms)).toBe('3DES / HMAC_SHA1_96');
    expect(describeProposal([{ type: 1, id: 65000, keyLength: 128 }])).toBe('ENCR_65000-128');
  });
});

describe('the default proposals', () => {
  const all = [...defaultIkeProposals, ...defaultEspProposals];

  it('contain only what the registry lets be offered', () => {
    for (const { transforms: chosen } of all) {
      for (const { type, id } of chosen) {
        // NONE as key exchange is no algorithm: it says that a rekey without one is accepted.
        if (type === 4 && id === 0) continue;
        expect(transforms(type).find((row) => row.id === id)?.offered).toBe(true);
      }
    }
  });

  it('keep AEADs and classic ciphers apart', () => {
    for (const { transforms: chosen } of all) {
      const aead = chosen.filter(({ type, id }) => type === 1 && id !== 12).length;
      const integ = chosen.filter(({ type }) => type === 3).length;
      expect(aead === 0).toBe(integ > 0);
      expect(aead === 0 || aead === chosen.filter(({ type }) => type === 1).length).toBe(true);
    }
  });

  it('leave out SHA-1, 192-bit keys and short ICVs', () => {
    const ids = all.flatMap(({ transforms: chosen }) => chosen.map(({ type, id }) => `${type}/${id}`));
    for (const never of ['2/2', '3/2', '1/3', '1/14', '1/18', '1/19']) expect(ids).not.toContain(never);
    expect(all.flatMap(({ transforms: chosen }) => chosen.map(({ keyLength }) => keyLength))).not.toContain(
      192,
    );
  });

  it('meet peers that know AES-CBC, SHA-2 and MODP 2048 only', () => {
    for (const list of [defaultIkeProposals, defaultEspProposals]) {
      const classic = list.find(({ transforms: chosen }) => chosen.some(({ type }) => type === 3))!;
      const has = (type: number, id: number, keyLength?: number): boolean =>
        classic.transforms.some((t) => t.type === type && t.id === id && t.keyLength === keyLength);
      expect(has(1, 12, 256) && has(1, 12, 128) && has(3, 12) && has(4, 14)).toBe(true);
    }
  });
});
