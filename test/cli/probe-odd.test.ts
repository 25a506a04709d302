import { Ajv } from 'ajv';
import { afterEach, describe, expect, it } from 'vitest';
import { systemEntropy } from '../../src/lib/core/environment.js';
import { parseProposals } from '../../src/lib/ike/proposals.js';
import { decodeHeader } from '../../src/lib/ike/wire/header.js';
import { encodeMessage } from '../../src/lib/ike/wire/message.js';
import { NotifyType, notify } from '../../src/lib/ike/wire/notify.js';
import { probeSchema } from '../../src/lib/report/probe.schema.js';
import type { ProbeDocument, ProbeTargetReport } from '../../src/lib/report/probe-document.js';
import { type Behaviour, SimulatedGateway } from '../sim/probe-gateway.js';
import { ikev1Gateway } from '../unit/probe/v1-gateway.js';
import { type Gateway, probe, startResponder } from './probe-gateway.js';

const valid = new Ajv().compile(probeSchema);
const opened: Gateway[] = [];

afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

/** What comes back for a datagram. */
type Answer = (data: Uint8Array) => readonly Uint8Array[];

const configured = parseProposals('aes256gcm16-prfsha384-x25519', 1).map(({ transforms }) => transforms);
const truth = { encr: ['20'], prf: ['6'], integ: [], ke: ['31'], addke: [] };
const nothing = { encr: [], prf: [], integ: [], ke: [], addke: [] };

/** A gateway with one proposal. */
function gateway(behaviour: Partial<Behaviour> = {}): Answer {
  const simulated = new SimulatedGateway({ proposals: configured, ...behaviour }, systemEntropy);
  return (data) => simulated.receive(data, Date.now());
}

interface Outcome {
  status: number | null;
  target: ProbeTargetReport;
}

/** Probes until the command ends by itself. */
async function outcome(answer: Answer, ...flags: string[]): Promise<Outcome> {
  const started = await startResponder('127.0.0.1', (data, _path, send) => {
    for (const reply of answer(data)) send(reply);
  });
  opened.push(started);
  const patience = ['--timeout', '150ms', '--retries', '1'];
  const { status, stdout } = await probe([
    '127.0.0.1',
    '--port',
    String(started.port),
    '--json',
    ...patience,
    ...flags,
  ]);
  const document = JSON.parse(stdout) as ProbeDocument;
  expect(valid(document), JSON.stringify(valid.errors)).toBe(true);
  return { status, target: document.targets[0]! };
}

function acceptedBy({ ikev2 }: ProbeTargetReport): Record<string, string[]> {
  const lists = Object.entries(ikev2?.accepted ?? {});
  return Object.fromEntries(lists.map(([kind, list]) => [kind, list.map(({ id }) => String(id))]));
}

const statusOf = ({ findings }: ProbeTargetReport, wanted: string): string | undefined =>
  findings.find(({ id }) => id === wanted)?.status;

describe('a gateway that answers only sometimes', () => {
  it('ten datagrams a second: slow, and never wrong', async () => {
    const { status, target } = await outcome(gateway({ heardPerSecond: 10 }), '--no-ikev1');
    expect(target.verdict).toBe('answers');
    expect(acceptedBy(target)).toEqual(truth);
    // What was not heard in time is not known, which has an exit code of its own.
    expect(status).toBe(statusOf(target, 'IKE-META-001') === 'pass' ? 0 : 8);
  });

  it('a dozen times and then never again: blocked, with 8', async () => {
    const ordinary = gateway();
    let left = 12;
    const { status, target } = await outcome((data) => (left-- > 0 ? ordinary(data) : []), '--no-ikev1');
    expect(status).toBe(8);
    expect(target).toMatchObject({ verdict: 'blocked', grade: { letter: '?' } });
    expect(target.limits.join()).toContain('stopped answering');
    for (const [kind, ids] of Object.entries(acceptedBy(target))) {
      expect([[], truth[kind as keyof typeof truth]]).toContainEqual(ids);
    }
  });
});

describe('a gateway that demands cookies', () => {
  it('of everybody: all is found, and the cookies are told', async () => {
    const { status, target } = await outcome(gateway({ cookiesFrom: 0 }), '--no-ikev1');
    expect(status).toBe(0);
    expect(acceptedBy(target)).toEqual(truth);
    expect(target.capabilities?.cookies).toBe('always');
  });

  it('one after the other, whatever it gets: not known, with 8', async () => {
    const { status, target } = await outcome((data) => {
      const header = { ...decodeHeader(data), isResponse: true, fromInitiator: false };
      return [encodeMessage(header, [notify(NotifyType.COOKIE, systemEntropy.bytes(16))])];
    }, '--no-ikev1');
    expect(status).toBe(8);
    expect(acceptedBy(target)).toEqual(nothing);
    expect(target.limits.join()).toContain('one cookie after the other');
    expect(statusOf(target, 'IKE-ENC-001')).toBe('inconclusive');
  });
});

