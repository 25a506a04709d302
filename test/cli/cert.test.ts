import { spawn, spawnSync } from 'node:child_process';
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
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CertReport, certSchema } from '../../src/lib/report/cert.schema.js';
import { bin, cleanEnvironment, root, run } from './run.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-cert-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const valid = new Ajv().compile(certSchema);
/** A folder that is not there yet. */
const newStore = (): string => join(mkdtempSync(join(folder, 'store-')), 'pki');

/** A file without anything that `cert` is about. */
const PUBLIC_KEY = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
`;

function cert(args: string[], status = 0): { stdout: string; stderr: string } {
  const result = run(['cert', ...args]);
  expect(result.status, result.stderr).toBe(status);
  return result;
}

/** Runs with `--json`; what comes must fit the schema. */
function report(args: string[], status = 0): CertReport {
  const document = JSON.parse(cert([...args, '--json'], status).stdout);
  expect(valid(document), JSON.stringify(valid.errors)).toBe(true);
  return document;
}

function secretFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  return path;
}

describe('cert issue in an empty store', () => {
  it('makes the CA too, says what is next, and keeps keys to their owner', () => {
    const store = newStore();
    const made = report(['issue', 'vpn.example.com', '192.0.2.1', '--ip-as-dns', '--store', store]);
    expect(made.certificates[0]?.names).toEqual(['DNS:vpn.example.com', 'IP:192.0.2.1', 'DNS:192.0.2.1']);
    expect(made.certificates[0]?.extendedKeyUsage).toEqual(['serverAuth', 'ikeIntermediate']);
    expect(made.warnings).toEqual([]);
    expect(made.next.join()).toContain('ca.crt');
    for (const name of ['ca.key', 'vpn.example.com.key', 'index.json']) {
      expect(statSync(join(store, name)).mode & 0o777, name).toBe(0o600);
    }
    expect(statSync(store).mode & 0o777).toBe(0o700);
    expect(readdirSync(store).filter((name) => name.startsWith('.'))).toEqual([]);
    report(['verify', 'vpn.example.com', '--store', store, '--host', '192.0.2.1', '--for', 'windows']);
  });

  it('replaces nothing without --force', () => {
    const store = newStore();
    cert(['issue', 'alice@example.com', '--store', store]);
    const before = readFileSync(join(store, 'alice@example.com.key'), 'utf8');
    expect(cert(['issue', 'alice@example.com', '--store', store], 2).stderr).toContain('E_FILE_EXISTS');
    expect(cert(['ca', '--store', store], 2).stderr).toContain('E_FILE_EXISTS');
    expect(readFileSync(join(store, 'alice@example.com.key'), 'utf8')).toBe(before);
    cert(['issue', 'alice@example.com', '--store', store, '--force']);
    expect(readFileSync(join(store, 'alice@example.com.key'), 'utf8')).not.toBe(before);
    cert(['verify', 'alice@example.com', '--store', store, '--client']);
  });

  it('finishes what an interruption left', () => {
    const store = newStore();
    cert(['issue', 'a.example.com', '--store', store]);
    rmSync(join(store, 'a.example.com.crt'));
    writeFileSync(join(store, '.ipsec-kit-0123456789abcdef.tmp'), 'half');
    writeFileSync(join(store, '.lock'), '999999999');
    const key = readFileSync(join(store, 'a.example.com.key'), 'utf8');
    cert(['issue', 'a.example.com', '--store', store]);
    expect(readFileSync(join(store, 'a.example.com.key'), 'utf8')).toBe(key);
    expect(readdirSync(store).filter((name) => name.startsWith('.'))).toEqual([]);
    cert(['verify', 'a.example.com', '--store', store]);
  });
});

describe('what stays safe', () => {
  it('a key that is there is used, and replaced only with --force', () => {
    const store = newStore();
    const rsa = report(['csr', 'a.example.com', '--store', store, '--key-type', 'rsa-2048']);
    expect(rsa.requests[0]?.key).toBe('RSA 2048');
    const key = readFileSync(join(store, 'a.example.com.key'), 'utf8');
    rmSync(join(store, 'a.example.com.csr'));
    const other = cert(['issue', 'a.example.com', '--store', store, '--key-type', 'ed25519'], 2).stderr;
    expect(other).toContain('E_FILE_EXISTS');
    expect(report(['issue', 'a.example.com', '--store', store]).certificates[0]?.key).toBe('RSA 2048');
    expect(readFileSync(join(store, 'a.example.com.key'), 'utf8')).toBe(key);
  });

  it("a CA's key without its certificate is finished, never overwritten", () => {
    const store = newStore();
    cert(['ca', '--store', store, '--key-type', 'ecdsa-p384']);
    const key = readFileSync(join(store, 'ca.key'), 'utf8');
    rmSync(join(store, 'ca.crt'));
    cert(['issue', 'a.example.com', '--store', store]);
    expect(readFileSync(join(store, 'ca.key'), 'utf8')).toBe(key);
    cert(['verify', 'a.example.com', '--store', store]);
  });

  it('a root CA that replaces an intermediate one has nothing above it', () => {
    const [root, site] = [newStore(), newStore()];
    cert(['ca', '--store', root]);
    cert(['ca', '--store', site, '--issuer-store', root]);
    cert(['ca', '--store', site, '--force']);
    cert(['issue', 'a.example.com', '--store', site]);
    expect(report(['verify', 'a.example.com', '--store', site]).certificates).toHaveLength(2);
  });

  it('a file that is no revocation list is not written over by one', () => {
    const store = newStore();
    cert(['ca', '--store', store]);
    const out = join(folder, 'list');
    writeFileSync(out, 'precious');
    expect(cert(['crl', '--store', store, '--out', out], 2).stderr).toContain('E_FILE_EXISTS');
    expect(readFileSync(out, 'utf8')).toBe('precious');
    cert(['crl', '--store', store, '--out', out, '--force', '--der']);
    cert(['crl', '--store', store, '--out', out]);
    expect(report(['show', out]).crls[0]?.number).toBe('02');
  });

  it('a certificate that was replaced is known to be valid still', () => {
    const store = newStore();
    const first = report(['issue', 'alice@example.com', '--store', store]).certificates[0]?.serial ?? '';
    const again = report(['issue', 'alice@example.com', '--store', store, '--force']);
    expect(again.warnings.map(({ code }) => code)).toEqual(['W_REPLACED']);
    expect(again.warnings[0]?.hint).toContain(`cert revoke ${first} --store`);
    expect(report(['revoke', first, '--store', store]).crls[0]?.revoked[0]?.serial).toBe(first);
    cert(['verify', 'alice@example.com', '--store', store]);
  });

  it('nothing is issued that nobody would accept', () => {
    const [root, site] = [newStore(), newStore()];
    cert(['ca', '--store', root, '--permit', 'dns:example.com']);
    cert(['ca', '--store', site, '--issuer-store', root]);
    const outside = cert(['issue', 'vpn.example.org', '--store', site], 6).stderr;
    expect(outside).toContain('E_CERT_NAME_CONSTRAINT');
    const below = cert(['ca', '--store', newStore(), '--issuer-store', site], 6).stderr;
    expect(below).toContain('E_CERT_PATH_LENGTH');
    cert(['csr', 'sub.example.com', '--store', newStore()]);
    expect(cert(['ca', '--store', site, '--issuer-store', site, '--force'], 2).stderr).toContain(
      'E_STORE_SELF',
    );
  });
});

describe('a request', () => {
  it('goes to another CA, an intermediate one, and comes back', () => {
    const [root, site, far] = [newStore(), newStore(), newStore()];
    cert(['ca', '--store', root]);
    expect(report(['ca', '--store', site, '--issuer-store', root]).certificates[0]?.pathLength).toBe(0);
    cert(['csr', 'gw.example.com', '--store', far, '--key-type', 'ed25519']);
    const signed = join(folder, 'gw.crt');
    cert(['sign', join(far, 'gw.example.com.csr'), '--store', site, '--out', signed]);
    const chain = report(['verify', signed, '--store', site, '--host', 'gw.example.com']);
    expect(chain.certificates.map(({ ca }) => ca)).toEqual([false, true, true]);
    expect(report(['verify', signed, '--ca', join(root, 'ca.crt')], 6).problems[0]?.code).toBe(
      'E_CERT_UNTRUSTED',
    );
    expect(cert(['sign', signed, '--store', site], 2).stderr).toContain('E_NO_REQUEST');
    expect(cert(['show', secretFile('public.pem', PUBLIC_KEY)], 2).stderr).toContain('E_NO_CERTIFICATE');
  });
});

describe('revocation', () => {
  it('is in the list, and verify says so', () => {
    const store = newStore();
    cert(['issue', 'bob@example.com', '--store', store]);
    expect(
      report(['verify', 'bob@example.com', '--store', store, '--require-crl'], 6).problems[0]?.code,
    ).toBe('E_CRL_MISSING');
    const revoked = report(['revoke', 'bob@example.com', '--store', store, '--reason', 'keyCompromise']);
    expect(revoked.crls[0]?.revoked[0]?.reason).toBe('keyCompromise');
    expect(report(['verify', 'bob@example.com', '--store', store], 6).problems[0]?.code).toBe(
      'E_CERT_REVOKED',
    );
    expect(report(['crl', '--store', store]).crls[0]).toMatchObject({
      number: '02',
      revoked: [{ reason: 'keyCompromise' }],
    });
    expect(cert(['revoke', '0123456789abcdef', '--store', store], 6).stderr).toContain('E_NOT_ISSUED_HERE');
  });
});

describe('names', () => {
  it('are written as certificates hold them, and commands that are shown are quoted', () => {
    const store = newStore();
    const made = report(['issue', 'vpn.bücher.example', 'dn:C=CH, O=Lab', '--store', store]);
    expect(made.certificates[0]).toMatchObject({
      subject: 'CN=vpn.xn--bcher-kva.example',
      names: ['DNS:vpn.xn--bcher-kva.example', 'DN:C=CH, O=Lab'],
    });
    cert(['verify', 'vpn.bücher.example', '--host', 'vpn.bücher.example', '--store', store]);
    const odd = report(['issue', "dn:C=CH, O=Lab, CN=it's", '--client', '--store', `${store} 2`]);
    expect(odd.certificates[0]?.subject).toBe("C=CH, O=Lab, CN=it's");
    expect(odd.next.join()).toContain(`--store '${store} 2'`);
  });
});

describe('refusals', () => {
  it('have a code and a sentence each, and exit with 6', () => {
    const store = newStore();
    cert(['ca', '--store', store, '--permit', 'dns:example.com']);
    cert(['issue', 'vpn.example.com', '--store', store, '--days', '900']);
    const verify = (...args: string[]): string[] =>
      report(['verify', 'vpn.example.com', '--store', store, ...args], 6).problems.map(({ code }) => code);
    expect(verify('--host', 'other.example.com')).toEqual(['E_CERT_NAME']);
    expect(verify('--for', 'ios')).toEqual(['E_CERT_TOO_LONG']);
    cert(['issue', 'alice@example.com', '--store', store]);
    const asGateway = report(['verify', 'alice@example.com', '--store', store, '--server'], 6).problems;
    expect(asGateway.map(({ code }) => code)).toEqual(['E_CERT_EKU']);
    expect(verify('--at', '2020-01-01')).toContain('E_CERT_NOT_YET_VALID');
    expect(verify('--at', '2035-01-01')).toContain('E_CERT_EXPIRED');
    const refused = cert(['issue', 'vpn.example.org', '--store', store], 6).stderr;
    expect(refused).toContain('E_CERT_NAME_CONSTRAINT');
    expect(existsSync(join(store, 'vpn.example.org.crt'))).toBe(false);
  });

  it.each([
    [['ca', '--rsa-pss'], 'E_KEY_KIND'],
    [['issue', 'bad name'], 'E_SAN'],
    [['issue', '../x'], 'E_S'],
    [['issue', 'a.example', '--subject', 'nonsense'], 'E_SUBJECT'],
    [['verify', 'absent.pem'], 'E_CERT_FILE'],
    [['crl'], 'E_NO_CA'],
    [['export', 'nobody'], 'E_NO_CERTIFICATE'],
  ])('%j is a usage error, %s', (args, code) => {
    expect(cert([...args, '--store', newStore()], 2).stderr).toContain(code);
  });
});

describe('revocation lists behind a URL', () => {
  it('are fetched, and what cannot be had is an error', async () => {
    const store = newStore();
    cert(['issue', 'bob@example.com', '--store', store]);
    cert(['revoke', 'bob@example.com', '--store', store]);
    const list = readFileSync(join(store, 'ca.crl'));
    // In a process of its own, because this one waits for the command.
    const program = `const list = Buffer.from('${list.toString('base64')}', 'base64');
      const answer = (request, response) =>
        request.url === '/ca.crl' ? response.end(list) : response.writeHead(404).end();
      const server = require('node:http').createServer(answer);
      server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;
    const server = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const port = await new Promise<string>((resolve) => {
        server.stdout.once('data', (data: Buffer) => resolve(data.toString().trim()));
      });
      rmSync(join(store, 'ca.crl'));
      const verify = ['verify', 'bob@example.com', '--store', store];
      cert(verify);
      const url = `http://127.0.0.1:${port}/ca.crl`;
      expect(report([...verify, '--crl', url], 6).problems[0]?.code).toBe('E_CERT_REVOKED');
      expect(cert([...verify, '--crl', `${url}x`], 4).stderr).toContain('E_CRL_FETCH');
      expect(cert([...verify, '--crl', join(store, 'ca.crt')], 2).stderr).toContain('E_CRL_FILE');
    } finally {
      server.kill();
    }
  });
});

