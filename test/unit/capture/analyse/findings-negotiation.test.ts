import { expect, test } from 'vitest';
import { keyExchange } from '../../../../src/lib/capture/analyse/findings/key-exchange.js';
import { proposals } from '../../../../src/lib/capture/analyse/findings/proposals.js';
import { selectors } from '../../../../src/lib/capture/analyse/findings/selectors.js';
import { NotifyType, notify } from '../../../../src/lib/ike/wire/notify.js';
import type { Payload } from '../../../../src/lib/ike/wire/types.js';
import {
  authRequest,
  authResponse,
  goodSession,
  IKE_SUITE,
  id,
  ke,
  nonce,
  pskAuth,
  sa,
  Talk,
  transform,
  ts,
} from './build.js';
import { checkGroup } from './cases.js';

const none = notify(NotifyType.NO_PROPOSAL_CHOSEN);

function wantGroup(group: number): Payload {
  return notify(NotifyType.INVALID_KE_PAYLOAD, Uint8Array.of(group >> 8, group));
}

function good(): Talk {
  const talk = new Talk();
  goodSession(talk);
  return talk;
}

function refused(offer: string): Talk {
  const talk = new Talk();
  talk.init(false, [sa(offer), ke(31), nonce]);
  talk.init(true, [none], { spiR: 0n });
  return talk;
}

function child(answer: Payload[], request = authRequest()): Talk {
  const talk = new Talk();
  talk.init(false, [sa(IKE_SUITE), ke(31), nonce]);
  talk.init(true, [sa(IKE_SUITE), ke(31), nonce]);
  talk.auth(1, false, request);
  talk.auth(1, true, [id(36, 'gw.example'), pskAuth, ...answer]);
  return talk;
}

/** Wrong guesses of groups; `answers` are what the responder wants, 0 for acceptance. */
function guesses(offer: string, tried: number[], answers: number[]): Talk {
  const talk = new Talk();
  tried.forEach((group, i) => {
    talk.init(false, [sa(offer), ke(group, i), nonce]);
    const wanted = answers[i];
    if (wanted === 0) talk.init(true, [sa('aes256gcm16-prfsha256-ecp256'), ke(group), nonce]);
    else if (wanted !== undefined) talk.init(true, [wantGroup(wanted)], { spiR: 0n });
  });
  return talk;
}

const TWO_GROUPS = 'aes256gcm16-prfsha256-modp2048-ecp256';

function rekeyed(group: number | undefined): Talk {
  const talk = good();
  const suite = group === undefined ? 'aes256gcm16' : 'aes256gcm16-x25519';
  const exchange = group === undefined ? [] : [ke(group)];
  const selectorsOf = [ts(44, '10.1.0.0/24'), ts(45, '10.2.0.0/24')];
  const rekey = notify(NotifyType.REKEY_SA, new Uint8Array(0), 3, Uint8Array.of(0xc0, 0, 0, 1));
  talk.create(2, false, [rekey, sa(suite, 3, 'c0000003'), nonce, ...exchange, ...selectorsOf]);
  talk.create(2, true, [sa(suite, 3, 'c0000004'), nonce, ...exchange, ...selectorsOf]);
  return talk;
}

checkGroup(proposals, {
  'no-proposal-chosen': {
    talk: () => refused('aes256gcm16-aes128gcm16-prfsha256-x25519-ecp256'),
    frames: [1, 2],
    title: /192\.0\.2\.2 refused the IKE offer of 192\.0\.2\.1 .*nothing about the offer is unusual/,
    advice: /not authenticated/,
    without: good,
  },
  'child-no-proposal-chosen': {
    talk: () => child([none]),
    frames: [3, 4],
    title: /refused the ESP offer of 192\.0\.2\.1 \(NO_PROPOSAL_CHOSEN\), one proposal \(AES_GCM_16-256\)/,
    advice: /esp_proposals/,
    without: good,
  },
  'offers-only-weak': {
    talk: () => refused('aes256-sha256-modp1024'),
    frames: [1],
    title: /only deprecated key exchange groups/,
    advice: /Windows/,
    without: () => refused('aes256-sha256-modp1024-modp2048'),
  },
  'child-without-pfs': {
    talk: () => rekeyed(undefined),
    frames: [5, 6],
    title: /no key exchange of its own/,
    without: () => rekeyed(31),
  },
});

checkGroup(keyExchange, {
  'invalid-ke-retry': {
    talk: () => guesses(TWO_GROUPS, [14, 19], [19, 0]),
    frames: [1, 2, 3, 4],
    title:
      '192.0.2.1 tried 2048-bit MODP Group, 192.0.2.2 asked for 256-bit random ECP group, and 192.0.2.1 went on with it.',
    without: () => guesses(TWO_GROUPS, [19], [0]),
  },
  'invalid-ke-loop': {
    talk: () => guesses(TWO_GROUPS, [14, 19, 14], [19, 14, 19]),
    frames: [1, 2, 3, 4, 5, 6],
    title: /3 times and asked for 256-bit random ECP group and 2048-bit MODP Group/,
    without: () => guesses(TWO_GROUPS, [14, 19], [19, 0]),
  },
  'invalid-ke-not-offered': {
    talk: () => guesses(TWO_GROUPS, [14], [31]),
    frames: [1, 2],
    title: /asks for Curve25519 .* did not offer/,
    without: () => guesses(TWO_GROUPS, [14], [19]),
  },
  'invalid-ke-not-retried': {
    talk: () => guesses(TWO_GROUPS, [14], [19]),
    frames: [1, 2],
    title: /did not try again/,
    without: () => guesses(TWO_GROUPS, [14, 19], [19]),
  },
});

