import { describe, expect, it } from 'vitest';
import { parseProposals } from '../../src/lib/ike/proposals.js';
import { decodeMessage, encodeMessage } from '../../src/lib/ike/wire/message.js';
import { NotifyType } from '../../src/lib/ike/wire/notify.js';
import { ExchangeType, type Payload } from '../../src/lib/ike/wire/types.js';
import { SeededEntropy, serverPolicy, World } from './world.js';

const MINUTE = 60_000;

/** A first message as a flooder sends it: well-formed, a new SPI each time, never continued. */
function initRequests(count: number, change: (payload: Payload) => Payload = (p) => p): Uint8Array[] {
  const world = new World(99);
  let sample: Payload[] = [];
  world.tamper = ({ data }) => {
    sample = decodeMessage(data).payloads;
    return false;
  };
  world.connect();
  const random = new SeededEntropy(4);
  return Array.from({ length: count }, () => {
    const payloads = sample.map((p) => change(p.type === 40 ? { ...p, data: random.bytes(32) } : p));
    return encodeMessage(
      {
        initiatorSpi: Buffer.from(random.bytes(8)).readBigUInt64BE() | 1n,
        responderSpi: 0n,
        majorVersion: 2,
        minorVersion: 0,
        exchangeType: ExchangeType.IKE_SA_INIT,
        fromInitiator: true,
        isResponse: false,
        higherVersion: false,
        messageId: 0,
      },
      payloads,
    );
  });
}

describe('a flood of half-open SAs', () => {
  const limits = { cookieThreshold: 10, maxHalfOpen: 100, maxHalfOpenPerAddress: 20 };

  it('turns cookies on, keeps memory bounded, and lets a real client in', () => {
    const world = new World(5, { limits });
    for (const [i, data] of initRequests(2_000).entries()) world.inject(data, `203.0.113.${i % 250}`);
    expect(world.listener.halfOpen).toBe(limits.cookieThreshold);
    const client = world.connect();
    world.run(MINUTE, () => client.ledger.children.size > 0);
    expect(client.ledger.children.size).toBe(1);
    const purposes = client.ledger.events.flatMap((e) => (e.type === 'exchange' ? [e.summary.purpose] : []));
    expect(purposes).toContain('was asked for a cookie');
    world.command(client, { type: 'close' });
    world.run(5 * MINUTE);
    expect(world.listener.size).toBe(0);
  });

  it('keeps no state for a client that brings a forged cookie', () => {
    const world = new World(5, { limits: { ...limits, cookieThreshold: 0 } });
    const [request] = initRequests(1);
    const { header, payloads } = decodeMessage(request!);
    const forged: Payload = {
      type: 41,
      protocolId: 0,
      spi: new Uint8Array(),
      notifyType: NotifyType.COOKIE,
      data: new Uint8Array(17),
    };
    world.inject(encodeMessage(header, [forged, ...payloads]), '203.0.113.9');
    expect(world.listener.size).toBe(0);
  });

  it('bounds the half-open SAs of one address even without cookies', () => {
    const world = new World(5, { limits: { ...limits, cookieThreshold: 1_000 } });
    for (const data of initRequests(200)) world.inject(data, '203.0.113.1');
    expect(world.listener.halfOpen).toBe(limits.maxHalfOpenPerAddress);
    world.run(2 * MINUTE);
    expect(world.listener.size).toBe(0);
  });

  it('takes all addresses of an IPv6 /64 for one', () => {
    const world = new World(5, { limits: { ...limits, cookieThreshold: 1_000 } });
    for (const [i, data] of initRequests(200).entries()) world.inject(data, `2001:db8::${i.toString(16)}`);
    expect(world.listener.halfOpen).toBe(limits.maxHalfOpenPerAddress);
    for (const [i, data] of initRequests(10).entries()) world.inject(data, `2001:db8:0:${i + 1}::1`);
    expect(world.listener.halfOpen).toBe(limits.maxHalfOpenPerAddress + 10);
  });

  it('turns cookies on for public values that are no good, too', () => {
    const world = new World(5, { limits });
    const answers: (number | undefined)[] = [];
    const client = world.connect();
    world.tamper = ({ data }) => {
      const [first] = decodeMessage(data).payloads;
      answers.push(first?.type === 41 ? first.notifyType : undefined);
      return false;
    };
    const bad = initRequests(30, (p) => (p.type === 34 ? { ...p, data: new Uint8Array(p.data.length) } : p));
    for (const data of bad) world.inject(data, client.address);
    expect(answers.slice(0, 10)).toEqual(Array(10).fill(NotifyType.INVALID_SYNTAX));
    expect(answers.slice(10)).toEqual(Array(20).fill(NotifyType.COOKIE));
    expect(world.listener.size).toBe(0);
  });
});

describe('a flood of proposals that are refused', () => {
  const theirs = serverPolicy({ ikeProposals: parseProposals('aes256-sha256-modp2048', 1) });

  it('is told once a minute and address, with what was offered and what is accepted', () => {
    const world = new World(5, { server: theirs });
    const told = () => world.served.get(0)?.events ?? [];
    for (const data of initRequests(10)) world.inject(data, '203.0.113.1');
    expect(told()).toMatchObject([
      {
        type: 'refused-unconfirmed',
        error: {
          code: 'E_NO_PROPOSAL_CHOSEN',
          message:
            '203.0.113.1 offered aes256gcm16-prfsha256-x25519 for the IKE SA, none of which is accepted here (aes256-sha256-prfsha256-modp2048)',
        },
      },
    ]);
    world.run(MINUTE);
    for (const data of initRequests(10)) world.inject(data, '203.0.113.1');
    expect(told()).toHaveLength(2);
    expect(world.listener.size).toBe(0);
  });

  it('fills no log from a thousand addresses', () => {
    const world = new World(5, { server: theirs });
    for (const [i, data] of initRequests(1_000).entries()) world.inject(data, `198.18.${i >> 8}.${i & 255}`);
    expect(world.served.get(0)?.events).toHaveLength(64);
  });

  it('makes no endless line of an endless offer', () => {
    const world = new World(5, { server: theirs });
    const long = (p: Payload): Payload =>
      p.type === 33
        ? { ...p, proposals: Array.from({ length: 100 }, (_, i) => ({ ...p.proposals[0]!, number: i + 1 })) }
        : p;
    for (const data of initRequests(1, long)) world.inject(data, '203.0.113.1');
    const [event] = world.served.get(0)?.events ?? [];
    expect(event?.type === 'refused-unconfirmed' && event.error.message.length).toBeLessThan(500);
  });
});
