import { describe, expect, test } from 'vitest';
import { NotifyType } from '../../src/lib/ike/wire/notify.js';
import type { ProbeTargetReport } from '../../src/lib/report/probe-document.js';
import type { Attack } from '../sim/downgrader.js';
import { hasInterfered, startDowngrade } from './harness/downgrade.js';
import { connect, type Flags, type Kit, serve, verdict } from './harness/kit.js';
import { type Lab, openLab } from './harness/lab.js';
import { certFlags, certPeer, issuePeople } from './harness/people.js';
import { acceptedSets, probe } from './harness/probe.js';
import { connectFlags, isUp, serveFlags, startInitiator, startResponder } from './harness/tunnels.js';

const hosts = 3;
const needs = ['strongswan'] as const;

/** Strong first, and weak ones that both sides allow: the only case in which a downgrade can win. */
const MIXED = 'aes256gcm16-aes128gcm16-prfsha384-prfsha1-x25519-modp2048-modp1024';
const MODP1024 = 2;
const STRONG = ['1/20/256', '2/6', '4/31', '4/14'];
const { IKE_SA_INIT_FULL_TRANSCRIPT_AUTH, IKEV2_FRAGMENTATION_SUPPORTED, SIGNATURE_HASH_ALGORITHMS } =
  NotifyType;

const PATH = /somebody on the path may have changed the IKE_SA_INIT messages/;

const dial = (lab: Lab, flags: Flags = {}): Kit =>
  connect(lab, lab.a, lab.host(3).v4, { ...connectFlags(lab), ike: MIXED, ...flags });

const listen = (lab: Lab, flags: Flags = {}): Promise<Kit> =>
  serve(lab, lab.b, { ...serveFlags(lab), ike: MIXED, ...flags });

const warnings = (kit: Kit): string[] => kit.all('warning').map(({ code }) => code);

const proposalOf = async (kit: Kit): Promise<string> => (await kit.waitFor('ike-sa-established')).proposal;

/** A `connect` that ends because the gateway did not take its AUTH. */
async function expectRefused(kit: Kit, code = 'E_AUTHENTICATION_FAILED'): Promise<void> {
  expect((await kit.ended()).code).toBe(6);
  expect(kit.all('child-sa-established')).toEqual([]);
  expect(verdict(kit)).toMatchObject({ code, hint: expect.stringMatching(PATH) });
}

const findingOf = ({ findings }: ProbeTargetReport, wanted: string) =>
  findings.find(({ id }) => id === wanted);

/** Attacks on the request; the responder has to notice them. */
const onRequest: [name: string, attack: Attack][] = [
  ['strong transforms taken out', { transforms: STRONG }],
  ['strong transforms taken out, and steering', { transforms: STRONG, steerTo: MODP1024 }],
  ['the notify of fragments taken out', { requestNotifies: [IKEV2_FRAGMENTATION_SUPPORTED] }],
];

