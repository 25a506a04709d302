import { describe, expect, it } from 'vitest';
import { proposalsToOffer } from '../../src/lib/ike/negotiate.js';
import { parseProposals } from '../../src/lib/ike/proposals.js';
import { createSkProtection, openMessage, sealMessage } from '../../src/lib/ike/sealed.js';
import { spiBytes } from '../../src/lib/ike/session/child.js';
import type { IkeSaInfo } from '../../src/lib/ike/session/types.js';
import { selectorFromCidr } from '../../src/lib/ike/traffic-selectors.js';
import { decodeHeader } from '../../src/lib/ike/wire/header.js';
import { decodeMessage, encodeMessage, encodePayloads } from '../../src/lib/ike/wire/message.js';
import { findNotify, NotifyType, notify } from '../../src/lib/ike/wire/notify.js';
import {
  ExchangeType,
  type IkeMessage,
  type Payload,
  PayloadType,
  ProtocolId,
} from '../../src/lib/ike/wire/types.js';
import { expectOnePair } from './expect.js';
import { clientPolicy, SeededEntropy, serverPolicy, World } from './world.js';

const MINUTE = 60_000;
const CLIENT = '198.51.100.1';

function up() {
  const world = new World(21, { server: serverPolicy({ dpd: undefined }) });
  const client = world.connect();
  world.run(MINUTE, () => client.ledger.children.size > 0);
  world.run(100);
  const answers: Uint8Array[] = [];
  world.tamper = ({ from, data }) => {
    if (from === 'server') answers.push(data);
    return true;
  };
  return { world, client, ours: client.ledger, theirs: world.latestServed, answers };
}

const header = (sa: IkeSaInfo, exchangeType: number, messageId: number) => ({
  initiatorSpi: sa.initiatorSpi,
  responderSpi: sa.responderSpi,
  majorVersion: 2,
  minorVersion: 0,
  exchangeType,
  fromInitiator: true,
  isResponse: false,
  higherVersion: false,
  messageId,
});

/** A request as the client itself would seal it; IVs start far away from those it has used. */
function seal(
  sa: IkeSaInfo,
  messageId: number,
  payloads: Payload[],
  exchangeType: number = ExchangeType.INFORMATIONAL,
) {
  const protection = createSkProtection(sa.suite, sa.keys.skEi, sa.keys.skAi);
  return sealMessage(header(sa, exchangeType, messageId), payloads, protection, new SeededEntropy(1));
}

function read(sa: IkeSaInfo, data: Uint8Array): IkeMessage {
  return openMessage(data, createSkProtection(sa.suite, sa.keys.skEr, sa.keys.skAr));
}

/** IKE_SA_INIT was message 0 and IKE_AUTH message 1. */
const NEXT = 2;