const hasScript = spawnSync('script', ['--version']).status === 0;
if (!hasScript) process.stderr.write('skipped: prompts need the script command for a terminal\n');

describe.skipIf(!hasScript)('prompts on a terminal', () => {
  /** Types each answer when its question is on the screen. */
  async function talk(args: string[], turns: [question: string, answer: string][]) {
    const command = [process.execPath, bin, 'cert', ...args].map((arg) => `'${arg}'`).join(' ');
    const child = spawn('script', ['-qec', command, '/dev/null'], { env: cleanEnvironment() });
    const left = [...turns];
    let [screen, seen] = ['', 0];
    child.stdout.on('data', (data: Buffer) => {
      screen += data.toString();
      const turn = left[0];
      if (turn === undefined || !screen.slice(seen).includes(turn[0])) return;
      left.shift();
      seen = screen.length;
      child.stdin.write(turn[1]);
    });
    const status = await new Promise<number | null>((resolve) => {
      child.on('close', resolve);
    });
    expect(left, screen).toEqual([]);
    return { status, screen };
  }

  it('ask twice for a new passphrase and once for an old one, and never show it', async () => {
    const store = newStore();
    const out = join(folder, 'typed.p12');
    cert(['issue', 'dave@example.com', '--store', store]);
    const make = ['export', 'dave@example.com', '--store', store, '--out', out];
    const first: [string, string] = ['typed.p12:', 'tr0ub4dor\r'];
    const other = await talk(make, [first, ['Once more:', 'other\r']]);
    expect(other.status).toBe(2);
    expect(other.screen).toContain('E_PASSPHRASE_DIFFERS');
    expect(existsSync(out)).toBe(false);
    const good = await talk(make, [first, ['Once more:', 'tr0ub4dor\r']]);
    expect(good.status, good.screen).toBe(0);
    const shown = await talk(['show', out], [first]);
    expect(shown.status, shown.screen).toBe(0);
    const wrong = await talk(['show', out], [['typed.p12:', 'x\r']]);
    expect(wrong.screen).toContain('E_P12_PASSPHRASE');
    const interrupted = await talk(['show', out], [['typed.p12:', '\x03']]);
    expect(interrupted.status).toBe(130);
    for (const { screen } of [other, good, shown]) expect(screen).not.toContain('tr0ub4dor');
  });
});

