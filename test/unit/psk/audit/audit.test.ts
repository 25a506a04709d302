import { describe, expect, it } from 'vitest';
import { type AuditResult, beginning, type Position, runAudit } from '../../../../src/lib/psk/audit/audit.js';
import type { Batch } from '../../../../src/lib/psk/audit/batches.js';
import { cutBatches } from '../../../../src/lib/psk/audit/batches.js';
import { parseMaterial } from '../../../../src/lib/psk/audit/material.js';
import {
  assertSameList,
  formatState,
  headOf,
  materialDigest,
  parseState,
} from '../../../../src/lib/psk/audit/state.js';
import { ikev1Line, ikev2Line } from './material.js';

const words = Array.from({ length: 5000 }, (_, at) => (at % 97 === 0 ? 'z'.repeat(5000) : `word${at}`));
const list = Buffer.from(`${words.join('\n')}\n`);
const tooLong = words.filter((word) => word.length > 4096).length;

async function* inChunks(from: number, size = 16_000): AsyncGenerator<Uint8Array> {
  for (let at = from; at < list.length; at += size) yield list.subarray(at, at + size);
}

function audit(
  keys: readonly string[],
  options: {
    start?: Position;
    signal?: AbortSignal;
    batches?: AsyncIterable<Batch>;
    onProgress?(): void;
  } = {},
): Promise<AuditResult> {
  const targets = parseMaterial(keys.map((key, at) => ikev1Line('sha1', key, { seed: at })).join('\n'));
  const start = options.start ?? beginning;
  return runAudit({ targets, threads: 2, batches: cutBatches(inChunks(start.offset)), ...options, start });
}

const linesOf = ({ position }: AuditResult) => position.found.map(({ target, line }) => [target, line]);

describe('an audit on two threads', () => {
  it('tries every word once', async () => {
    const { position, complete } = await audit(['not in the list']);
    expect(complete).toBe(true);
    expect(position).toEqual({
      offset: list.length,
      lines: 5000,
      tried: 5000 - tooLong,
      skipped: tooLong,
      found: [],
    });
  });

  it('names the line of each key', async () => {
    const result = await audit(['word4999', 'word1', 'nothing', 'word2500']);
    expect(linesOf(result).sort()).toEqual([
      [0, 5000],
      [1, 2],
      [3, 2501],
    ]);
    expect(result.complete).toBe(true);
    expect(Buffer.from(result.position.found[0]!.word!).toString()).toMatch(/^word\d+$/);
  });

  it('ends when all keys are found', async () => {
    async function* endless(): AsyncGenerator<Batch> {
      for (let i = 0; ; i++) {
        const bytes = new Uint8Array(Buffer.from(`word${i}\n`));
        yield { bytes, consumed: bytes.length };
      }
    }
    const result = await audit(['word1'], { batches: endless() });
    expect(linesOf(result)).toEqual([[0, 2]]);
    expect(result.complete).toBe(true);
  });

  it('names the first of equal words, whichever thread is done first', async () => {
    const twice = Buffer.from(`${'x'.repeat(4000)}\n`.repeat(400));
    async function* batches(): AsyncGenerator<Batch> {
      for (const text of [`${twice}secret\n`, 'secret\n', 'secret\n']) {
        const bytes = new Uint8Array(Buffer.from(text));
        yield { bytes, consumed: bytes.length };
      }
    }
    expect(linesOf(await audit(['secret'], { batches: batches() }))).toEqual([[0, 401]]);
  });

  it('goes on from wherever it was interrupted, with no word left out or tried twice', async () => {
    for (const after of [1, 6]) {
      let position: Position = beginning;
      let complete = false;
      let runs = 0;
      while (!complete) {
        const control = new AbortController();
        let batches = 0;
        const result = await audit(['word4000', 'nothing'], {
          start: position,
          signal: control.signal,
          onProgress: () => ++batches === after && control.abort(),
        });
        // Nothing that was begun is left behind: the place is the end of a line.
        if (result.position.offset > 0) expect(list[result.position.offset - 1]).toBe(0x0a);
        expect(result.position.lines).toBe(result.position.tried + result.position.skipped);
        ({ position, complete } = result);
        expect(++runs).toBeLessThan(100);
      }
      expect(runs).toBeGreaterThan(1);
      expect(position).toMatchObject({ lines: 5000, tried: 5000 - tooLong, skipped: tooLong });
      expect(position.found.map(({ target, line }) => [target, line])).toEqual([[0, 4001]]);
    }
  });

  it('has nothing to do when all keys are known', async () => {
    const start = { ...beginning, offset: 9, lines: 1, found: [{ target: 0, line: 1 }] };
    const { position, complete } = await audit(['word1'], { start });
    expect([position.offset, complete]).toEqual([9, true]);
  });

  it('hands on what goes wrong with the list', async () => {
    async function* broken(): AsyncGenerator<Batch> {
      yield { bytes: new Uint8Array(Buffer.from('a\n')), consumed: 2 };
      throw new Error('the disk is gone');
    }
    await expect(audit(['x'], { batches: broken() })).rejects.toThrow('the disk is gone');
  });
});

describe('a saved place', () => {
  const targets = parseMaterial(`${ikev1Line('sha1', 'a')}\n${ikev2Line('sha256', 'b')}`);
  const head = Buffer.from('one\ntwo\n');
  const state = {
    material: materialDigest(targets),
    head: headOf(head),
    position: { ...beginning, offset: 8, lines: 2, tried: 2, found: [{ target: 1, line: 2 }] },
  };

  it('is read as it was written, without the word', () => {
    const found = [{ target: 1, line: 2, word: Buffer.from('hunter2') }];
    const text = formatState({ ...state, position: { ...state.position, found } });
    expect(text).not.toMatch(/hunter2|68756e74657232|word/);
    expect(parseState(text, targets)).toEqual(state);
  });

  it('belongs to its hashes and its word list', () => {
    const text = formatState(state);
    expect(() => parseState(text, targets.slice(1))).toThrow('other hashes');
    expect(() => assertSameList(state, Buffer.from('one\ntwo\nthree'))).not.toThrow();
    expect(() => assertSameList(state, Buffer.from('one\nTwo\nthree'))).toThrow('another word list');
    expect(() => assertSameList(state, Buffer.from('one'))).toThrow('another word list');
  });

  it.each([
    ['no JSON', 'x'],
    ['null', 'null'],
    ['another document', '{"schema":"x"}'],
    ['a negative place', formatState(state).replace('"offset": 8', '"offset": -8')],
    ['a fraction of a line', formatState(state).replace('"lines": 2', '"lines": 2.5')],
    ['a target that is not there', formatState(state).replace('"target": 1', '"target": 2')],
    ['a beginning behind its place', formatState(state).replace('"bytes": 8', '"bytes": 9')],
  ])('that is %s is refused', (_what, text) => {
    expect(() => parseState(text, targets)).toThrow(expect.objectContaining({ code: 'E_PSK_AUDIT_STATE' }));
  });
});
