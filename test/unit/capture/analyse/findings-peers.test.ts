import { expect, test } from 'vitest';
import { authentication } from '../../../../src/lib/capture/analyse/findings/authentication.js';
import { errors } from '../../../../src/lib/capture/analyse/findings/errors.js';
import { nat } from '../../../../src/lib/capture/analyse/findings/nat.js';
import { NotifyType, notify } from '../../../../src/lib/ike/wire/notify.js';
import type { Payload } from '../../../../src/lib/ike/wire/types.js';
import {
  authRequest,
  authResponse,
  goodSession,
  type Host,
  IKE_SUITE,
  id,
  ke,
  natd,
  nonce,
  pskAuth,
  SPI_R,
  sa,
  signature,
  Talk,
} from './build.js';
import { checkGroup } from './cases.js';

function opened(): Talk {
  const talk = new Talk();
  talk.init(false, [sa(IKE_SUITE), ke(31), nonce]);
  talk.init(true, [sa(IKE_SUITE), ke(31), nonce]);
  return talk;
}

function good(): Talk {
  const talk = new Talk();
  goodSession(talk);
  return talk;
}

function authenticated(request: Payload[], response: Payload[]): Talk {
  const talk = opened();
  talk.auth(1, false, request);
  talk.auth(1, true, response);
  return talk;
}

/** IKE_AUTH that stays closed: AES-GCM has 8 bytes of IV, 16 of ICV and one of padding length. */
function closedAnswer(plaintextBytes: number): Talk {
  const talk = opened();
  talk.auth(1, false, [], { sealed: 'closed', sealedBytes: 300 });
  talk.auth(1, true, [], { sealed: 'closed', sealedBytes: plaintextBytes + 25 });
  return talk;
}

/** Sealed attempts of the same initiator, one every two seconds. */
function attempts(count: number, { at = 0, traffic = false } = {}): Talk {
  const talk = new Talk();
  for (let i = 1; i <= count; i++) {
    const spis = { spiI: BigInt(i), spiR: BigInt(100 + i) };
    talk.init(false, [sa(IKE_SUITE), ke(31, i), nonce], { spiI: BigInt(i), at: at + 2 * i });
    talk.init(true, [sa(IKE_SUITE), ke(31, i), nonce], spis);
    for (const round of [1, 2]) {
      talk.auth(round, false, [], { ...spis, sealed: 'closed', sealedBytes: 300 });
      talk.auth(round, true, [], { ...spis, sealed: 'closed', sealedBytes: 200 });
    }
    if (traffic) talk.esp('i', '0xc0000002', i);
  }
  return talk;
}

/** The initiator's AUTH: a method and what comes before the signature, hexadecimal. */
function signed(method: number, algorithm: string): Talk {
  const data = Buffer.concat([Buffer.from(algorithm, 'hex'), new Uint8Array(64).fill(5)]);
  return authenticated(
    authRequest().map((payload) => (payload.type === 39 ? { type: 39, method, data } : payload)),
    authResponse(),
  );
}

