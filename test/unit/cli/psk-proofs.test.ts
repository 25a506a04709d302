import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProofFile } from '../../../src/cli/psk-proofs.js';
import { formatIkev2Material, MOST_TARGETS, parseMaterial } from '../../../src/lib/psk/audit/material.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-proofs-'));
  path = join(folder, 'clients.proofs');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (identity: string, prf = 5): string =>
  formatIkev2Material({ prf, octets: Uint8Array.of(1), auth: new Uint8Array(prf === 5 ? 32 : 48), identity });

function appendAll(...identities: string[]): string[] {
  const file = new ProofFile(path);
  const outcomes = identities.map((identity) => file.append(line(identity), identity));
  file.close();
  return outcomes;
}

describe('a file of proofs', () => {
  it('is made for its owner alone, and goes on in the next run', () => {
    expect(appendAll('a')).toEqual(['written']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(appendAll('b')).toEqual(['written']);
    expect(parseMaterial(readFileSync(path, 'utf8')).map(({ identity }) => identity)).toEqual(['a', 'b']);
  });

  it('has few proofs of one client and one PRF', () => {
    expect(appendAll('a', 'a', 'a', 'a', 'b')).toEqual(['written', 'written', 'written', 'known', 'written']);
    const file = new ProofFile(path);
    expect(file.append(line('b', 6), 'b')).toBe('written');
    file.close();
  });

  it('holds what an audit takes, and says once that it is full', () => {
    const identities = Array.from({ length: MOST_TARGETS + 2 }, (_, at) => `client-${at}`);
    const outcomes = appendAll(...identities);
    expect(outcomes.slice(-3)).toEqual(['written', 'full', 'known']);
    expect(parseMaterial(readFileSync(path, 'utf8'))).toHaveLength(MOST_TARGETS);
    expect(appendAll('one more')).toEqual(['full']);
  });

  it.each<[string, () => void]>([
    [
      'others may read',
      () => {
        writeFileSync(path, line('a'));
        chmodSync(path, 0o644);
      },
    ],
    [
      'is a link',
      () => {
        writeFileSync(join(folder, 'elsewhere'), '', { mode: 0o600 });
        symlinkSync(join(folder, 'elsewhere'), path);
      },
    ],
  ])('is refused when it %s', (_what, prepare) => {
    prepare();
    expect(() => new ProofFile(path)).toThrow(
      expect.objectContaining({ code: 'E_PSK_PROOFS', kind: 'usage' }),
    );
  });
});
