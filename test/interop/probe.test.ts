import { describe, expect, test } from 'vitest';
import type { ProbeDocument, ProbeLine } from '../../src/lib/report/probe-document.js';
import { type Lab, openLab } from './harness/lab.js';
import {
  acceptedSets,
  combinationsOf,
  confirmed,
  halfOpen,
  kinds,
  openSets,
  type ProbeRun,
  preferredOf,
  probe,
  runProbe,
  type Sets,
  setsOf,
  startProbe,
  watchHalfOpen,
} from './harness/probe.js';
import { configuredProposals } from './harness/probe-truth.js';
import { until } from './harness/process.js';
import { checkDocument } from './harness/schemas.js';
import type { StrongSwan } from './harness/strongswan.js';
import { startResponder } from './harness/tunnels.js';

const needs = ['strongswan'] as const;
const nothing: Sets = { encr: [], prf: [], integ: [], ke: [] };

const strict = 'aes256-sha256-prfsha256-modp2048';
const tied = `aes128gcm16-prfsha256-ecp256,${strict},3des-sha1-prfsha1-modp1024`;
/** A product of ciphers, PRFs, integrity algorithms and groups, and one of AEADs with other groups. */
const several = [
  'aes128-aes256-camellia192-sha256-sha512-prfsha256-prfsha512-modp2048-ecp384-x25519',
  'chacha20poly1305-aes256gcm16-aes128ccm8-prfsha384-ecp256-x25519',
].join();

/** Half-open SAs that a run may have at any time: what is in flight, and what it may leave. */
const MOST_AT_ONCE = 4;
const MOST_LEFT = 2;

/** What is reported equals what charon says it has; nothing is left open. */
function expectTruth({ target, exitCode }: ProbeRun, peer: StrongSwan): void {
  const proposals = configuredProposals(peer);
  expect(acceptedSets(target)).toEqual(setsOf(proposals));
  expect(openSets(target)).toEqual(nothing);
  expect(target.ikev2?.accepted.addke).toEqual([]);
  expect(target.verdict).toBe('answers');
  expect(exitCode).toBe(0);
}

/** charon prefers its own order: of its first proposal the first algorithm of each type. */
function expectPreferred({ target }: ProbeRun, peer: StrongSwan): void {
  const [first] = configuredProposals(peer);
  const wanted = kinds.map((kind) => first?.[kind][0] ?? '-').join(' ');
  expect(preferredOf(target)).toBe(wanted);
}

async function probeWatched(lab: Lab, peer: StrongSwan, ...args: string[]): Promise<ProbeRun> {
  const { result, most, after } = await watchHalfOpen(peer, probe(lab, lab.a, ...args));
  expect(most).toBeLessThanOrEqual(MOST_AT_ONCE);
  expect(after).toBeLessThanOrEqual(MOST_LEFT);
  expect(result.target.ikev2?.halfOpenLeft).toBe(0);
  return result;
}

describe('what strongSwan accepts', () => {
  test.for([
    {
      name: 'one strict proposal',
      ike: strict,
      most: 40,
      truth: { encr: ['12/256'], prf: ['5'], integ: ['12'], ke: ['14'] },
    },
    {
      name: 'three tied suites',
      ike: tied,
      most: 100,
      truth: { encr: ['12/256', '20/128', '3'], prf: ['2', '5'], integ: ['12', '2'], ke: ['14', '19', '2'] },
    },
    { name: 'several algorithms a type', ike: several, most: 100 },
    { name: 'its defaults', ike: 'default', most: 100 },
  ])('$name', async ({ ike, most, truth }, context) => {
    const lab = await openLab(context, { needs });
    const peer = await startResponder(lab, { ike });
    const run = await probeWatched(lab, peer, lab.b.v4);
    expectTruth(run, peer);
    expectPreferred(run, peer);
    if (truth) expect(acceptedSets(run.target)).toEqual(truth);
    expect(run.target.packets.sent).toBeLessThanOrEqual(most);
  });

  test('over IPv6', async (context) => {
    const lab = await openLab(context, { needs });
    const peer = await startResponder(lab, { ike: several }, 6);
    const run = await probeWatched(lab, peer, lab.b.v6);
    expectTruth(run, peer);
    expectPreferred(run, peer);
    expect(run.target.address).toBe(lab.b.v6);
  });
});

