import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ProbeFinding } from '../../src/lib/report/probe-document.js';
import { type Identity, PkiAuthority, type PkiIssueOptions } from './harness/identities.js';
import { type Flags, type Kit, serve } from './harness/kit.js';
import { type Lab, openLab } from './harness/lab.js';
import { certFlags, issuePeople, type People, secretFile } from './harness/people.js';
import { type ProbeRun, probe, runProbe } from './harness/probe.js';
import { weakPsk } from './harness/psk-audit.js';

/** What `serve` proves itself and its clients with. */
const ways = ['a pre-shared key', 'certificates', 'EAP-MSCHAPv2 and a certificate'] as const;
type Way = (typeof ways)[number];

/** Flags of `serve` for a way, and nothing else that it does not ask for. */
function flagsFor(lab: Lab, way: Way, people: People): Flags {
  const remoteTs = { 'remote-ts': lab.a.net4 };
  if (way === 'a pre-shared key') return remoteTs;
  if (way === 'certificates') return { ...certFlags(people, people.bob), ...remoteTs };
  return eapFlags(lab, people.bob);
}

function eapFlags(lab: Lab, { cert, key }: Identity): Flags {
  const users = secretFile(lab, 'users', 'carol:correct horse battery\n');
  return { cert, key, users, pool: '10.88.0.0/24' };
}

/** Findings of a severity that somebody should do something about. */
function aboveLow({ target }: ProbeRun): string[] {
  return target.findings
    .filter(({ status, severity }) => status === 'finding' && severity !== 'low' && severity !== 'info')
    .map(({ id, evidence }) => `${id}: ${evidence.join(' ')}`);
}

function check({ target }: ProbeRun, id: string): ProbeFinding {
  const found = target.findings.find((finding) => finding.id === id);
  if (found === undefined) throw new Error(`no check ${id}`);
  return found;
}

/** Nothing that was refused to a prober became an SA. */
function expectNoSa(kit: Kit): void {
  expect(kit.all('ike-sa-established')).toEqual([]);
  expect(kit.child.exit).toBeUndefined();
}

describe('our own serve', () => {
  test.for(ways)('has no finding above low with its defaults and %s', async (way, context) => {
    const lab = await openLab(context);
    const people = await issuePeople(lab);
    const kit = await serve(lab, lab.b, flagsFor(lab, way, people));
    const run = await probe(lab, lab.a, lab.b.v4);
    expect(aboveLow(run)).toEqual([]);
    const { target } = run;
    expect(target.verdict).toBe('answers');
    expect(target.findings.filter(({ status }) => status === 'inconclusive')).toEqual([]);
    expect(['A', 'A+']).toContain(target.grade.letter);
    expect(target.ikev2?.halfOpenLeft).toBe(0);
    expect(target.ikev1).toMatchObject({ enabled: false, mainMode: [], aggressiveMode: [] });
    expect(target.capabilities).toMatchObject({
      fragmentation: true,
      // SHA-2 and Identity (RFC 8420); who signs nothing says nothing about signatures.
      signatureHashes: (way === 'a pre-shared key' ? [] : [2, 3, 4, 5]).map((id) => ({ id })),
      downgradePrevention: true,
      natDetection: true,
      ...{
        multipleAuth: false,
        intermediate: false,
        ppk: false,
        childless: false,
        redirect: false,
        multipleKe: false,
      },
      cookies: 'never',
    });
    expect(target.capabilities?.certificateRequest).toHaveLength(way === 'certificates' ? 1 : 0);
    expect(target.auth?.eap).toBe(way === 'EAP-MSCHAPv2 and a certificate');
    expectNoSa(kit);
  });

  test('passes the active checks too, and asks for cookies under load', async (context) => {
    const lab = await openLab(context);
    const kit = await serve(lab, lab.b, { 'remote-ts': lab.a.net4 });
    const run = await probe(lab, lab.a, lab.b.v4, '--active', '--yes');
    expect(aboveLow(run)).toEqual([]);
    expect(check(run, 'IKE-DOS-001').status).toBe('pass');
    expect(check(run, 'IKE-DOS-002').status).toBe('pass');
    expect(check(run, 'IKE-KE-008').status).toBe('pass');
    expect(run.target.active).toMatchObject({ cookiesUnderLoad: true, invalidPublicValue: [] });
    expectNoSa(kit);
  });
});

