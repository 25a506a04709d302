import { createSecureContext } from 'node:tls';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { concatBytes, equalBytes, fromHex, toHex, utf8 } from '../../../../src/lib/core/bytes.js';
import { WireError } from '../../../../src/lib/core/errors.js';
import type { AuthenticatorTlsOptions } from '../../../../src/lib/ike/auth/eap/authenticator.js';
import {
  decodeEap,
  EapCode,
  type EapExchange,
  EapType,
  encodeEap,
} from '../../../../src/lib/ike/auth/eap/codec.js';
import type { PeerTlsOptions, TlsVersions } from '../../../../src/lib/ike/auth/eap/peer.js';
import { TlsEngine } from '../../../../src/lib/ike/auth/eap/tls-engine.js';
import { TlsFlag, TlsFlights } from '../../../../src/lib/ike/auth/eap/tls-flights.js';
import type { EapStep } from '../../../../src/lib/ike/auth/types.js';
import { rootCa } from '../../pki/build.js';
import {
  ADDRESS,
  authenticator,
  codeOf,
  converse,
  distrust,
  mskOf,
  peer,
  type TlsParties,
  tlsParties,
} from './converse.js';

let parties: TlsParties;
beforeAll(async () => {
  parties = await tlsParties();
});

const tls12: TlsVersions = { min: 'TLSv1.2', max: 'TLSv1.2' };
const tls13: TlsVersions = { min: 'TLSv1.3', max: 'TLSv1.3' };

function tlsPeer(options: Partial<PeerTlsOptions> = {}) {
  const tls = { ...parties.client, validateServer: () => {}, ...options };
  return peer({ method: 'tls', user: 'alice@example.com', tls });
}

function tlsServer(options: Partial<AuthenticatorTlsOptions> = {}) {
  const tls = { ...parties.server, validateClient: () => {}, ...options };
  return authenticator({ methods: ['tls'], tls });
}

describe.each([
  ['TLS 1.2', tls12],
  ['TLS 1.3', tls13],
])('EAP-TLS with %s', (_, versions) => {
  it('authenticates both sides and yields one key', async () => {
    const seen: unknown[] = [];
    const { peer: client, server } = await converse(
      tlsPeer({ versions, validateServer: (chain) => void seen.push(chain) }),
      tlsServer({ versions, validateClient: (chain, identity) => void seen.push(chain, identity) }),
    );
    expect([codeOf(client), codeOf(server)]).toEqual(['success', 'success']);
    expect(mskOf(client)).toHaveLength(64);
    expect(mskOf(client)).toEqual(mskOf(server));
    expect(seen).toEqual([parties.server.certificates, parties.client.certificates, 'alice@example.com']);
    expect(server).toMatchObject({ identity: 'alice@example.com', method: 'eap-tls' });
  });

  it.each([32, 100, 1400])('cuts flights into packets of at most %i bytes', async (fragmentBytes) => {
    const {
      peer: client,
      server,
      packets,
    } = await converse(tlsPeer({ versions, fragmentBytes }), tlsServer({ versions, fragmentBytes }));
    expect([codeOf(client), codeOf(server)]).toEqual(['success', 'success']);
    expect(mskOf(client)).toEqual(mskOf(server));
    expect(Math.max(...packets.map(({ length }) => length))).toBeLessThanOrEqual(fragmentBytes);
  });

  it('fails when the client does not trust the server, and the server learns of it', async () => {
    const {
      peer: client,
      server,
      early,
    } = await converse(tlsPeer({ versions, validateServer: distrust }), tlsServer({ versions }));
    expect(codeOf(client)).toBe('E_EAP_SERVER');
    expect(early.peer?.message).toContain('nobody signed it');
    expect(codeOf(server)).toBe('E_EAP_FAILED');
  });

  it('does not prove itself to a server it does not trust', async () => {
    let checks = 0;
    const { packets } = await converse(
      tlsPeer({ versions, validateServer: distrust }),
      tlsServer({ versions, validateClient: () => void checks++ }),
    );
    const own = Buffer.from(parties.client.certificates[0]!);
    expect(packets.some((packet) => Buffer.from(packet).includes(own))).toBe(false);
    expect(checks).toBe(0);
  });

  it('fails when the server does not trust the client', async () => {
    const { peer: client, server } = await converse(
      tlsPeer({ versions }),
      tlsServer({ versions, validateClient: distrust }),
    );
    expect(codeOf(server)).toBe('E_EAP_CLIENT');
    expect(codeOf(client)).toBe('E_EAP_FAILED');
    expect(client).toMatchObject({
      error: { hint: expect.stringMatching(/(our certificate|ours).*revoked/) },
    });
  });

  it('never skips the check of a certificate', async () => {
    let checks = 0;
    const count = () => void checks++;
    await converse(
      tlsPeer({ versions, validateServer: count }),
      tlsServer({ versions, validateClient: count }),
    );
    expect(checks).toBe(2);
  });

  it('makes a new key each time', async () => {
    const first = await converse(tlsPeer({ versions }), tlsServer({ versions }));
    const second = await converse(tlsPeer({ versions }), tlsServer({ versions }));
    expect(equalBytes(mskOf(first.peer)!, mskOf(second.peer)!)).toBe(false);
  });
});