describe('messages of a peer that breaks rules', () => {
  it('answers an unknown critical payload and keeps the SA', () => {
    const { world, ours, theirs, answers } = up();
    const sa = ours.ikeSa!;
    const strange: Payload = { type: 'unknown', payloadType: 200, critical: true, body: new Uint8Array(3) };
    world.inject(seal(sa, NEXT, [strange]), CLIENT);
    const refused = findNotify(read(sa, answers[0]!).payloads, NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD);
    expect([...refused!.data]).toEqual([200]);
    expectOnePair(ours, theirs);
  });

  it('passes over an unknown payload that is not critical', () => {
    const { world, ours, theirs, answers } = up();
    const sa = ours.ikeSa!;
    world.inject(seal(sa, NEXT, [{ type: 'unknown', payloadType: 200, body: new Uint8Array(3) }]), CLIENT);
    expect(read(sa, answers[0]!).payloads).toEqual([]);
    expectOnePair(ours, theirs);
  });

  it('answers INVALID_SYNTAX to an authentic request that lacks payloads, and gives the SA up', () => {
    const { world, ours, theirs, answers } = up();
    const sa = ours.ikeSa!;
    world.inject(seal(sa, NEXT, [{ type: PayloadType.NONCE, data: new Uint8Array(32) }], 36), CLIENT);
    expect(findNotify(read(sa, answers[0]!).payloads, NotifyType.INVALID_SYNTAX)).toBeDefined();
    expect(theirs.ended?.error?.code).toBe('E_INVALID_SYNTAX');
    expect(theirs.children.size).toBe(0);
  });

  it('answers INVALID_SYNTAX to an authentic request that does not parse', () => {
    const { world, ours, theirs, answers } = up();
    const sa = ours.ikeSa!;
    // A Delete payload whose count promises more SPIs than there are, smuggled in as an unknown payload's bytes.
    const { bytes } = encodePayloads([{ type: 'unknown', payloadType: 42, body: Uint8Array.of(3, 4, 0, 9) }]);
    const body: Payload = { type: 'unknown', payloadType: PayloadType.DELETE, body: bytes.slice(4) };
    world.inject(seal(sa, NEXT, [body]), CLIENT);
    expect(findNotify(read(sa, answers[0]!).payloads, NotifyType.INVALID_SYNTAX)).toBeDefined();
    expect(theirs.ended?.error?.code).toBe('E_INVALID_SYNTAX');
  });

  it('answers a rekey of a child it does not have with CHILD_SA_NOT_FOUND', () => {
    const { world, client, ours, theirs } = up();
    world.command('server', {
      type: 'delete-child',
      childId: [...theirs.children.keys()][0]!,
      reason: 'deleted-by-us',
    });
    const childId = [...ours.children.keys()][0]!;
    // The delete is on its way while the client asks for the rekey: the server refuses, the client forgets.
    world.command(client, { type: 'rekey-child', childId });
    world.run(5 * MINUTE);
    expect(ours.children.size).toBe(theirs.children.size);
    expect(ours.ended).toBeUndefined();
  });

  it('answers a higher major version, known SA or not', () => {
    const { world, ours, answers } = up();
    for (const sa of [ours.ikeSa!, { ...ours.ikeSa!, initiatorSpi: 5n, responderSpi: 0n }]) {
      const request = encodeMessage({ ...header(sa, 37, NEXT), majorVersion: 3 }, []);
      world.inject(request, CLIENT);
      const answer = decodeMessage(answers.at(-1)!);
      expect(answer.header.majorVersion).toBe(2);
      expect(findNotify(answer.payloads, NotifyType.INVALID_MAJOR_VERSION)).toBeDefined();
    }
    expect(answers).toHaveLength(2);
  });
});

describe('a client that rekeys on and on and deletes nothing', () => {
  const ROUNDS = 200;

  it('has a bounded number of child SAs', () => {
    const { world, ours, theirs } = up();
    const sa = ours.ikeSa!;
    const espProposals = parseProposals('aes256gcm16', 3);
    let oldSpi = [...ours.children.values()][0]!.inboundSpi;
    for (let i = 0; i < ROUNDS; i++) {
      const spi = 0x1000 + i;
      const rekey: Payload[] = [
        notify(NotifyType.REKEY_SA, undefined, ProtocolId.ESP, spiBytes(oldSpi)),
        {
          type: PayloadType.SA,
          proposals: proposalsToOffer(espProposals, { spi: spiBytes(spi), withKe: false }),
        },
        { type: PayloadType.NONCE, data: new SeededEntropy(i).bytes(32) },
        { type: PayloadType.TSi, selectors: [selectorFromCidr('10.1.0.0/24')] },
        { type: PayloadType.TSr, selectors: [selectorFromCidr('10.2.0.0/24')] },
      ];
      world.inject(seal(sa, NEXT + i, rekey, ExchangeType.CREATE_CHILD_SA), CLIENT);
      oldSpi = spi;
    }
    expect(theirs.children.size).toBe(128);
    expect(theirs.ended).toBeUndefined();
  });

  it('has a bounded number of IKE SAs', () => {
    const { world, client, theirs } = up();
    world.tamper = ({ from, data }) =>
      from === 'server' || decodeHeader(data).exchangeType !== ExchangeType.INFORMATIONAL;
    for (let i = 0; i < ROUNDS; i++) {
      world.command(client, { type: 'rekey-ike' });
      world.run(10);
    }
    expect(theirs.count('ike-sa-rekeyed')).toBe(31);
    expect(theirs.ended).toBeUndefined();
  });
});

