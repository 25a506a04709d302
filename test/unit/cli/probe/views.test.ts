import { Ajv } from 'ajv';
import { Chalk } from 'chalk';
import { describe, expect, it } from 'vitest';
import {
  JsonView,
  MarkdownView,
  NdjsonView,
  SarifView,
  TextView,
  type View,
} from '../../../../src/cli/probe/views.js';
import { probeSchema } from '../../../../src/lib/report/probe.schema.js';
import { compareProbes, compareTarget } from '../../../../src/lib/report/probe-diff.js';
import type { ProbeDocument } from '../../../../src/lib/report/probe-document.js';
import { document, EVIL, facts, silent, target } from './reports.js';

const valid = new Ajv().compile(probeSchema);
const options = { verbose: false, changesOnly: false };
const views: Record<string, (write: (text: string) => void) => View> = {
  text: (write) => new TextView(write, { ...options, paint: new Chalk({ level: 0 }), columns: 100 }),
  markdown: (write) => new MarkdownView(write, options),
  json: (write) => new JsonView(write),
  ndjson: (write) => new NdjsonView(write),
  sarif: (write) => new SarifView(write, [], '1.0.0'),
};

/** What a view writes when each target is done, and at the end. */
function show(format: string, result: ProbeDocument): { early: string; late: string } {
  const written: string[] = [];
  const view = views[format]!((text) => written.push(text));
  for (const each of result.targets) {
    view.target(each, result.changes && compareTarget(undefined, each));
  }
  const early = written.join('');
  written.length = 0;
  view.finish(result);
  return { early, late: written.join('') };
}

const both = document([target(), silent()]);

describe('views', () => {
  it('show a target as soon as it is done, where that can be', () => {
    for (const format of ['text', 'markdown', 'ndjson']) {
      expect(show(format, both).early).toMatch(/vpn\.example\.com[\s\S]*silent\.example\.com/);
    }
    for (const format of ['json', 'sarif']) expect(show(format, both).early).toBe('');
  });

  it('end with all targets in one table when there are several', () => {
    const { late } = show('text', both);
    expect(late).toMatch(/vpn\.example\.com \(192\.0\.2\.1\) .* C .* answers .* 1 medium, 1 low; 1 passed/);
    expect(late).toMatch(/silent\.example\.com \(192\.0\.2\.9\) .* \? .* no answer/);
    expect(show('markdown', both).late).toContain('| vpn.example.com (192.0.2.1) | C | answers |');
    expect(show('text', document([target()])).late).toBe('');
    expect(show('markdown', document([target()])).late).toBe('');
  });

  it('write one JSON document, or one line a target that carries its schema', () => {
    const parsed = JSON.parse(show('json', both).late);
    expect(valid(parsed)).toBe(true);
    expect(parsed.targets).toHaveLength(2);
    const { early, late } = show('ndjson', both);
    expect(late).toBe('');
    const lines = early
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ host }) => host)).toEqual(['vpn.example.com', 'silent.example.com']);
    for (const line of lines) expect(valid(line), JSON.stringify(valid.errors)).toBe(true);
  });

  it('carry what changed in each line and in the document', () => {
    const changed = document([target()], { changes: compareProbes([], [target()]) });
    expect(JSON.parse(show('ndjson', changed).early).changes.state).toBe('added');
    expect(JSON.parse(show('json', changed).late).changes).toHaveLength(1);
  });

  it('say that they were interrupted, and how many targets nobody asked', () => {
    const cut = document([target()], { interrupted: true, notProbed: ['b', 'c'] });
    for (const format of ['text', 'markdown']) {
      expect(show(format, cut).late).toContain('Interrupted: this is what is known so far.');
      expect(show(format, cut).late).toContain('2 targets were not probed any more.');
    }
    expect(show('text', document([], { interrupted: true })).late).toContain('Interrupted');
  });

  it('name targets that only the former result has, whatever their names', () => {
    const former = silent('no answer', EVIL);
    const gone = document([target()], { changes: compareProbes([target(), former], [target()]) });
    for (const format of ['text', 'markdown']) {
      const { late } = show(format, gone);
      expect(late).toContain('not probed this time');
      expect([...late].filter((character) => character !== '\n' && /\p{C}/u.test(character))).toEqual([]);
      expect(late).toContain('\\x1b');
    }
    expect(show('markdown', gone).late).not.toContain('<b>');
  });

  it('write SARIF at the end', () => {
    const { late } = show('sarif', document([target({ facts: facts({ limits: ['x'] }) })]));
    expect(JSON.parse(late)).toMatchObject({
      version: '2.1.0',
      runs: [{ tool: { driver: { version: '1.0.0' } } }],
    });
  });
});