checkGroup(authentication, {
  'authentication-failed': {
    talk: () => authenticated(authRequest(), [notify(NotifyType.AUTHENTICATION_FAILED)]),
    frames: [3, 4],
    title:
      "192.0.2.2 refused the authentication of 192.0.2.1 by pre-shared key (AUTHENTICATION_FAILED): the initiator calls itself 'alice.example' and it asked for the responder 'gw.example'.",
    advice: /identity of the initiator.*identity of the responder.*bytes of the key/,
    without: good,
  },
  'ike-auth-refused': {
    talk: () => closedAnswer(8),
    frames: [3, 4],
    title: /at most 8 bytes of content, which leaves room for an error only/,
    without: () => closedAnswer(17),
  },
  'child-refused': {
    talk: () => closedAnswer(64),
    frames: [3, 4],
    title: /too short for a child SA/,
    without: () => closedAnswer(105),
  },
  'ike-auth-probably-refused': {
    talk: () => attempts(3),
    frames: [5, 6, 11, 12],
    title:
      '192.0.2.2 answered IKE_AUTH of 192.0.2.1 in 2 IKE SAs, but neither traffic nor another exchange followed: it probably refused.',
    advice: /--keys/,
    without: () => attempts(3, { traffic: true }),
  },
  'identity-differs': {
    talk: () => authenticated(authRequest(), [id(36, 'other.example'), ...authResponse().slice(1)]),
    frames: [3, 4],
    title: "192.0.2.1 wants to reach 'gw.example', but 192.0.2.2 says it is 'other.example'.",
    without: good,
  },
  'null-authentication': {
    talk: () =>
      authenticated(
        authRequest().map((payload) => (payload.type === 39 ? { ...pskAuth, method: 13 } : payload)),
        authResponse(),
      ),
    frames: [3],
    title: "192.0.2.1 took part as 'alice.example' without any proof of who it is (NULL authentication).",
    without: good,
  },
  'signature-sha1': {
    talk: () => signed(14, '0f300d06092a864886f70d0101050500'),
    frames: [3],
    title: '192.0.2.1 signed with sha1WithRSAEncryption.',
    without: () => signed(14, '0f300d06092a864886f70d01010b0500'),
  },
});

test('a capture that ends after IKE_AUTH proves nothing, one that goes on does', () => {
  const talk = attempts(1);
  expect(talk.ids()).not.toContain('ike-auth-probably-refused');
  talk.i = { address: '192.0.2.9', port: 500 };
  talk.esp('i', '0xc0000009', 1, { at: 4 });
  expect(talk.ids()).not.toContain('ike-auth-probably-refused');
  talk.esp('i', '0xc0000009', 2, { at: 8 });
  expect(talk.only('ike-auth-probably-refused').frames).toEqual([5, 6]);
});

test('an SA that is used before the next attempt was not refused', () => {
  const talk = attempts(1);
  talk.info(3, false, [], { sealed: 'closed', spiI: 1n, spiR: 101n, at: 4 });
  talk.init(false, [sa(IKE_SUITE), ke(31), nonce], { spiI: 9n, at: 9 });
  expect(talk.ids()).not.toContain('ike-auth-probably-refused');
});

test('method 1 is taken for SHA-1', () => {
  expect(signed(1, '').only('signature-sha1').title).toMatch(
    /method 1, RSA Digital Signature, which means SHA-1/,
  );
  expect(signed(9, '').ids()).not.toContain('signature-sha1');
});

test.each([
  [6, 6, false],
  [6, 7, true],
])('CAs named by both sides (%i and %i) are compared', (ours, theirs, different) => {
  const request = (fill: number): Payload => ({ type: 38, encoding: 4, data: new Uint8Array(20).fill(fill) });
  const talk = new Talk();
  talk.init(false, [sa(IKE_SUITE), ke(31), nonce]);
  talk.init(true, [sa(IKE_SUITE), ke(31), nonce, request(theirs)]);
  talk.auth(1, false, [...authRequest().filter(({ type }) => type !== 39), request(ours), signature]);
  talk.auth(1, true, [notify(NotifyType.AUTHENTICATION_FAILED)]);
  const { title, advice } = talk.only('authentication-failed');
  expect(title).toMatch(/of 192\.0\.2\.1 by Digital Signature \(ecdsa-with-sha256\)/);
  expect(advice).toMatch(/chain up to a CA that the refusing side trusts/);
  expect(advice.startsWith('The two sides trust different CAs')).toBe(different);
});

test('a key where the gateway asked for certificates is told apart', () => {
  const talk = new Talk();
  const request: Payload = { type: 38, encoding: 4, data: new Uint8Array(40).fill(6) };
  talk.init(false, [sa(IKE_SUITE), ke(31), nonce]);
  talk.init(true, [sa(IKE_SUITE), ke(31), nonce, request]);
  talk.auth(1, false, authRequest());
  talk.auth(1, true, [notify(NotifyType.AUTHENTICATION_FAILED)]);
  expect(talk.only('authentication-failed').advice).toMatch(/may want one in place of a key/);
  expect(talk.report().ikeSas[0]?.exchanges[0]?.response?.authorities).toEqual([
    '06'.repeat(20),
    '06'.repeat(20),
  ]);
});

