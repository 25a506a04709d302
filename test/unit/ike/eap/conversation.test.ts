import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../../../src/lib/core/bytes.js';
import { Secret } from '../../../../src/lib/core/secret.js';
import {
  decodeEap,
  EapCode,
  type EapExchange,
  EapType,
  encodeEap,
} from '../../../../src/lib/ike/auth/eap/codec.js';
import { createAttemptLimiter } from '../../../../src/lib/ike/auth/eap/limiter.js';
import { PasswordCheck } from '../../../../src/lib/ike/auth/eap/passwords.js';
import { parseUsers } from '../../../../src/lib/ike/auth/eap/users.js';
import type { EapStep } from '../../../../src/lib/ike/auth/types.js';
import { ADDRESS, authenticator, codeOf, converse, peer, users } from './converse.js';

const request = (type: number, data: string | Uint8Array = '', identifier = 5) =>
  encodeEap({ code: EapCode.Request, identifier, type, data: typeof data === 'string' ? utf8(data) : data });
const response = (to: EapStep, type: number, data: string | Uint8Array) =>
  encodeEap({
    code: EapCode.Response,
    identifier: to.message[1]!,
    type,
    data: typeof data === 'string' ? utf8(data) : data,
  });
const success = encodeEap({ code: EapCode.Success, identifier: 5 });
const failure = encodeEap({ code: EapCode.Failure, identifier: 5 });
const typeOf = (step: EapStep) => (decodeEap(step.message) as EapExchange).type;
const messageOf = (step: EapStep) => (step.type === 'failure' ? step.error.message : '');

describe('EAP-MD5', () => {
  it('authenticates the client, without a key', async () => {
    const { peer: client, server } = await converse(
      peer({ method: 'md5' }),
      authenticator({ methods: ['md5'] }),
    );
    expect(client).toMatchObject({ type: 'success', msk: undefined, method: 'eap-md5' });
    expect(server).toMatchObject({ type: 'success', msk: undefined, identity: 'alice', method: 'eap-md5' });
  });

  it('computes MD5 over identifier, password and challenge (RFC 1994 4.1)', async () => {
    const step = await peer({ method: 'md5' }).step(
      request(EapType.Md5Challenge, Uint8Array.of(2, 0xaa, 0xbb), 0x61),
    );
    const digest = createHash('md5').update(Buffer.concat([utf8('aopensesame'), Uint8Array.of(0xaa, 0xbb)]));
    expect(toHex(step.message)).toBe(`0261001b0410${digest.digest('hex')}${toHex(utf8('alice'))}`);
  });

  it('tells a wrong password only to the server', async () => {
    const { peer: client, server } = await converse(
      peer({ method: 'md5', pass: 'wrong' }),
      authenticator({ methods: ['md5'] }),
    );
    expect([codeOf(client), codeOf(server)]).toEqual(['E_EAP_FAILED', 'E_EAP_PASSWORD']);
  });

  it('cannot do with a hash of the password', async () => {
    const { server } = await converse(
      peer({ method: 'md5', user: 'bob', pass: 'clientPass' }),
      authenticator({ methods: ['md5'] }),
    );
    expect(codeOf(server)).toBe('E_EAP_METHOD');
  });

  it('goes by the name in the response when nobody asked for the Identity', async () => {
    const server = authenticator({ methods: ['md5'], askIdentity: false });
    const { server: end } = await converse(peer({ method: 'md5' }), server);
    expect(end).toMatchObject({ type: 'success', identity: 'alice' });
  });

  it('does not believe a Success without a challenge', async () => {
    expect(codeOf(await peer({ method: 'md5' }).step(success))).toBe('E_EAP_PROTOCOL');
  });
});

