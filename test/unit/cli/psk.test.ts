import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodePsk, PSK_VARIABLE, readPsk } from '../../../src/cli/psk.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const revealed = (text: string): string => Buffer.from(decodePsk(bytes(text)).reveal()).toString('latin1');

describe('decodePsk', () => {
  it('drops one line end and nothing else', () => {
    expect(revealed('secret\n')).toBe('secret');
    expect(revealed('secret\r\n')).toBe('secret');
    expect(revealed('secret\n\n')).toBe('secret\n');
    expect(revealed(' secret ')).toBe(' secret ');
    expect(revealed('secret\r')).toBe('secret\r');
  });

  it('reads hexadecimal and Base64 as strongSwan writes them', () => {
    expect(revealed('0x736563\n')).toBe('sec');
    expect(revealed('0sc2Vj')).toBe('sec');
    expect(revealed('0sc2VjcmV0MQ==')).toBe('secret1');
    expect(revealed('0sc2VjcmV0MQ')).toBe('secret1');
    expect(revealed('0X736563')).toBe('0X736563');
  });

  it.each(['0x7', '0xzz', '0s!!!!', '0sQQQQQ', '0sc2Vj='])(
    'refuses the malformed %s without quoting it',
    (text) => {
      expect(() => decodePsk(bytes(text))).toThrow(
        expect.objectContaining({
          code: 'E_PSK_FORMAT',
          message: expect.not.stringContaining(text.slice(2)),
        }),
      );
    },
  );

  it.each(['', '\n', '0x', '0s'])('refuses an empty key (%j)', (text) => {
    expect(() => decodePsk(bytes(text))).toThrow(
      expect.objectContaining({ code: 'E_PSK_EMPTY', exitCode: 2 }),
    );
  });
});

describe('readPsk', () => {
  let folder: string;
  const none = { file: undefined, stdin: false, insecurePermissions: false };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-psk-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    delete process.env[PSK_VARIABLE];
  });

  const keyFile = (content: string, mode: number): string => {
    const path = join(folder, 'psk');
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  };

  it('reads a private file', async () => {
    const psk = await readPsk({ ...none, file: keyFile('from file\n', 0o600) });
    expect(Buffer.from(psk.reveal()).toString()).toBe('from file');
  });

  it.each([0o640, 0o604, 0o620, 0o602])('refuses a file of mode %o', async (mode) => {
    const file = keyFile('x', mode);
    await expect(readPsk({ ...none, file })).rejects.toMatchObject({
      code: 'E_PSK_PERMISSIONS',
      kind: 'usage',
    });
    expect((await readPsk({ ...none, file, insecurePermissions: true })).length).toBe(1);
  });

  it('says why a file cannot be read', async () => {
    await expect(readPsk({ ...none, file: join(folder, 'absent') })).rejects.toMatchObject({
      code: 'E_PSK_FILE',
      message: expect.stringContaining('no such file'),
    });
    chmodSync(folder, 0o700);
    await expect(readPsk({ ...none, file: folder })).rejects.toMatchObject({ code: 'E_PSK_FILE' });
    await expect(readPsk({ ...none, file: '/dev/null' })).rejects.toMatchObject({
      code: 'E_PSK_FILE',
      hint: expect.not.stringContaining('chmod'),
    });
  });

  it('stops reading what cannot be a key', async () => {
    const file = keyFile('x'.repeat(5000), 0o600);
    await expect(readPsk({ ...none, file })).rejects.toMatchObject({ code: 'E_PSK_FORMAT' });
  });

  it('takes the environment variable once and removes it', async () => {
    process.env[PSK_VARIABLE] = 'from environment';
    const psk = await readPsk(none);
    expect(Buffer.from(psk.reveal()).toString()).toBe('from environment');
    expect(process.env[PSK_VARIABLE]).toBeUndefined();
  });

  it('refuses two sources', async () => {
    process.env[PSK_VARIABLE] = 'x';
    await expect(readPsk({ ...none, file: '/nonexistent' })).rejects.toMatchObject({
      code: 'E_PSK_SOURCES',
      message: expect.stringContaining(`--psk-file and ${PSK_VARIABLE}`),
    });
    await expect(readPsk({ ...none, file: '/nonexistent', stdin: true })).rejects.toMatchObject({
      code: 'E_PSK_SOURCES',
    });
  });
});
