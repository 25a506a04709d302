import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KitError } from '../../src/lib/core/errors.js';
import { keTransform } from '../../src/lib/crypto/registry.js';
import {
  checkSelected,
  isWeakerGroup,
  proposalsToOffer,
  resolveChildSuite,
  resolveIkeSuite,
  selectProposal,
} from '../../src/lib/ike/negotiate.js';
import {
  defaultEspProposals,
  defaultIkeProposals,
  formatProposal,
  type ProposalTemplate,
  parseProposals,
} from '../../src/lib/ike/proposals.js';
import type { Proposal, Transform } from '../../src/lib/ike/wire/types.js';

const noSpi = new Uint8Array(0);
const spi = Uint8Array.of(1, 2, 3, 4);

const ike = (text: string): ProposalTemplate[] => parseProposals(text, 1);
const esp = (text: string): ProposalTemplate[] => parseProposals(text, 3);
const offerIke = (text: string): Proposal[] => proposalsToOffer(ike(text), { spi: noSpi, withKe: true });
const offerEsp = (text: string, withKe = true): Proposal[] => proposalsToOffer(esp(text), { spi, withKe });

type Options = Parameters<typeof selectProposal>[2];

/** The choice as `number: keywords`. */
function chosen(
  offered: readonly Proposal[],
  templates: readonly ProposalTemplate[],
  options: Options,
): string | undefined {
  const selection = selectProposal(offered, templates, options);
  return selection && `${selection.number}: ${formatProposal(selection.transforms)}`;
}

/** An offer of one proposal made of bare transforms. */
function bare(protocolId: number, ...transforms: Transform[]): Proposal[] {
  return [{ number: 1, protocolId, spi: protocolId === 3 ? spi : noSpi, transforms }];
}

describe('proposalsToOffer', () => {
  it('numbers from 1 and puts the SPI in', () => {
    const offer = proposalsToOffer(defaultEspProposals, { spi, withKe: true });
    expect(offer.map(({ number }) => number)).toEqual([1, 2]);
    expect(offer.every((proposal) => proposal.spi === spi && proposal.protocolId === 3)).toBe(true);
  });

  it('strips key exchanges and the duplicates that this makes', () => {
    const offer = offerEsp('aes256gcm16-x25519,aes256gcm16-ecp256,aes128gcm16-x25519', false);
    expect(offer.map(({ number, transforms }) => `${number}: ${formatProposal(transforms)}`)).toEqual([
      '1: aes256gcm16',
      '2: aes128gcm16',
    ]);
  });

  it('moves the first group to the front without dropping any', () => {
    const templates = ike('aes256gcm16-prfsha256-x25519-ecp256-modp2048,aes128-sha256-x25519');
    const offer = proposalsToOffer(templates, { spi: noSpi, withKe: true, firstKe: 14 });
    expect(
      offer.map(({ transforms }) => transforms.filter(({ type }) => type === 4).map(({ id }) => id)),
    ).toEqual([[14, 31, 19], [31]]);
    expect(formatProposal(templates[0]!.transforms)).toContain('x25519-ecp256-modp2048');
  });
});

