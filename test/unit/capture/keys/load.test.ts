import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadKeys } from '../../../../src/lib/capture/keys/load.js';

const V1 = `fafaeb49382a763c,${'a1'.repeat(24)}\n`;

let folder: string;
const write = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'));
  mkdirSync(join(folder, 'wireshark', 'deeper'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('loadKeys', () => {
  it('reads a folder and those in it, not deeper', async () => {
    write('a.txt', V1);
    write('wireshark/ikev1_decryption_table', V1);
    write('wireshark/deeper/ikev1_decryption_table', V1);
    const { keys, files, problems } = await loadKeys([folder]);
    expect([keys.length, problems]).toEqual([2, []]);
    expect(files).toEqual([join(folder, 'a.txt'), join(folder, 'wireshark/ikev1_decryption_table')]);
  });

  it('passes over files of a folder without keys, but says which', async () => {
    write('capture.pcap', new Uint8Array(5000));
    write('notes.txt', 'nothing\n');
    write('half.txt', `${V1}nothing\n`);
    const { skipped, problems } = await loadKeys([folder]);
    expect(skipped).toEqual([join(folder, 'capture.pcap'), join(folder, 'notes.txt')]);
    expect(problems).toMatchObject([{ file: join(folder, 'half.txt'), line: 2 }]);
  });

  it.each(['esp_sa', 'ikev1_decryption_table', 'ikev2_decryption_table', 'keys.json', 'mine.keys'])(
    'reports every bad line of %s',
    async (name) => {
      write(name, 'nothing\n');
      expect((await loadKeys([folder])).problems).toMatchObject([{ file: join(folder, name), line: 1 }]);
    },
  );

  it('reports every bad line of a file that is named', async () => {
    write('notes.txt', `one\n${V1}three\n`);
    const { problems, keys } = await loadKeys([join(folder, 'notes.txt')]);
    expect([problems.map(({ line }) => line), keys.length]).toEqual([[1, 3], 1]);
  });

  it('refuses a path that is not there', async () => {
    await expect(loadKeys([join(folder, 'gone')])).rejects.toMatchObject({
      code: 'E_KEY_FILE',
      kind: 'usage',
    });
  });
});
