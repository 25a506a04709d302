import { describe, expect, test } from 'vitest';
import { Conversations } from '../../../../src/lib/capture/analyse/conversations.js';
import { fromHex } from '../../../../src/lib/core/bytes.js';
import { NotifyType, notify } from '../../../../src/lib/ike/wire/notify.js';
import type { Payload } from '../../../../src/lib/ike/wire/types.js';
import { authRequest, goodSession, IKE_SUITE, ke, nonce, sa, Talk, traffic, ts } from './build.js';

const init = [sa(IKE_SUITE), ke(31), nonce];
const deletion: Payload = { type: 42, protocolId: 1, spiSize: 0, spis: [] };

describe('a good session', () => {
  const talk = new Talk();
  goodSession(talk);
  traffic(talk, 5);
  talk.info(2, false, []);
  talk.info(2, true, []);
  const report = talk.report();

  test('has no finding above info', () => {
    expect(talk.findings().filter(({ severity }) => severity !== 'info')).toEqual([]);
  });

  test('is one established IKE SA with its identities, suite and exchanges', () => {
    expect(report.ikeSas).toHaveLength(1);
    const [ike] = report.ikeSas;
    expect(ike).toMatchObject({
      id: 'ike-1',
      version: 2,
      spiI: '1111111111111111',
      spiR: '2222222222222222',
      initiator: '192.0.2.1:500',
      responder: '192.0.2.2:500',
      state: 'established',
      identities: { initiator: { value: 'alice.example' }, responder: { value: 'gw.example' } },
      packets: 6,
      decrypted: true,
      exchangesOmitted: 0,
    });
    expect(ike?.suite?.transforms.map(({ name }) => name)).toEqual([
      'ENCR_AES_GCM_16',
      'PRF_HMAC_SHA2_256',
      'Curve25519',
    ]);
    expect(ike?.exchanges.map(({ exchange, state }) => `${exchange} ${state}`)).toEqual([
      'IKE_SA_INIT answered',
      'IKE_AUTH answered',
      'INFORMATIONAL answered',
    ]);
    expect(ike?.exchanges[0]?.roundTripMs).toBeCloseTo(10);
  });

  test('is told in plain words', () => {
    expect(report.ikeSas[0]?.exchanges.map(({ story }) => story)).toEqual([
      '192.0.2.1 offered one proposal (AES_GCM_16-256 / PRF_HMAC_SHA2_256 / Curve25519) with a key for Curve25519; 192.0.2.2 chose AES_GCM_16-256 / PRF_HMAC_SHA2_256 / Curve25519.',
      "192.0.2.1 says it is 'alice.example', wants to reach 'gw.example', proves itself by pre-shared key and offers one proposal (AES_GCM_16-256) for traffic between 10.1.0.0/24 and 10.2.0.0/24; 192.0.2.2 says it is 'gw.example', proves itself by pre-shared key and chose AES_GCM_16-256 for traffic between 10.1.0.0/24 and 10.2.0.0/24.",
      '192.0.2.1 asked whether the other side is still there; 192.0.2.2 confirmed.',
    ]);
  });

  test('has one child SA with both flows', () => {
    expect(report.childSas).toHaveLength(1);
    expect(report.childSas[0]).toMatchObject({
      id: 'child-1',
      ikeSa: 'ike-1',
      evidence: 'negotiated',
      protocol: 'ESP',
      mode: 'tunnel',
      requester: 'initiator',
      spiToRequester: '0xc0000001',
      spiFromRequester: '0xc0000002',
      created: { frame: 4 },
      toRequester: {
        spi: '0xc0000001',
        packets: 5,
        bytes: 680,
        lost: 0,
        icv: { good: 5, bad: 0 },
        childSa: 'child-1',
      },
      fromRequester: { spi: '0xc0000002', packets: 5, first: { frame: 5 }, last: { frame: 13 } },
    });
    expect(report.flows).toEqual([]);
  });

  test('is JSON as it stands', () => {
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});

describe('exchanges', () => {
  test('retransmissions are counted with their frames, and the round trip starts at the last of them', () => {
    const talk = new Talk();
    talk.init(false, init, { at: 0 });
    talk.init(false, init, { at: 2 });
    talk.init(false, init, { at: 6 });
    talk.init(true, init, { at: 6.25 });
    const [exchange] = talk.report().ikeSas[0]?.exchanges ?? [];
    expect(exchange).toMatchObject({
      retransmissions: 2,
      roundTripMs: 250,
      request: { frames: [1], retransmissionFrames: [2, 3] },
      response: { frames: [4], retransmissions: 0 },
    });
  });

  test('a packet that two interfaces saw is no retransmission', () => {
    const talk = new Talk();
    talk.init(false, init, { at: 0 });
    talk.init(false, init, { at: 0.0001 });
    talk.init(true, init, { at: 0.1 });
    expect(talk.report().ikeSas[0]).toMatchObject({ packets: 3, retransmissions: 0 });
  });

  test('fragments of one message are one transmission; the first of them again is another', () => {
    const talk = new Talk();
    talk.init(false, init);
    talk.init(true, init);
    for (const number of [1, 2, 1, 2]) talk.auth(1, false, authRequest(), { fragment: { number, total: 2 } });
    expect(talk.report().ikeSas[0]?.exchanges[1]?.request).toMatchObject({
      frames: [3, 4],
      fragments: { total: 2, seen: [1, 2] },
      retransmissions: 1,
      retransmissionFrames: [5, 6],
      idI: { value: 'alice.example' },
    });
  });

  test('an answer to another attempt of IKE_SA_INIT is not the answer to this one', () => {
    const talk = new Talk();
    talk.init(false, [sa('aes256-sha256-modp2048-ecp256'), ke(14), nonce]);
    talk.init(true, [notify(NotifyType.INVALID_KE_PAYLOAD, Uint8Array.of(0, 19))], { spiR: 0n });
    talk.init(false, [sa('aes256-sha256-modp2048-ecp256'), ke(19), nonce]);
    talk.init(true, [sa('aes256-sha256-ecp256'), ke(19), nonce]);
    const { ikeSas } = talk.report();
    expect(ikeSas).toHaveLength(1);
    expect(ikeSas[0]?.exchanges.map(({ story }) => story.split('; ')[1])).toEqual([
      '192.0.2.2 wants another group: 256-bit random ECP group (INVALID_KE_PAYLOAD).',
      '192.0.2.2 chose AES_CBC-256 / HMAC_SHA2_256_128 / PRF_HMAC_SHA2_256 / 256-bit random ECP group.',
    ]);
  });

  test('both sides number their requests from zero', () => {
    const talk = new Talk();
    goodSession(talk);
    talk.info(0, false, [], { from: 'r' });
    talk.info(0, true, [], { from: 'i' });
    talk.info(2, false, []);
    expect(
      talk
        .report()
        .ikeSas[0]?.exchanges.slice(2)
        .map(({ requester, state }) => `${requester} ${state}`),
    ).toEqual(['responder answered', 'initiator unanswered']);
  });

  test('what cannot be read is said to be so', () => {
    const talk = new Talk();
    goodSession(talk, { sealed: 'closed' });
    const { ikeSas, childSas } = talk.report();
    expect(ikeSas[0]).toMatchObject({ state: 'encrypted', decrypted: false, identities: {} });
    expect(ikeSas[0]?.exchanges[1]?.story).toBe(
      '192.0.2.1 sent IKE_AUTH, which cannot be read without the keys; 192.0.2.2 answered with IKE_AUTH, which cannot be read without the keys.',
    );
    expect(childSas).toEqual([]);
  });
});

describe('states of an IKE SA', () => {
  const states: [string, (talk: Talk) => void][] = [
    ['unanswered', (talk) => talk.init(false, init)],
    ['half-open', (talk) => [talk.init(false, init), talk.init(true, init)]],
    ['refused', (talk) => [talk.init(false, init), talk.init(true, [notify(NotifyType.NO_PROPOSAL_CHOSEN)])]],
    ['deleted', (talk) => [goodSession(talk), talk.info(2, false, [deletion])]],
    ['partial', (talk) => talk.info(7, false, [])],
  ];
  test.each(states)('%s', (state, make) => {
    const talk = new Talk();
    make(talk);
    expect(talk.report().ikeSas.map((ike) => ike.state)).toEqual([state]);
  });
});

const selectors = [ts(44, '10.1.0.0/24'), ts(45, '10.2.0.0/24')];

describe('rekeying', () => {
  test('a child SA is linked with its successor, and the overlap of their traffic is measured', () => {
    const talk = new Talk();
    goodSession(talk);
    traffic(talk, 3);
    const rekey = notify(NotifyType.REKEY_SA, new Uint8Array(0), 3, fromHex('c0000001'));
    talk.create(2, false, [rekey, sa('aes256gcm16-x25519', 3, 'c0000011'), nonce, ke(31), ...selectors]);
    talk.create(2, true, [sa('aes256gcm16-x25519', 3, 'c0000012'), nonce, ke(31), ...selectors]);
    talk.esp('i', '0xc0000012', 1, { at: 10 });
    talk.esp('i', '0xc0000002', 4, { at: 10.5 });
    talk.esp('r', '0xc0000011', 1, { at: 11 });
    talk.info(3, false, [{ type: 42, protocolId: 3, spiSize: 4, spis: [fromHex('c0000001')] }]);
    talk.info(3, true, []);
    const [old, successor] = talk.report().childSas;
    expect(old).toMatchObject({
      rekeyedTo: 'child-2',
      rekeyOverlapMs: 500,
      deleted: { by: 'initiator', frame: 16 },
    });
    expect(successor).toMatchObject({ id: 'child-2', rekeyOf: 'child-1', pfsGroup: 'Curve25519' });
    expect(successor?.deleted).toBeUndefined();
  });

  test('an IKE SA is followed by the SPIs that the exchange agreed on', () => {
    const talk = new Talk();
    goodSession(talk);
    talk.create(2, false, [sa(IKE_SUITE, 1, '3333333333333333'), nonce, ke(31)], { from: 'r' });
    talk.create(2, true, [sa(IKE_SUITE, 1, '4444444444444444'), nonce, ke(31)], { from: 'i' });
    expect(talk.report().ikeSas[0]?.state).toBe('rekeyed');
    const spis = { spiI: 0x3333333333333333n, spiR: 0x4444444444444444n, owner: 'r' as const };
    talk.info(0, false, [], { ...spis, from: 'r' });
    talk.info(0, true, [], { ...spis, from: 'i' });
    const [old, successor] = talk.report().ikeSas;
    expect(old).toMatchObject({ rekeyedTo: 'ike-2' });
    expect(successor).toMatchObject({
      rekeyOf: 'ike-1',
      state: 'established',
      initiator: '192.0.2.2:500',
      responder: '192.0.2.1:500',
    });
    expect(successor?.rekeyInferred).toBeUndefined();
    expect(successor?.suite?.transforms.map(({ name }) => name)).toContain('ENCR_AES_GCM_16');
  });

  test('without keys the link is inferred, and said to be so', () => {
    const talk = new Talk();
    goodSession(talk, { sealed: 'closed' });
    talk.create(2, false, [], { sealed: 'closed' });
    talk.create(2, true, [], { sealed: 'closed' });
    talk.info(0, false, [], { sealed: 'closed', spiI: 5n, spiR: 6n });
    expect(talk.report().ikeSas[1]).toMatchObject({ rekeyOf: 'ike-1', rekeyInferred: true });
  });

  test('an SA that appears without a rekey is not linked', () => {
    const talk = new Talk();
    goodSession(talk, { sealed: 'closed' });
    talk.info(0, false, [], { sealed: 'closed', spiI: 5n, spiR: 6n });
    expect(talk.report().ikeSas[1]?.rekeyOf).toBeUndefined();
  });
});

describe('flows', () => {
  test('opposite flows without a known SA are paired by hosts and time', () => {
    const talk = new Talk();
    traffic(talk, 3, '0xa0000001', '0xa0000002');
    talk.esp('i', '0xa0000003', 1, { at: 100 });
    const { childSas, flows } = talk.report();
    expect(childSas).toHaveLength(1);
    expect(childSas[0]).toMatchObject({
      evidence: 'inferred',
      spiFromRequester: '0xa0000002',
      spiToRequester: '0xa0000001',
    });
    expect(flows.map(({ spi }) => spi)).toEqual(['0xa0000003']);
  });

  test('a receiver that moves keeps its SPI and its flow', () => {
    const talk = new Talk();
    talk.esp('r', '0xc0000001', 1);
    talk.i = { address: '198.51.100.7', port: 500 };
    talk.esp('r', '0xc0000001', 2);
    expect(talk.report().flows).toMatchObject([{ packets: 2, lost: 0 }]);
  });

  test('packets with a bad ICV say nothing about the order', () => {
    const talk = new Talk();
    talk.esp('i', '0xc0000002', 1, { icv: 'good' });
    talk.esp('i', '0xc0000002', 900_000, { icv: 'bad' });
    talk.esp('i', '0xc0000002', 2, { icv: 'good' });
    expect(talk.report().flows[0]).toMatchObject({
      packets: 3,
      lost: 0,
      reordered: 0,
      highestSeq: 2,
      icv: { good: 2, bad: 1 },
    });
  });

  test('AH flows stand beside ESP flows of the same SPI', () => {
    const talk = new Talk();
    talk.esp('i', '0x00000100', 1, { bare: true });
    talk.esp('i', '0x00000100', 1, { bare: true, protocol: 'AH' });
    expect(talk.report().flows.map(({ protocol, packets }) => `${protocol} ${packets}`)).toEqual([
      'ESP 1',
      'AH 1',
    ]);
  });
});

describe('bounds', () => {
  test('exchanges beyond the limit are counted; uneventful ones go first', () => {
    const talk = new Talk({ exchangesPerSa: 10 });
    goodSession(talk);
    talk.info(2, false, [notify(NotifyType.INVALID_SYNTAX)]);
    talk.info(2, true, []);
    for (let id = 3; id < 103; id++) {
      talk.info(id, false, []);
      talk.info(id, true, []);
    }
    const [ike] = talk.report().ikeSas;
    expect(ike).toMatchObject({ packets: 206, exchangesOmitted: 93 });
    expect(ike?.exchanges).toHaveLength(10);
    expect(ike?.exchanges.slice(0, 3).map(({ messageId }) => messageId)).toEqual([0, 1, 2]);
    expect(ike?.exchanges.at(-1)?.messageId).toBe(102);
  });

  test('SAs, exchanges of all SAs and flows beyond their limits are counted', () => {
    const talk = new Talk({ ikeSas: 3, exchanges: 5, flows: 2 });
    for (let spi = 1; spi <= 5; spi++) talk.init(false, init, { spiI: BigInt(spi) });
    for (let spi = 1; spi <= 4; spi++) talk.esp('i', `0x0000010${spi}`, 1);
    const report = talk.report();
    expect(report.ikeSas).toHaveLength(3);
    expect(report.flows).toHaveLength(2);
    expect(report.omitted).toEqual({ ikeMessages: 2, childSas: 0, flowPackets: 2 });
  });

  test('an SA without room keeps its newest exchange', () => {
    const talk = new Talk({ exchanges: 1 });
    goodSession(talk);
    expect(talk.report().ikeSas[0]).toMatchObject({ packets: 4, exchangesOmitted: 1 });
    expect(talk.report().ikeSas[0]?.exchanges.map(({ exchange }) => exchange)).toEqual(['IKE_AUTH']);
  });
});

test('a report may be asked for again after more packets', () => {
  const talk = new Talk();
  goodSession(talk);
  const before = talk.report();
  traffic(talk, 1);
  expect(before.childSas[0]?.fromRequester).toBeUndefined();
  expect(talk.report().childSas[0]?.fromRequester?.packets).toBe(1);
});

test('nothing is nothing', () => {
  expect(new Conversations().finish()).toEqual({
    ikeSas: [],
    childSas: [],
    flows: [],
    omitted: { ikeMessages: 0, childSas: 0, flowPackets: 0 },
  });
});
