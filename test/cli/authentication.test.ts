import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventSchema } from '../../src/lib/report/event.schema.js';
import { run } from './run.js';

const secret = 'looking-glass-and-what-alice-found-there';
/** No DNS label is longer than 63 octets (RFC 1035 2.3.4): a command that gets past its credentials ends here. */
const nowhere = `${'x'.repeat(64)}.invalid`;
/** The exit codes of that: no answer, or no right to open a device. */
const beyond = [4, 7];
const validate = new Ajv().compile(eventSchema);

let folder: string;
let store: string;
const at = (name: string): string => join(folder, name);
const put = (name: string, content: string, mode = 0o600): string => {
  writeFileSync(at(name), content, { mode });
  return at(name);
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-cli-'));
  store = at('store');
  for (const name of ['vpn.example.com', 'alice@example.com']) {
    const { status, stderr } = run(['cert', 'issue', name, '--store', store]);
    if (status !== 0) throw new Error(stderr);
  }
  put('password', `${secret}\n`);
  put('public', `${secret}\n`, 0o644);
  put('users', `alice:${secret}\n`);
  put('mistaken', `alice:${secret}\nno colon\n`);
});
afterAll(() => rmSync(folder, { recursive: true }));

const environment = () => ({ XDG_CONFIG_HOME: at('config'), XDG_DATA_HOME: at('data') });
const connect = (...args: string[]) => run(['connect', nowhere, ...args], { env: environment() });
const serve = (...args: string[]) =>
  run(['serve', '--listen', '127.0.0.1', '--port', '0', '--pool', '10.9.0.0/24', ...args], {
    env: environment(),
  });
const alice = () => [
  '--cert',
  join(store, 'alice@example.com.crt'),
  '--key',
  join(store, 'alice@example.com.key'),
];
const gateway = () => [
  '--cert',
  join(store, 'vpn.example.com.crt'),
  '--key',
  join(store, 'vpn.example.com.key'),
];
const ca = () => ['--ca', join(store, 'ca.crt')];

