import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { probeSchema } from '../../src/lib/report/probe.schema.js';
import type { ProbeDocument, ProbeLine } from '../../src/lib/report/probe-document.js';
import { sarifSchema } from '../unit/cli/probe/sarif-schema.js';
import { type Ended, freePort, type Gateway, probe, startGateway, startResponder } from './probe-gateway.js';
import { bin, cleanEnvironment, run } from './run.js';

const STRICT = 'aes256gcm16-prfsha384-x25519';

const valid = new Ajv().compile(probeSchema);
const opened: Gateway[] = [];
let folder = '';
let gateway: Gateway;
/** Whole report of the gateway. */
let full: ProbeDocument;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-probe-'));
  gateway = await startGateway(STRICT);
  full = documentOf(await probe(['127.0.0.1', '--port', String(gateway.port), '--json']));
  writeFileSync(join(folder, 'before.json'), JSON.stringify(full));
});
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});
afterAll(() => {
  gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

async function responder(...args: Parameters<typeof startResponder>): Promise<Gateway> {
  const started = await startResponder(...args);
  opened.push(started);
  return started;
}

function documentOf({ stdout }: Ended): ProbeDocument {
  const document = JSON.parse(stdout);
  expect(valid(document), JSON.stringify(valid.errors)).toBe(true);
  return document;
}

function linesOf({ stdout }: Ended): ProbeLine[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const parsed = JSON.parse(line);
      expect(valid(parsed), JSON.stringify(valid.errors)).toBe(true);
      return parsed;
    });
}

/** Quick, and soon tired. */
const impatient = ['--timeout', '100ms', '--retries', '1'];