describe('something that sends what is no answer', () => {
  const whole = gateway();
  it.each<[what: string, answer: Answer]>([
    ['noise', () => [systemEntropy.bytes(300)]],
    ['a great deal of noise', () => [systemEntropy.bytes(60_000)]],
    ['nothing at all in a datagram', () => [new Uint8Array(0)]],
    ['less than a header', (data) => whole(data).map((each) => each.subarray(0, 27))],
    ['what it got', (data) => [data]],
  ])('%s: not IKE, with 5', async (_what, answer) => {
    const { status, target } = await outcome(answer, '--no-ikev1');
    expect(status).toBe(5);
    expect(target).toMatchObject({ verdict: 'not ike', ikev2: null, grade: { letter: '?' } });
    for (const finding of target.findings) expect(finding.status).not.toBe('pass');
  });

  it('what it got, as a response: nothing is believed, with 8', async () => {
    const { status, target } = await outcome((data) => {
      const reflected = data.slice();
      reflected[19] = 0x20;
      return [reflected];
    }, '--no-ikev1');
    expect(status).toBe(8);
    expect(acceptedBy(target)).toEqual(nothing);
  });
});

describe('a gateway that repeats itself', () => {
  it('twice each time: all is found, and what came unasked is told', async () => {
    const { status, target } = await outcome(gateway({ repeats: 2 }), '--no-ikev1');
    expect(status).toBe(0);
    expect(acceptedBy(target)).toEqual(truth);
    expect(statusOf(target, 'IKE-DOS-001')).toBe('finding');
  });

  it('with older answers before each: they are not mixed up', async () => {
    const ordinary = gateway();
    const before: Uint8Array[] = [];
    const { status, target } = await outcome((data) => {
      const replies = ordinary(data);
      const all = [...before.slice(-3), ...replies];
      before.push(...replies);
      return all;
    }, '--no-ikev1');
    expect(status).toBe(0);
    expect(acceptedBy(target)).toEqual(truth);
  });

  it('with its first answer for ever: the others count as not answered, with 8', async () => {
    const ordinary = gateway();
    let first: readonly Uint8Array[] | undefined;
    const { status, target } = await outcome((data) => {
      first ??= ordinary(data);
      return first;
    }, '--no-ikev1');
    expect(status).toBe(8);
    expect(target.verdict).toBe('blocked');
    expect(statusOf(target, 'IKE-ENC-001')).toBe('inconclusive');
  });

  it('and asks for its group whatever is offered: nothing is made up, with 8', async () => {
    const { status, target } = await outcome(gateway({ insistsOn: 14 }), '--no-ikev1');
    expect(status).toBe(8);
    expect(acceptedBy(target)).toEqual(nothing);
    expect(target.limits.join()).toContain('cannot be told apart');
    expect(target.packets.sent).toBeLessThan(20);
  });
});

describe('a gateway that speaks IKEv1 alone', () => {
  const IKEV1 = 0x10;
  const phase1 = { encr: 7, keyLength: 256, hash: 2, auth: 1, group: 14 };
  const mainMode = [expect.objectContaining({ group: expect.objectContaining({ id: 14 }) })];

  it('and is silent to IKEv2: that is the finding', async () => {
    const old = ikev1Gateway({ mainMode: [phase1], aggressiveMode: [] });
    const { status, target } = await outcome((data) => (data[17] === IKEV1 ? old.handle(data) : []));
    expect(status).toBe(0);
    expect(target).toMatchObject({ verdict: 'answers', ikev2: null, ikev1: { enabled: true, mainMode } });
    expect(statusOf(target, 'IKE-VER-001')).toBe('finding');
  });

  it('also to who asks in IKEv2: no IKEv2 is claimed', async () => {
    const old = ikev1Gateway({ mainMode: [phase1], aggressiveMode: [] });
    const { status, target } = await outcome((data) =>
      data[17] === IKEV1 ? old.handle(data) : [invalidVersion(data)],
    );
    expect(status).toBe(8);
    expect(target).toMatchObject({ ikev2: null, ikev1: { enabled: true, mainMode } });
    expect(target.limits.join()).toContain('answered in IKEv1');
  });
});

/** An informational exchange of IKEv1 with INVALID-MAJOR-VERSION (RFC 2408 3.1, 3.14). */
function invalidVersion(request: Uint8Array): Uint8Array {
  const message = new Uint8Array(40);
  message.set(request.subarray(0, 8));
  message.set([11, 0x10, 5], 16);
  message.set([0, 0, 0, 40, 0, 0, 0, 12, 0, 0, 0, 1, 1, 0, 0, 5], 24);
  return message;
}