describe('authentication of connect', () => {
  it.each<[string, () => string[], string, string]>([
    ['an unknown method', () => ['--auth', 'password'], 'E_AUTH_METHOD', 'psk, cert, eap-mschapv2'],
    ['no CA', () => ['--eap-user', 'alice'], 'E_NO_CA', '--ca system'],
    ['no certificate', () => ['--auth', 'cert', ...ca()], 'E_NO_CERT', '--cert FILE'],
    ['what nobody uses', () => [...alice(), '--auth', 'psk'], 'E_AUTH_UNUSED', '--auth'],
    [
      'an identity that the certificate does not cover',
      () => [...alice(), ...ca(), '--local-id', 'bob@example.com'],
      'E_IDENTITY_NOT_IN_CERT',
      '--local-id',
    ],
    [
      'a password file that others can read',
      () => [...ca(), '--eap-user', 'alice', '--eap-password-file', at('public')],
      'E_EAP_PASSWORD_PERMISSIONS',
      'chmod 600',
    ],
    [
      'no password and no terminal',
      () => [...ca(), '--eap-user', 'alice'],
      'E_NO_EAP_PASSWORD',
      'IPSEC_KIT_EAP_PASSWORD',
    ],
    [
      'a key that is not the one of the certificate',
      () => [...alice().slice(0, 2), '--key', join(store, 'vpn.example.com.key'), ...ca()],
      'E_KEY_MISMATCH',
      'made together',
    ],
    [
      'a fragment size without fragments',
      () => ['--fragmentation', 'no', '--fragment-size', '1000'],
      'E_FRAGMENT_SIZE',
      'out',
    ],
    ['a wrong duration', () => [...alice(), ...ca(), '--clock-skew', 'soon'], 'E_DURATION', '30s'],
  ])('is refused with %s', (_what, args, code, hint) => {
    const { stderr, status } = connect(...args());
    expect(stderr).toContain(`(${code})`);
    expect(stderr).toContain(hint);
    expect(status).toBe(2);
  });

  it.each<[string, () => string[]]>([
    ['certificates', () => [...alice(), ...ca()]],
    ['name and password', () => [...ca(), '--eap-user', 'alice', '--eap-password-file', at('password')]],
    ['EAP-TLS alone', () => [...alice(), ...ca(), '--auth', 'eap-tls', '--server-auth', 'eap-only']],
    ['nothing', () => [...ca(), '--auth', 'null']],
  ])('gets as far as the gateway with %s, and says no secret', (_what, args) => {
    const { stdout, stderr, status } = connect(...args(), '--verbose', '--format', 'ndjson');
    expect(beyond).toContain(status);
    expect(stdout + stderr).not.toContain(secret);
    for (const line of stdout.trim().split('\n')) expect(validate(JSON.parse(line))).toBe(true);
  });

  it('takes the password from the environment', () => {
    const env = { ...environment(), IPSEC_KIT_EAP_PASSWORD: secret };
    const { status } = run(['connect', nowhere, ...ca(), '--eap-user', 'alice'], { env });
    expect(beyond).toContain(status);
  });

  it('warns of a gateway that proves itself with a key before a password, as an event', () => {
    const psk = put('psk', `${'0123456789abcdef'.repeat(2)}\n`);
    const { stdout, status } = connect(
      ...['--eap-user', 'alice', '--eap-password-file', at('password'), '--server-auth', 'psk'],
      ...['--psk-file', psk, '--weak-psk-ok', '--format', 'ndjson'],
    );
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; code?: string });
    expect(events.map(({ event }) => event)).toEqual(['warning', 'error']);
    expect(events[0]).toMatchObject({ code: 'W_EAP_WITHOUT_CERT' });
    for (const event of events) expect(validate(event)).toBe(true);
    expect(beyond).toContain(status);
  });

  it('dials what a saved profile says', () => {
    const saved = run(
      ['profile', 'save', 'work', '--gateway', nowhere, '--store', store, '--identity', 'alice@example.com'],
      { env: environment() },
    );
    expect([saved.stderr, saved.status]).toEqual(['', 0]);
    const work = (...args: string[]) => run(['connect', 'work', ...args], { env: environment() });
    expect(beyond).toContain(work().status);
    const other = work('--local-id', 'bob@example.com');
    expect([other.status, other.stderr]).toEqual([2, expect.stringContaining('email:alice@example.com')]);
    const changed = work('--auth', 'eap-mschapv2');
    expect([changed.status, changed.stderr]).toEqual([2, expect.stringContaining('E_NO_EAP_USER')]);
  });
});

describe('authentication of serve', () => {
  it.each<[string, () => string[], string, string]>([
    [
      'a key that can be guessed',
      () => ['--psk-file', put('weak', 'hunter2\n')],
      'E_PSK_WEAK',
      '--weak-psk-ok',
    ],
    ['passwords without a certificate', () => ['--users', at('users')], 'E_EAP_NEEDS_CERT', '--cert FILE'],
    [
      'users that cannot be read',
      () => [...gateway(), '--users', at('mistaken')],
      'E_USERS_FILE',
      'name:password',
    ],
    [
      'users that others can read',
      () => [...gateway(), '--users', at('public')],
      'E_USERS_PERMISSIONS',
      'chmod 600',
    ],
    ['methods that no client has', () => ['--client-auth', 'eap-only'], 'E_AUTH_METHOD', 'eap-mschapv2'],
    [
      'a list that is none',
      () => [...gateway(), ...ca(), '--crl', join(store, 'ca.crt')],
      'E_CRL_FILE',
      'cert crl',
    ],
    [
      'profiles for nobody',
      () => [...gateway(), ...ca(), '--export-identity', 'alice'],
      'E_EXPORT_UNUSED',
      '--export apple',
    ],
    ['profiles for the unknown', () => [...gateway(), ...ca(), '--export', 'beos'], 'E_PROFILE_FOR', 'apple'],
  ])('is refused with %s', (_what, args, code, hint) => {
    const { stdout, stderr, status } = serve(...args());
    expect(stderr).toContain(`(${code})`);
    expect(stderr).toContain(hint);
    expect(stdout + stderr).not.toContain(secret);
    expect(status).toBe(2);
  });
});
