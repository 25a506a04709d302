import { expect, test } from 'vitest';
import { esp } from '../../../../src/lib/capture/analyse/findings/esp.js';
import { icv } from '../../../../src/lib/capture/analyse/findings/icv.js';
import { lifetime } from '../../../../src/lib/capture/analyse/findings/lifetime.js';
import { fromHex } from '../../../../src/lib/core/bytes.js';
import { NotifyType, notify } from '../../../../src/lib/ike/wire/notify.js';
import type { Payload } from '../../../../src/lib/ike/wire/types.js';
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
  ts,
} from './build.js';
import { checkGroup } from './cases.js';

function good(count = 5): Talk {
  const talk = new Talk();
  goodSession(talk);
  traffic(talk, count);
  return talk;
}

/** A good session with other traffic. */
function withTraffic(make: (talk: Talk) => void, suite?: string): Talk {
  const talk = new Talk();
  if (suite === undefined) goodSession(talk);
  else {
    const change = (payloads: Payload[], spi: string) =>
      payloads.map((payload) => (payload.type === 33 ? sa(suite, 3, spi) : payload));
    talk.init(false, [sa(IKE_SUITE), ke(31), nonce]);
    talk.init(true, [sa(IKE_SUITE), ke(31), nonce]);
    talk.auth(1, false, change(authRequest(), 'c0000001'));
    talk.auth(1, true, change(authResponse(), 'c0000002'));
  }
  make(talk);
  return talk;
}

/** Sequence numbers to the responder, with as much traffic back. */
function numbers(list: readonly number[]): Talk {
  return withTraffic((talk) => {
    list.forEach((seq, n) => {
      talk.esp('i', '0xc0000002', seq, { icv: 'good' });
      talk.esp('r', '0xc0000001', n + 1, { icv: 'good' });
    });
  });
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function checked(verdicts: readonly ('good' | 'bad')[], error?: string): Talk {
  return withTraffic((talk) => {
    verdicts.forEach((verdict, n) => {
      talk.esp('i', '0xc0000002', n + 1, {
        icv: verdict,
        ...(verdict === 'bad' && error !== undefined && { error }),
      });
      talk.esp('r', '0xc0000001', n + 1, { icv: 'good' });
    });
  });
}

function oneWay(count: number, back: number): Talk {
  return withTraffic((talk) => {
    for (let seq = 1; seq <= count; seq++) talk.esp('i', '0xc0000002', seq);
    for (let seq = 1; seq <= back; seq++) talk.esp('r', '0xc0000001', seq);
  });
}

checkGroup(esp, {
  'esp-one-way': {
    talk: () => oneWay(4, 0),
    frames: [5, 6, 7, 8],
    title: '192.0.2.1 sent 192.0.2.2 4 packets of ESP in 1 SA, and none came back.',
    advice: /ip -s xfrm state/,
    without: () => oneWay(4, 4),
  },
  'no-esp': {
    talk: () => withTraffic(() => {}),
    frames: [4],
    title: /made 1 child SA, but no packet/,
    without: good,
  },
  'esp-unknown-spi': {
    talk: () => {
      const talk = good();
      talk.esp('i', '0xdeadbeef', 1);
      return talk;
    },
    frames: [15],
    title: /carries the SPI 0xdeadbeef, which none/,
    without: good,
  },
  'esp-from-before': {
    talk: () => {
      const talk = new Talk();
      talk.esp('i', '0x0badcafe', 77);
      return talk;
    },
    frames: [1],
    title: /SPI 0x0badcafe\) was not negotiated in this capture/,
    without: good,
  },
  'replay-drops': {
    talk: () => numbers([...range(2, 50), 1]),
    frames: [103],
    title: /came up to 49 behind: a replay window of 32 drops 1 of them, one of 64 0, one of 1024 0/,
    without: () => numbers([...range(2, 32), 1]),
  },
  'esp-loss': {
    talk: () => numbers([...range(1, 20), ...range(30, 40)]),
    frames: [5, 7, 9, 11, 13, 15, 17, 19, 65],
    title: /9 packets .* are missing, 22\.5 %/,
    without: () => numbers([...range(1, 20), ...range(23, 40)]),
  },
  'esp-duplicates': {
    talk: () => numbers([1, 2, 3, 2, 4, 5, 6, 7]),
    frames: [11],
    title: /1 packet .* came again/,
    without: () => numbers(range(1, 8)),
  },
});

