import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readMaterial } from '../../../src/cli/psk-audit-files.js';
import { MOST_TARGETS } from '../../../src/lib/psk/audit/material.js';
import { ikev1Line } from '../psk/audit/material.js';

describe('a file of hashes', () => {
  let path: string;
  beforeAll(() => {
    path = join(mkdtempSync(join(tmpdir(), 'ipsec-kit-hashes-')), 'hashes');
  });
  afterAll(() => rmSync(join(path, '..'), { recursive: true, force: true }));

  const holding = async (count: number): ReturnType<typeof readMaterial> => {
    const hashes = Array.from({ length: count }, () => `${ikev1Line('sha1', 'x')}\n`);
    writeFileSync(path, `# hashes\n\n${hashes.join(' # and so on\n')}`);
    return readMaterial(path);
  };

  it('is read as a whole as long as an audit takes it', async () => {
    const { targets, rest } = await holding(MOST_TARGETS);
    expect([targets.length, rest]).toEqual([MOST_TARGETS, 0]);
  });

  it('is read as far as an audit takes it, with the lines where they are', async () => {
    const { targets, rest } = await holding(MOST_TARGETS + 3);
    expect([targets.length, rest]).toEqual([MOST_TARGETS, 3]);
    expect(targets[1]?.line).toBe(5);
  });
});