describe('a gateway with one proposal', () => {
  it('is reported as it is configured, and nothing else', () => {
    const [target, ...rest] = full.targets;
    expect(rest).toEqual([]);
    expect(target).toMatchObject({ host: '127.0.0.1', address: '127.0.0.1', verdict: 'answers' });
    expect(target?.ikev2?.accepted).toEqual({
      encr: [{ id: 20, keyLength: 256, name: 'ENCR_AES_GCM_16' }],
      prf: [{ id: 6, name: 'PRF_HMAC_SHA2_384' }],
      integ: [],
      ke: [{ id: 31, name: 'Curve25519' }],
      addke: [],
    });
    expect(target?.ikev2?.preferred).toEqual({
      encr: { id: 20, keyLength: 256, name: 'ENCR_AES_GCM_16' },
      prf: { id: 6, name: 'PRF_HMAC_SHA2_384' },
      ke: { id: 31, name: 'Curve25519' },
    });
    expect(target?.packets.sent).toBe(target?.log.filter(({ direction }) => direction === 'sent').length);
    expect(target?.findings.length).toBeGreaterThan(30);
  });

  it('is shown as text, without colours and without progress in a pipe', async () => {
    const { stdout, stderr, status } = await probe(['127.0.0.1', '--port', String(gateway.port)]);
    expect(status).toBe(0);
    expect(stderr).toBe('');
    for (const words of [
      'grade',
      'AES_GCM_16-256',
      'Curve25519',
      'Findings',
      'What to paste',
      'proposals = ',
    ]) {
      expect(stdout).toContain(words);
    }
    expect(stdout).not.toContain('\u001b');
  });

  it('is shown packet by packet when it is to be verbose', async () => {
    const { stdout, stderr } = await probe(['127.0.0.1', '--port', String(gateway.port), '--quick', '-v']);
    expect(stderr).toMatch(/127\.0\.0\.1: packet 1 at 0\.000 s {2}→ \d+ bytes/);
    expect(stdout).toMatch(/Passed and skipped checks[\s\S]*Packets/);
  });

  it('is asked with at most five packets by --quick', async () => {
    const [target] = documentOf(
      await probe(['127.0.0.1', '--port', String(gateway.port), '--quick', '--json']),
    ).targets;
    expect(target?.verdict).toBe('answers');
    expect(target?.ikev2?.preferred?.ke.id).toBe(31);
    expect(target?.packets.sent).toBeLessThanOrEqual(5);
  });

  it('is a SARIF log that names the target', async () => {
    const { stdout } = await probe(['127.0.0.1', '--port', String(gateway.port), '--format', 'sarif']);
    const log = JSON.parse(stdout);
    const fits = new Ajv().compile(sarifSchema);
    expect(fits(log), JSON.stringify(fits.errors)).toBe(true);
    const [result] = log.runs[0].results;
    expect(result.locations[0].logicalLocations[0].fullyQualifiedName).toBe(`127.0.0.1/udp/${gateway.port}`);
  });

  it('is Markdown for a ticket', async () => {
    const { stdout } = await probe(['127.0.0.1', '--port', String(gateway.port), '--format', 'markdown']);
    expect(stdout).toMatch(/^# What IKE gateways accept\n\n## 127\.0\.0\.1, UDP port/);
    expect(stdout).toContain('| encryption | AES_GCM_16-256 |');
  });

  it('fails where --fail-on says so, by a policy too', async () => {
    const args = ['127.0.0.1', '--port', String(gateway.port), '--no-ikev1'];
    expect((await probe([...args, '--fail-on', 'info'])).status).toBe(3);
    expect((await probe([...args, '--fail-on', 'critical'])).status).not.toBe(3);
    const { status, stdout } = await probe([...args, '--policy', 'cnsa2', '--fail-on', 'high', '--json']);
    expect(status).toBe(3);
    const found = JSON.parse(stdout).targets[0].findings.filter(({ id }: { id: string }) =>
      /^POLICY-CNSA2-\d+$/.test(id),
    );
    expect(found.map(({ status: each }: { status: string }) => each)).toContain('finding');
  });

  it('gives no hash, and says that there is none to save', async () => {
    const path = join(folder, 'hash');
    const { stderr } = await probe([
      '127.0.0.1',
      '--port',
      String(gateway.port),
      '--quick',
      '--save-hash',
      path,
    ]);
    expect(stderr).toContain('is not written');
    expect(existsSync(path)).toBe(false);
  });
});

describe('a gateway with IKEv1 Aggressive Mode and a pre-shared key', () => {
  it('gives a hash away, which goes into its file, readable by its owner, and nowhere else', async () => {
    const phase1 = { encr: 7, keyLength: 256, hash: 2, auth: 1, group: 2 };
    const old = await startGateway(STRICT, { mainMode: [phase1], aggressiveMode: [phase1] });
    opened.push(old);
    const path = join(folder, 'hash.txt');
    const args = ['127.0.0.1', '--port', String(old.port), '--save-hash', path, '--fail-on', 'critical'];
    const ended = await probe([...args, '--json']);
    expect(ended.status).toBe(3);
    const [target] = documentOf(ended).targets;
    expect(target?.findings).toContainEqual(
      expect.objectContaining({ id: 'IKE-VER-002', status: 'finding' }),
    );
    expect(target?.ikev1).toMatchObject({ enabled: true, aggressiveHash: { hash: 'sha1' } });
    const lines = readFileSync(path, 'utf8').split('\n');
    expect(lines).toEqual([expect.stringMatching(/^[0-9a-f]+(:[0-9a-f]+){8}$/), '']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(ended.stderr).toContain('wrote 1 hash');
    const [, secret = ''] = /:([0-9a-f]{40})$/.exec(lines[0] ?? '') ?? [];
    expect(secret).not.toBe('');
    expect(ended.stdout).not.toContain(secret);
    const { heard } = old;
    const again = await probe([...args, '--json']);
    expect(again.status).toBe(2);
    expect(again.stderr).toContain('stays as it is');
    expect(old.heard).toBe(heard);
    expect(readFileSync(path, 'utf8').split('\n')).toEqual(lines);
  });
});

describe('a comparison with a former result', () => {
  const before = (): string => join(folder, 'before.json');

  it('finds nothing where nothing changed', async () => {
    const args = ['127.0.0.1', '--port', String(gateway.port), '--baseline', before(), '--diff'];
    const { stdout, status } = await probe([...args, '--fail-on', 'info']);
    expect(stdout).toContain('Nothing.');
    // Nothing is new, so nothing fails; what stayed open may.
    expect(status).not.toBe(3);
  });

  it('names what is gained and lost', async () => {
    const weaker = await startGateway('aes256-sha1-prfsha1-modp1024');
    opened.push(weaker);
    const former = structuredClone(full);
    for (const target of former.targets) target.port = weaker.port;
    const path = join(folder, 'former.json');
    writeFileSync(path, JSON.stringify(former));
    const args = ['127.0.0.1', '--port', String(weaker.port), '--baseline', path];
    const { stdout, status } = await probe([...args, '--diff', '--fail-on', 'high']);
    expect(status).toBe(3);
    expect(stdout).toContain('now accepted, encryption: AES_CBC-256');
    expect(stdout).toContain('no longer accepted, encryption: AES_GCM_16-256');
    expect(stdout).toMatch(/new finding: high IKE-KE-002/);
    expect(stdout).not.toContain('What to paste');
    const { changes } = documentOf(await probe([...args, '--json']));
    expect(changes?.[0]).toMatchObject({ state: 'changed', host: '127.0.0.1' });
    expect(changes?.[0]?.gained).toContainEqual({ kind: 'ke', id: 2, name: '1024-bit MODP Group' });
  });
});

describe('targets that do not answer', () => {
  it('are closed, at once, with 4', async () => {
    const ended = await probe(['127.0.0.1', '--port', String(await freePort()), '--json']);
    expect(ended.status).toBe(4);
    const [target] = documentOf(ended).targets;
    expect(target).toMatchObject({
      verdict: 'closed',
      ikev2: null,
      capabilities: null,
      grade: { letter: '?' },
    });
    for (const { status } of target?.findings ?? []) expect(status).not.toBe('pass');
  });

  it('are silent, with 4', async () => {
    const silent = await responder('127.0.0.1', () => {});
    const ended = await probe(['127.0.0.1', '--port', String(silent.port), ...impatient, '--json']);
    expect(ended.status).toBe(4);
    expect(documentOf(ended).targets[0]?.verdict).toBe('no answer');
    expect(silent.heard).toBeGreaterThan(1);
  });

  it('answer something else, with 5', async () => {
    const babbling = await responder('127.0.0.1', (_data, _path, send) =>
      send(Buffer.from('HTTP/1.1 400 no\r\n')),
    );
    const ended = await probe(['127.0.0.1', '--port', String(babbling.port), ...impatient, '--json']);
    expect(documentOf(ended).targets[0]?.verdict).toBe('not ike');
    expect(ended.status).toBe(5);
  });

  it('have no address, with 4', async () => {
    const ended = await probe(['nowhere.invalid', '--json']);
    expect(ended.status).toBe(4);
    const [target] = documentOf(ended).targets;
    expect(target).toMatchObject({ host: 'nowhere.invalid', address: null, verdict: 'unresolved' });
    expect(target?.limits.join()).toMatch(/name/);
  });
});

describe('many targets', () => {
  it('come from standard input, each once, in lines as they are done', async () => {
    const ended = await probe(
      ['--targets', '-', '--port', String(gateway.port), '--format', 'ndjson', '--quick', ...impatient],
      { input: '# ours\n127.0.0.1\n127.0.0.1/32\n\nnowhere.invalid  # not there\n' },
    );
    expect(ended.status).toBe(0);
    const lines = linesOf(ended);
    expect(lines.map(({ host, verdict }) => `${host} ${verdict}`).toSorted()).toEqual([
      '127.0.0.1 answers',
      'nowhere.invalid unresolved',
    ]);
  });

  it('do not wait for a slow one', async () => {
    const { port } = gateway;
    // Nobody listens on the other addresses of the range, which all lead to this host.
    const ended = await probe([
      '127.0.0.0/30',
      '--port',
      String(port),
      '--quick',
      '--format',
      'ndjson',
      ...impatient,
    ]);
    expect(linesOf(ended)).toHaveLength(4);
    const document = documentOf(
      await probe(['127.0.0.2', '127.0.0.1', '--port', String(port), '--quick', '--json', ...impatient]),
    );
    expect(document.targets.map(({ host }) => host)).toEqual(['127.0.0.2', '127.0.0.1']);
  });

  it('end with a table', async () => {
    const { stdout, stderr } = await probe([
      '127.0.0.1',
      '127.0.0.2',
      '--port',
      String(gateway.port),
      '--quick',
      ...impatient,
    ]);
    expect(stderr).toContain('note: 1 of 2 targets did not answer IKE');
    expect(stdout.split('All targets')[1]).toMatch(/127\.0\.0\.1 [\s\S]*127\.0\.0\.2 /);
  });
});

describe('a signal', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('%s shows what is known so far and ends with 130', async (name) => {
    const silent = await responder('127.0.0.1', () => {});
    const ended = await probe(
      [
        '127.0.0.1',
        '127.0.0.2',
        '--port',
        String(silent.port),
        '--concurrency',
        '1',
        '--timeout',
        '30s',
        '--json',
      ],
      { onStart: (child) => silent.first.then(() => child.kill(name)) },
    );
    expect(ended.status).toBe(130);
    const document = documentOf(ended);
    expect(document).toMatchObject({ interrupted: true, notProbed: ['127.0.0.2'] });
    expect(document.targets.map(({ host }) => host)).toEqual(['127.0.0.1']);
    expect(document.targets[0]?.limits).not.toEqual([]);
  });

  it('ends the reading of targets from standard input', async () => {
    const child = spawn(process.execPath, [bin, 'probe', '--targets', '-'], { env: cleanEnvironment() });
    const closed = once(child, 'close');
    // More than a pipe holds: when it is gone, somebody reads.
    await new Promise((done) => child.stdin.write('# nothing\n'.repeat(50_000), done));
    child.kill('SIGINT');
    expect(await closed).toEqual([130, null]);
  });

  it('is not needed when the reader goes away: it ends quietly', async () => {
    const silent = await responder('127.0.0.1', () => {});
    const targets = ['127.0.0.0/28', '--port', String(silent.port), '--quick', '--format', 'ndjson'];
    const ended = await probe([...targets, '--timeout', '200ms', '--retries', '0', '--concurrency', '1'], {
      onStart: (child) => child.stdout?.once('data', () => child.stdout?.destroy()),
    });
    expect(ended.status).toBe(0);
    // No error: how many targets said nothing so far is told all the same.
    expect(ended.stderr).toMatch(/^(note: \d+ of \d+ targets did not answer IKE\n)?$/);
    expect(ended.stdout.split('\n').length).toBeLessThan(17);
  });
});

describe('active checks', () => {
  it('are not begun without a word, and name the target', async () => {
    const silent = await responder('127.0.0.1', () => {});
    const { status, stderr, stdout } = await probe(['127.0.0.1', '--port', String(silent.port), '--active']);
    expect(status).toBe(2);
    expect(stderr).toContain('--active');
    expect(stderr).toContain('127.0.0.1');
    expect(stderr).toContain('--yes');
    expect(stdout).toBe('');
    expect(silent.heard).toBe(0);
  });

  it('are run with --yes', async () => {
    const ended = await probe([
      '127.0.0.1',
      '--port',
      String(gateway.port),
      '--active',
      '--yes',
      '--no-ikev1',
      '--json',
    ]);
    const [target] = documentOf(ended).targets;
    expect(target?.active).toHaveProperty('cookiesUnderLoad');
  });
});

describe('policies', () => {
  it.each(['rfc8247', 'cnsa2', 'bsi', 'nist-800-77'])('%s is printed, and works as a file', async (name) => {
    const printed = run(['probe', '--policy', name, '--print-policy']);
    expect(printed.status).toBe(0);
    expect(printed.stdout).toContain(`name: ${name}`);
    const path = join(folder, `${name}.yaml`);
    writeFileSync(path, printed.stdout);
    expect(run(['probe', '--policy', path, '--print-policy']).stdout).toBe(printed.stdout);
  });
});

describe('usage errors', () => {
  const absent = '/nonexistent/file';
  it.each<[string[], string]>([
    [[], 'target'],
    [['--targets', absent], '--targets'],
    [['10.0.0.0/8'], '10.0.0.0/8'],
    [['a:500'], '--port'],
    [['a', '--port', '0'], '--port'],
    [['a', '--nat-port', '70000'], '--nat-port'],
    [['a', '--source-port', 'x'], '--source-port'],
    [['a', '--source-port', '500', '--concurrency', '4'], '--source-port'],
    [['a', '--concurrency', '0'], '--concurrency'],
    [['a', '--pps', '0'], '--pps'],
    [['a', '--timeout', 'soon'], '--timeout'],
    [['a', '--retries', '-1'], '--retries'],
    [['a', '--budget', '0'], '--budget'],
    [['a', '--quick', '--full'], '--full'],
    [['a', '--quick', '--suites'], '--suites'],
    [['a', '--quick', '--active', '--yes'], '--active'],
    [['a', '--json', '--format', 'sarif'], 'sarif'],
    [['a', '--suites=all'], '--suites'],
    [['a', '--id', 'ipv4:x'], '--id'],
    [['a', '--ca', absent], '--ca'],
    [['a', '--yes'], '--active'],
    [['a', '--active', '--yes', '--psk-wordlist', absent], '--id'],
    [['a', '--active', '--yes', '--id', 'b', '--psk-wordlist', absent], '--psk-wordlist'],
    [['a', '--policy', 'rfc9999'], '--policy'],
    [['--print-policy'], '--policy'],
    [['a', '--fail-on', 'severe'], '--fail-on'],
    [['a', '--baseline', absent], '--baseline'],
    [['a', '--diff'], '--baseline'],
    [['a', '--format', 'xml'], '--format'],
    [['a', '--nonsense'], '--nonsense'],
  ])('%j ends with 2 and one sentence that names %s', (args, named) => {
    const { stdout, stderr, status } = run(['probe', ...args]);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    const [sentence = '', hint = '', ...rest] = stderr.split('\n');
    expect(sentence).toMatch(/^error: .+ \(E_[A-Z_]+\)$/);
    expect(sentence).toContain(named);
    expect(hint).toMatch(/^(hint: .+)?$/);
    expect(rest.join('')).toBe('');
  });
});

describe('the help', () => {
  it('documents every flag', () => {
    const { stdout, status } = run(['probe', '--help']);
    expect(status).toBe(0);
    const flags =
      '--targets --concurrency --ip-version --port --nat-port --source-port --pps --timeout --retries --budget --quick --full --suites --[no-]ikev1 --id --ca --active --yes --psk-wordlist --policy --print-policy --fail-on --baseline --diff --save-hash --format --json --verbose --[no-]color';
    for (const flag of flags.split(' ')) {
      expect(stdout).toMatch(new RegExp(`${flag.replace(/[[\]]/g, '\\$&')}[= ]+\\S`));
    }
  });
});