/** Puts an EAP Success where the packet of that number would have been. */
const successAt = (number: number) => (packet: Uint8Array, at: number) =>
  at === number ? encodeEap({ code: EapCode.Success, identifier: 1 }) : packet;

/** With this, a flight is a packet: Identity 0 and 1, start 2, ClientHello 3, then turn by turn. */
const fragmentBytes = 8000;
const SERVER_HELLO = 4;
const LAST_OF_SERVER = 6;

describe('EAP-TLS', () => {
  it.each([
    ['the client', tls12, undefined, true],
    ['the server', undefined, tls12, true],
    ['nobody', undefined, undefined, false],
  ])('settles on the best version when %s stays behind', async (_, ours, theirs, isTls12) => {
    const { server, packets } = await converse(
      tlsPeer({ fragmentBytes, ...(ours && { versions: ours }) }),
      tlsServer({ fragmentBytes, ...(theirs && { versions: theirs }) }),
    );
    expect(codeOf(server)).toBe('success');
    // Only TLS 1.2 shows certificates to everybody.
    const hello = Buffer.from(packets[SERVER_HELLO]!);
    expect(hello.includes(Buffer.from(parties.server.certificates[0]!))).toBe(isTls12);
  });

  it('fails without a common version', async () => {
    const { peer: client, server } = await converse(
      tlsPeer({ versions: tls12 }),
      tlsServer({ versions: tls13 }),
    );
    expect([codeOf(client), codeOf(server)]).toEqual(['E_EAP_FAILED', 'E_EAP_TLS']);
  });

  it('names the CAs that the client may choose a certificate of', async () => {
    const other = await rootCa();
    const name = Buffer.from(other.certificate.subject);
    const hello = async (authorities: Uint8Array[]) => {
      const server = tlsServer({ versions: tls12, fragmentBytes, authorities });
      const { packets } = await converse(tlsPeer({ fragmentBytes }), server);
      // Behind the certificate of the server, which has a name like it as its issuer.
      const packet = Buffer.from(packets[SERVER_HELLO]!);
      const [own] = parties.server.certificates;
      return packet.subarray(packet.indexOf(own!) + own!.length).includes(name);
    };
    expect(await hello([other.certificate.der])).toBe(true);
    expect(await hello([])).toBe(false);
  });

  it('waits for a check that takes its time', async () => {
    const later = () => new Promise<void>((_, reject) => setImmediate(() => reject(new Error('no'))));
    const client = await converse(tlsPeer({ validateServer: later }), tlsServer());
    expect(codeOf(client.peer)).toBe('E_EAP_SERVER');
    const server = await converse(tlsPeer(), tlsServer({ validateClient: later }));
    expect(codeOf(server.server)).toBe('E_EAP_CLIENT');
  });

  it.each([
    ['before anything', tls13, 2, 'before TLS was done'],
    ['before its end', tls13, SERVER_HELLO, 'before TLS was done'],
    ['before the server has finished', tls12, LAST_OF_SERVER, 'before TLS was done'],
    ['without the protected indication', tls13, LAST_OF_SERVER, 'indication'],
  ])('does not believe a Success %s', async (_, versions, at, words) => {
    const { peer: client } = await converse(
      tlsPeer({ versions, fragmentBytes }),
      tlsServer({ versions, fragmentBytes }),
      successAt(at),
    );
    expect(codeOf(client)).toBe('E_EAP_SERVER');
    expect(client?.type === 'failure' && client.error.message).toContain(words);
  });

  it('fails a changed handshake on both sides', async () => {
    const flip = (packet: Uint8Array, at: number) => {
      if (at !== LAST_OF_SERVER - 1) return packet;
      const changed = packet.slice();
      changed[changed.length - 1]! ^= 1;
      return changed;
    };
    const { peer: client, server } = await converse(
      tlsPeer({ fragmentBytes }),
      tlsServer({ fragmentBytes }),
      flip,
    );
    expect(codeOf(server)).toBe('E_EAP_TLS');
    expect(codeOf(client)).toMatch(/^E_EAP_(FAILED|TLS)$/);
  });

  it.each([tls12, tls13])('fails a client without a certificate', async ({ min, max }) => {
    const engine = new TlsEngine('client', createSecureContext({ ca: [], minVersion: min, maxVersion: max }));
    const server = tlsServer({ fragmentBytes });
    let said = await server.start(ADDRESS);
    said = await server.step(responding(said, EapType.Identity, utf8('alice@example.com')));
    said = await server.step(responding(said, EapType.Tls, concatBytes(ACK, await engine.feed())));
    const { data } = decodeEap(said.message) as EapExchange;
    const answer = concatBytes(ACK, await engine.feed(data.subarray(1)));
    said = await server.step(responding(said, EapType.Tls, answer));
    const error = said.type === 'send' ? said.failed : said.type === 'failure' ? said.error : undefined;
    expect(error).toMatchObject({ code: 'E_EAP_CLIENT' });
    engine.close();
    server.close();
  });

  it('refuses a flight of more than 64 KiB', async () => {
    const server = tlsServer();
    let said = await server.start(ADDRESS);
    said = await server.step(responding(said, EapType.Identity, utf8('alice')));
    const fragment = new Uint8Array(1 + 1024);
    fragment[0] = TlsFlag.More;
    for (let kilobytes = 1; kilobytes <= 64; kilobytes++) {
      said = await server.step(responding(said, EapType.Tls, fragment));
      expect(said.type).toBe('send');
    }
    said = await server.step(responding(said, EapType.Tls, fragment));
    expect(codeOf(said)).toBe('E_EAP_PACKET');
  });

  it('refuses a key that is not of the certificate, and fragments that hold nothing', () => {
    const unusable = expect.objectContaining({ code: 'E_EAP_OPTIONS' });
    expect(() => tlsPeer({ key: parties.server.key })).toThrow(unusable);
    expect(() => tlsPeer({ fragmentBytes: 31 })).toThrow(unusable);
    expect(() => tlsServer({ fragmentBytes: 31 })).toThrow(unusable);
    expect(() => peer({ method: 'tls' })).toThrow(unusable);
    expect(() => authenticator({ methods: ['md5', 'tls'] })).toThrow(unusable);
  });
});

