import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ProbeTargetReport } from '../../src/lib/report/probe-document.js';
import { type Lab, openLab } from './harness/lab.js';
import { Libreswan, type LibreswanConnection } from './harness/libreswan.js';
import { type ProbeRun, probe, runProbe } from './harness/probe.js';
import { auditPsk, pskCrack, weakLine, weakPsk, wordList } from './harness/psk-audit.js';
import { startResponder } from './harness/tunnels.js';

const needs = ['libreswan'] as const;

/** `encryption[/key length] hash method group`, RFC 2409's and IANA's numbers, sorted. */
type Suites = string[];

/** Authentication methods: a pre-shared key, and what is decided only after Main Mode's third message. */
const PSK = 1;
const UNDECIDED = 0;

/** Three suites that share algorithms: what is reported may be no cross product. */
const tied = 'aes256-sha1-modp2048,aes128-md5-modp1536,aes256-sha2_256-modp2048';
const tiedSuites = (auth: number): Suites =>
  [`7/256 2 ${auth} 14`, `7/128 1 ${auth} 5`, `7/256 4 ${auth} 14`].sort();

type Ikev1 = NonNullable<ProbeTargetReport['ikev1']>;

function suites(list: Ikev1['mainMode'] | undefined): Suites {
  return (list ?? [])
    .map(({ encr, hash, auth, group }) => {
      const cipher = encr.keyLength === undefined ? `${encr.id}` : `${encr.id}/${encr.keyLength}`;
      return [cipher, hash.id, auth.id, group.id].join(' ');
    })
    .sort();
}

function statusOf({ target }: ProbeRun, id: string): string | undefined {
  return target.findings.find((finding) => finding.id === id)?.status;
}

/** What the checks of IKEv1 itself came to: IKE-VER-001, 002 and 003. */
function versionChecks(run: ProbeRun): (string | undefined)[] {
  return ['IKE-VER-001', 'IKE-VER-002', 'IKE-VER-003'].map((id) => statusOf(run, id));
}

const aggressive = (ike: string, more: LibreswanConnection = {}): LibreswanConnection => ({
  ...{ ikev2: 'no', aggressive: 'yes', ike },
  ...more,
});
const mainMode = (ike: string): LibreswanConnection => ({ ikev2: 'no', ike });

function startLibreswan(lab: Lab, ...connections: LibreswanConnection[]): Promise<Libreswan> {
  return Libreswan.start(lab, lab.b, weakPsk, connections);
}

/** The one line of a file of hashes that only its owner may read, in fields. */
function hashFields(file: string): string[] {
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const [line = '', ...rest] = readFileSync(file, 'utf8').split('\n');
  expect(rest).toEqual(['']);
  expect(line).toMatch(/^([0-9a-f]{2})+(:([0-9a-f]{2})+){8}$/);
  return line.split(':');
}

