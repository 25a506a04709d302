import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KitError } from '../../../../src/lib/core/errors.js';
import {
  bundledPolicy,
  bundledPolicyNames,
  bundledPolicyText,
  isBundledPolicy,
} from '../../../../src/lib/probe/policies/bundled.js';
import { parsePolicy } from '../../../../src/lib/probe/policies/parse.js';
import { capabilityNames } from '../../../../src/lib/probe/policies/policy.js';

const head = 'name: mine\ntitle: Ours\nsource: Handbook 3, May 2026\nrules:\n';
const rule = (demand: string, more = ''): string =>
  `  - { id: 1, title: A rule, severity: high, reference: Chapter 2, ${more}${demand} }\n`;

function problem(text: string): string {
  try {
    parsePolicy(text, 'mine.yaml');
  } catch (error) {
    if (!(error instanceof KitError)) throw error;
    expect(error).toMatchObject({ code: 'E_POLICY', kind: 'usage' });
    return error.message;
  }
  throw new Error('was read');
}

describe('a policy', () => {
  it('is read with all that it can say', () => {
    const policy = parsePolicy(
      `${head}${rule('allow: { encr: [aes256gcm16, ENCR_AES_CBC, encr_aes_cbc-128], version: [IKEv2] }')}  - id: 7
    title: Second
    severity: info
    reference: Chapter 3
    unverified: true
    reason: the book was lent
    require:
      ke: [mlkem768, 256-bit random ECP group]
      addke: [mlkem768]
  - { id: 8, title: T, severity: low, reference: R, minimum: { rsaBits: 3072 } }
  - { id: 9, title: T, severity: low, reference: R, forbid: { capability: [redirect], hash: [SHA1] } }
`,
      'mine.yaml',
    );
    expect(policy).toMatchObject({ name: 'mine', title: 'Ours', proposal: undefined });
    expect(policy.rules.map(({ id, severity, unverified }) => [id, severity, unverified])).toEqual([
      [1, 'high', undefined],
      [7, 'info', 'the book was lent'],
      [8, 'low', undefined],
      [9, 'low', undefined],
    ]);
    expect(policy.rules.map(({ demand }) => demand)).toEqual([
      {
        verb: 'allow',
        lists: {
          encr: [
            { text: 'aes256gcm16', id: 20, keyLength: 256 },
            { text: 'ENCR_AES_CBC', id: 12 },
            { text: 'encr_aes_cbc-128', id: 12, keyLength: 128 },
          ],
          version: [{ text: 'IKEv2', id: 2 }],
        },
      },
      {
        verb: 'require',
        lists: {
          ke: [
            { text: 'mlkem768', id: 36 },
            { text: '256-bit random ECP group', id: 19 },
          ],
          addke: [{ text: 'mlkem768', id: 36 }],
        },
      },
      { verb: 'minimum', rsaBits: 3072 },
      {
        verb: 'forbid',
        lists: { capability: [{ text: 'redirect', id: undefined }], hash: [{ text: 'SHA1', id: 1 }] },
      },
    ]);
  });

  it.each([
    ['no YAML', 'name: [', 1, /./],
    ['a list', '- a\n', 1, /has to be a map/],
    ['nothing', '', 1, /has to be a map/],
    ['two documents', `${head}${rule('allow: { ke: [x25519] }')}---\na: b\n`, 6, /document/],
    ['a key twice', `name: a\n${head}`, 2, /unique/],
    ['an unknown field', `${head}${rule('allow: { ke: [x25519] }')}extra: 1\n`, 6, /no field "extra"/],
    ['an unknown verb', head + rule('permit: { ke: [x25519] }'), 5, /no field "permit"/],
    ['an unknown kind', head + rule('allow: { group: [x25519] }'), 5, /no field "group"/],
    [
      'an unknown algorithm',
      head + rule('allow: { ke: [x25519, rot13] }'),
      5,
      /rules\.1\.allow\.ke\.2 is "rot13"/,
    ],
    ['a cipher among the groups', head + rule('allow: { ke: [aes256] }'), 5, /no ke that is known/],
    ['an unknown capability', head + rule('forbid: { capability: [magic] }'), 5, /no capability/],
    ['an unknown version', head + rule('allow: { version: [IKEv3] }'), 5, /no version/],
    ['an unknown hash', head + rule('allow: { hash: [SHA2] }'), 5, /no hash/],
    ['two verbs', head + rule('allow: { ke: [x25519] }, forbid: { ke: [modp768] }'), 5, /exactly one of/],
    ['no verb', head + rule('unverified: false'), 5, /exactly one of/],
    ['an empty list', head + rule('allow: { ke: [] }'), 5, /is empty/],
    ['no lists', head + rule('allow: {}'), 5, /names nothing/],
    ["YAML's null for the cipher", head + rule('forbid: { encr: [null] }'), 5, /needs quotes/],
    ['a missing title', `${head}  - id: 1\n    severity: low\n`, 5, /lacks "title"/],
    ['no name', head.replace('name: mine\n', ''), 1, /lacks "name"/],
    ['a name in capitals', head.replace('mine', 'Mine') + rule('allow: { ke: [x25519] }'), 1, /lower case/],
    [
      'an id of 0',
      head + rule('allow: { ke: [x25519] }').replace('id: 1', 'id: 0'),
      5,
      /whole number from 1/,
    ],
    ['an id twice', head + rule('allow: { ke: [x25519] }').repeat(2), 6, /as in a rule before/],
    [
      'an unknown severity',
      head + rule('allow: { ke: [x25519] }').replace('high', 'grave'),
      5,
      /one of critical/,
    ],
    [
      'a doubt without reason',
      head + rule('allow: { ke: [x25519] }', 'unverified: true, '),
      5,
      /needs a reason/,
    ],
    [
      'a doubt that is a word',
      head + rule('allow: { ke: [x25519] }', 'unverified: maybe, '),
      5,
      /true or false/,
    ],
    ['a bound that is none', head + rule('minimum: { rsaBits: many }'), 5, /whole number from 512/],
    ['a bound of nothing', head + rule('minimum: {}'), 5, /lacks "rsaBits"/],
    ['a suite of versions', head + rule('everySuite: { version: [IKEv2] }'), 5, /no field "version"/],
    ['lists in lists', `${head}  - ${'['.repeat(20_000)}`, 5, /nested too deeply/],
    ['maps in maps', `${head}  - ${'{a: '.repeat(10_000)}`, 5, /nested too deeply/],
    ['brackets behind quotes', `${head}  - it's ]\n${'["]", '.repeat(5_000)}`, 6, /nested too deeply/],
    ['lists of one item', `${head}${'- '.repeat(20_000)}`, 5, /nested too deeply/],
    ['keys of keys', `${head}${'? '.repeat(20_000)}`, 5, /nested too deeply/],
    ['an alias', head + rule('allow: { ke: &a [x25519], addke: *a }'), 5, /has to be a list/],
    ['no rules', `${head.replace('rules:', 'rules: []')}`, 4, /is empty/],
  ])('is refused with %s, in its line', (_what, text, line, message) => {
    const said = problem(text);
    expect(said).toMatch(message);
    expect(said).toMatch(new RegExp(`^mine\\.yaml, line ${line}: .*\\.$`));
  });

  it('is refused when it is too long, in length, rules and entries', () => {
    expect(problem(`#${' '.repeat(70_000)}`)).toContain('too long');
    const many = Array.from({ length: 101 }, (_, i) =>
      rule('allow: { ke: [x25519] }').replace('id: 1', `id: ${i + 1}`),
    );
    expect(problem(head + many.join(''))).toContain('more than 100');
    expect(problem(head + rule(`allow: { ke: [${Array(201).fill('x25519').join(', ')}] }`))).toContain(
      'more than 200',
    );
  });

  it('keeps hostile text away from terminals', () => {
    expect(problem(`${head}${rule('allow: { ke: ["\\e[31mred"] }')}`)).not.toContain('\u001b');
    expect(problem(`"\\e[31m": 1\n`)).not.toContain('\u001b');
  });

  it('of any text is read or refused, and nothing else happens', () => {
    const line = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.constantFrom(
        ...head.split('\n'),
        ...rule('allow: { ke: [x25519] }').split(','),
        '  - {',
        '}',
        '&a',
        '*a',
        '!!js',
      ),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        try {
          parsePolicy(lines.join('\n'), 'x');
        } catch (error) {
          expect(error).toBeInstanceOf(KitError);
          expect((error as KitError).code).toBe('E_POLICY');
        }
      }),
    );
  });
});

