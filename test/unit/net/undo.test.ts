import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openUndo } from '../../../src/lib/net/undo.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-undo-'));
  file = join(folder, 'it is "here"');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A command that appends its words to the file, one line each. */
function say(...words: string[]): string[] {
  return ['sh', '-c', 'printf "%s\\n" "$@" >> "$0"', file, ...words];
}

function said(): string[] {
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}

describe('undo', () => {
  it('runs what is left, newest first', async () => {
    const undo = openUndo();
    undo.add(say('one'));
    const cancel = undo.add(say('two'));
    undo.add(say('three'));
    cancel();
    undo.add(say('four'));
    await undo.done();
    expect(said()).toEqual(['four', 'three', 'one']);
  });

  it('goes on after a command that fails', async () => {
    const undo = openUndo();
    undo.add(say('last'));
    undo.add(['false']);
    undo.add(['/nonexistent/program']);
    await undo.done();
    expect(said()).toEqual(['last']);
  });

  it('keeps words whole, whatever is in them', async () => {
    const words = [
      "it's",
      '$HOME',
      '`id`',
      '$(id)',
      'a  b ',
      '\\',
      '\\n',
      '"',
      '*',
      '; echo no',
      '',
      '-n',
      '#',
      'ü',
      "''",
    ];
    const undo = openUndo();
    undo.add(say(...words));
    await undo.done();
    expect(said()).toEqual(words);
  });

  it('does nothing when everything was cancelled, and ends', async () => {
    const undo = openUndo();
    undo.add(say('no'))();
    await undo.done();
    expect(() => said()).toThrow('ENOENT');
    await openUndo().done();
  });

  it('hands no environment of this process on', async () => {
    process.env.IPSEC_KIT_PSK = 'secret';
    const undo = openUndo();
    delete process.env.IPSEC_KIT_PSK;
    undo.add(['sh', '-c', 'env > "$0"', file]);
    await undo.done();
    expect(readFileSync(file, 'utf8')).not.toContain('secret');
    expect(said().some((line) => line.startsWith('PATH='))).toBe(true);
  });

  it('refuses control characters, of which a line break would be another command', async () => {
    const undo = openUndo();
    for (const word of ['a\nb', '\0', '\x7f']) {
      expect(() => undo.add(['echo', word])).toThrow(expect.objectContaining({ code: 'E_UNDO_ARGUMENT' }));
    }
    await undo.done();
  });

  it('takes many entries', async () => {
    const undo = openUndo();
    for (let i = 0; i < 300; i++) undo.add(['true', 'x'.repeat(200)]);
    undo.add(say('first'));
    await undo.done();
    expect(said()).toEqual(['first']);
  });
});
