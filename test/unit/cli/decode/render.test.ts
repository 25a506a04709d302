import { Chalk } from 'chalk';
import { describe, expect, it } from 'vitest';
import { fieldLines } from '../../../../src/cli/decode/fields.js';
import { renderMarkdown } from '../../../../src/cli/decode/render-markdown.js';
import { renderText } from '../../../../src/cli/decode/render-text.js';
import type { Report, Step } from '../../../../src/cli/decode/report.js';
import { bytesText, frameList, offsetText, roundTripText } from '../../../../src/cli/decode/words.js';

const step: Step = {
  frames: '#1, #2',
  at: '0.000 s',
  arrow: '→',
  name: 'IKE_SA_INIT 0',
  roundTrip: '1.1 ms',
  story:
    '192.0.2.1 offered something that takes a good many words to say, one after the other; 192.0.2.2 refused.',
  tone: 'bad',
  details: ['192.0.2.1 sent it again once: #3'],
  messages: [[1], [2]],
};
const report = (changes: Partial<Report> = {}): Report => ({
  title: 'capture.pcap',
  facts: [['read', '2 frames']],
  sections: [
    { title: 'ike-1', state: { text: 'refused', tone: 'bad' }, facts: [], steps: [step], sections: [] },
  ],
  findings: [
    {
      id: 'NO_PROPOSAL_CHOSEN',
      severity: 'high',
      frames: [1, 2],
      title: 'Refused.',
      advice: 'Change it.',
      tone: 'bad',
    },
  ],
  verdict: 'Nothing wrong was found.',
  hidden: undefined,
  notes: [],
  ...changes,
});
const plain = new Chalk({ level: 0 });
const text = (columns: number, changes?: Partial<Report>) =>
  renderText(report(changes), { paint: plain, columns, details: () => [] });

describe('text', () => {
  it('stays within the terminal', () => {
    for (const columns of [80, 100, 200]) {
      const width = Math.min(columns, 160);
      for (const line of text(columns).split('\n')) expect(line.length).toBeLessThanOrEqual(width);
    }
  });

  it('gives each clause of a story its own line, below the exchange where there is no room beside it', () => {
    const lines = text(120).split('\n');
    const at = lines.findIndex((line) => line.includes('IKE_SA_INIT 0'));
    const column = lines[at]!.indexOf('192.0.2.1');
    expect(lines.find((line) => line.includes('192.0.2.2 refused'))?.indexOf('192.0.2.2')).toBe(column);
    expect(text(80)).toMatch(/^ {8}192\.0\.2\.2 refused\.$/m);
  });

  it('has colours only when they are wanted', () => {
    const paint = new Chalk({ level: 1 });
    const coloured = renderText(report(), { paint, columns: 120, details: () => [] });
    expect(coloured).toContain('\u001b[31m');
    // Taking the colours away gives the plain text.
    expect(coloured.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '')).toBe(text(120));
  });

  it('says so when nothing was found, something is hidden, and what the capture lacks', () => {
    const said = text(120, { findings: [], hidden: '2 more are hidden.', notes: ['3 frames were cut'] });
    expect(said).toContain('Nothing wrong was found.');
    const verdict = 'None of the 3 findings matches --filter finding=x.';
    expect(text(120, { findings: [], verdict })).toContain(verdict);
    expect(text(120, { findings: [], verdict })).not.toContain('Nothing wrong');
    expect(renderMarkdown(report({ findings: [], verdict }), () => [])).toContain('None of the 3 findings');
    expect(said).toContain('2 more are hidden.');
    expect(said).toContain('3 frames were cut');
  });

  it('escapes whatever comes from packets', () => {
    const evil = '\u001b[2J\u202e\n';
    const said = text(120, {
      title: evil,
      facts: [['read', evil]],
      sections: [
        {
          title: evil,
          state: { text: evil, tone: 'plain' },
          facts: [['peer', evil]],
          steps: [{ ...step, story: evil, details: [evil] }],
          sections: [],
        },
      ],
      notes: [evil],
    });
    expect([...said].filter((character) => character !== '\n' && /\p{C}/u.test(character))).toEqual([]);
    expect(said).toContain('\\x1b[2J');
  });
});

describe('Markdown', () => {
  it('lets no text become markup, a link or somebody else’s ticket', () => {
    const evil = '<img src=x> **b** `c` [d](http://e) | f _g_ a_b #12 &amp;';
    const said = renderMarkdown(
      report({
        sections: [{ title: evil, state: { text: '', tone: 'plain' }, facts: [], steps: [], sections: [] }],
      }),
      () => [],
    );
    const heading = said.split('\n').find((line) => line.startsWith('## ') && line.includes('img'));
    expect(heading).toBe(
      '## &lt;img src=x&gt; \\*\\*b\\*\\* \\`c\\` \\[d\\](http&#58;//e) \\| f \\_g\\_ a_b frame 12 &amp;amp;: ',
    );
  });

  it('keeps an exchange on one row of the table', () => {
    const rows = renderMarkdown(report(), () => [])
      .split('\n')
      .filter((line) => line.startsWith('| 1, 2 |'));
    expect(rows).toHaveLength(1);
    expect(rows[0]?.match(/ \| /g)).toHaveLength(4);
  });

  it('folds payload fields away as code', () => {
    const said = renderMarkdown(report(), ([frame]) => [`#${frame}  *IKE*`]);
    expect(said).toContain('<details>');
    expect(said).toContain('\n    #1  *IKE*\n    #2  *IKE*\n');
  });
});

describe('fields', () => {
  it('are lines, names with their numbers, structure indented', () => {
    expect(
      fieldLines({
        method: 'PSK',
        methodNumber: 2,
        number: 3,
        critical: true,
        empty: '',
        nothing: undefined,
        hashes: ['a', 'b'],
        none: [],
        transform: { type: 'ENCR', typeNumber: 1, id: 20 },
        proposals: [{ number: 1, transforms: [{ name: 'x' }] }],
      }),
    ).toEqual([
      'method: PSK (2)',
      'number: 3',
      'critical: yes',
      'empty: (empty)',
      'hashes: a, b',
      'none: none',
      'transform: type ENCR (1), id 20',
      'proposals 1',
      '  number: 1',
      '  transforms 1: name x',
    ]);
  });
});

describe('words', () => {
  it.each([
    [[1], '#1'],
    [[2, 1], '#1, #2'],
    [[1, 2, 3, 7, 7], '#1–#3, #7'],
    [[1, 3, 5, 7, 9, 11, 13], '#1, #3, #5, #7, #9, #11, …'],
    [[], ''],
  ])('frames %j', (frames, expected) => expect(frameList(frames)).toBe(expected));

  it.each([
    [undefined, ''],
    [0.06, '0.1 ms'],
    [12.4, '12 ms'],
    [2500, '2.50 s'],
  ])('round trip %s', (ms, expected) => expect(roundTripText(ms)).toBe(expected));

  it.each([
    [1, '1 bytes'],
    [9999, '9999 bytes'],
    [10_000, '10 kB'],
    [1_500_000, '1.5 MB'],
    [2e15, '2000 TB'],
  ])('%d bytes', (bytes, expected) => expect(bytesText(bytes)).toBe(expected));

  it('times count from the start, across midnight and with nanoseconds', () => {
    expect(offsetText('2026-01-01T00:00:00.000500000Z', '2025-12-31T23:59:59.999500000Z')).toBe('0.001 s');
  });
});