checkGroup(selectors, {
  'ts-unacceptable': {
    talk: () => child([notify(NotifyType.TS_UNACCEPTABLE)]),
    frames: [3, 4],
    title:
      '192.0.2.2 refused the traffic selectors of 192.0.2.1 (TS_UNACCEPTABLE): TSi 10.1.0.0/24, TSr 10.2.0.0/24.',
    advice: /local_ts/,
    without: good,
  },
  'ts-narrowed': {
    talk: () => child([sa('aes256gcm16', 3, 'c0000002'), ts(44, '10.1.0.7/32'), ts(45, '10.2.0.0/24')]),
    frames: [3, 4],
    title: /from TSi 10\.1\.0\.0\/24, TSr 10\.2\.0\.0\/24 to TSi 10\.1\.0\.7\/32/,
    without: good,
  },
});

test('the nearest miss names the transform type, by what the peer chose elsewhere', () => {
  const talk = refused('aes128-sha256-modp2048');
  talk.init(false, [sa('aes256-aes128-sha256-sha512-ecp256'), ke(19), nonce], { spiI: 7n });
  talk.init(true, [sa('aes128-sha256-ecp256'), ke(19), nonce], { spiI: 7n, spiR: 8n });
  expect(talk.only('no-proposal-chosen').title).toMatch(
    /the nearest miss is KE \(offered 2048-bit MODP Group; 192\.0\.2\.2 chose 256-bit random ECP group in frame 4\)/,
  );
});

test('the nearest miss also looks at what the peer offers itself', () => {
  const talk = refused('aes256-sha256-ecp256');
  talk.init(false, [sa('aes128-sha256-ecp256'), ke(19), nonce], { from: 'r', owner: 'r', spiI: 7n });
  expect(talk.only('no-proposal-chosen').title).toMatch(
    /ENCR \(offered AES_CBC-256; 192\.0\.2\.2 offered AES_CBC-128 in frame 3\)/,
  );
});

test('an offer that fits what the peer accepts elsewhere points away from the proposals', () => {
  const talk = refused(IKE_SUITE);
  talk.init(false, [sa(IKE_SUITE), ke(31), nonce], { spiI: 7n });
  talk.init(true, [sa(IKE_SUITE), ke(31), nonce], { spiI: 7n, spiR: 8n });
  expect(talk.only('no-proposal-chosen').title).toMatch(/depends on who asks/);
});

test.each([
  [[[transform(1, 20, 256), transform(3, 12), transform(2, 5), transform(4, 31)]], /mixes AEAD/],
  [
    [[transform(1, 12), transform(3, 12), transform(2, 5), transform(4, 31), transform(4, 19)]],
    /without its key length/,
  ],
  [[[transform(1, 20, 256), transform(2, 5), transform(4, 31), transform(6, 36)]], /RFC 9370/],
  [
    [[transform(1, 20, 256), transform(2, 5), transform(4, 2)]],
    /key exchange groups in it are deprecated \(1024-bit MODP Group\)/,
  ],
  [[[transform(1, 20, 256), transform(2, 5), transform(4, 31)]], /a single suite/],
])('an unusual offer is told as such (%#)', (offer, words) => {
  const talk = new Talk();
  talk.init(false, [sa(offer), ke(31), nonce]);
  talk.init(true, [none], { spiR: 0n });
  expect(talk.only('no-proposal-chosen').title).toMatch(words);
});

test('a rekey without a key exchange that is refused points to perfect forward secrecy', () => {
  const talk = good();
  talk.create(2, false, [
    sa('aes256gcm16', 3, 'c0000003'),
    nonce,
    ts(44, '10.1.0.0/24'),
    ts(45, '10.2.0.0/24'),
  ]);
  talk.create(2, true, [none]);
  const finding = talk.only('child-no-proposal-chosen');
  expect(finding.title).toMatch(/no perfect forward secrecy/);
  expect(finding.advice).toMatch(/demands perfect forward secrecy/);
});

test('a group mismatch of child SAs is seen in CREATE_CHILD_SA', () => {
  const talk = good();
  const request = (group: number) => [sa('aes256gcm16-x25519-ecp256', 3, 'c0000003'), nonce, ke(group)];
  talk.create(2, false, request(31));
  talk.create(2, true, [wantGroup(19)]);
  expect(talk.only('invalid-ke-not-retried').frames).toEqual([5, 6]);
  talk.create(3, false, request(19));
  talk.create(3, true, [sa('aes256gcm16-ecp256', 3, 'c0000004'), nonce, ke(19)]);
  expect(talk.only('invalid-ke-retry').frames).toEqual([5, 6, 7, 8]);
});

test('with EAP the refused selectors are those of the first request', () => {
  const talk = new Talk();
  talk.init(false, [sa(IKE_SUITE), ke(31), nonce]);
  talk.init(true, [sa(IKE_SUITE), ke(31), nonce]);
  talk.auth(
    1,
    false,
    authRequest().filter(({ type }) => type !== 39),
  );
  talk.auth(1, true, [id(36, 'gw.example'), pskAuth, { type: 48, message: Uint8Array.of(1, 1, 0, 5, 1) }]);
  talk.auth(2, false, [pskAuth]);
  talk.auth(2, true, [pskAuth, notify(NotifyType.TS_UNACCEPTABLE)]);
  expect(talk.only('ts-unacceptable')).toMatchObject({
    frames: [3, 5, 6],
    title: expect.stringContaining('TSi 10.1.0.0/24'),
  });
  expect(authResponse()).toHaveLength(5);
});