test('a client that wants EAP from a gateway without it is told apart', () => {
  const talk = authenticated(
    authRequest().filter(({ type }) => type !== 39),
    [notify(NotifyType.AUTHENTICATION_FAILED)],
  );
  expect(talk.only('authentication-failed')).toMatchObject({
    title: expect.stringMatching(/offered no EAP/),
    advice: expect.stringMatching(/eap-mschapv2/),
  });
});

test('an initiator that does not believe the responder says so in INFORMATIONAL', () => {
  const talk = authenticated(authRequest(), authResponse());
  talk.info(2, false, [notify(NotifyType.AUTHENTICATION_FAILED)]);
  talk.info(2, true, []);
  expect(talk.only('authentication-failed')).toMatchObject({
    frames: [3, 4, 5],
    title: expect.stringMatching(/^192\.0\.2\.1 refused the authentication of 192\.0\.2\.2/),
  });
  expect(talk.report().ikeSas[0]?.state).toBe('refused');
});

const elsewhere: Host = { address: '203.0.113.9', port: 500 };

/** NAT detection as each side believes, then IKE_AUTH on a port. */
function natTalk(
  hashes: { i?: [Host, Host]; r?: [Host, Host] },
  port: 500 | 4500,
  options: { bareEsp?: boolean } = {},
): Talk {
  const talk = new Talk();
  const all = { i: [talk.i, talk.r], r: [talk.r, talk.i], ...hashes } as { i: [Host, Host]; r: [Host, Host] };
  talk.init(false, [sa(IKE_SUITE), ke(31), nonce, ...natd(...all.i)]);
  talk.init(true, [sa(IKE_SUITE), ke(31), nonce, ...natd(...all.r, SPI_R)]);
  talk.auth(1, false, authRequest(), { port });
  talk.auth(1, true, authResponse(), { port });
  if (options.bareEsp) {
    talk.esp('i', '0xc0000002', 1, { bare: true });
    talk.esp('r', '0xc0000001', 1, { bare: true });
  }
  return talk;
}

const { i, r } = new Talk();
const behindNat = { i: [elsewhere, r] as [Host, Host] };
const nothingFits = { i: [elsewhere, elsewhere] as [Host, Host], r: [elsewhere, elsewhere] as [Host, Host] };

checkGroup(nat, {
  'nat-detected': {
    talk: () => natTalk(behindNat, 4500),
    frames: [1, 2, 3],
    title:
      'NAT, or encapsulation in UDP was forced (usual for userspace IPsec); IKE moved to port 4500 in frame 3.',
    without: () => natTalk({}, 4500),
  },
  'nat-not-moved': {
    talk: () => natTalk(behindNat, 500),
    frames: [1, 2, 3, 4],
    title: /NAT or forced encapsulation, but 192\.0\.2\.1 went on at 192\.0\.2\.2:500/,
    without: () => natTalk({}, 500),
  },
  'esp-not-encapsulated': {
    talk: () => natTalk(behindNat, 4500, { bareEsp: true }),
    frames: [1, 2, 5, 6],
    title: /without UDP encapsulation/,
    without: () => natTalk({}, 4500, { bareEsp: true }),
  },
  'nat-hashes-odd': {
    talk: () => natTalk(nothingFits, 500),
    frames: [1, 2],
    title: /or the addresses in the capture were rewritten/,
    without: () => natTalk(behindNat, 500),
  },
  'nat-detection-one-sided': {
    talk: () => {
      const talk = new Talk();
      talk.init(false, [sa(IKE_SUITE), ke(31), nonce, ...natd(i, r)]);
      talk.init(true, [sa(IKE_SUITE), ke(31), nonce]);
      return talk;
    },
    frames: [1],
    title: '192.0.2.2 does not take part in NAT detection.',
    without: good,
  },
});