describe('limits, as they are and as an administrator has tightened them', () => {
  test('cookies from the first half-open SA on', async (context) => {
    const lab = await openLab(context, { needs });
    const charon = { cookie_threshold: 1, cookie_threshold_ip: 1 };
    const peer = await startResponder(lab, { ike: tied, charon });
    const run = await probeWatched(lab, peer, lab.b.v4);
    expectTruth(run, peer);
    expect(run.target.capabilities?.cookies).toBe('under load');
  });

  test('those it has by itself make it ask for cookies under load', async (context) => {
    const lab = await openLab(context, { needs });
    await startResponder(lab, { ike: tied });
    const { target } = await probe(lab, lab.a, lab.b.v4, '--active', '--yes');
    const statusOf = (id: string) => target.findings.find((finding) => finding.id === id)?.status;
    expect(['IKE-DOS-001', 'IKE-DOS-002'].map(statusOf)).toEqual(['pass', 'pass']);
    expect(target.active?.cookiesUnderLoad).toBe(true);
    expect(target.ikev2?.halfOpenLeft).toBe(0);
  });

  test.for([{ block_threshold: 1 }, { init_limit_half_open: 1 }])('%o', async (charon, context) => {
    const lab = await openLab(context, { needs });
    const peer = await startResponder(lab, { ike: tied, charon });
    expectTruth(await probeWatched(lab, peer, lab.b.v4), peer);
  });
});

describe('which algorithms go together', () => {
  test('three tied suites are three combinations', async (context) => {
    const lab = await openLab(context, { needs });
    const peer = await startResponder(lab, { ike: tied });
    const run = await probeWatched(lab, peer, lab.b.v4, '--suites');
    expectTruth(run, peer);
    expect(confirmed(run.target)).toEqual(['12/256 5 12 14', '20/128 5 - 19', '3 2 2 2']);
    expect(run.target.ikev2).toMatchObject({ suitesComplete: true, suitesMethod: 'exact' });
    expect(run.target.packets.sent).toBeLessThanOrEqual(250);
  });

  test('of two products, exactly every combination of each', async (context) => {
    const lab = await openLab(context, { needs });
    const peer = await startResponder(lab, { ike: several });
    const run = await probeWatched(lab, peer, lab.b.v4, '--suites=exact');
    expectTruth(run, peer);
    expect(confirmed(run.target)).toEqual(combinationsOf(configuredProposals(peer)));
    expect(run.target.ikev2).toMatchObject({ suitesComplete: true, suitesMethod: 'exact' });
  });

  test('of its defaults, by pairs: what is confirmed is true, and what was not asked is said', async (context) => {
    const lab = await openLab(context, { needs });
    const peer = await startResponder(lab, { ike: 'default' });
    const { target, exitCode } = await probeWatched(lab, peer, lab.b.v4, '--suites');
    const proposals = configuredProposals(peer);
    expect(acceptedSets(target)).toEqual(setsOf(proposals));
    const truth = new Set(combinationsOf(proposals));
    expect(confirmed(target).filter((combination) => !truth.has(combination))).toEqual([]);
    expect(target.ikev2?.suitesComplete).toBe(false);
    // More pairs than anybody wants to wait for.
    expect(target.unknown.map(({ subject }) => subject)).toContain('which algorithms go together');
    expect(target.limits).toEqual([]);
    expect(exitCode).toBe(0);
    expect(target.packets.sent).toBeLessThanOrEqual(250);
  });
});

