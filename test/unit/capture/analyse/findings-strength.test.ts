import { expect, test } from 'vitest';
import { algorithms } from '../../../../src/lib/capture/analyse/findings/algorithms.js';
import { downgrade } from '../../../../src/lib/capture/analyse/findings/downgrade.js';
import { ikev1 } from '../../../../src/lib/capture/analyse/findings/ikev1.js';
import { utf8 } from '../../../../src/lib/core/bytes.js';
import type { Ikev1Payload } from '../../../../src/lib/ike/v1/types.js';
import { NotifyType, notify } from '../../../../src/lib/ike/wire/notify.js';
import type { Payload, Transform } from '../../../../src/lib/ike/wire/types.js';
import {
  authRequest,
  authResponse,
  goodSession,
  IKE_SUITE,
  ke,
  nonce,
  sa,
  Talk,
  traffic,
  transform,
} from './build.js';
import { checkGroup } from './cases.js';

function good(): Talk {
  const talk = new Talk();
  goodSession(talk);
  return talk;
}

/** IKE_SA_INIT with an offer and a choice. */
function agreed(offer: string | Transform[][], choice: string | Transform[][]): Talk {
  const talk = new Talk();
  talk.init(false, [sa(offer), ke(31), nonce]);
  talk.init(true, [sa(choice), ke(31), nonce]);
  return talk;
}

/** IKE_AUTH with a child of this suite. */
function childOf(transforms: Transform[]): Talk {
  const talk = agreed(IKE_SUITE, IKE_SUITE);
  const change = (payloads: Payload[], spi: string) =>
    payloads.map((payload) => (payload.type === 33 ? sa([transforms], 3, spi) : payload));
  talk.auth(1, false, change(authRequest(), 'c0000001'));
  talk.auth(1, true, change(authResponse(), 'c0000002'));
  return talk;
}

const MD5 = [[transform(1, 12, 256), transform(2, 1), transform(3, 1), transform(4, 14)]];
const TRIPLE_DES = [[transform(1, 3), transform(2, 5), transform(3, 12), transform(4, 14)]];

checkGroup(algorithms, {
  'algorithm-must-not': {
    talk: () => agreed(MD5, MD5),
    frames: [2],
    title:
      'The IKE SA between 192.0.2.1 and 192.0.2.2 uses PRF_HMAC_MD5 and HMAC_MD5_96, which RFC 8247 forbids (MUST NOT).',
    without: good,
  },
  'algorithm-should-not': {
    talk: () => agreed('aes256-sha256-modp1024', 'aes256-sha256-modp1024'),
    frames: [2],
    title: /1024-bit MODP Group, which RFC 8247 advises against \(SHOULD NOT\)/,
    without: () => agreed('aes256-sha256-modp2048', 'aes256-sha256-modp2048'),
  },
  'algorithm-aging': {
    talk: () => agreed('aes256-sha1-modp2048', 'aes256-sha1-modp2048'),
    frames: [2],
    title: /HMAC_SHA1_96 and PRF_HMAC_SHA1, which RFC 8247 is phasing out/,
    without: good,
  },
  'cipher-short-blocks': {
    talk: () => agreed(TRIPLE_DES, TRIPLE_DES),
    frames: [2],
    title: /uses 3DES, a cipher with blocks of 64 bits/,
    without: good,
  },
  'esp-not-encrypted': {
    talk: () => childOf([transform(1, 11), transform(3, 12), transform(5, 0)]),
    frames: [4],
    title: 'A child SA between 192.0.2.1 and 192.0.2.2 uses NULL, so its traffic is not encrypted.',
    without: () => childOf([transform(1, 20, 256), transform(5, 0)]),
  },
  'weak-offered': {
    talk: () => agreed('aes256-sha256-modp2048-modp1024', 'aes256-sha256-modp2048'),
    frames: [1],
    title: '192.0.2.1 also offers 192.0.2.2 1024-bit MODP Group.',
    without: () => agreed('aes256-sha256-modp2048-modp3072', 'aes256-sha256-modp2048'),
  },
});

test('levels of ESP are those of RFC 8221', () => {
  const talk = childOf([transform(1, 3), transform(3, 12), transform(5, 0)]);
  expect(talk.only('algorithm-should-not').title).toMatch(
    /^A child SA .* 3DES, which RFC 8221 advises against/,
  );
});

function steered(wanted: number): Talk {
  const talk = new Talk();
  talk.init(false, [sa('aes256-sha256-x25519-modp1024'), ke(31), nonce]);
  talk.init(true, [notify(NotifyType.INVALID_KE_PAYLOAD, Uint8Array.of(0, wanted))], { spiR: 0n });
  return talk;
}