describe('messages that an attacker can send', () => {
  it('does not answer a request with any byte changed, nor one cut short', () => {
    const { world, ours, theirs, answers } = up();
    const good = seal(ours.ikeSa!, NEXT, []);
    for (let i = 0; i < good.length; i++) {
      const bad = good.slice();
      bad[i]! ^= 0x01;
      if (decodeHeader(bad).majorVersion > 2) continue;
      world.inject(bad, CLIENT);
      world.inject(good.slice(0, i), CLIENT);
    }
    expect(answers).toEqual([]);
    expectOnePair(ours, theirs);
    world.inject(good, CLIENT);
    expect(answers).toHaveLength(1);
  });

  it('answers a repeated request with the same bytes and acts once; stale and early ones not at all', () => {
    const { world, ours, theirs, answers } = up();
    const sa = ours.ikeSa!;
    const before = theirs.count('exchange');
    const request = seal(sa, NEXT, []);
    world.inject(request, CLIENT);
    world.inject(request, CLIENT);
    expect(answers).toHaveLength(2);
    expect(answers[1]).toEqual(answers[0]);
    expect(theirs.count('exchange') - before).toBe(1);
    world.inject(seal(sa, NEXT - 1, []), CLIENT);
    world.inject(seal(sa, NEXT + 5, []), CLIENT);
    world.inject(seal(sa, NEXT, [{ type: 'unknown', payloadType: 200, body: new Uint8Array(9) }]), CLIENT);
    expect(answers).toHaveLength(2);
  });

  it('does not let an unprotected notify end an exchange', () => {
    const world = new World(8);
    const client = world.connect();
    world.tamper = ({ from, data }) => {
      if (from === 'client') return true;
      const { exchangeType, ...rest } = decodeHeader(data);
      const forged = encodeMessage({ ...rest, exchangeType }, [
        {
          type: 41,
          protocolId: 0,
          spi: new Uint8Array(),
          notifyType: NotifyType.AUTHENTICATION_FAILED,
          data: new Uint8Array(),
        },
      ]);
      return [forged, data];
    };
    world.run(MINUTE, () => client.ledger.children.size > 0);
    expect(client.ledger.children.size).toBe(1);
    expect(client.ledger.ended).toBeUndefined();
  });
});