describe('the client', () => {
  it('says who it is and reads notifications (RFC 3748 5.1, 5.2)', async () => {
    const client = peer();
    const identity = await client.step(request(EapType.Identity, 'Who are you?'));
    expect(toHex(identity.message)).toBe(`0205000a01${toHex(utf8('alice'))}`);
    const notified = await client.step(request(EapType.Notification, 'Closed on \x1b[1mSundays'));
    expect(toHex(notified.message)).toBe('0205000502');
    const end = await client.step(failure);
    expect(codeOf(end)).toBe('E_EAP_FAILED');
    expect(messageOf(end)).toContain('Closed on \\x1b[1mSundays');
  });

  it('names its method instead of another, and in the end what was offered', async () => {
    const client = peer();
    for (const type of [25, 21, 25]) {
      const step = await client.step(request(type));
      expect(decodeEap(step.message)).toMatchObject({ type: EapType.Nak, data: Uint8Array.of(26) });
    }
    const expanded = encodeEap({ ...(decodeEap(request(254, new Uint8Array(7))) as EapExchange) });
    expect(typeOf(await client.step(expanded))).toBe(EapType.Nak);
    const end = await client.step(failure);
    expect(codeOf(end)).toBe('E_EAP_METHOD');
    expect(messageOf(end)).toBe('The server offers PEAP, EAP-TTLS, EAP_0, and not EAP-MSCHAPv2');
    expect(end.type === 'failure' && end.error.hint).toContain('no PEAP');
  });

  it('does not go on refusing for ever', async () => {
    const client = peer();
    let step: EapStep = await client.step(request(25));
    for (let more = 0; step.type === 'send' && more < 20; more++) step = await client.step(request(25));
    expect(codeOf(step)).toBe('E_EAP_METHOD');
  });

  it('does not go on answering for ever', async () => {
    const client = peer();
    let step: EapStep = await client.step(request(EapType.Identity));
    let answers = 0;
    for (; step.type === 'send' && answers < 2000; answers++)
      step = await client.step(request(EapType.Identity));
    expect(codeOf(step)).toBe('E_EAP_PROTOCOL');
    expect(answers).toBe(1000);
  });

  it.each([
    ['a Nak', request(EapType.Nak)],
    ['a response', encodeEap({ code: EapCode.Response, identifier: 5, type: 1, data: new Uint8Array(0) })],
    ['bytes that are no packet', new Uint8Array(3)],
    ['nothing', new Uint8Array(0)],
  ])('ends with %s of the server, for good', async (_, message) => {
    const client = peer();
    expect((await client.step(message)).type).toBe('failure');
    expect(codeOf(await client.step(request(EapType.Identity)))).toBe('E_EAP_PROTOCOL');
  });

  it('keeps to one method', async () => {
    const client = peer({ method: 'md5' });
    await client.step(request(EapType.Md5Challenge, Uint8Array.of(1, 1)));
    expect(codeOf(await client.step(request(EapType.Mschapv2)))).toBe('E_EAP_PROTOCOL');
  });

  it('answers one request at a time', async () => {
    const client = peer();
    const both = await Promise.all([
      client.step(request(EapType.Identity)),
      client.step(request(EapType.Identity)),
    ]);
    expect(both.map(codeOf)).toEqual(['send', 'E_EAP_PROTOCOL']);
    expect(codeOf(await client.step(request(EapType.Identity)))).toBe('send');
  });

  it('says nothing after it was closed', async () => {
    const client = peer();
    client.close();
    expect(codeOf(await client.step(request(EapType.Identity)))).toBe('E_EAP_PROTOCOL');
  });

  it('wants a name and a password', () => {
    const unusable = expect.objectContaining({ code: 'E_EAP_OPTIONS', kind: 'usage' });
    expect(() => peer({ user: '' })).toThrow(unusable);
    expect(() => peer({ user: 'ü'.repeat(128) })).toThrow(unusable);
    for (const method of ['mschapv2', 'md5'] as const) {
      expect(() => peer({ method, password: undefined as never })).toThrow(unusable);
    }
  });
});