test('NAT between the same two hosts is told once', () => {
  const talk = new Talk();
  for (const spiI of [5n, 6n, 7n]) {
    talk.init(false, [sa(IKE_SUITE), ke(31), nonce, ...natd(elsewhere, r)], { spiI });
    talk.init(true, [sa(IKE_SUITE), ke(31), nonce, ...natd(r, i, SPI_R)], { spiI });
    talk.auth(1, false, authRequest(), { spiI, port: 4500 });
    talk.auth(1, true, authResponse(), { spiI, port: 4500 });
  }
  expect(talk.only('nat-detected')).toMatchObject({
    frames: [1, 2, 3, 5, 6, 7, 9, 10, 11],
    title: expect.stringMatching(/; 3 IKE SAs of 192\.0\.2\.1 and 192\.0\.2\.2 use port 4500\.$/),
  });
});

test('an address that the other side sees differently is a NAT for certain', () => {
  const talk = natTalk({ r: [r, elsewhere] }, 4500);
  expect(talk.only('nat-detected').title).toMatch(
    /see other addresses for 192\.0\.2\.1 than the capture shows: a NAT translates/,
  );
});

function reported(type: number): () => Talk {
  return () => {
    const talk = good();
    talk.info(2, false, [notify(type)]);
    talk.info(2, true, []);
    return talk;
  };
}

const told = (type: number) => ({
  talk: reported(type),
  frames: [5],
  title: /^192\.0\.2\.1:500 reported [A-Z_0-9]+\.$/,
  without: reported(type === NotifyType.INVALID_SYNTAX ? NotifyType.INVALID_SPI : NotifyType.INVALID_SYNTAX),
});

function cookies(count: number): Talk {
  const talk = new Talk();
  for (let n = 0; n <= count; n++) {
    const given = n === 0 ? [] : [notify(NotifyType.COOKIE, Uint8Array.of(n))];
    talk.init(false, [...given, sa(IKE_SUITE), ke(31), nonce]);
    if (n < count) talk.init(true, [notify(NotifyType.COOKIE, Uint8Array.of(n + 1))], { spiR: 0n });
  }
  talk.init(true, [sa(IKE_SUITE), ke(31), nonce]);
  return talk;
}

checkGroup(errors, {
  'unsupported-critical-payload': told(NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD),
  'invalid-ike-spi': told(NotifyType.INVALID_IKE_SPI),
  'invalid-major-version': told(NotifyType.INVALID_MAJOR_VERSION),
  'invalid-syntax': told(NotifyType.INVALID_SYNTAX),
  'invalid-message-id': told(NotifyType.INVALID_MESSAGE_ID),
  'invalid-spi': told(NotifyType.INVALID_SPI),
  'single-pair-required': told(NotifyType.SINGLE_PAIR_REQUIRED),
  'no-additional-sas': told(NotifyType.NO_ADDITIONAL_SAS),
  'internal-address-failure': told(NotifyType.INTERNAL_ADDRESS_FAILURE),
  'failed-cp-required': told(NotifyType.FAILED_CP_REQUIRED),
  'invalid-selectors': told(NotifyType.INVALID_SELECTORS),
  'temporary-failure': told(NotifyType.TEMPORARY_FAILURE),
  'child-sa-not-found': told(NotifyType.CHILD_SA_NOT_FOUND),
  'authorization-failed': told(NotifyType.AUTHORIZATION_FAILED),
  'other-error': told(9999),
  'cookie-requested': {
    talk: () => cookies(1),
    frames: [1, 2],
    title: '192.0.2.2 asked 192.0.2.1 for a cookie first.',
    without: () => cookies(0),
  },
  'cookie-loop': {
    talk: () => cookies(3),
    frames: [1, 2, 3, 4, 5, 6],
    title: /3 times, although it was given one/,
    without: () => cookies(1),
  },
  redirected: {
    talk: reported(NotifyType.REDIRECT),
    frames: [5],
    title: /redirects its client/,
    without: good,
  },
});
