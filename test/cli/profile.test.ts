import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { parse } from 'plist';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ProfilesReport, profileSchema, profilesSchema } from '../../src/lib/report/profile.schema.js';
import { run } from './run.js';

let folder = '';
let store = '';
let passphrase = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-profile-'));
  store = join(folder, 'pki');
  for (const name of ['vpn.example.com', 'alice@example.com']) {
    expect(run(['cert', 'issue', name, '--store', store]).status).toBe(0);
  }
  passphrase = secretFile('passphrase', 'a passphrase for tests\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const valid = new Ajv().compile(profilesSchema);
const validProfile = new Ajv().compile(profileSchema);
const newFolder = (): string => mkdtempSync(join(folder, 'it-'));

function secretFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  return path;
}

function profile(
  args: string[],
  { status = 0, config = folder }: { status?: number; config?: string } = {},
): { stdout: string; stderr: string } {
  const result = run(['profile', ...args], { env: { XDG_CONFIG_HOME: config } });
  expect(result.status, result.stderr).toBe(status);
  return result;
}

/** Runs with `--json`; what comes must fit the schema. */
function report(args: string[], options: { status?: number; config?: string } = {}): ProfilesReport {
  const document = JSON.parse(profile([...args, '--json'], options).stdout);
  expect(valid(document), JSON.stringify(valid.errors)).toBe(true);
  return document;
}

const gateway = ['--gateway', 'vpn.example.com'];
const identity = (): string[] => [...gateway, '--store', store, '--identity', 'alice@example.com'];
const everything = ['apple', 'windows', 'android', 'swanctl', 'networkmanager', 'ipsec-kit'];

function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

