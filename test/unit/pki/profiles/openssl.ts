import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openssl } from '../build.js';

/** Opens a PKCS#12 container with openssl, which tells its algorithms. */
export function openP12(
  container: Uint8Array,
  passphrase: string,
): { status: number | null; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-p12-'));
  try {
    const path = join(folder, 'it.p12');
    writeFileSync(path, container, { mode: 0o600 });
    return openssl('pkcs12', '-in', path, '-info', '-noout', '-legacy', '-passin', `pass:${passphrase}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