describe('fragments of EAP-TLS', () => {
  it('come together again, whatever their size', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 3000 }),
        fc.integer({ min: 32, max: 1400 }),
        (flight, size) => {
          const sender = new TlsFlights(size);
          const receiver = new TlsFlights(size);
          let arrival = receiver.receive(sender.send(flight));
          while (arrival.type === 'reply') {
            const next = sender.receive(arrival.data);
            if (next.type !== 'reply')
              throw new Error(`the sender takes an acknowledgement for a ${next.type}`);
            expect(next.data.length + 5).toBeLessThanOrEqual(size);
            arrival = receiver.receive(next.data);
          }
          expect(arrival).toEqual({ type: 'flight', flight });
        },
      ),
    );
  });

  it('name the length of the whole flight in the first of several, only there (RFC 5216 2.1.5)', () => {
    const sender = new TlsFlights(40);
    expect(toHex(sender.send(new Uint8Array(50)).subarray(0, 5))).toBe('c000000032');
    expect(sender.receive(ACK)).toMatchObject({ type: 'reply' });
    expect(new TlsFlights(40).send(new Uint8Array(34))[0]).toBe(0);
  });

  it.each([
    ['nothing at all', ''],
    ['half a length', '800000'],
    ['a length beyond the bound', '8000010001aa'],
    ['a start with data', '20aa'],
    ['an empty fragment', '40'],
  ])('of the other side may not be %s', (_, data) => {
    expect(() => new TlsFlights(1000).receive(fromHex(data))).toThrow(WireError);
  });

  it('are acknowledged before anything else is said', () => {
    const sender = new TlsFlights(40);
    sender.send(new Uint8Array(50));
    expect(() => sender.receive(Uint8Array.of(0, 1))).toThrow(WireError);
  });
});

const ACK = Uint8Array.of(0);

function responding({ message }: EapStep, type: number, data: Uint8Array): Uint8Array {
  return encodeEap({ code: EapCode.Response, identifier: message[1]!, type, data });
}
