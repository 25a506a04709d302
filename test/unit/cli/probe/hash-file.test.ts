import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveHashes } from '../../../../src/cli/probe/hash-file.js';
import { ikev1Line } from '../../psk/audit/material.js';

describe('saved hashes', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-save-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('are for their owner, and it is said which ones hashcat has no room for', async () => {
    // Public values of groups 5 and 14.
    const short = ikev1Line('sha1', 'x', { group: 192 });
    const long = ikev1Line('sha1', 'x', { group: 256 });
    const path = join(folder, 'hashes');
    const note = `wrote 2 hashes to ${path}; of these 1 for psk audit and psk-crack only: too long for hashcat`;
    expect(await saveHashes(path, [short, long])).toBe(note);
    expect(readFileSync(path, 'utf8')).toBe(`${short}\n${long}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const other = join(folder, 'short');
    expect(await saveHashes(other, [short])).toBe(`wrote 1 hash to ${other}`);
  });
});
