import { expect, test } from 'vitest';
import { capture } from '../../../../src/lib/capture/analyse/findings/capture.js';
import { reach } from '../../../../src/lib/capture/analyse/findings/reach.js';
import { authRequest, authResponse, goodSession, IKE_SUITE, ke, nonce, sa, Talk } from './build.js';
import { checkGroup } from './cases.js';

const init = [sa(IKE_SUITE), ke(31), nonce];

function attempts(count: number, answered = false): Talk {
  const talk = new Talk();
  for (let i = 0; i < count; i++) talk.init(false, init, { at: 2 ** i });
  if (answered) talk.init(true, init);
  return talk;
}

function good(): Talk {
  const talk = new Talk();
  goodSession(talk);
  return talk;
}

function unansweredAuth(bytes?: number, port = 4500): Talk {
  const talk = new Talk();
  talk.init(false, init);
  talk.init(true, init);
  const options = { port, sealed: 'closed', ...(bytes !== undefined && { sealedBytes: bytes }) } as const;
  talk.auth(1, false, [], options);
  talk.auth(1, false, [], { ...options, at: 4 });
  return talk;
}

/** At the gateway: answers go out, and the same request comes again. */
function lostAnswer(repetitions: number, bytes: number): Talk {
  const talk = new Talk();
  talk.init(false, init);
  talk.init(true, init);
  for (let sent = 0; sent <= repetitions; sent++) {
    talk.auth(1, false, [], { sealed: 'closed', sealedBytes: 400, at: 4 * sent + 1 });
    talk.auth(1, true, [], { sealed: 'closed', sealedBytes: bytes });
  }
  return talk;
}

function fragments(numbers: readonly number[], answered = false): Talk {
  const talk = new Talk();
  talk.init(false, init);
  talk.init(true, init);
  for (const number of numbers) talk.auth(1, false, authRequest(), { fragment: { number, total: 3 } });
  if (answered) talk.auth(1, true, authResponse());
  return talk;
}

function lostDatagram(reason: 'missing' | 'cut'): Talk {
  const talk = new Talk();
  talk.init(false, init);
  talk.init(true, init);
  talk.incomplete.push({
    src: talk.i.address,
    dst: talk.r.address,
    protocol: 17,
    frames: [3, 5],
    time: 0n,
    received: 1480,
    total: 2104,
    reason,
  });
  return talk;
}

function unansweredCreate(at: number): Talk {
  const talk = good();
  talk.create(2, false, [sa('aes256gcm16-x25519', 3, 'c0000003'), ke(31), nonce]);
  talk.esp('i', '0xc0000002', 1, { at });
  return talk;
}

function noted(code: 'E_CAPTURE_DAMAGED' | 'N_CUT_FRAME' | 'N_TCP_GAP' | 'N_LINK_TYPE'): () => Talk {
  return () => {
    const talk = good();
    talk.notes.push({ code, message: 'something is wrong', frame: 2 });
    return talk;
  };
}

checkGroup(reach, {
  'no-answer': {
    talk: () => attempts(1),
    frames: [1],
    title: '192.0.2.1 sent IKE_SA_INIT to 192.0.2.2:500 and got no answer at all.',
    advice: /tcpdump/,
    without: () => attempts(1, true),
  },
  'only-retransmissions': {
    talk: () => attempts(4),
    frames: [1, 2, 3, 4],
    title: /4 times and got no answer/,
    without: () => attempts(4, true),
  },
  'ike-auth-not-answered': {
    talk: () => unansweredAuth(),
    frames: [1, 2, 3, 4],
    title: /answered IKE_SA_INIT but not IKE_AUTH, which 192\.0\.2\.1 sent 2 times on port 4500/,
    advice: /UDP 4500/,
    without: good,
  },
  'ike-auth-answer-lost': {
    talk: () => lostAnswer(2, 2100),
    frames: [3, 4, 5, 6, 7, 8],
    title:
      '192.0.2.2 answered IKE_AUTH (2132 bytes), but 192.0.2.1 asked again 2 times and never went on: the answer does not arrive.',
    advice: /IP fragments.*fragmentation = yes/,
    without: () => lostAnswer(1, 2100),
  },
  'ike-fragments-missing': {
    talk: () => fragments([1, 3]),
    frames: [3, 4],
    title: /only 2 fragments of 3 came/,
    advice: /fragment_size/,
    without: () => fragments([1, 2, 3]),
  },
  'ip-fragments-missing': {
    talk: () => lostDatagram('missing'),
    frames: [3, 5],
    title: /an IKE_AUTH datagram from 192\.0\.2\.1 to 192\.0\.2\.2 only 1480 of 2104 bytes came/,
    advice: /RFC 7383/,
    without: () => lostDatagram('cut'),
  },
  'exchange-not-answered': {
    talk: () => unansweredCreate(20),
    frames: [5],
    title: /did not answer the CREATE_CHILD_SA request/,
    without: () => unansweredCreate(1),
  },
  'requests-retransmitted': {
    talk: () => attempts(2, true),
    frames: [2],
    title: /1 exchange needed retransmissions/,
    without: good,
  },
  'one-sided-capture': {
    talk: () => {
      const talk = new Talk();
      talk.init(false, init);
      talk.auth(1, false, authRequest());
      return talk;
    },
    frames: [1, 2],
    title: /only requests were captured/,
    without: () => attempts(1),
  },
});

checkGroup(capture, {
  'capture-damaged': {
    talk: noted('E_CAPTURE_DAMAGED'),
    frames: [2],
    title: 'Something is wrong.',
    without: noted('N_LINK_TYPE'),
  },
  'capture-cut': { talk: noted('N_CUT_FRAME'), frames: [2], title: /wrong/, advice: /-s 0/, without: good },
  'tcp-gap': { talk: noted('N_TCP_GAP'), frames: [2], title: /wrong/, without: good },
});

test('a small answer that is lost is no matter of fragments, and traffic shows that it came', () => {
  expect(lostAnswer(3, 500).only('ike-auth-answer-lost').advice).toMatch(/firewall or NAT/);
  const talk = lostAnswer(3, 2100);
  talk.esp('i', '0xc0000002', 1);
  expect(talk.ids()).not.toContain('ike-auth-answer-lost');
});

test('a big IKE_AUTH without an answer points to fragments', () => {
  expect(unansweredAuth(2100, 500).only('ike-auth-not-answered').advice).toMatch(
    /IP fragments.*fragmentation = yes/,
  );
});

test('attempts with new SPIs are counted together', () => {
  const talk = new Talk();
  for (let i = 0; i < 5; i++) talk.init(false, init, { spiI: BigInt(i + 1), at: i });
  expect(talk.only('only-retransmissions')).toMatchObject({ frames: [1, 2, 3, 4, 5] });
  expect(talk.ids()).not.toContain('no-answer');
});