function twoAnswers(second: Payload[]): Talk {
  const talk = new Talk();
  talk.init(false, [sa(IKE_SUITE), ke(31), nonce]);
  talk.init(true, [notify(NotifyType.NO_PROPOSAL_CHOSEN)], { spiR: 0n });
  talk.init(true, second);
  return talk;
}

const { IDENTITY_PROTECTION, AGGRESSIVE, QUICK, INFORMATIONAL, TRANSACTION } = {
  IDENTITY_PROTECTION: 2,
  AGGRESSIVE: 4,
  INFORMATIONAL: 5,
  TRANSACTION: 6,
  QUICK: 32,
};

/** Phase 1: AES-256, SHA-256, group 14 and an authentication method. */
function sa1(method = 1, group = 14): Ikev1Payload {
  const attributes = [
    { type: 1, value: 7 },
    { type: 14, value: 256 },
    { type: 2, value: 4 },
    { type: 3, value: method },
    { type: 4, value: group },
  ];
  return proposal1([
    { number: 1, protocolId: 1, spi: new Uint8Array(0), transforms: [{ number: 1, id: 1, attributes }] },
  ]);
}

function proposal1(proposals: Extract<Ikev1Payload, { type: 1 }>['proposals']): Ikev1Payload {
  return { type: 1, doi: 1, situation: Uint8Array.of(0, 0, 0, 1), proposals };
}

/** Phase 2: AES-256, SHA-256, tunnel mode. */
function sa2(spi: number): Ikev1Payload {
  const attributes = [
    { type: 4, value: 1 },
    { type: 5, value: 5 },
    { type: 6, value: 256 },
    { type: 3, value: 14 },
  ];
  const transforms = [{ number: 1, id: 12, attributes }];
  return proposal1([{ number: 1, protocolId: 3, spi: Uint8Array.of(0xd0, 0, 0, spi), transforms }]);
}

const ke1: Ikev1Payload = { type: 4, data: new Uint8Array(256).fill(3) };
const nonce1: Ikev1Payload = { type: 10, data: new Uint8Array(16).fill(4) };
const hash1: Ikev1Payload = { type: 8, data: new Uint8Array(32).fill(6) };
const network = (last: number): Ikev1Payload => ({
  type: 5,
  idType: 4,
  ipProtocol: 0,
  port: 0,
  data: Uint8Array.of(10, last, 0, 0, 255, 255, 255, 0),
});
const identity1 = (name: string): Ikev1Payload => ({
  type: 5,
  idType: 2,
  ipProtocol: 0,
  port: 0,
  data: utf8(name),
});

/** So many messages of Main Mode. */
function mainMode(count = 6): Talk {
  const talk = new Talk();
  const messages: [Ikev1Payload[], ('opened' | undefined)?][] = [
    [[sa1()]],
    [[sa1()]],
    [[ke1, nonce1]],
    [[ke1, { type: 10, data: new Uint8Array(16).fill(5) }]],
    [[identity1('alice.example'), hash1], 'opened'],
    [[identity1('gw.example'), hash1], 'opened'],
  ];
  messages.slice(0, count).forEach(([payloads, encrypted], n) => {
    talk.v1(IDENTITY_PROTECTION, 0, payloads, {
      from: n % 2 === 0 ? 'i' : 'r',
      ...(n === 0 && { spiR: 0n }),
      ...(encrypted && { encrypted }),
    });
  });
  return talk;
}

function aggressive(method: number): Talk {
  const talk = new Talk();
  talk.v1(AGGRESSIVE, 0, [sa1(method), ke1, nonce1, identity1('alice.example')], { spiR: 0n });
  talk.v1(AGGRESSIVE, 0, [sa1(method), ke1, nonce1, identity1('gw.example'), hash1], { from: 'r' });
  talk.v1(AGGRESSIVE, 0, [hash1], { encrypted: 'opened' });
  return talk;
}

function quick(talk: Talk, answered: boolean): Talk {
  const request = [hash1, sa2(1), nonce1, ke1, network(1), network(2)];
  talk.v1(QUICK, 77, request, { encrypted: 'opened' });
  if (!answered) talk.v1(QUICK, 77, request, { encrypted: 'opened', at: 9 });
  else {
    talk.v1(QUICK, 77, [hash1, sa2(2), nonce1, ke1, network(1), network(2)], {
      from: 'r',
      encrypted: 'opened',
    });
    talk.v1(QUICK, 77, [hash1], { encrypted: 'opened' });
  }
  return talk;
}

function error1(talk: Talk, notifyType: number): Talk {
  const payload: Ikev1Payload = {
    type: 11,
    doi: 1,
    protocolId: 1,
    spi: new Uint8Array(0),
    notifyType,
    data: new Uint8Array(0),
  };
  talk.v1(INFORMATIONAL, 99, [payload], { from: 'r' });
  return talk;
}