describe('bundled policies', () => {
  it('are the four that are documented', () => {
    expect(bundledPolicyNames).toEqual(['rfc8247', 'cnsa2', 'bsi', 'nist-800-77']);
    expect(isBundledPolicy('bsi')).toBe(true);
    expect(isBundledPolicy('toString')).toBe(false);
  });

  it.each([...bundledPolicyNames])('%s is read, named like that, and says where it comes from', (name) => {
    const policy = bundledPolicy(name);
    expect(policy.name).toBe(name);
    expect(policy.source).toMatch(/20\d\d/);
    expect(bundledPolicyText(name)).toMatch(/^# .*\n(#.*\n)+\nname:/);
    expect(bundledPolicyText(name)).toContain('# Edition: ');
    expect(parsePolicy(bundledPolicyText(name), 'copy.yaml')).toEqual(policy);
    for (const word of ['everySuite', 'capability', 'unverified', ...capabilityNames]) {
      expect(bundledPolicyText(name)).toMatch(new RegExp(`# .*\\b${word}\\b`));
    }
    for (const { reference } of policy.rules) expect(reference).toMatch(/RFC|BSI|NIST|NSA|draft/);
  });

  it('say which rules were not compared with their source', () => {
    const doubtful = (name: (typeof bundledPolicyNames)[number]): number[] =>
      bundledPolicy(name)
        .rules.filter(({ unverified }) => unverified !== undefined)
        .map(({ id }) => id);
    expect(doubtful('rfc8247')).toEqual([]);
    expect(doubtful('nist-800-77')).toEqual([]);
    expect(doubtful('cnsa2')).toEqual([1, 3, 7]);
    expect(doubtful('bsi')).toEqual([1, 3, 5, 7, 10]);
  });
});