describe('selectProposal for IKE SAs', () => {
  const required: Options = { ke: 'required' };

  it('follows the order of our templates, then of our transforms', () => {
    const offer = offerIke(
      'aes128-sha256-modp2048,aes128gcm16-aes256gcm16-prfsha256-prfsha512-modp2048-x25519',
    );
    const ours = ike('aes256gcm16-aes128gcm16-prfsha512-prfsha256-x25519-modp2048,aes128-sha256-modp2048');
    expect(chosen(offer, ours, required)).toBe('2: aes256gcm16-prfsha512-x25519');
    expect(chosen(offer, [...ours].reverse(), required)).toBe('1: aes128-sha256-prfsha256-modp2048');
  });

  it('takes the group of the KE payload when both sides have it there, and it is no weaker than the best', () => {
    const offer = offerIke('aes256gcm16-prfsha256-modp2048-ecp256-x448-x25519');
    const ours = ike('aes256gcm16-prfsha256-x25519-modp2048-ecp256-x448');
    const group = (preferKe: number) => chosen(offer, ours, { ke: 'required', preferKe })?.split('-').at(-1);
    expect(group(19)).toBe('ecp256');
    expect(group(32)).toBe('x448');
    expect(group(14)).toBe('x25519');
    expect(group(20)).toBe('x25519');
    const weak = offerIke('aes256gcm16-prfsha256-modp2048-modp1024');
    expect(chosen(weak, ours, { ke: 'required', preferKe: 2 })).toBe('1: aes256gcm16-prfsha256-modp2048');
  });

  it('takes a weaker group for it where nobody can have put it there', () => {
    const offer = offerIke('aes256gcm16-prfsha256-modp2048-ecp256-x25519');
    const ours = ike('aes256gcm16-prfsha256-x25519-modp2048');
    const options: Options = { ke: 'required', preferWeakerKe: true };
    expect(chosen(offer, ours, { ...options, preferKe: 14 })).toBe('1: aes256gcm16-prfsha256-modp2048');
    expect(chosen(offer, ours, { ...options, preferKe: 19 })).toBe('1: aes256gcm16-prfsha256-x25519');
  });

  it.each([
    [2, 14, true],
    [14, 31, true],
    [31, 19, false],
    [19, 31, false],
    [32, 31, false],
    // RFC 8247 advises against group 24, which has the strength of group 14.
    [24, 14, true],
    [14, 24, false],
    [999, 2, true],
    [2, 999, false],
  ])('knows whether group %i is weaker than %i: %s', (group, than, weaker) => {
    expect(isWeakerGroup(group, than)).toBe(weaker);
  });

  it('offers by default no group that RFC 8247 advises against', () => {
    const groups = defaultIkeProposals.flatMap(({ transforms }) =>
      transforms.flatMap(({ type, id }) => (type === 4 ? [keTransform(id)?.ikeLevel] : [])),
    );
    expect(groups).toContain('MUST');
    expect(groups).not.toContain('SHOULD NOT');
    expect(groups).not.toContain('MUST NOT');
  });

  it('wants every type in common', () => {
    const ours = ike('aes256gcm16-prfsha256-x25519');
    for (const other of [
      'aes128gcm16-prfsha256-x25519',
      'aes256gcm12-prfsha256-x25519',
      'aes256gcm16-prfsha384-x25519',
      'aes256gcm16-prfsha256-x448',
      'aes256-sha256-x25519',
    ]) {
      expect(chosen(offerIke(other), ours, required)).toBeUndefined();
    }
    expect(chosen(offerEsp('aes256gcm16-x25519'), ours, required)).toBeUndefined();
  });

  it('wants a key exchange, and not NONE', () => {
    const ours = ike('aes256gcm16-prfsha256-x25519');
    const [encr, prf] = ours[0]!.transforms as [Transform, Transform];
    expect(chosen(bare(1, encr, prf), ours, required)).toBeUndefined();
    expect(chosen(bare(1, encr, prf, { type: 4, id: 0 }), ours, required)).toBeUndefined();
    const careless = [{ protocolId: 1 as const, transforms: [encr, prf] }];
    expect(chosen(bare(1, encr, prf), careless, required)).toBeUndefined();
  });

  it('answers INTEG NONE beside an AEAD in kind, and ignores another INTEG there', () => {
    const ours = ike('aes256gcm16-prfsha256-x25519');
    const base = ours[0]!.transforms;
    const none = selectProposal(bare(1, ...base, { type: 3, id: 0 }), ours, required);
    expect(none?.transforms).toContainEqual({ type: 3, id: 0 });
    const mixed = selectProposal(bare(1, ...base, { type: 3, id: 12 }), ours, required);
    expect(mixed?.transforms).toEqual(base);
  });

  it('never takes a classic cipher without integrity', () => {
    const ours = ike('aes256-sha256-x25519');
    const without = ours[0]!.transforms.filter(({ type }) => type !== 3);
    expect(chosen(bare(1, ...without), ours, required)).toBeUndefined();
    expect(chosen(bare(1, ...without, { type: 3, id: 0 }), ours, required)).toBeUndefined();
    const careless = [{ protocolId: 1 as const, transforms: without }];
    expect(chosen(bare(1, ...without), careless, required)).toBeUndefined();
  });

  it('rejects a proposal with a type it does not understand, and takes the next (RFC 7296 3.3.6)', () => {
    const ours = ike('aes256gcm16-prfsha256-x25519');
    const [known] = offerIke('aes256gcm16-prfsha256-x25519');
    const strange = { ...known!, transforms: [...known!.transforms, { type: 6, id: 36 }] };
    expect(chosen([strange], ours, required)).toBeUndefined();
    expect(chosen([strange, { ...known!, number: 2 }], ours, required)).toBe(
      '2: aes256gcm16-prfsha256-x25519',
    );
  });

  it('passes over a transform with an attribute it does not understand (RFC 7296 3.3.6)', () => {
    const ours = ike('aes256gcm16-aes128gcm16-prfsha256-x25519');
    const [offer] = offerIke('aes256gcm16-aes128gcm16-prfsha256-x25519');
    offer!.transforms[0] = { ...offer!.transforms[0]!, otherAttributes: [{ type: 99, value: 1 }] };
    expect(chosen([offer!], ours, required)).toBe('1: aes128gcm16-prfsha256-x25519');
  });
});