describe('profile export', () => {
  it('writes every format, secrets closed to others, and says how to install each', () => {
    const out = join(newFolder(), 'all');
    const args = [
      'export',
      '--for',
      everything.join(','),
      ...identity(),
      '--p12-passphrase-file',
      passphrase,
    ];
    const made = report([...args, '--out', out]);
    expect(made.ok).toBe(true);
    expect(made.files.map(({ path }) => path).sort()).toEqual(filesBelow(out));
    expect(new Set(made.files.map((file) => file.for))).toEqual(new Set(everything));
    for (const { path, secret, note } of made.files) {
      expect(statSync(path).mode & 0o777, path).toBe(secret ? 0o600 : 0o644);
      expect(note).not.toBe('');
    }
    for (const path of filesBelow(out)) {
      expect(readFileSync(path, 'latin1'), path).not.toContain('BEGIN PRIVATE KEY');
    }
    const again = profile([...args, '--out', out], { status: 2 });
    expect(again.stderr).toContain('E_FILE_EXISTS');
    report([...args, '--out', out, '--force']);
  });

  it('tells people on stdout what to do, and on stderr what the client will dislike', () => {
    const { stdout, stderr } = profile([
      'export',
      '--for',
      'apple',
      ...identity(),
      '--p12-passphrase-file',
      passphrase,
      '--remote-ts',
      '10.2.0.0/24',
      '--out',
      newFolder(),
    ]);
    expect(stdout).toContain('vpn.example.com.mobileconfig (open to its owner only)');
    expect(stdout).toContain('VPN & Device Management');
    expect(stderr).toContain('(W_P12_LEGACY)');
    expect(stderr).toContain('serve --local-ts');
  });

  it('ends with 3 when the client would refuse the gateway, and writes all the same', () => {
    const out = newFolder();
    const args = [
      'export',
      '--for',
      'android',
      ...identity(),
      '--remote-id',
      'other.example.com',
      '--out',
      out,
    ];
    const made = report([...args, '--p12-passphrase-file', passphrase], { status: 3 });
    expect(made.ok).toBe(false);
    expect(made.findings.map(({ id }) => id)).toContain('E_PROFILE_REMOTE_ID');
    expect(filesBelow(out)).toHaveLength(1);
  });

  it('writes one file to standard output, and everything else to stderr', () => {
    const args = [
      'export',
      '--for',
      'apple',
      ...gateway,
      '--ca',
      join(store, 'ca.crt'),
      '--eap-user',
      'alice',
    ];
    const { stdout, stderr } = profile([...args, '--out', '-']);
    const document = parse(stdout) as { PayloadContent: { IKEv2?: { AuthName: string } }[] };
    expect(document.PayloadContent[0]?.IKEv2?.AuthName).toBe('alice');
    expect(stderr).toContain('wrote vpn.example.com.mobileconfig');
    const many = profile(['export', '--for', 'swanctl', ...identity(), '--out', '-'], { status: 2 });
    expect(many.stderr).toContain('E_PROFILE_OUT');
    expect(many.stdout).toBe('');
  });

  it('has no secret in it unless it is asked to', () => {
    const psk = secretFile('psk', 'a very long pre-shared key of a test\n');
    const password = secretFile('password', 'wonderland of a test\n');
    const withPsk = [...gateway, '--psk-file', psk, '--local-id', 'alice@example.com'];
    const withPassword = [
      ...gateway,
      '--store',
      store,
      '--eap-user',
      'alice',
      '--eap-password-file',
      password,
    ];
    const contents = (args: string[]): string => {
      const out = newFolder();
      profile(['export', '--for', 'swanctl,networkmanager,apple', ...args, '--out', out]);
      return filesBelow(out)
        .map((path) => readFileSync(path, 'utf8'))
        .join('\n');
    };
    const encoded = Buffer.from('a very long pre-shared key of a test').toString('base64');
    expect(contents(withPsk)).not.toMatch(new RegExp(`a very long|${encoded}`));
    expect(contents([...withPsk, '--include-psk'])).toMatch(/SharedSecret/);
    expect(contents([...withPsk, '--include-psk'])).toContain(encoded);
    expect(contents(withPassword)).not.toContain('wonderland');
    expect(contents([...withPassword, '--include-password'])).toContain('wonderland of a test');
    const wrong = profile(['export', '--for', 'swanctl', ...withPassword, '--include-psk'], { status: 2 });
    expect(wrong.stderr).toContain('E_PROFILE_SECRET');
  });

  it('exports a plain key only when that is asked for', () => {
    const keys = (args: string[]): string[] => {
      const out = newFolder();
      const made = report(['export', '--for', 'swanctl', ...identity(), ...args, '--out', out]);
      const missing = made.findings.some(({ id }) => id === 'I_PROFILE_KEY');
      const files = filesBelow(out).filter((path) => path.endsWith('.key'));
      expect(missing).toBe(files.length === 0);
      return files.map((path) => readFileSync(path, 'utf8').split('\n')[0] ?? '');
    };
    expect(keys([])).toEqual([]);
    expect(keys(['--include-key'])).toEqual(['-----BEGIN PRIVATE KEY-----']);
    expect(keys(['--p12-passphrase-file', passphrase])).toEqual(['-----BEGIN ENCRYPTED PRIVATE KEY-----']);
  });

  it('takes certificate and key from files, PKCS#12 among them', () => {
    const p12 = join(folder, 'alice.p12');
    const made = run([
      'cert',
      'export',
      'alice@example.com',
      '--store',
      store,
      '--out',
      p12,
      '--passphrase-file',
      passphrase,
    ]);
    expect(made.status, made.stderr).toBe(0);
    const ca = ['--ca', join(store, 'ca.crt'), '--gateway-cert', join(store, 'vpn.example.com.crt')];
    const files = join(store, 'alice@example.com');
    for (const source of [
      ['--cert', `${files}.crt`, '--key', `${files}.key`],
      ['--cert', p12, '--key-passphrase-file', passphrase],
    ]) {
      const out = newFolder();
      const { profiles, files: written } = report([
        'export',
        '--for',
        'windows',
        ...gateway,
        ...ca,
        ...source,
        '--p12-passphrase-file',
        passphrase,
        '--out',
        out,
      ]);
      expect(profiles[0]?.profile.certificates).toHaveLength(1);
      expect(written.map(({ path }) => path)).toContain(join(out, 'vpn.example.com.p12'));
    }
  });

  it.each<[string, string[]]>([
    ['E_PROFILE_GATEWAY', ['--for', 'apple', '--eap-user', 'alice']],
    ['E_PROFILE_AUTH', ['--for', 'apple', ...gateway]],
    ['E_PROFILE_AUTH', ['--for', 'windows', ...gateway, '--auth', 'psk']],
    ['E_PROFILE_FOR', ['--for', 'apple,blackberry', ...gateway, '--eap-user', 'alice']],
    [
      'E_PROFILE_PROPOSAL',
      ['--for', 'windows', ...gateway, '--eap-user', 'a', '--ike', 'aes256-sha256-x25519'],
    ],
    ['E_PROFILE_NAME', ['--for', 'windows', ...gateway, '--eap-user', 'a', '--name', 'a\u001b[31m']],
    ['E_CERT_FILE', ['--for', 'apple', ...gateway, '--eap-user', 'a', '--ca', '/nowhere']],
    ['E_NO_PROFILE', ['--for', 'apple', '--profile', 'nothing']],
    ['E_PROFILE_QR', ['--for', 'apple', ...gateway, '--eap-user', 'a', '--qr']],
    ['E_PROFILE_URL', ['--for', 'apple', ...gateway, '--eap-user', 'a', '--qr-url', 'javascript:alert(1)']],
  ])('refuses with %s: %j', (code, args) => {
    const out = newFolder();
    const { stdout, stderr } = profile(['export', ...args, '--out', out], { status: 2 });
    expect(stderr).toContain(`(${code})`);
    expect(stderr).not.toContain('\u001b');
    expect(stdout).toBe('');
    expect(readdirSync(out)).toEqual([]);
  });

  it('shows a QR code where it fits, and says where it does not', () => {
    const args = [
      'export',
      '--for',
      'android',
      ...gateway,
      '--eap-user',
      'alice',
      '--out',
      newFolder(),
      '--force',
    ];
    const url = profile([...args, '--qr-url', 'https://vpn.example.com/alice.sswan']);
    expect(url.stdout).toMatch(/[█▀▄]{20}/);
    const whole = profile([...args, '--store', store, '--qr']);
    expect(whole.stdout).not.toMatch(/[█▀▄]{20}/);
    expect(whole.stderr).toContain('W_PROFILE_QR');
  });
});