describe('a NAT that changes its mapping', () => {
  it('is followed by the first authenticated message from the new port', () => {
    const world = new World(21, { server: serverPolicy() });
    const client = world.connect(clientPolicy({ dpd: 30_000 }));
    world.run(MINUTE, () => client.ledger.children.size > 0);
    client.natPort = 61_234;
    world.run(2 * MINUTE);
    const served = world.latestServed;
    expect(served.events.find((e) => e.type === 'peer-moved')).toMatchObject({
      path: { remote: { port: 61_234 } },
    });
    world.command('server', { type: 'rekey-ike' });
    world.run(MINUTE);
    expect(served.ikeSa?.path.remote.port).toBe(61_234);
    expectOnePair(client.ledger, served);
  });

  it('is not followed by a client that is behind a NAT itself', () => {
    const world = new World(21);
    world.tamper = () => false;
    const client = world.connect();
    // Its first message is lost, the next one goes through a NAT.
    client.natPort = 61_234;
    world.tamper = undefined;
    world.run(MINUTE, () => client.ledger.children.size > 0);
    world.run(100);
    let stolen = new Uint8Array();
    world.tamper = ({ data }) => {
      stolen = data.slice();
      return false;
    };
    world.command('server', { type: 'check-liveness' });
    const path = { local: { address: CLIENT, port: 40_001 }, remote: { address: '203.0.113.66', port: 66 } };
    client.session.handle({ type: 'datagram', data: stolen, path: { ...path, natT: true } }, world.now);
    const next = client.session.handle({ type: 'command', command: { type: 'check-liveness' } }, world.now);
    expect(next.send.map(({ path: { remote } }) => remote)).toEqual([{ address: '192.0.2.1', port: 4500 }]);
  });

  it.each(['client', 'server'] as const)(
    'is not followed back to port 500, where a thief brings a message of the %s without its marker',
    (from) => {
      const world = new World(23, { server: serverPolicy() });
      const client = world.connect();
      world.run(MINUTE, () => client.ledger.children.size > 0);
      let held: Uint8Array | undefined;
      world.tamper = (datagram) => {
        if (datagram.from !== from || held !== undefined) return true;
        held = datagram.data.slice();
        return false;
      };
      world.command(from === 'client' ? client : 'server', { type: 'check-liveness' });
      world.run(50);
      world.tamper = undefined;
      const { events } = from === 'client' ? world.latestServed : client.ledger;
      const before = events.length;
      if (from === 'client') world.inject(held!, '203.0.113.66');
      else world.injectToClient(0, held!);
      world.run(100);
      expect(events.slice(before).filter(({ type }) => type === 'peer-moved')).toEqual([]);
    },
  );

  it('is followed only where the host lets it be, for ESP as for IKE', () => {
    const asked: string[] = [];
    const allowed = new Set<string>();
    const mayFollow = (address: string) => {
      asked.push(address);
      return allowed.has(address);
    };
    const world = new World(21, { server: { ...serverPolicy(), mayFollow } });
    const client = world.connect(clientPolicy({ dpd: 30_000 }));
    world.run(MINUTE, () => client.ledger.children.size > 0);
    const served = world.latestServed;
    const was = served.ikeSa?.path;
    // Another port at the same address is nothing new to the host.
    client.natPort = 61_234;
    world.run(2 * MINUTE);
    expect(served.count('peer-moved')).toBe(1);
    expect(asked).toEqual([]);
    const elsewhere = { ...was!, remote: { address: '10.9.0.1', port: 4500 } };
    world.command('server', { type: 'peer-moved', path: elsewhere });
    expect(asked).toEqual(['10.9.0.1']);
    expect(served.count('peer-moved')).toBe(1);
    expect(served.events.at(-1)).toEqual({ type: 'peer-elsewhere', path: elsewhere });
    allowed.add('10.9.0.1');
    world.command('server', { type: 'peer-moved', path: elsewhere });
    expect(served.count('peer-moved')).toBe(2);
    expect(served.count('peer-elsewhere')).toBe(1);
  });

  it('is not followed for a message that only looks like the peer', () => {
    const { world, ours, theirs } = up();
    const forged = seal(ours.ikeSa!, NEXT, []);
    forged[forged.length - 1]! ^= 1;
    world.inject(forged, '203.0.113.66');
    expect(theirs.count('peer-moved')).toBe(0);
  });
});

describe('a mistake of our own', () => {
  it('ends the one session it happens in and leaves the others', () => {
    const assign = () => {
      throw new TypeError('a planted mistake');
    };
    const pool = { assign, release: () => {} };
    const world = new World(21, { server: serverPolicy({ pool }) });
    const lucky = world.connect();
    const unlucky = world.connect(clientPolicy({ localTs: undefined, localId: undefined }));
    world.run(2 * MINUTE);
    expect(lucky.ledger.children.size).toBe(1);
    expect(unlucky.ledger.children.size).toBe(0);
    const errors = [...world.served.values()].flatMap((ledger) => ledger.ended?.error?.code ?? []);
    expect(errors).toEqual(['E_INTERNAL']);
  });
});