describe('selectProposal for child SAs', () => {
  it('ignores key exchanges in IKE_AUTH', () => {
    const ours = esp('aes256gcm16-x25519');
    expect(chosen(offerEsp('aes256gcm16'), ours, { ke: 'ignored' })).toBe('1: aes256gcm16');
    expect(chosen(offerEsp('aes256gcm16-modp1024'), ours, { ke: 'ignored' })).toBe('1: aes256gcm16');
    expect(selectProposal(offerEsp('aes256gcm16'), ours, { ke: 'ignored' })?.spi).toBe(spi);
  });

  it.each([
    ['aes256gcm16-ecp256-x25519', 'aes256gcm16-x25519-ecp256', '1: aes256gcm16-x25519'],
    ['aes256gcm16', 'aes256gcm16-x25519', '1: aes256gcm16'],
    ['aes256gcm16-none', 'aes256gcm16-x25519', '1: aes256gcm16'],
    ['aes256gcm16-modp1024-none', 'aes256gcm16-x25519', '1: aes256gcm16'],
    ['aes256gcm16-none-x25519', 'aes256gcm16-x25519', '1: aes256gcm16-x25519'],
    ['aes256gcm16-modp1024', 'aes256gcm16-x25519', undefined],
    ['aes256gcm16-x25519', 'aes256gcm16', undefined],
    ['aes256gcm16', 'aes256gcm16', '1: aes256gcm16'],
  ])('optional key exchange: offered %s, ours %s', (offered, ours, expected) => {
    expect(chosen(offerEsp(offered), esp(ours), { ke: 'optional' })).toBe(expected);
  });

  it('answers NONE when NONE was offered', () => {
    const selection = selectProposal(offerEsp('aes256gcm16-none'), esp('aes256gcm16'), { ke: 'optional' });
    expect(selection?.transforms).toContainEqual({ type: 4, id: 0 });
  });

  it('chooses sequence numbers by our order and takes their absence as 32-bit ones', () => {
    const both = offerEsp('aes256gcm16-esn-noesn');
    expect(chosen(both, esp('aes256gcm16-esn'), { ke: 'ignored' })).toBe('1: aes256gcm16-esn');
    expect(chosen(both, esp('aes256gcm16'), { ke: 'ignored' })).toBe('1: aes256gcm16');
    expect(chosen(offerEsp('aes256gcm16-esn'), esp('aes256gcm16'), { ke: 'ignored' })).toBeUndefined();
    const unsaid = bare(3, { type: 1, id: 20, keyLength: 256 });
    expect(selectProposal(unsaid, esp('aes256gcm16'), { ke: 'ignored' })?.transforms).toEqual([
      { type: 1, id: 20, keyLength: 256 },
    ]);
    expect(chosen(unsaid, esp('aes256gcm16-esn'), { ke: 'ignored' })).toBeUndefined();
  });
});