describe('libreswan in Aggressive Mode with a weak pre-shared key', () => {
  test('accepts what is configured and nothing else', async (context) => {
    const lab = await openLab(context, { needs });
    await startLibreswan(lab, aggressive(tied));
    const run = await probe(lab, lab.a, lab.b.v4);
    expect(run.target.ikev1).toMatchObject({ enabled: true, aggressiveIdentity: 'bob.test' });
    expect(suites(run.target.ikev1?.aggressiveMode)).toEqual(tiedSuites(PSK));
    expect(suites(run.target.ikev1?.mainMode)).toEqual([]);
    expect(versionChecks(run)).toEqual(['finding', 'finding', 'pass']);
    expect(run.target.grade.letter).toBe('F');
  });

  test.for([
    { hash: 'md5', ike: 'aes256-md5-modp1536' },
    { hash: 'sha1', ike: 'aes128-sha1-modp1536' },
    { hash: 'sha256', ike: 'aes256-sha2_256-modp2048' },
    { hash: 'sha384', ike: 'aes256-sha2_384-dh19' },
    { hash: 'sha512', ike: 'aes256-sha2_512-dh31' },
  ])('gives a $hash hash away, from which the key is guessed', async ({ hash, ike }, context) => {
    const psk = hash === 'md5' || hash === 'sha1' ? (['pskCrack'] as const) : [];
    const lab = await openLab(context, { needs: [...needs, ...psk] });
    await startLibreswan(lab, aggressive(ike));
    const file = join(lab.dir, 'gateway.hash');
    const { target } = await probe(lab, lab.a, lab.b.v4, '--save-hash', file);
    expect(suites(target.ikev1?.aggressiveMode)).toHaveLength(1);
    expect(target.ikev1?.aggressiveHash).toEqual({ identity: 'bob.test', hash });

    const list = wordList(lab);
    const { report, exit } = await auditPsk(file, list);
    expect(exit.code).toBe(3);
    expect(report).toMatchObject({
      ok: false,
      complete: true,
      targets: [
        {
          ...{ line: 1, kind: 'ikev1-aggressive', hash, identity: 'bob.test' },
          ...{ status: 'found', wordLine: weakLine, psk: '[redacted]' },
        },
      ],
    });
    expect(JSON.stringify(report)).not.toContain(weakPsk);
    expect((await auditPsk(file, list, '--show')).report.targets[0]?.psk).toBe(weakPsk);
    if (psk.length > 0) expect(await pskCrack(file, list)).toBe(weakPsk);
  });

  test('gives away a line in the order and within the bounds of hashcat (modes 5300 and 5400)', async (context) => {
    const lab = await openLab(context, { needs });
    await startLibreswan(lab, aggressive('aes128-sha1-modp1536'));
    const file = join(lab.dir, 'gateway.hash');
    const { target } = await probe(lab, lab.a, lab.b.v4, '--save-hash', file);
    const fields = hashFields(file);
    const bytes = fields.map((field) => field.length / 2);
    // g_xr, g_xi: group 5; cky_r, cky_i; sai_b; idir_b: type FQDN, no protocol, no port; ni_b; nr_b; hash_r: SHA-1.
    const [, , , , sa = '', identity] = fields;
    expect(bytes.slice(0, 4)).toEqual([192, 192, 8, 8]);
    expect(sa).toMatch(/^0000000100000001/);
    expect(identity).toBe(`02000000${Buffer.from('bob.test').toString('hex')}`);
    expect(bytes.at(-1)).toBe(20);
    // module_05400 of hashcat takes 512 bytes of the first six fields and 64 of the nonces.
    expect(bytes.slice(0, 6).reduce((sum, length) => sum + length)).toBeLessThanOrEqual(512);
    expect((bytes[6] ?? 0) + (bytes[7] ?? 0)).toBeLessThanOrEqual(64);
    expect(target.ikev1?.aggressiveHash?.hash).toBe('sha1');
  });

  test('shows the hash in no report', async (context) => {
    const lab = await openLab(context, { needs });
    await startLibreswan(lab, aggressive('aes256-sha1-modp2048'));
    for (const format of ['text', 'json', 'ndjson', 'markdown', 'sarif']) {
      const file = join(lab.dir, `${format}.hash`);
      const { stdout, stderr } = await runProbe(lab, lab.a, [
        ...[lab.b.v4, '--format', format, '--verbose', '--save-hash', file],
      ]);
      expect(stdout).toContain('IKE-VER-002');
      const fields = hashFields(file).filter((field) => field.length >= 32);
      expect(fields.length).toBeGreaterThan(4);
      const shown = (stdout + stderr).toLowerCase();
      for (const field of fields) expect(shown).not.toContain(field.slice(0, 32));
      expect(shown).toContain('wrote 1 hash');
    }
  });

  test('answers only whom it knows, which is said, and is asked with --id', async (context) => {
    const lab = await openLab(context, { needs });
    const connection = aggressive('aes256-sha1-modp2048', { rightid: '@alice.test' });
    await startLibreswan(lab, connection, mainMode('aes256-sha2_256-modp2048'));
    const stranger = await probe(lab, lab.a, lab.b.v4);
    expect(versionChecks(stranger)).toEqual(['finding', 'inconclusive', 'finding']);
    expect(stranger.target.ikev1?.inconclusive.join()).toContain('another identity may get one');
    expect(stranger.exitCode).toBe(8);
    const known = await probe(lab, lab.a, lab.b.v4, '--id', 'alice.test');
    expect(versionChecks(known)).toEqual(['finding', 'finding', 'finding']);
    expect(suites(known.target.ikev1?.aggressiveMode)).toEqual([`7/256 2 ${PSK} 14`]);
  });
});