describe('the certificate of an EAP gateway', () => {
  /** A gateway whose certificate strongSwan's tool made so, and what is said about it. */
  async function judged(
    lab: Lab,
    name: string,
    options: PkiIssueOptions,
    ...args: string[]
  ): Promise<ProbeRun> {
    const root = await PkiAuthority.create(join(lab.dir, 'root'));
    const cert = await root.issue(name, options);
    await serve(lab, lab.b, { ...eapFlags(lab, cert), 'local-id': name });
    const ca = args.includes('--ca') ? [] : ['--ca', root.cert];
    return probe(lab, lab.a, lab.b.v4, ...ca, ...args);
  }

  const address = (lab: Lab): PkiIssueOptions => ({ san: [lab.b.v4] });

  test('is captured, and a valid one passes', async (context) => {
    const lab = await openLab(context, { needs: ['pki'] });
    const run = await judged(lab, 'bob.test', address(lab));
    expect(run.target.auth).toMatchObject({
      ...{ eap: true, responderMethod: 'certificate', identity: 'bob.test', problems: [] },
      signature: 'ECDSA P-256 with SHA-256',
    });
    const [certificate, ...more] = run.target.auth?.certificates ?? [];
    expect(more).toEqual([]);
    expect(certificate?.details?.names.join()).toContain('bob.test');
    expect(certificate?.pem).toMatch(/^-----BEGIN CERTIFICATE-----/);
    expect(check(run, 'IKE-AUTH-002').status).toBe('pass');
    expect(check(run, 'IKE-AUTH-003').status).toBe('pass');
    expect(aboveLow(run)).toEqual([]);
  });

  test('an expired one is a finding', async (context) => {
    const lab = await openLab(context, { needs: ['pki'] });
    const run = await judged(lab, 'bob.test', { ...address(lab), from: -30, to: -1 });
    expect(run.target.auth?.problems?.map(({ code }) => code)).toEqual(['E_CERT_EXPIRED']);
    expect(check(run, 'IKE-AUTH-003').status).toBe('finding');
  });

  test('one without the address that is probed passes, and it is said that no name was checked', async (context) => {
    const lab = await openLab(context, { needs: ['pki'] });
    const run = await judged(lab, 'bob.test', {});
    expect(run.target.auth?.problems).toEqual([]);
    expect(check(run, 'IKE-AUTH-003')).toMatchObject({
      status: 'pass',
      evidence: [expect.stringContaining('an address was')],
    });
  });

  test('one of an unknown CA is a finding', async (context) => {
    const lab = await openLab(context, { needs: ['pki'] });
    const other = await PkiAuthority.create(join(lab.dir, 'other'));
    const run = await judged(lab, 'bob.test', address(lab), '--ca', other.cert);
    expect(run.target.auth?.problems).toHaveLength(1);
    expect(check(run, 'IKE-AUTH-003').status).toBe('finding');
  });
});

describe('guesses at the pre-shared key of our serve', () => {
  function listOf(lab: Lab, words: readonly string[]): string {
    const file = join(lab.dir, 'guesses.txt');
    writeFileSync(file, words.map((word) => `${word}\n`).join(''));
    return file;
  }

  const start = (lab: Lab): Promise<Kit> =>
    serve(
      lab,
      lab.b,
      { 'remote-id': 'alice.test', 'remote-ts': lab.a.net4, 'weak-psk-ok': true },
      { psk: weakPsk },
    );

  test('find a planted one, name its line and not the key, and leave', async (context) => {
    const lab = await openLab(context);
    const kit = await start(lab);
    const list = listOf(lab, ['vpn', 'password', weakPsk, 'never tried']);
    const run = await probe(
      ...([lab, lab.a, lab.b.v4] as const),
      ...['--active', '--yes', '--psk-wordlist', list, '--id', 'alice.test'],
    );
    expect(run.target.active?.pskGuesses).toEqual({ tried: 3, foundLine: 3 });
    expect(check(run, 'IKE-AUTH-005')).toMatchObject({ status: 'finding', severity: 'critical' });
    expect(run.target.grade.letter).toBe('F');
    expect(JSON.stringify(run.document)).not.toContain(weakPsk);
    const established = kit.all('ike-sa-established');
    expect(established).toHaveLength(1);
    const isGone = () =>
      kit.all('ike-sa-deleted').some(({ initiatorSpi }) => initiatorSpi === established[0]?.initiatorSpi);
    await kit.child.wait('the end of the SA', () => isGone() || undefined);
  });

  test('stop at twenty', async (context) => {
    const lab = await openLab(context);
    const kit = await start(lab);
    const words = Array.from({ length: 20 }, (_, at) => `guess-${at}`);
    const run = await probe(
      ...([lab, lab.a, lab.b.v4] as const),
      ...['--active', '--yes', '--psk-wordlist', listOf(lab, [...words, weakPsk]), '--id', 'alice.test'],
    );
    expect(run.target.active?.pskGuesses).toEqual({ tried: 20, foundLine: null });
    expect(check(run, 'IKE-AUTH-005').status).not.toBe('finding');
    expectNoSa(kit);
  });

  test('are not begun without a word', async (context) => {
    const lab = await openLab(context);
    const kit = await start(lab);
    const { stdout, stderr, exitCode } = await runProbe(lab, lab.a, [
      ...[lab.b.v4, '--active', '--psk-wordlist', listOf(lab, [weakPsk]), '--id', 'alice.test'],
    ]);
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(lab.b.v4);
    expect(stderr).toContain('--yes');
    expectNoSa(kit);
  });
});