describe('checkSelected', () => {
  const offered = offerIke('aes256gcm16-aes128gcm16-prfsha256-x25519-ecp256,aes256-sha256-modp2048');
  const good: Proposal = {
    number: 1,
    protocolId: 1,
    spi: noSpi,
    transforms: [
      { type: 1, id: 20, keyLength: 128 },
      { type: 2, id: 5 },
      { type: 4, id: 19 },
    ],
  };
  const refused = (...selected: Proposal[]): void => {
    expect(() => checkSelected(offered, selected)).toThrow(
      expect.objectContaining({ kind: 'protocol', code: 'E_PROPOSAL_ANSWER' }),
    );
  };
  const without = (type: number): Transform[] =>
    good.transforms.filter((transform) => transform.type !== type);

  it('accepts one of ours, with NONE said or unsaid', () => {
    expect(checkSelected(offered, [good])).toBe(good);
    const none = { ...good, transforms: [...good.transforms, { type: 3, id: 0 }] };
    expect(checkSelected(offered, [none])).toBe(none);
    const child = offerEsp('aes256gcm16-x25519-none');
    const answer = { number: 1, protocolId: 3, spi, transforms: [{ type: 1, id: 20, keyLength: 256 }] };
    expect(checkSelected(child, [answer])).toBe(answer);
  });

  it('refuses none, two, or another number or protocol', () => {
    refused();
    refused(good, good);
    refused({ ...good, number: 2 });
    refused({ ...good, number: 3 });
    refused({ ...good, protocolId: 3 });
  });

  it('refuses what was not offered', () => {
    refused({ ...good, transforms: [...without(1), { type: 1, id: 20, keyLength: 192 }] });
    refused({ ...good, transforms: [...without(1), { type: 1, id: 20 }] });
    refused({ ...good, transforms: [...without(4), { type: 4, id: 14 }] });
    refused({ ...good, transforms: [...good.transforms, { type: 3, id: 12 }] });
    refused({ ...good, transforms: [...good.transforms, { type: 6, id: 36 }] });
    refused({ ...good, transforms: [...good.transforms, { type: 5, id: 1 }] });
    const [encr, ...others] = good.transforms as [Transform, ...Transform[]];
    refused({ ...good, transforms: [{ ...encr, otherAttributes: [{ type: 1, value: 1 }] }, ...others] });
  });

  it('refuses two transforms of a type, a missing type, and encryption without integrity', () => {
    refused({ ...good, transforms: [...good.transforms, { type: 4, id: 31 }] });
    for (const type of [1, 2, 4]) refused({ ...good, transforms: without(type) });
    const classic: Transform[] = [
      { type: 1, id: 12, keyLength: 256 },
      { type: 2, id: 5 },
      { type: 4, id: 14 },
    ];
    refused({ ...good, number: 2, transforms: classic });
    refused({ ...good, number: 2, transforms: [...classic, { type: 3, id: 0 }] });
    const whole = { ...good, number: 2, transforms: [...classic, { type: 3, id: 12 }] };
    expect(checkSelected(offered, [whole])).toBe(whole);
  });
});

describe('resolving suites', () => {
  it('finds the rows', () => {
    const suite = resolveIkeSuite(ike('aes256-sha256-modp2048')[0]!.transforms);
    expect([suite.encr.id, suite.keyLength, suite.integ?.id, suite.prf.id, suite.ke.id]).toEqual([
      12, 256, 12, 5, 14,
    ]);
    const child = resolveChildSuite(esp('chacha20poly1305-esn')[0]!.transforms);
    expect([child.encr.id, child.keyLength, child.integ, child.ke, child.esn]).toEqual([
      28,
      256,
      undefined,
      undefined,
      true,
    ]);
    const plain = resolveChildSuite(esp('null-sha1-x448')[0]!.transforms);
    expect([plain.encr.id, plain.keyLength, plain.integ?.id, plain.ke?.id, plain.esn]).toEqual([
      11,
      0,
      2,
      32,
      false,
    ]);
  });

  it.each([
    [
      [1, 23, 256],
      [2, 5],
      [3, 12],
      [4, 31],
    ],
    [
      [1, 12, 512],
      [2, 5],
      [3, 12],
      [4, 31],
    ],
    [
      [1, 12],
      [2, 5],
      [3, 12],
      [4, 31],
    ],
    [
      [1, 12, 256],
      [2, 1],
      [3, 12],
      [4, 31],
    ],
    [
      [1, 12, 256],
      [2, 5],
      [3, 6],
      [4, 31],
    ],
    [
      [1, 12, 256],
      [2, 5],
      [4, 31],
    ],
    [
      [1, 12, 256],
      [2, 5],
      [3, 12],
      [4, 36],
    ],
    [
      [1, 12, 256],
      [2, 5],
      [3, 12],
    ],
    [
      [1, 11],
      [2, 5],
      [3, 12],
      [4, 31],
    ],
  ])('refuses suite %# for IKE', (...rows) => {
    const transforms = rows.map(([type, id, keyLength]) => ({
      type: type!,
      id: id!,
      ...(keyLength !== undefined && { keyLength }),
    }));
    expect(() => resolveIkeSuite(transforms)).toThrow(expect.objectContaining({ code: 'E_NOT_IMPLEMENTED' }));
  });
});