describe('a capture', () => {
  const capture = join(root, 'test/unit/capture/fixtures/eap-tls');

  it('is read for the certificates that the peers sent, each once', () => {
    const { certificates } = report(['show', `${capture}.pcap.gz`, '--keys', `${capture}.keys.json`]);
    expect(certificates.map(({ subject, names }) => [subject, names])).toEqual([
      ['O=Lab, CN=bob.test', ['DNS:bob.test']],
    ]);
  });

  it('shows none without keys, and says so', () => {
    const { stderr } = cert(['show', `${capture}.pcap.gz`], 2);
    expect(stderr).toContain('E_NO_CERTIFICATE');
    expect(stderr).toContain('--keys');
  });
});

describe('passphrases', () => {
  it('come from files that only their owner reads, and open what they closed', () => {
    const store = newStore();
    const pass = secretFile('pass', 'correct horse\n');
    cert(['ca', '--store', store, '--encrypt', '--passphrase-file', pass]);
    expect(readFileSync(join(store, 'ca.key'), 'utf8')).toContain('ENCRYPTED PRIVATE KEY');
    expect(cert(['issue', 'x.example.com', '--store', store], 2).stderr).toContain('E_NO_PASSPHRASE');
    const wrong = secretFile('wrong', 'x');
    expect(
      cert(['issue', 'x.example.com', '--store', store, '--ca-passphrase-file', wrong], 2).stderr,
    ).toContain('E_KEY_PASSPHRASE');
    cert(['issue', 'x.example.com', '--store', store, '--ca-passphrase-file', pass]);
    chmodSync(wrong, 0o644);
    expect(
      cert(['issue', 'y.example.com', '--store', store, '--ca-passphrase-file', wrong], 2).stderr,
    ).toContain('E_PASSPHRASE_PERMISSIONS');
  });

  it('protect the CA too that is made on the way', () => {
    const store = newStore();
    const pass = secretFile('both', 'correct horse\n');
    cert(['issue', 'x.example.com', '--store', store, '--encrypt', '--passphrase-file', pass]);
    for (const name of ['ca.key', 'x.example.com.key']) {
      expect(readFileSync(join(store, name), 'utf8')).toContain('ENCRYPTED PRIVATE KEY');
    }
  });

  it('protect exported keys, in every form', () => {
    const store = newStore();
    const pass = secretFile('p12pass', 'correct horse\n');
    cert(['issue', 'carol@example.com', '--store', store]);
    for (const extra of [['--p12'], ['--p12', '--legacy'], ['--pem']]) {
      const out = join(folder, `carol${extra.join('')}`);
      const args = ['export', 'carol@example.com', ...extra, '--store', store, '--out', out];
      cert([...args, '--passphrase-file', pass]);
      expect(statSync(out).mode & 0o777).toBe(0o600);
      expect(report(['show', out, '--passphrase-file', pass])).toMatchObject({
        keys: ['ECDSA P-256'],
        ok: true,
      });
      expect(cert(['show', out, '--passphrase-file', secretFile('other', 'other')], 2).stderr).toContain(
        extra[0] === '--pem' ? 'E_KEY_PASSPHRASE' : 'E_P12_PASSPHRASE',
      );
      expect(cert([...args, '--passphrase-file', pass], 2).stderr).toContain('E_FILE_EXISTS');
    }
  });
});
