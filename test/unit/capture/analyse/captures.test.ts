import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { analyseFile, filesBelow, sharedFolder } from './read-capture.js';

const captures = sharedFolder('captures');
const corpus = sharedFolder('corpus');

function analyse(name: string, keyed: boolean) {
  const folder = join(captures!, name);
  return analyseFile(join(folder, 'capture.pcap'), keyed ? [folder] : []);
}

/** Ids without NAT detection and deletes, which every one of these captures has: the lab forces encapsulation. */
function essential(ids: readonly string[]): string[] {
  return ids.filter((id) => id !== 'nat-detected' && id !== 'ike-sa-deleted');
}

describe.skipIf(captures === undefined)('recorded failures', () => {
  test.each([
    [
      '6a-no-proposal-chosen',
      'no-proposal-chosen',
      [1, 2],
      /10\.77\.0\.2 refused the IKE offer of 10\.77\.0\.1/,
    ],
    ['6b-authentication-failed', 'authentication-failed', [3, 4], /'alice\.test'.*'bob\.test'/],
    ['6c-ts-unacceptable', 'ts-unacceptable', [3, 4], /TSi 10\.77\.1\.0\/24, TSr 10\.66\.0\.0\/24/],
    [
      '6d-invalid-ke-retry',
      'invalid-ke-retry',
      [1, 2, 3, 4],
      /tried 2048-bit MODP Group, .* asked for 256-bit random ECP/,
    ],
    ['6e-child-no-proposal', 'child-no-proposal-chosen', [3, 4], /refused the ESP offer of 10\.77\.0\.1/],
  ])('%s: %s', async (name, id, frames, title) => {
    const { findings, ids } = await analyse(name, true);
    expect(essential(ids)).toEqual([id]);
    const finding = findings.find((candidate) => candidate.id === id);
    expect(finding?.frames).toEqual(frames);
    expect(finding?.title).toMatch(title);
  });

  test.each([
    ['6b-authentication-failed', 'ike-auth-refused'],
    ['6c-ts-unacceptable', 'child-refused'],
    ['6e-child-no-proposal', 'child-refused'],
  ])('%s without keys: %s', async (name, id) => {
    const { findings, ids } = await analyse(name, false);
    expect(essential(ids)).toEqual([id]);
    expect(findings[0]?.frames).toEqual([3, 4]);
  });
});

describe.skipIf(captures === undefined)('recorded sessions', () => {
  const sessions = [
    '1-gcm-modp2048-psk',
    '2-cbc-sha256-ecp256-psk',
    '3-chacha-x25519-cert-frag',
    '3b-gcm-x25519-cert-frag',
    '4-eap-mschapv2',
    '5-rekey-delete',
    '6d-invalid-ke-retry',
  ];
  for (const keyed of [true, false]) {
    test.each(sessions)(`%s is clean ${keyed ? 'with' : 'without'} keys`, async (name) => {
      const { findings, report } = await analyse(name, keyed);
      expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
      expect(report.flows).toEqual([]);
      expect(report.childSas.map(({ evidence }) => evidence)).not.toContain(
        keyed ? 'inferred' : 'negotiated',
      );
    });
  }

  test('forced encapsulation is not taken for a NAT', async () => {
    const { findings } = await analyse('1-gcm-modp2048-psk', true);
    const nat = findings.find(({ id }) => id === 'nat-detected');
    expect(nat).toMatchObject({ severity: 'info', frames: [1, 2, 3] });
    expect(nat?.title).toMatch(/^NAT, or encapsulation in UDP was forced/);
  });

  test('rekeys of both kinds are followed', async () => {
    const { report } = await analyse('5-rekey-delete', true);
    expect(report.ikeSas.map(({ state, rekeyOf, rekeyedTo }) => ({ state, rekeyOf, rekeyedTo }))).toEqual([
      { state: 'rekeyed', rekeyOf: undefined, rekeyedTo: 'ike-2' },
      { state: 'deleted', rekeyOf: 'ike-1', rekeyedTo: undefined },
    ]);
    const links = report.childSas.map(
      ({ ikeSa, rekeyOf, rekeyedTo, pfsGroup, requester, toRequester, fromRequester }) => [
        ikeSa,
        rekeyOf,
        rekeyedTo,
        pfsGroup,
        requester,
        toRequester?.packets,
        fromRequester?.packets,
      ],
    );
    expect(links).toEqual([
      ['ike-1', undefined, 'child-2', undefined, 'initiator', 2, 2],
      ['ike-1', 'child-1', 'child-3', '2048-bit MODP Group', 'initiator', 4, 4],
      ['ike-2', 'child-2', undefined, '2048-bit MODP Group', 'responder', 2, 2],
    ]);
    expect(report.childSas.map(({ deleted }) => deleted?.frame)).toEqual([11, 27, 33]);
  });

  test('the rekey of an IKE SA is inferred without keys', async () => {
    const { report } = await analyse('5-rekey-delete', false);
    expect(report.ikeSas[1]).toMatchObject({ rekeyOf: 'ike-1', rekeyInferred: true });
    expect(report.childSas.map(({ toRequester }) => toRequester?.packets)).toEqual([2, 4, 2]);
  });

  test('EAP is told step by step', async () => {
    const { report } = await analyse('4-eap-mschapv2', true);
    expect(report.ikeSas[0]?.authMethods.initiator).toBe('EAP-MSCHAPv2');
    expect(report.ikeSas[0]?.authMethods.responder).toMatch(/^Digital Signature \(/);
    const stories = report.ikeSas[0]?.exchanges.map(({ story }) => story).join('\n');
    for (const step of [
      "EAP Response Identity 'alice'",
      "EAP Request EAP-MSCHAPv2: Challenge of 'strongSwan'",
      "EAP Response EAP-MSCHAPv2: Response of 'alice'",
      'EAP Request EAP-MSCHAPv2: Success',
      'EAP Response EAP-MSCHAPv2: Success',
      'sent EAP Success',
    ]) {
      expect(stories).toContain(step);
    }
    expect(report.childSas[0]?.tsI).toEqual(['10.77.50.1/32']);
  });
});

describe.skipIf(corpus === undefined)('public captures', () => {
  test('every one is analysed, whatever is in it', async () => {
    const files = filesBelow(corpus!, /\.(pcap|pcapng|cap)(\.gz)?$/);
    expect(files.length).toBeGreaterThan(30);
    for (const file of files) {
      const { report, findings } = await analyseFile(file);
      expect(JSON.parse(JSON.stringify(report))).toEqual(report);
      for (const { frames, title } of findings) {
        expect(frames).toEqual([...new Set(frames)].sort((a, b) => a - b));
        expect(title).toMatch(/[.)]$/);
      }
    }
  });

  test.each([
    ['arkime/IKEv1.pcap', ['ikev1-used']],
    ['tcpdump/isakmp4500.pcap', ['ikev1-used', 'algorithm-must-not', 'esp-one-way', 'offers-only-weak']],
    ['wireshark/ikev2-decrypt-3des-sha1_160.pcap', ['cipher-short-blocks']],
    ['suricata-verify/ikev2-weak-dh/IKEv2_SA_INIT_2-8-weak.pcap', ['no-answer', 'offers-only-weak']],
    ['tcpdump/isakmp-no-none-np.pcapng', ['ikev1-refused']],
  ])('%s shows %j', async (name, expected) => {
    const { ids } = await analyseFile(join(corpus!, name));
    expect(ids).toEqual(expect.arrayContaining(expected));
  });
});