describe.concurrent('between connect and serve', () => {
  test('nobody: the best is chosen', async (context) => {
    const lab = await openLab(context, { hosts });
    const relay = await startDowngrade(lab, {});
    await listen(lab);
    const kit = dial(lab);
    await isUp(kit);
    expect(await proposalOf(kit)).toBe('aes256gcm16-prfsha384-x25519');
    expect(warnings(kit)).toEqual([]);
    expect(hasInterfered(relay)).toBe(false);
  });

  test('one who steers the client to a weak group once: prevented, and told', async (context) => {
    const lab = await openLab(context, { hosts });
    const relay = await startDowngrade(lab, { steerTo: MODP1024, steerings: 1 });
    await listen(lab);
    const kit = dial(lab);
    await isUp(kit);
    expect(await proposalOf(kit)).toMatch(/x25519$/);
    expect(warnings(kit)).toEqual(['W_KE_CONTRADICTION']);
    expect(hasInterfered(relay)).toBe(true);
  });

  test('one who steers the client each time: no tunnel, and the reason', async (context) => {
    const lab = await openLab(context, { hosts });
    await startDowngrade(lab, { steerTo: MODP1024 });
    const gateway = await listen(lab);
    const kit = dial(lab);
    expect((await kit.ended(110_000)).code).toBe(5);
    expect(verdict(kit)).toMatchObject({ code: 'E_KE_CONTRADICTION' });
    expect(gateway.all('ike-sa-established')).toEqual([]);
  });

  test.for(onRequest)('one by whom the request has %s: AUTH fails', async ([, attack], context) => {
    const lab = await openLab(context, { hosts });
    const relay = await startDowngrade(lab, attack);
    const gateway = await listen(lab);
    await expectRefused(dial(lab));
    const told = await gateway.waitFor('error');
    expect(told).toMatchObject({ code: 'E_AUTHENTICATION_FAILED', hint: expect.stringMatching(PATH) });
    expect(hasInterfered(relay)).toBe(true);
  });

  test('one who hides that AUTH covers both messages: the server knows it for sure', async (context) => {
    const lab = await openLab(context, { hosts });
    await startDowngrade(lab, { responseNotifies: [IKE_SA_INIT_FULL_TRANSCRIPT_AUTH] });
    const gateway = await listen(lab);
    await expectRefused(dial(lab));
    expect(await gateway.waitFor('error')).toMatchObject({ code: 'E_DOWNGRADE' });
  });

  test('one who takes out the hashes of signatures: nothing is signed that is taken', async (context) => {
    const lab = await openLab(context, { hosts, needs: ['pki'] });
    await startDowngrade(lab, { requestNotifies: [SIGNATURE_HASH_ALGORITHMS] });
    const people = await issuePeople(lab);
    const gateway = await listen(lab, certFlags(people, people.bob));
    await expectRefused(dial(lab, certFlags(people, people.alice)));
    expect(await gateway.waitFor('error')).toMatchObject({ code: 'E_SIGNATURE_INVALID' });
  });
});

describe.concurrent('between connect and strongSwan', () => {
  test('nobody: the best is chosen', async (context) => {
    const lab = await openLab(context, { hosts, needs });
    await startDowngrade(lab, {});
    await startResponder(lab, { ike: MIXED });
    const kit = dial(lab);
    await isUp(kit);
    expect(await proposalOf(kit)).toBe('aes256gcm16-prfsha384-x25519');
    expect(warnings(kit)).toEqual([]);
  });

  test('one who steers the client to a weak group once: strongSwan insists on a strong one, connect tells', async (context) => {
    const lab = await openLab(context, { hosts, needs });
    await startDowngrade(lab, { steerTo: MODP1024, steerings: 1 });
    await startResponder(lab, { ike: MIXED });
    const kit = dial(lab);
    await isUp(kit);
    expect(await proposalOf(kit)).toMatch(/x25519$/);
    expect(warnings(kit)).toEqual(['W_KE_CONTRADICTION']);
  });

  test.for(onRequest)('one by whom the request has %s: AUTH fails', async ([, attack], context) => {
    const lab = await openLab(context, { hosts, needs });
    const relay = await startDowngrade(lab, attack);
    const peer = await startResponder(lab, { ike: MIXED });
    await expectRefused(dial(lab));
    expect(peer.log()).toMatch(/but MAC mismatched/);
    expect(hasInterfered(relay)).toBe(true);
  });

  test('one who changes the response: connect notices it itself', async (context) => {
    const lab = await openLab(context, { hosts, needs });
    await startDowngrade(lab, { responseNotifies: [IKEV2_FRAGMENTATION_SUPPORTED] });
    await startResponder(lab, { ike: MIXED });
    await expectRefused(dial(lab));
  });

  test('one who takes the hashes of signatures out of the request', async (context) => {
    const lab = await openLab(context, { hosts, needs: ['strongswan', 'pki'] });
    await startDowngrade(lab, { requestNotifies: [SIGNATURE_HASH_ALGORITHMS] });
    const people = await issuePeople(lab);
    const peer = await startResponder(lab, { ...certPeer(people, people.bob), ike: MIXED });
    await expectRefused(dial(lab, certFlags(people, people.alice)));
    expect(peer.log()).toMatch(/signature validation failed/);
  });
});

