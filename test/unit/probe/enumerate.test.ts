import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TransformType } from '../../../src/lib/crypto/transform.js';
import { Explorer } from '../../../src/lib/probe/enumerate.js';
import { choicesOf } from '../../../src/lib/probe/enumerate-box.js';
import { Knowledge, kindOf } from '../../../src/lib/probe/enumerate-knowledge.js';
import { additionalClasses, plainClasses } from '../../../src/lib/probe/enumerate-universe.js';
import { type Configured, modelOracle, truth } from './model-gateway.js';

const { ENCR, PRF, INTEG, KE, ADDKE1 } = TransformType;
const packing = { outsiders: [22, 31] as const, room: () => 900 };

const some = (box: (typeof plainClasses)[number], type: number, max: number) =>
  fc.shuffledSubarray([...choicesOf(box, type)], { minLength: 1, maxLength: max });

/** One configured proposal: AEAD or classic, now and then with an additional key exchange. */
const configured: fc.Arbitrary<Configured> = fc
  .record({ kind: fc.nat(1), many: fc.boolean(), additional: fc.nat(9) })
  .chain(({ kind, many, additional }) => {
    const box = (additional === 0 ? additionalClasses : plainClasses)[kind]!;
    const max = many ? 8 : 2;
    return fc.tuple(...box.map(({ type }) => some(box, type, max))).map((lists) => lists.flat());
  });

async function explore(proposals: readonly Configured[]) {
  const oracle = modelOracle(proposals);
  const knowledge = new Knowledge();
  const explorer = new Explorer(knowledge, oracle.ask, packing);
  await explorer.name(plainClasses);
  await explorer.name(additionalClasses);
  return { oracle, knowledge };
}

describe('naming what a gateway accepts', () => {
  it('finds exactly what is configured, whatever is tied to what', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(configured, { minLength: 0, maxLength: 5 }), async (proposals) => {
        const { knowledge } = await explore(proposals);
        for (const type of [ENCR, PRF, INTEG, KE, ADDKE1]) {
          const kind = kindOf(type);
          expect(knowledge.accepted(kind).map(({ id, keyLength }) => `${id}/${keyLength}`)).toEqual(
            truth(proposals, type),
          );
          const classes = type === ADDKE1 ? additionalClasses : plainClasses;
          expect(knowledge.inconclusive(kind, classes)).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  });
});