describe('saved profiles', () => {
  it('are saved, listed, shown, exported and removed', () => {
    const config = newFolder();
    const saved = report(['save', 'work', ...identity(), '--remote-ts', '10.2.0.0/24,10.3.0.0/24'], {
      config,
    });
    const path = join(config, 'ipsec-kit', 'profiles', 'work.json');
    expect(saved.files[0]?.path).toBe(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(config, 'ipsec-kit', 'profiles')).mode & 0o777).toBe(0o700);
    const stored = readFileSync(path, 'utf8');
    expect(validProfile(JSON.parse(stored))).toBe(true);
    expect(stored).not.toContain('PRIVATE KEY');
    expect(JSON.parse(stored)).toMatchObject({
      name: 'work',
      keyFile: join(store, 'alice@example.com.key'),
      remoteTs: ['10.2.0.0/24', '10.3.0.0/24'],
    });
    expect(report(['list'], { config }).profiles.map((each) => each.saved)).toEqual(['work']);
    expect(profile(['list'], { config }).stdout).toMatch(/work +vpn\.example\.com +cert/);
    expect(report(['show', 'work'], { config }).profiles[0]?.profile).toEqual(JSON.parse(stored));
    expect(profile(['show', 'work'], { config }).stdout).toContain('10.2.0.0/24, 10.3.0.0/24');
    const out = newFolder();
    const args = [
      'export',
      '--profile',
      'work',
      '--for',
      'swanctl',
      '--mtu',
      '1400',
      '--include-key',
      '--out',
      out,
    ];
    expect(report(args, { config }).profiles[0]).toMatchObject({ saved: 'work', profile: { mtu: 1400 } });
    expect(existsSync(join(out, 'conf.d', 'work.conf'))).toBe(true);
    profile(['remove', 'work'], { config });
    expect(existsSync(path)).toBe(false);
    expect(existsSync(join(store, 'alice@example.com.key'))).toBe(true);
    expect(profile(['remove', 'work'], { config, status: 2 }).stderr).toContain('E_NO_PROFILE');
    expect(profile(['list'], { config }).stdout).toBe('No profile is saved.\n');
  });

  it('come from another host', () => {
    const [out, config] = [newFolder(), newFolder()];
    const psk = secretFile('psk2', 'another very long pre-shared key\n');
    profile([
      'export',
      '--for',
      'ipsec-kit',
      ...gateway,
      '--psk-file',
      psk,
      '--include-psk',
      '--name',
      'Lab',
      '--out',
      out,
    ]);
    report(['save', 'lab', '--from', join(out, 'Lab.json')], { config });
    const shown = report(['show', 'lab'], { config }).profiles[0]?.profile;
    expect(shown).toMatchObject({ name: 'Lab', auth: 'psk', pskFile: join(out, 'Lab.psk') });
  });

  it('are not replaced unasked, and not saved under names that lead elsewhere', () => {
    const config = newFolder();
    const args = [...gateway, '--psk-file', 'psk.txt'];
    profile(['save', 'work', ...args], { config });
    expect(profile(['save', 'work', ...args], { config, status: 2 }).stderr).toContain('E_FILE_EXISTS');
    profile(['save', 'work', ...args, '--mtu', '1400', '--force'], { config });
    expect(report(['show', 'work'], { config }).profiles[0]?.profile.mtu).toBe(1400);
    for (const name of ['../work', 'a/b', '.work']) {
      expect(profile(['save', name, ...args], { config, status: 2 }).stderr).toContain('E_PROFILE_NAME');
    }
    expect(filesBelow(config)).toHaveLength(1);
  });

  it('are listed also when one of them is damaged', () => {
    const config = newFolder();
    profile(['save', 'good', ...gateway, '--psk-file', 'psk.txt'], { config });
    writeFileSync(join(config, 'ipsec-kit', 'profiles', 'bad.json'), '{}');
    const { profiles, unreadable } = report(['list'], { config });
    expect([profiles.length, unreadable.map(({ saved, code }) => [saved, code])]).toEqual([
      1,
      [['bad', 'E_PROFILE_FORMAT']],
    ]);
    expect(profile(['list'], { config }).stdout).toContain('unreadable');
    profile(['remove', 'bad'], { config });
  });
});