describe('the server', () => {
  it('offers its methods in order and lets the client choose among them', async () => {
    const server = authenticator({ methods: ['md5', 'mschapv2'] });
    const { peer: client, server: end, packets } = await converse(peer(), server);
    expect(packets.slice(2, 5).map((packet) => packet[4])).toEqual([
      EapType.Md5Challenge,
      EapType.Nak,
      EapType.Mschapv2,
    ]);
    expect([codeOf(client), codeOf(end)]).toEqual(['success', 'success']);
  });

  it('fails a client that does none of its methods', async () => {
    const { peer: client, server } = await converse(peer({ method: 'md5' }), authenticator());
    expect([codeOf(client), codeOf(server)]).toEqual(['E_EAP_METHOD', 'E_EAP_METHOD']);
    expect(messageOf(server)).toBe('The client wants MD5-Challenge, allowed is EAP-MSCHAPv2');
  });

  it('offers no method twice', async () => {
    const server = authenticator({ methods: ['mschapv2', 'md5'] });
    let step = await server.step(response(await server.start(ADDRESS), EapType.Identity, 'alice'));
    step = await server.step(response(step, EapType.Nak, Uint8Array.of(26, 4)));
    expect(typeOf(step)).toBe(EapType.Md5Challenge);
    expect(codeOf(await server.step(response(step, EapType.Nak, Uint8Array.of(26, 4))))).toBe('E_EAP_METHOD');
  });

  it('may leave the Identity unasked, and takes IDi where the client gives none', async () => {
    const unasked = authenticator({ methods: ['md5'], askIdentity: false });
    expect(typeOf(await unasked.start(ADDRESS, 'carol'))).toBe(EapType.Md5Challenge);
    const asked = authenticator({ methods: ['md5'] });
    const empty = (packet: Uint8Array, at: number) =>
      at === 1 ? Uint8Array.of(2, packet[1]!, 0, 5, 1) : packet;
    const { server } = await converse(peer({ method: 'md5', user: 'x' }), asked, empty, 'alice');
    expect(server).toMatchObject({ type: 'success', identity: 'alice' });
  });

  it('reads the Identity up to a NUL (RFC 3748 5.1)', async () => {
    const server = authenticator({ methods: ['md5'] });
    const client = peer({ method: 'md5' });
    const asked = await server.start(ADDRESS);
    const offered = await server.step(response(asked, EapType.Identity, 'alice\0networkid=x'));
    const end = await server.step((await client.step(offered.message)).message);
    expect(end).toMatchObject({ type: 'success', identity: 'alice' });
  });

  it.each(['mschapv2', 'md5'] as const)(
    'shows no difference between unknown users and wrong passwords in %s',
    async (method) => {
      const failed = async (user: string) => {
        const { server, packets } = await converse(
          peer({ method, user, pass: 'wrong' }),
          authenticator({ methods: [method] }),
        );
        return {
          code: codeOf(server),
          shape: packets.map((packet) => [packet[0], packet.length, packet[4]]),
        };
      };
      const known = await failed('alice');
      const unknown = await failed('nobod');
      expect([known.code, unknown.code]).toEqual(['E_EAP_PASSWORD', 'E_EAP_UNKNOWN_USER']);
      expect(unknown.shape).toEqual(known.shape);
    },
  );

  it('checks the password of an unknown user like any other', () => {
    const decoy = { type: 'plain', password: Secret.fromText('decoy') } as const;
    const limiter = createAttemptLimiter({ now: () => 0 });
    const passwords = new PasswordCheck(users, limiter, ADDRESS, decoy);
    const checked: unknown[] = [];
    const result = passwords.verify('nobody', (secret) => checked.push(secret));
    expect(checked).toEqual([decoy]);
    // Even if it were right.
    expect(result).toMatchObject({ code: 'E_EAP_UNKNOWN_USER' });
  });

  it.each(['mschapv2', 'md5'] as const)(
    'stops guessing in %s, also with the right password and other domains',
    async (method) => {
      const clock = { time: 0, now: () => clock.time };
      const limiter = createAttemptLimiter(clock, { perUser: 3 });
      const attempt = async (pass: string, user = 'alice') =>
        codeOf(
          (await converse(peer({ method, user, pass }), authenticator({ methods: [method], limiter })))
            .server,
        );
      expect(await attempt('1')).toBe('E_EAP_PASSWORD');
      expect(await attempt('2', 'X\\alice')).toBe('E_EAP_PASSWORD');
      expect(await attempt('3', 'Y\\alice')).toBe('E_EAP_PASSWORD');
      expect(await attempt('opensesame')).toBe('E_EAP_TOO_MANY');
      expect(await attempt('4', 'Z\\alice')).toBe('E_EAP_TOO_MANY');
      clock.time += 5 * 60_000;
      expect(await attempt('opensesame')).toBe('success');
    },
  );

  it('stops guessing in conversations that were begun before', async () => {
    const limiter = createAttemptLimiter({ now: () => 0 }, { perUser: 1 });
    const conversations = await Promise.all(
      ['1', '2', 'opensesame'].map((pass) => converse(peer({ pass }), authenticator({ limiter }))),
    );
    expect(conversations.map(({ server }) => codeOf(server))).toEqual([
      'E_EAP_PASSWORD',
      'E_EAP_TOO_MANY',
      'E_EAP_TOO_MANY',
    ]);
  });

  it('counts unknown users like known ones', async () => {
    const limiter = createAttemptLimiter({ now: () => 0 }, { perUser: 1 });
    const attempt = async () =>
      codeOf((await converse(peer({ user: 'nobody' }), authenticator({ limiter }))).server);
    expect([await attempt(), await attempt()]).toEqual(['E_EAP_UNKNOWN_USER', 'E_EAP_TOO_MANY']);
  });

  it.each([
    ['an answer to another request', (step: EapStep) => Uint8Array.of(2, step.message[1]! ^ 1, 0, 6, 1, 97)],
    ['another type', (step: EapStep) => response(step, EapType.Mschapv2, 'x')],
    ['a request', () => request(EapType.Identity)],
    ['a Success', () => success],
    ['a name without end', (step: EapStep) => response(step, EapType.Identity, 'a'.repeat(513))],
    ['bytes that are no packet', () => new Uint8Array(3)],
  ])('ends with %s of the client, for good', async (_, message) => {
    const server = authenticator();
    const asked = await server.start(ADDRESS);
    const end = await server.step(message(asked));
    expect(end.type).toBe('failure');
    expect(decodeEap(end.message).code).toBe(EapCode.Failure);
    expect(codeOf(await server.step(response(asked, EapType.Identity, 'alice')))).toBe('E_EAP_PROTOCOL');
  });

  it('starts once, and before anything else', async () => {
    const server = authenticator();
    expect(codeOf(await server.step(success))).toBe('E_EAP_PROTOCOL');
    expect(codeOf(await server.start(ADDRESS))).toBe('send');
    expect(codeOf(await server.start(ADDRESS))).toBe('E_EAP_PROTOCOL');
  });

  it('answers one response at a time', async () => {
    const server = authenticator();
    const asked = await server.start(ADDRESS);
    const identity = response(asked, EapType.Identity, 'alice');
    const both = await Promise.all([server.step(identity), server.step(identity)]);
    expect(both.map(codeOf)).toEqual(['send', 'E_EAP_PROTOCOL']);
  });

  it('says nothing after it was closed', async () => {
    const server = authenticator();
    const asked = await server.start(ADDRESS);
    server.close();
    expect(codeOf(await server.step(response(asked, EapType.Identity, 'alice')))).toBe('E_EAP_PROTOCOL');
  });

  it('makes names safe that it writes down', async () => {
    const { server } = await converse(peer({ user: 'a\x1b[2J' }), authenticator({ users: parseUsers('') }));
    expect(messageOf(server)).toBe('There is no user "a\\x1b[2J"');
  });

  it('wants a method', () => {
    expect(() => authenticator({ methods: [] })).toThrow(expect.objectContaining({ code: 'E_EAP_OPTIONS' }));
    expect(users.size).toBe(2);
  });
});
