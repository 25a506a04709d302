import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseKeyword } from '../../../src/lib/crypto/keywords.js';
import { TransformType } from '../../../src/lib/crypto/transform.js';
import { betterProposals, proposalParts } from '../../../src/lib/probe/advice.js';
import { isWeak } from '../../../src/lib/probe/checks/weaknesses.js';
import type { AlgorithmKind } from '../../../src/lib/probe/types.js';
import { accepting, gateway, goodGateway, unknownIkev2 } from './checks/facts.js';

const adviceFor = (proposals: string): string => betterProposals(gateway(proposals).ikev2);

describe('a better configuration', () => {
  it('keeps what is strong, best first, and drops the rest', () => {
    expect(adviceFor('aes128-aes256-sha1-sha256-prfsha1-prfsha256-modp1024-modp2048-modp3072-x25519')).toBe(
      'aes256gcm16-prfsha256-x25519-modp3072,aes256-aes128-sha256-prfsha256-x25519-modp3072',
    );
  });

  it('keeps AEADs apart from classic ciphers', () => {
    expect(adviceFor('aes128gcm16-aes256gcm16-prfsha384-ecp384,aes256-sha384-ecp384')).toBe(
      'aes256gcm16-aes128gcm16-prfsha384-ecp384,aes256-sha384-prfsha384-ecp384',
    );
    expect(adviceFor('aes256gcm16-prfsha384-ecp384')).toBe('aes256gcm16-prfsha384-ecp384');
  });

  it('keeps group 14 only where there is nothing better', () => {
    expect(adviceFor('aes256gcm16-prfsha256-modp2048-modp1024')).toBe('aes256gcm16-prfsha256-modp2048');
    expect(adviceFor('aes256gcm16-prfsha256-modp2048-ecp256')).toBe('aes256gcm16-prfsha256-ecp256');
  });

  it('starts with ML-KEM beside a classic group where that is accepted', () => {
    const facts = accepting(gateway('aes256gcm16-prfsha384-x25519'), 'addke', 36);
    expect(betterProposals(facts.ikev2)).toBe(
      'aes256gcm16-prfsha384-x25519-ke1_mlkem768,aes256gcm16-prfsha384-x25519',
    );
    const alone = accepting(gateway('aes256gcm16-prfsha384-x25519'), 'ke', 37);
    expect(betterProposals(alone.ikev2)).toBe('aes256gcm16-prfsha384-mlkem1024,aes256gcm16-prfsha384-x25519');
  });

  it('recommends what everybody has to a gateway with nothing strong, or of which nothing is known', () => {
    const basic = 'aes256gcm16-prfsha384-x25519-ecp384';
    expect(adviceFor('3des-sha1-modp1024')).toBe(basic);
    expect(betterProposals(unknownIkev2())).toBe(basic);
    expect(betterProposals(undefined)).toBe(basic);
  });

  it('has no weak algorithm and no word that strongSwan does not know, whatever is accepted', () => {
    const kinds: Record<number, AlgorithmKind> = { 1: 'encr', 2: 'prf', 3: 'integ', 4: 'ke' };
    const numbers = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 10 });
    fc.assert(
      fc.property(numbers, numbers, numbers, numbers, (encr, prf, integ, ke) => {
        let facts = { ...goodGateway(), ikev2: unknownIkev2() };
        const add = (kind: AlgorithmKind, ids: number[]): void => {
          for (const id of ids)
            facts = accepting(facts, kind, id, kind === 'encr' ? 256 : undefined) as typeof facts;
        };
        add('encr', encr);
        add('prf', prf);
        add('integ', integ);
        add('ke', ke);
        for (const proposal of betterProposals(facts.ikev2).split(',')) {
          const words = proposal.split('-').map((word) => parseKeyword(word.replace(/^ke1_/, '')));
          const types = new Set(words.map((word) => word?.type));
          expect(types).toContain(TransformType.ENCR);
          expect(types).toContain(TransformType.PRF);
          expect(types).toContain(TransformType.KE);
          for (const word of words) expect(isWeak(kinds[word!.type]!, word!.id)).toBe(false);
        }
      }),
    );
  });

  it('is taken apart into symmetric algorithms and groups', () => {
    expect(proposalParts('aes256-sha384-prfsha384-ecp384-modp2048-ke1_mlkem768')).toEqual({
      symmetric: ['aes256', 'sha384', 'prfsha384'],
      groups: ['ecp384', 'modp2048', 'ke1_mlkem768'],
    });
  });
});
