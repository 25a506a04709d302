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
import type { ProbeDocument } from '../../../../src/lib/report/probe-document.js';
import { compareProbes, document, EVIL, facts, silent, target } from './reports.js';

const valid = new Ajv().compile(probeSchema);
const options = { verbose: false, changesOnly: false };
const views: Record<string, (write: (text: string) => void) => View> = {
  text: (write) => new TextView(write, { ...options, paint: new Chalk({ level: 0 }), columns: 100 }),
  markdown: (write) => new MarkdownView(write, options),
  json: (write) => new JsonView(write),
  ndjson: (write) => new NdjsonView(write),
  sarif: (write) => new SarifView(write, [], '1.0.0'),
};

/** All that a view writes. */
function whole(format: string, result: ProbeDocument): string {
  const { early, late } = show(format, result);
  return early + late;
}

/** What a view writes when each target is done, and at the end. */
function show(format: string, result: ProbeDocument): { early: string; late: string } {
  const written: string[] = [];
  const view = views[format]!((text) => written.push(text));
  const { schema: _, targets, changes, ...end } = result;
  const changesOf = (at: number) => changes?.filter(({ state }) => state !== 'missing')[at];
  for (const [at, each] of targets.entries()) view.target(each, changesOf(at), at);
  const early = written.join('');
  written.length = 0;
  view.finish({ ...end, ...(changes && { missing: changes.filter(({ state }) => state === 'missing') }) });
  return { early, late: written.join('') };
}

const both = document([target(), silent()]);

describe('views', () => {
  it('show a target as soon as it is done, where that can be', () => {
    for (const format of ['text', 'markdown', 'ndjson', 'json']) {
      const { early, late } = show(format, both);
      expect(early).toMatch(/vpn\.example\.com[\s\S]*silent\.example\.com/);
      expect(late).not.toContain('IKE-ENC-002');
    }
    expect(show('sarif', both).early).toMatch(/IKE-INT-002[\s\S]*IKE-ENC-002/);
  });

  it('write documents piece by piece that read as they would in one piece', () => {
    for (const result of [
      both,
      document([]),
      document([target()], { notProbed: ['b'], interrupted: true }),
    ]) {
      const text = whole('json', result);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(result)));
      expect(text).toBe(`${JSON.stringify(JSON.parse(text), null, 2)}\n`);
      const sarif = whole('sarif', result);
      expect(sarif).toBe(`${JSON.stringify(JSON.parse(sarif), null, 2)}\n`);
    }
  });

  it('leave nothing in JSON that a terminal obeys, and lose nothing', () => {
    const evil = silent('no answer', `${EVIL}\u0085\u009b2J\u2028\u{e0001}`);
    for (const format of ['json', 'ndjson', 'sarif']) {
      const text = whole(format, document([evil]));
      expect(
        [...text].filter((character) => character !== '\n' && /[\p{C}\p{Zl}\p{Zp}]/u.test(character)),
      ).toEqual([]);
    }
    expect(JSON.parse(whole('json', document([evil]))).targets[0].host).toBe(evil.host);
  });

  it('end with all targets in one table when there are several', () => {
    const { late } = show('text', both);
    expect(late).toMatch(/vpn\.example\.com \(192\.0\.2\.1\) .* C .* answers .* 1 medium, 1 low; 1 passed/);
    expect(late).toMatch(/silent\.example\.com \(192\.0\.2\.9\) .* \? .* no answer/);
    expect(show('markdown', both).late).toContain('| vpn.example.com (192.0.2.1) | C | answers |');
    expect(show('text', document([target()])).late).toBe('');
    expect(show('markdown', document([target()])).late).toBe('');
  });

  it('end with a table in the order the targets were named', () => {
    for (const format of ['text', 'markdown']) {
      const written: string[] = [];
      const view = views[format]!((text) => written.push(text));
      view.target(silent('closed', 'second.example.com'), undefined, 1);
      view.target(silent('closed', 'first.example.com'), undefined, 0);
      written.length = 0;
      view.finish(document([]));
      expect(written.join('')).toMatch(/first\.example\.com[\s\S]*second\.example\.com/);
    }
  });

  it('end with the targets that answer when there are very many', () => {
    const many = Array.from({ length: 600 }, (_, at) => silent('no answer', `host-${at}.example.com`));
    for (const format of ['text', 'markdown']) {
      const { late } = show(format, document([...many, target()]));
      expect(late).toContain('vpn.example.com (192.0.2.1)');
      expect(late).not.toContain('host-');
      expect(late).toContain('The table leaves out 600 targets of 601.');
    }
  });

  it('write one JSON document, or one line a target that carries its schema', () => {
    const parsed = JSON.parse(whole('json', both));
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
    expect(JSON.parse(whole('json', changed)).changes).toHaveLength(1);
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

  it('write SARIF', () => {
    const text = whole('sarif', document([target({ facts: facts({ limits: ['x'] }) })]));
    expect(JSON.parse(text)).toMatchObject({
      version: '2.1.0',
      runs: [{ tool: { driver: { version: '1.0.0' } } }],
    });
  });
});