describe('how it is asked', () => {
  test('a quick run sends at most 5 packets and calls nothing refused that it did not ask about', async (context) => {
    const lab = await openLab(context, { needs });
    const peer = await startResponder(lab, { ike: several });
    const { target, exitCode } = await probeWatched(lab, peer, lab.b.v4, '--quick');
    const truth = setsOf(configuredProposals(peer));
    const accepted = acceptedSets(target);
    const open = openSets(target);
    for (const kind of kinds) {
      expect(truth[kind]).toEqual(expect.arrayContaining(accepted[kind]));
      expect([...accepted[kind], ...open[kind]]).toEqual(expect.arrayContaining(truth[kind]));
    }
    const truths = combinationsOf(configuredProposals(peer));
    expect(truths).toContain(preferredOf(target));
    expect(target.packets.sent).toBeLessThanOrEqual(5);
    expect(exitCode).toBe(0);
  });

  test('from port 500, which some gateways want', async (context) => {
    const lab = await openLab(context, { needs });
    const peer = await startResponder(lab, { ike: strict });
    const run = await probeWatched(lab, peer, lab.b.v4, '--source-port', '500', '--no-ikev1');
    expectTruth(run, peer);
    const sources = [...peer.log().matchAll(/received packet: from (\S+)\[(\d+)\] to \S+\[500\]/g)];
    expect(new Set(sources.map(([, address, port]) => `${address} ${port}`))).toEqual(
      new Set([`${lab.a.v4} 500`]),
    );
  });

  test.for([
    { name: 'the first question', sign: '→' },
    { name: 'the first answer', sign: '←' },
  ])(
    'until Ctrl-C after $name: what is known is shown, nothing stays half-open',
    async ({ sign }, context) => {
      const lab = await openLab(context, { needs });
      const peer = await startResponder(lab, { ike: 'default' });
      // Slow enough to be interrupted in the middle.
      const child = startProbe(lab, lab.a, [lab.b.v4, '--json', '--verbose', '--pps', '10']);
      await child.wait('a packet', () => child.stderr.includes(sign) || undefined);
      const { code } = await child.stop('SIGINT');
      const document = JSON.parse(child.stdout) as ProbeDocument;
      checkDocument('probe', document);
      expect(document.interrupted).toBe(true);
      await until('charon to have been asked', () => peer.log().includes('configured proposals'));
      const truth = setsOf(configuredProposals(peer));
      const [target] = document.targets;
      for (const kind of kinds) {
        const open = openSets(target!)[kind];
        expect([...acceptedSets(target!)[kind], ...open]).toEqual(expect.arrayContaining(truth[kind]));
      }
      expect(code).toBe(130);
      await until('the end of the half-open SA', async () => (await halfOpen(peer)) === 0, 5000);
    },
  );

  test('a range of addresses, one line each', async (context) => {
    const lab = await openLab(context, { hosts: 3, needs });
    const peer = await startResponder(lab, { ike: strict });
    // Nobody is 10.77.0.0; we are 10.77.0.1; nobody listens on 10.77.0.3.
    const { stdout, stderr, exitCode } = await runProbe(lab, lab.a, [
      '10.77.0.0/30',
      ...['--format', 'ndjson', '--timeout', '300ms', '--retries', '1'],
    ]);
    const lines = stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as ProbeLine);
    for (const line of lines) checkDocument('probe', line);
    const verdicts = lines.map(({ address, verdict }) => `${address} ${verdict}`);
    expect(verdicts.sort()).toEqual([
      '10.77.0.0 no answer',
      '10.77.0.1 closed',
      '10.77.0.2 answers',
      '10.77.0.3 closed',
    ]);
    const answering = lines.find(({ verdict }) => verdict === 'answers')!;
    expect(acceptedSets(answering)).toEqual(setsOf(configuredProposals(peer)));
    expect(stderr).toBe('note: 3 of 4 targets did not answer IKE\n');
    expect(exitCode).toBe(0);
    expect(await halfOpen(peer)).toBe(0);
  });
});
