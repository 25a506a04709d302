import fc from 'fast-check';
import { expect } from 'vitest';
import { parseKeyword } from '../../src/lib/crypto/keywords.js';
import { TransformType } from '../../src/lib/crypto/transform.js';
import { choicesOf } from '../../src/lib/probe/enumerate-box.js';
import { additionalClasses, plainClasses } from '../../src/lib/probe/enumerate-universe.js';
import type { AlgorithmKind, TargetFacts } from '../../src/lib/probe/types.js';
import { type Configured, truth } from '../unit/probe/model-gateway.js';
import { numbersOf } from './probe-world.js';

const { ENCR, PRF, INTEG, KE, ADDKE1 } = TransformType;

export const typeOf: Record<AlgorithmKind, number> = {
  encr: ENCR,
  prf: PRF,
  integ: INTEG,
  ke: KE,
  addke: ADDKE1,
};
const kinds = Object.keys(typeOf) as AlgorithmKind[];

/** Proposals in strongSwan's words. */
export function proposals(text: string): Configured[] {
  return text.split(',').map((proposal) =>
    proposal.split('-').map((word) => {
      const found = parseKeyword(word);
      if (found === undefined) throw new Error(`no such keyword: ${word}`);
      return found;
    }),
  );
}

export const strict = proposals('aes256-sha256-prfsha256-modp2048');
export const tied = proposals(
  'aes128gcm16-prfsha256-ecp256,aes256-sha256-prfsha256-modp2048,3des-sha1-prfsha1-modp1024',
);
/** Much, as gateways have it that nobody configured. */
export const generous = proposals(
  [
    'aes128-aes192-aes256-aes256ctr-camellia256-3des-sha256-sha384-sha512-sha1-aesxcbc',
    '-prfsha256-prfsha384-prfsha512-prfsha1-prfaesxcbc',
    '-ecp256-ecp384-ecp521-x25519-x448-modp3072-modp4096-modp2048,',
    'aes128gcm16-aes192gcm16-aes256gcm16-chacha20poly1305-aes256ccm16-aes128gcm12',
    '-prfsha256-prfsha384-prfsha512-ecp256-ecp384-ecp521-x25519-modp2048',
  ].join(''),
);

export function expectTruth(facts: TargetFacts, configured: readonly Configured[]): void {
  for (const kind of kinds) {
    expect(numbersOf(facts.ikev2!.accepted[kind])).toEqual(truth(configured, typeOf[kind]));
    expect(facts.ikev2!.inconclusive[kind]).toEqual([]);
  }
}

/** Each accepted algorithm has packets that show it: a question and its answer. */
export function expectEvidence({ ikev2, log }: TargetFacts): void {
  for (const kind of kinds) {
    for (const { id, keyLength } of ikev2!.accepted[kind]) {
      const shown = ikev2!.evidence!.find(
        (entry) => entry.kind === kind && entry.id === id && entry.keyLength === keyLength,
      );
      const packets = log.filter(({ number }) => shown?.packets.includes(number));
      expect(new Set(packets.map(({ direction }) => direction))).toEqual(new Set(['sent', 'received']));
    }
  }
}

/** Nothing was invented, and nothing that is configured passes for refused. */
export function expectHonest(facts: TargetFacts, configured: readonly Configured[]): void {
  for (const kind of kinds) {
    const real = truth(configured, typeOf[kind]);
    const accepted = numbersOf(facts.ikev2!.accepted[kind]);
    const open = numbersOf(facts.ikev2!.inconclusive[kind]);
    expect(real).toEqual(expect.arrayContaining(accepted));
    expect([...accepted, ...open]).toEqual(expect.arrayContaining(real));
  }
}

export const arbitraryProposals: fc.Arbitrary<Configured[]> = fc.array(
  fc
    .record({ kind: fc.nat(1), many: fc.boolean(), additional: fc.nat(9) })
    .chain(({ kind, many, additional }) => {
      const box = (additional === 0 ? additionalClasses : plainClasses)[kind]!;
      return fc
        .tuple(
          ...box.map(({ type }) =>
            fc.shuffledSubarray(
              // What the simulated gateway can carry through, so that it may also give whole answers.
              choicesOf(box, type).filter(
                ({ id }) => type !== KE || (id >= 14 && id <= 21) || id === 31 || id === 2,
              ),
              { minLength: 1, maxLength: many ? 6 : 2 },
            ),
          ),
        )
        .map((lists) => lists.flat());
    }),
  { maxLength: 4 },
);