describe.concurrent('between strongSwan and serve', () => {
  test('nobody: the best is chosen', async (context) => {
    const lab = await openLab(context, { hosts, needs });
    await startDowngrade(lab, {});
    const gateway = await listen(lab);
    const peer = await startInitiator(lab, { remote: lab.host(3).v4, ike: MIXED });
    await peer.initiate();
    expect(await proposalOf(gateway)).toBe('aes256gcm16-prfsha384-x25519');
  });

  test('one who steers the client to a weak group once: serve insists on a strong one', async (context) => {
    const lab = await openLab(context, { hosts, needs });
    const relay = await startDowngrade(lab, { steerTo: MODP1024, steerings: 1 });
    const gateway = await listen(lab);
    const peer = await startInitiator(lab, { remote: lab.host(3).v4, ike: MIXED });
    await peer.initiate();
    expect(await proposalOf(gateway)).toMatch(/x25519$/);
    expect(hasInterfered(relay)).toBe(true);
  });

  test.for(onRequest)('one by whom the request has %s: AUTH fails', async ([, attack], context) => {
    const lab = await openLab(context, { hosts, needs });
    const relay = await startDowngrade(lab, attack);
    const gateway = await listen(lab);
    const peer = await startInitiator(lab, { remote: lab.host(3).v4, ike: MIXED });
    await expect(peer.initiate()).rejects.toThrow();
    const told = await gateway.waitFor('error');
    expect(told).toMatchObject({ code: 'E_AUTHENTICATION_FAILED', hint: expect.stringMatching(PATH) });
    expect(gateway.all('ike-sa-established')).toEqual([]);
    expect(hasInterfered(relay)).toBe(true);
  });
});

describe.concurrent('probe, with somebody between it and the gateway', () => {
  const gateways = [
    ['strongSwan', needs, (lab: Lab) => startResponder(lab, { ike: MIXED })],
    ['serve', [], (lab: Lab) => listen(lab)],
  ] as const;

  test.for(gateways)(
    '%s, steering: answers that contradict each other, and nothing made up',
    async (each, context) => {
      const [, wants, start] = each;
      const lab = await openLab(context, { hosts, needs: wants });
      await startDowngrade(lab, { steerTo: MODP1024 });
      await start(lab);
      const { target, exitCode } = await probe(lab, lab.a, lab.host(3).v4);
      expect(findingOf(target, 'IKE-DG-003')).toMatchObject({
        status: 'finding',
        severity: 'medium',
        evidence: [expect.stringContaining('contradict each other')],
      });
      expect(exitCode).toBe(8);
      expect(acceptedSets(target)).toEqual({ encr: [], prf: [], integ: [], ke: [] });
    },
  );

  test.for(gateways)('%s, nobody: full transcripts are what tells them apart', async (each, context) => {
    const [name, wants, start] = each;
    const lab = await openLab(context, { hosts, needs: wants });
    await startDowngrade(lab, {});
    await start(lab);
    const { target } = await probe(lab, lab.a, lab.host(3).v4);
    expect(findingOf(target, 'IKE-DG-001')?.status).toBe(name === 'serve' ? 'pass' : 'finding');
    expect(findingOf(target, 'IKE-DG-003')?.status).toBe('pass');
    expect(acceptedSets(target)).toEqual({
      encr: ['20/128', '20/256'],
      prf: ['2', '6'],
      integ: [],
      ke: ['14', '2', '31'],
    });
  });
});