describe('libreswan in Main Mode', () => {
  test('accepts what is configured and nothing else, and gives no hash away', async (context) => {
    const lab = await openLab(context, { needs });
    await startLibreswan(lab, mainMode(tied));
    const file = join(lab.dir, 'gateway.hash');
    const run = await probe(lab, lab.a, lab.b.v4, '--save-hash', file);
    expect(suites(run.target.ikev1?.mainMode)).toEqual(tiedSuites(PSK));
    expect(suites(run.target.ikev1?.aggressiveMode)).toEqual([]);
    expect(run.target.ikev1?.aggressiveHash).toBeNull();
    expect(versionChecks(run)).toEqual(['finding', 'inconclusive', 'finding']);
    expect(existsSync(file)).toBe(false);
  });

  test('is told from Aggressive Mode where both are configured', async (context) => {
    const lab = await openLab(context, { needs });
    await startLibreswan(lab, mainMode('aes256-sha2_256-dh19'), aggressive('aes128-sha1-modp2048'));
    const run = await probe(lab, lab.a, lab.b.v4);
    expect(suites(run.target.ikev1?.mainMode)).toEqual([`7/256 4 ${PSK} 19`]);
    expect(suites(run.target.ikev1?.aggressiveMode)).toEqual([`7/128 2 ${PSK} 14`]);
    expect(versionChecks(run)).toEqual(['finding', 'finding', 'finding']);
  });

  test('is not asked for with --no-ikev1', async (context) => {
    const lab = await openLab(context, { needs });
    await startLibreswan(lab, mainMode(tied));
    const run = await probe(lab, lab.a, lab.b.v4, '--no-ikev1');
    expect(run.target.ikev1).toBeNull();
    expect(versionChecks(run)).toEqual(['skipped', 'skipped', 'skipped']);
    expect(run.target.log.filter(({ summary }) => /Mode/.test(summary))).toEqual([]);
  });
});

describe('strongSwan with IKEv1', () => {
  const ike = 'aes256-sha1-modp2048,aes128-md5-modp1536,aes256-sha256-ecp256';
  const configured = (auth: number): Suites =>
    [`7/256 2 ${auth} 14`, `7/128 1 ${auth} 5`, `7/256 4 ${auth} 19`].sort();
  const allowed = { i_dont_care_about_security_and_use_aggressive_mode_psk: 'yes' };

  function start(lab: Lab, mode: 'aggressive' | 'main', remoteId?: string) {
    return startResponder(lab, {
      ...{ ike, psk: weakPsk, charon: mode === 'aggressive' ? allowed : {} },
      connection: { version: 1, aggressive: mode === 'aggressive' ? 'yes' : 'no' },
      ...(remoteId !== undefined && { remoteId }),
    });
  }

  test('in Aggressive Mode: suites, hash and key', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan', 'pskCrack'] });
    await start(lab, 'aggressive');
    const file = join(lab.dir, 'gateway.hash');
    const run = await probe(lab, lab.a, lab.b.v4, '--save-hash', file);
    expect(suites(run.target.ikev1?.aggressiveMode)).toEqual(configured(PSK));
    expect(run.target.ikev1?.aggressiveHash).toEqual({ identity: 'bob.test', hash: 'md5' });
    expect(versionChecks(run).slice(0, 2)).toEqual(['finding', 'finding']);
    const list = wordList(lab);
    const { report, exit } = await auditPsk(file, list);
    expect(exit.code).toBe(3);
    expect(report.targets).toMatchObject([{ status: 'found', wordLine: weakLine }]);
    expect(await pskCrack(file, list)).toBe(weakPsk);
  });

  test('in Main Mode: suites; the method is decided later, which is said', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const peer = await start(lab, 'main');
    const run = await probe(lab, lab.a, lab.b.v4);
    expect(suites(run.target.ikev1?.mainMode)).toEqual(configured(UNDECIDED));
    expect(suites(run.target.ikev1?.aggressiveMode)).toEqual([]);
    expect(versionChecks(run)).toEqual(['finding', 'inconclusive', 'skipped']);
    expect(run.target.ikev1?.inconclusive.join()).toContain(
      'AUTHENTICATION-FAILED for us as 10.77.0.1; another identity may get in',
    );
    expect(await peer.listSas()).toEqual([]);
  });
});