function xauth(status: 0 | 1): Talk {
  const talk = mainMode();
  const attributes = [{ type: 16527, value: status }];
  talk.v1(TRANSACTION, 55, [hash1, { type: 14, cfgType: 3, identifier: 1, attributes }], {
    from: 'r',
    encrypted: 'opened',
  });
  return talk;
}

checkGroup(downgrade, {
  'weak-chosen-from-strong': {
    talk: () => agreed('aes256-sha256-modp2048-modp1024', 'aes256-sha256-modp1024'),
    frames: [1, 2],
    title: '192.0.2.2 chose 1024-bit MODP Group instead of 2048-bit MODP Group from the offer of 192.0.2.1.',
    without: () => agreed('aes256-sha256-modp2048-modp1024', 'aes256-sha256-modp2048'),
  },
  'steered-to-weak-group': {
    talk: () => steered(2),
    frames: [1, 2],
    title: '192.0.2.2 asks 192.0.2.1 for 1024-bit MODP Group, although Curve25519 was offered.',
    without: () => steered(31),
  },
  'conflicting-answers': {
    talk: () => twoAnswers([sa(IKE_SUITE), ke(31), nonce]),
    frames: [1, 2, 3],
    title: /was answered by NO_PROPOSAL_CHOSEN and an acceptance/,
    without: () => twoAnswers([notify(NotifyType.NO_PROPOSAL_CHOSEN)]),
  },
  'version-fallback': {
    talk: () => {
      const talk = new Talk();
      talk.init(false, [sa(IKE_SUITE), ke(31), nonce]);
      talk.v1(IDENTITY_PROTECTION, 0, [sa1()], { spiR: 0n, at: 5 });
      return talk;
    },
    frames: [1, 2],
    title: '192.0.2.1 tried IKEv2 with 192.0.2.2 (unanswered) and went on with IKEv1.',
    without: mainMode,
  },
});

checkGroup(ikev1, {
  'ikev1-used': {
    talk: () => mainMode(1),
    frames: [1],
    title: /use IKEv1, which is deprecated \(RFC 9395\)/,
    without: good,
  },
  'ikev1-aggressive-psk': {
    talk: () => aggressive(1),
    frames: [2],
    title:
      "192.0.2.2 showed a hash of its pre-shared key for the identity 'gw.example' in Aggressive Mode to whoever listens.",
    advice: /change the key/,
    without: () => aggressive(3),
  },
  'ikev1-phase1-stopped': {
    talk: () => mainMode(5),
    frames: [1, 2, 3, 4, 5],
    title: /stopped after 5 messages/,
    advice: /another pre-shared key/,
    without: mainMode,
  },
  'ikev1-quick-mode-stopped': {
    talk: () => quick(mainMode(), false),
    frames: [7, 8],
    title: /did not answer Quick Mode of 192\.0\.2\.1, sent 2 times/,
    without: () => quick(mainMode(), true),
  },
  'ikev1-refused': {
    talk: () => error1(mainMode(5), 16),
    frames: [6],
    title: '192.0.2.2:500 reported PAYLOAD-MALFORMED.',
    advice: /another pre-shared key/,
    without: mainMode,
  },
  'xauth-failed': {
    talk: () => xauth(0),
    frames: [7],
    title: /refused the XAUTH login/,
    without: () => xauth(1),
  },
});

test('XAUTH with a pre-shared key exposes it as well', () => {
  expect(aggressive(65001).ids()).toContain('ikev1-aggressive-psk');
});

test('IKEv1 refusals mean phase 1 or phase 2, by what went before', () => {
  expect(error1(mainMode(1), 14).only('no-proposal-chosen').frames).toEqual([1, 2]);
  expect(error1(quick(mainMode(), false), 14).only('child-no-proposal-chosen').frames).toEqual([7, 9]);
  expect(error1(quick(mainMode(), false), 18).only('ts-unacceptable').title).toMatch(
    /TSi 10\.1\.0\.0\/24, TSr 10\.2\.0\.0\/24/,
  );
});

test('a whole IKEv1 session has no fault but its version', () => {
  const talk = quick(mainMode(), true);
  traffic(talk, 5, '0xd0000001', '0xd0000002');
  expect(
    talk
      .findings()
      .filter(({ severity }) => severity !== 'info')
      .map(({ id }) => id),
  ).toEqual(['ikev1-used']);
  const { ikeSas, childSas } = talk.report();
  expect(ikeSas[0]).toMatchObject({
    version: 1,
    state: 'established',
    identities: { initiator: { value: 'alice.example' }, responder: { value: 'gw.example' } },
  });
  expect(childSas[0]).toMatchObject({
    evidence: 'negotiated',
    mode: 'tunnel',
    pfsGroup: '2048-bit MODP Group',
    tsI: ['10.1.0.0/24'],
    tsR: ['10.2.0.0/24'],
    toRequester: { packets: 5 },
    fromRequester: { packets: 5 },
  });
});
