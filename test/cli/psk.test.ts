import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventSchema } from '../../src/lib/report/event.schema.js';
import { run } from './run.js';

const secret = 'correct-horse-battery-staple';
/** No DNS label is longer than 63 octets (RFC 1035 2.3.4): a command that gets past its key ends here, asking nobody. */
const nowhere = ['connect', `${'x'.repeat(64)}.invalid`];
const validate = new Ajv().compile(eventSchema);

describe('the pre-shared key', () => {
  let folder: string;
  let file: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-cli-'));
    file = join(folder, 'psk.txt');
    writeFileSync(file, `${secret}\n`);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('is refused from a file that others can read, with the command that helps', () => {
    chmodSync(file, 0o644);
    const { stderr, status } = run([...nowhere, '--psk-file', file]);
    expect(status).toBe(2);
    expect(stderr).toContain('E_PSK_PERMISSIONS');
    expect(stderr).toContain(`chmod 600 ${file}`);
  });

  it.each([
    ['a private file', () => [['--psk-file', file], {}, 0o600] as const],
    ['a public file, knowingly', () => [['--psk-file', file, '--insecure-permissions'], {}, 0o644] as const],
    ['standard input', () => [['--psk-stdin'], { input: `${secret}\n` }, 0o600] as const],
    ['the environment', () => [[], { env: { IPSEC_KIT_PSK: secret } }, 0o600] as const],
  ])('comes from %s, and never shows up in the output', (_where, setting) => {
    const [args, options, mode] = setting();
    chmodSync(file, mode);
    for (const format of ['text', 'ndjson']) {
      const { stdout, stderr, status } = run([...nowhere, ...args, '--verbose', '--format', format], {
        ...options,
        env: { ...('env' in options ? options.env : {}), IPSEC_KIT_DEBUG: '1' },
      });
      expect(stderr).not.toMatch(/E_(NO_)?PSK/);
      // Whoever may open no device gets no further than that (7).
      expect([4, 7]).toContain(status);
      expect(stdout + stderr).not.toContain(secret);
      expect(stdout + stderr).not.toContain(Buffer.from(secret).toString('hex'));
    }
  });

  it.each([
    ['none at all', [], {}, 'E_NO_PSK'],
    ['an empty one', ['--psk-stdin'], { input: '\n' }, 'E_PSK_EMPTY'],
    ['two', ['--psk-stdin'], { input: secret, env: { IPSEC_KIT_PSK: secret } }, 'E_PSK_SOURCES'],
    ['a missing file', ['--psk-file', '/nonexistent/psk'], {}, 'E_PSK_FILE'],
    ['bad hexadecimal', ['--psk-stdin'], { input: '0xsecretsecret' }, 'E_PSK_FORMAT'],
  ])('is a usage error: %s', (_what, args, options, code) => {
    const { stdout, stderr, status } = run([...nowhere, ...args], options);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(code);
    expect(stderr).not.toContain('secretsecret');
  });

  it.each([
    [nowhere, 'this side and the gateway prove', '--ca with --eap-user'],
    [['serve'], 'clients prove', '--users FILE'],
  ])(
    'is one of several ways to authenticate, all of which are named when none was chosen',
    (args, message, hint) => {
      const { stderr } = run(args);
      expect(stderr).toContain(message);
      expect(stderr).toContain(hint);
    },
  );

  it('is what is asked for when it was chosen', () => {
    expect(run([...nowhere, '--auth', 'psk']).stderr).toContain('hint: Use --psk-file FILE, --psk-stdin');
  });

  it('failing in NDJSON is one valid event, and the sentence on stderr', () => {
    const { stdout, stderr, status } = run([...nowhere, '--format=ndjson']);
    const event = JSON.parse(stdout);
    expect(validate(event)).toBe(true);
    expect(event).toMatchObject({ event: 'error', code: 'E_NO_PSK' });
    expect(stderr).toMatch(/^error: .+ \(E_NO_PSK\)\n/);
    expect(status).toBe(2);
    const unparsed = run([...nowhere, '--format=ndjson', '--nonsense']);
    expect(validate(JSON.parse(unparsed.stdout))).toBe(true);
    expect(unparsed.status).toBe(2);
  });
});
