import { expect, it } from 'vitest';
import { validateChain } from '../../../src/lib/pki/chain.js';
import { basicConstraints, nameConstraints, subjectAltName } from '../../../src/lib/pki/extensions.js';
import { type GeneralName, parseConstraint, parseGeneralName } from '../../../src/lib/pki/general-name.js';
import { sameName } from '../../../src/lib/pki/names.js';
import { NOW, rootCa, subject } from './build.js';
import { craft } from './craft.js';
import { id, judge } from './judge.js';

const names = (count: number, make: (index: number) => string): GeneralName[] =>
  Array.from({ length: count }, (_, index) => parseGeneralName(make(index)));

async function constrained(excluded: GeneralName[], subjectAltNames: GeneralName[]) {
  const root = await rootCa();
  const constraints = nameConstraints({ permitted: [], excluded });
  const ca = await craft(root, { name: 'CN=Constrained', extensions: [basicConstraints(true), constraints] });
  const end = await craft(ca, { extensions: [subjectAltName(subjectAltNames, false)] });
  return { root, chain: [end.certificate, ca.certificate] };
}

it('compares many names with many constraints, and refuses where it would take seconds', async () => {
  const few = await constrained(
    names(15, (n) => `dn:CN=a${n}`),
    names(15, (n) => `dn:CN=b${n}`),
  );
  const identity = id('CN=crafted');
  expect(judge(few.chain, { anchors: [few.root.certificate] }, { identity }).code).toBe('ok');
  const many = await constrained(
    names(300, (n) => `dn:CN=a${n}`),
    names(300, (n) => `dn:CN=b${n}`),
  );
  expect(judge(many.chain, { anchors: [many.root.certificate] }, { identity })).toMatchObject({
    code: 'E_CERT_NAME_CONSTRAINT',
    message: expect.stringContaining('too many names to compare'),
  });
  const domains = await constrained(
    [parseConstraint('dns:example.org')],
    names(1000, (n) => `n${n}.example.com`),
  );
  expect(judge(domains.chain, { anchors: [domains.root.certificate] }, { identity }).code).toBe('ok');
});

it('says no more about the chain of a stranger than that it is one, when asked to be brief', async () => {
  const { root, chain } = await constrained(
    [parseConstraint('dns:example.org')],
    names(1, () => 'a.example.org'),
  );
  const [target, ...intermediates] = chain;
  const options = { anchors: [(await rootCa()).certificate], intermediates, now: NOW };
  expect(validateChain(target!, options).problems.map(({ code }) => code)).toEqual([
    'E_CERT_SIGNATURE',
    'E_CERT_NAME_CONSTRAINT',
  ]);
  const brief = validateChain(target!, { ...options, brief: true });
  expect(brief.problems.map(({ code }) => code)).toEqual(['E_CERT_SIGNATURE']);
  const trusted = validateChain(target!, { ...options, anchors: [root.certificate], brief: true });
  expect(trusted.problems.map(({ code }) => code)).toEqual(['E_CERT_NAME_CONSTRAINT']);
});

it('names some of the trusted CAs, not hundreds', async () => {
  const { chain } = await constrained(
    [],
    names(1, () => 'a.example.org'),
  );
  const stranger = await craft(await rootCa(), { name: 'CN=Other', extensions: [basicConstraints(true)] });
  const anchors = Array.from({ length: 100 }, () => stranger.certificate);
  const { problems } = validateChain(chain[0]!, { anchors, now: NOW, brief: true });
  expect(problems[0]?.message).toMatch(/\((CN=Other; ){5}CN=Other and 94 more\)\.$/);
});

it.each([
  ['O=Test, CN=Root', 'O=Test, CN=Root', true],
  ['O=Test, CN=Root', 'O=TEST, CN=root', true],
  ['O=Test, CN=Root', 'O=Test, CN=*', false],
  ['O=Test, CN=*', 'O=Test, CN=*', true],
  ['O=Test, CN=Root', 'CN=Root, O=Test', false],
  ['O=Test, CN=Rööt', 'O=Test, CN=Rööt', true],
  ['O=Test, CN=Rööt', 'O=Test, CN=RÖÖT', false],
  ['E=Alice@example.com', 'E=alice@EXAMPLE.com', true],
])('whether "%s" and "%s" are the same name: %s', (a, b, same) => {
  const [left, right] = [subject(a), subject(b)];
  // Twice: the second time the texts are remembered.
  for (let time = 0; time < 2; time++) {
    expect(sameName(left, right)).toBe(same);
    expect(sameName(right, left)).toBe(same);
  }
});