test('protocol 50 in one direction points to encapsulation', () => {
  const talk = withTraffic((conversation) => {
    for (let seq = 1; seq <= 3; seq++) conversation.esp('i', '0xc0000002', seq, { bare: true });
  });
  expect(talk.only('esp-one-way').advice).toMatch(/protocol 50.*encap = yes/);
});

test('each side may use another of two child SAs', () => {
  const talk = withTraffic((conversation) => {
    for (let seq = 1; seq <= 20; seq++) {
      conversation.esp('i', '0xc0000002', seq);
      conversation.esp('r', '0xc0000009', seq);
    }
  });
  expect(talk.ids()).not.toContain('esp-one-way');
});

test('traffic to a group is one-way by nature', () => {
  const talk = new Talk();
  talk.r = { address: 'ff02::5', port: 0 };
  talk.i = { address: 'fe80::1', port: 0 };
  for (let seq = 1; seq <= 9; seq++) talk.esp('i', '0x00000100', seq, { bare: true, protocol: 'AH' });
  expect(talk.ids()).not.toContain('esp-one-way');
});

/** Header 8, IV 16, two blocks, ICV. */
function lengths(icvBytes: number): Talk {
  return withTraffic((talk) => {
    for (let seq = 1; seq <= 3; seq++) {
      talk.esp('i', '0xc0000002', seq, { length: 56 + 16 * seq + icvBytes });
      talk.esp('r', '0xc0000001', seq, { length: 56 + 16 * seq + 16 });
    }
  }, 'aes256-sha256');
}

checkGroup(icv, {
  'icv-sha256-96': {
    talk: () => checked(['bad', 'bad', 'bad'], 'E_ICV_TRUNCATED'),
    frames: [5, 7, 9],
    title: /cuts HMAC-SHA-256 to 96 bits instead of the negotiated 128: its packets are right once cut so/,
    advice: /sha256_96.*sha2-truncbug/,
    without: () => checked(['bad', 'bad', 'bad'], 'E_ICV'),
  },
  'icv-all-failed': {
    talk: () => checked(['bad', 'bad', 'bad']),
    frames: [5, 7, 9],
    title: /failed for all 3 packets of ESP SPI 0xc0000002/,
    without: () => checked(['good', 'bad', 'bad']),
  },
  'icv-some-failed': {
    talk: () => checked(['good', 'bad', 'good']),
    frames: [7],
    title: /failed for 1 of 3 packets/,
    without: () => checked(['good', 'good', 'good']),
  },
  'ike-icv-failed': {
    talk: () => {
      const talk = good();
      talk.info(2, false, [], { sealed: 'bad' });
      return talk;
    },
    frames: [15],
    title: /failed for 1 message of the IKE SA/,
    without: good,
  },
});

test('an ICV of 96 bits shows in the lengths of packets even without keys', () => {
  expect(lengths(12).only('icv-sha256-96').title).toMatch(/lengths that only an ICV of 96 bits explains/);
  expect(lengths(16).ids()).not.toContain('icv-sha256-96');
});

const rekeySelectors = [ts(44, '10.1.0.0/24'), ts(45, '10.2.0.0/24')];

function rekey(talk: Talk, from: 'i' | 'r', messageId: number, spis: [string, string]): void {
  const old = from === 'i' ? 'c0000001' : 'c0000002';
  const [own, other] = spis;
  const ends = from === 'i' ? rekeySelectors : [ts(44, '10.2.0.0/24'), ts(45, '10.1.0.0/24')];
  const answerer = from === 'i' ? 'r' : 'i';
  talk.create(
    messageId,
    false,
    [
      notify(NotifyType.REKEY_SA, new Uint8Array(0), 3, fromHex(old)),
      sa('aes256gcm16-x25519', 3, own),
      nonce,
      ke(31),
      ...ends,
    ],
    { from },
  );
  talk.create(messageId, true, [sa('aes256gcm16-x25519', 3, other), nonce, ke(31), ...ends], {
    from: answerer,
  });
}

function deletion(talk: Talk, spi: string, messageId: number, from: 'i' | 'r' = 'i'): void {
  talk.info(messageId, false, [{ type: 42, protocolId: 3, spiSize: 4, spis: [fromHex(spi)] }], { from });
  talk.info(messageId, true, [], { from: from === 'i' ? 'r' : 'i' });
}