describe('any offer', () => {
  const words = {
    encr: ['aes128', 'aes256', 'aes128gcm16', 'aes256gcm16', 'chacha20poly1305', 'aes256ccm8', 'aes192ctr'],
    integ: ['sha1', 'sha256', 'sha512', 'aesxcbc'],
    prf: ['prfsha1', 'prfsha256', 'prfsha512'],
    ke: ['x25519', 'ecp256', 'modp2048', 'x448'],
  };
  const some = (from: string[]) => fc.subarray(from, { minLength: 1 });
  const proposal = fc
    .record({ encr: some(words.encr), integ: some(words.integ), prf: some(words.prf), ke: some(words.ke) })
    .map(({ encr, ...rest }) => {
      const aead = encr.filter((word) => /gcm|ccm|poly/.test(word));
      const kept = aead.length > 0 ? aead : encr;
      return [...kept, ...rest.integ, ...rest.prf, ...rest.ke].join('-');
    });
  const list = fc.array(proposal, { minLength: 1, maxLength: 4 }).map((proposals) => proposals.join(','));

  it('is answered so that its maker accepts the answer', () => {
    let agreed = 0;
    fc.assert(
      fc.property(list, list, fc.constantFrom(undefined, 14, 19, 31, 32), (theirs, ours, preferKe) => {
        const offered = offerIke(theirs);
        const options: Options = { ke: 'required', ...(preferKe !== undefined && { preferKe }) };
        const selection = selectProposal(offered, ike(ours), options);
        if (!selection) return;
        agreed++;
        const answer = { ...selection, protocolId: 1 };
        expect(checkSelected(offered, [answer])).toBe(answer);
        expect(() => resolveIkeSuite(selection.transforms)).not.toThrow();
        expect(
          ike(ours).some(({ transforms }) =>
            selection.transforms.every((t) => transforms.some((o) => o.type === t.type && o.id === t.id)),
          ),
        ).toBe(true);
      }),
    );
    expect(agreed).toBeGreaterThan(5);
  });

  const anyTransform = fc.record(
    {
      type: fc.integer({ min: 0, max: 15 }),
      id: fc.integer({ min: 0, max: 70 }),
      keyLength: fc.constantFrom(0, 128, 256, 65535),
    },
    { requiredKeys: ['type', 'id'] },
  );
  const anyProposal = fc.record({
    number: fc.integer({ min: 0, max: 255 }),
    protocolId: fc.integer({ min: 0, max: 5 }),
    spi: fc.uint8Array({ maxLength: 8 }),
    transforms: fc.array(anyTransform, { maxLength: 12 }),
  });

  it('is handled without an error that is not ours', () => {
    fc.assert(
      fc.property(fc.array(anyProposal, { maxLength: 5 }), (hostile) => {
        const offered = proposalsToOffer(defaultIkeProposals, { spi: noSpi, withKe: true });
        selectProposal(hostile, defaultIkeProposals, { ke: 'required' });
        selectProposal(hostile, defaultEspProposals, { ke: 'optional', preferKe: 31 });
        try {
          checkSelected(offered, hostile);
        } catch (error) {
          expect(error).toBeInstanceOf(KitError);
        }
      }),
    );
  });
});
