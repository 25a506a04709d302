import { describe, expect, it } from 'vitest';
import { LineGuesser, LONGEST_WORD } from '../../../../src/lib/psk/audit/lines.js';
import { parseMaterial } from '../../../../src/lib/psk/audit/material.js';
import { auditHashes, ikev1Line, ikev2Line } from './material.js';

const shown = ({ found, ...numbers }: ReturnType<LineGuesser['try']>) => ({
  ...numbers,
  found: found.map(({ target, line, word }) => [target, line, Buffer.from(word).toString('latin1')]),
});

const attempt = (material: string, list: string | Uint8Array, open = [0]) =>
  shown(new LineGuesser(parseMaterial(material)).try(Buffer.from(list as string), open));

describe('lines of a word list', () => {
  it.each([
    ['LF', 'one\nsecret\nthree\n', 3],
    ['CRLF', 'one\r\nsecret\r\nthree\r\n', 3],
    ['no end of the last line', 'one\nsecret', 2],
    ['no end of the last line but CR', 'one\nsecret\r', 2],
    ['empty lines', '\nsecret\n\n', 3],
  ])('end with %s', (_name, list, lines) => {
    const result = attempt(ikev1Line('sha1', 'secret'), list);
    expect(result).toEqual({ lines, tried: lines, skipped: 0, found: [[0, 1, 'secret']] });
  });

  it('are bytes of any encoding, with CR and NUL inside', () => {
    for (const key of [Buffer.from([0xff, 0xfe, 0x80]), Buffer.from('a\rb'), Buffer.from([0, 1, 0])]) {
      const list = Buffer.concat([Buffer.from('x\n'), key, Buffer.from('\ny\n')]);
      const { found } = attempt(ikev1Line('md5', key), list);
      expect(found).toEqual([[0, 1, key.toString('latin1')]]);
    }
  });

  it('may be empty words', () => {
    expect(attempt(ikev1Line('sha256', ''), 'x\n\ny\n').found).toEqual([[0, 1, '']]);
  });

  it('are passed over when they are too long, counted, and tried up to that', () => {
    const longest = 'k'.repeat(LONGEST_WORD);
    const list = `${longest}k\n${longest}\n`;
    const result = attempt(ikev1Line('sha1', longest), list);
    expect(result).toEqual({ lines: 2, tried: 1, skipped: 1, found: [[0, 1, longest]] });
  });

  it('are found wherever they stand, however many lanes the last ones fill', () => {
    const guesser = new LineGuesser(parseMaterial(ikev1Line('sha1', 'secret')));
    for (let before = 0; before < 30; before++) {
      const words = [...Array.from({ length: before }, (_, at) => `w${at}`), 'secret'];
      const result = guesser.try(Buffer.from(words.join('\n')), [0]);
      expect(shown(result)).toMatchObject({ lines: before + 1, found: [[0, before, 'secret']] });
      // What is still in the lanes does not count for the next lines.
      expect(guesser.try(Buffer.from('other\n'), [0]).found).toEqual([]);
    }
  });

  it('are tried against targets of all hashes, but for those that are closed', () => {
    const material = auditHashes.map((hash) => ikev1Line(hash, `key-${hash}`)).join('\n');
    const both = `${material}\n${ikev2Line('sha256', 'key-md5')}`;
    const list = auditHashes.map((hash) => `key-${hash}\nfiller\nkey-${hash}\n`).join('');
    const all = attempt(both, list, [0, 1, 2, 3, 4, 5]);
    expect(all.found).toEqual([
      [0, 0, 'key-md5'],
      [5, 0, 'key-md5'],
      ...auditHashes.slice(1).map((hash, at) => [at + 1, (at + 1) * 3, `key-${hash}`]),
    ]);
    expect(attempt(both, list, [1, 3]).found.map(([target]) => target)).toEqual([1, 3]);
    expect(attempt(both, list, []).found).toEqual([]);
  });
});