/** Both sides rekey at once; the loser's SA is deleted or stays. */
function collision(loserDeleted: boolean): Talk {
  const talk = good();
  const both = [sa('aes256gcm16-x25519', 3, 'c0000011'), nonce, ke(31), ...rekeySelectors];
  const name = (spi: string) => notify(NotifyType.REKEY_SA, new Uint8Array(0), 3, fromHex(spi));
  talk.create(2, false, [name('c0000001'), ...both]);
  talk.create(
    0,
    false,
    [name('c0000002'), sa('aes256gcm16-x25519', 3, 'c0000021'), nonce, ke(31), ...rekeySelectors],
    {
      from: 'r',
    },
  );
  talk.create(0, true, [sa('aes256gcm16-x25519', 3, 'c0000022'), nonce, ke(31), ...rekeySelectors], {
    from: 'i',
  });
  talk.create(2, true, [sa('aes256gcm16-x25519', 3, 'c0000012'), nonce, ke(31), ...rekeySelectors]);
  deletion(talk, 'c0000001', 3);
  if (loserDeleted) deletion(talk, 'c0000021', 1, 'r');
  talk.seconds += 20;
  traffic(talk, 5, '0xc0000011', '0xc0000012');
  return talk;
}

function check(answered: boolean, at?: number): Talk {
  const talk = good();
  talk.info(2, false, []);
  if (at !== undefined) talk.info(2, false, [], { at });
  if (answered) talk.info(2, true, []);
  return talk;
}

const endOfIke: Payload = { type: 42, protocolId: 1, spiSize: 0, spis: [] };

function deleted(payload: Payload, answered: boolean): Talk {
  const talk = good();
  talk.info(2, false, [payload]);
  if (answered) talk.info(2, true, []);
  else talk.info(2, false, [payload], { at: 5 });
  return talk;
}

const endOfChild: Payload = { type: 42, protocolId: 3, spiSize: 4, spis: [fromHex('c0000001')] };

checkGroup(lifetime, {
  'dpd-timeout': {
    talk: () => check(false, 4),
    frames: [15, 16],
    title: '192.0.2.2 did not answer the INFORMATIONAL request of 192.0.2.1, sent 2 times.',
    without: () => check(true, 4),
  },
  'delete-not-answered': {
    talk: () => deleted(endOfIke, false),
    frames: [15, 16],
    title: /did not answer the delete/,
    without: () => deleted(endOfIke, true),
  },
  'ike-sa-deleted': {
    talk: () => deleted(endOfIke, true),
    frames: [15],
    title: '192.0.2.1 deleted the IKE SA 1111111111111111 without an error before: an orderly end.',
    without: good,
  },
  'child-sa-deleted': {
    talk: () => deleted(endOfChild, true),
    frames: [15],
    title:
      'The initiator deleted the ESP SA child-1 between 10.1.0.0/24 and 10.2.0.0/24 without a successor.',
    without: () => deleted(endOfIke, true),
  },
  'duplicate-child-sas': {
    talk: () => collision(false),
    frames: [17, 18],
    title: /2 child SAs .* stay side by side after both sides rekeyed the same one/,
    without: () => collision(true),
  },
  'rekey-collision': {
    talk: () => collision(true),
    frames: [15, 16, 17, 18],
    title: /rekeyed a child SA at the same time/,
    without: () => {
      const talk = good();
      rekey(talk, 'i', 2, ['c0000011', 'c0000012']);
      return talk;
    },
  },
});

test('a request whose sender goes on was answered, whether or not the capture has it', () => {
  const talk = check(false, 4);
  talk.info(3, false, []);
  talk.info(3, true, []);
  expect(talk.ids()).not.toContain('dpd-timeout');
});

test('an SPI from an IKE SA that is older than the capture is no surprise', () => {
  const talk = new Talk();
  talk.info(7, false, []);
  talk.esp('i', '0xdeadbeef', 9);
  expect(talk.ids()).not.toContain('esp-unknown-spi');
});

test('a check that the capture ends with is no timeout', () => {
  expect(check(false).ids()).not.toContain('dpd-timeout');
});

test.each([
  [[notify(NotifyType.AUTHENTICATION_FAILED)], /after AUTHENTICATION_FAILED/],
  [[], /orderly end/],
])('a delete is told with what went before it', (before, words) => {
  const talk = good();
  talk.info(2, false, before);
  talk.info(2, true, []);
  talk.info(3, false, [endOfIke]);
  expect(talk.only('ike-sa-deleted').title).toMatch(words);
});
