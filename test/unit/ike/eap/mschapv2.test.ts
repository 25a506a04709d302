import { describe, expect, it } from 'vitest';
import { concatBytes, equalBytes, fromHex, toHex, utf8 } from '../../../../src/lib/core/bytes.js';
import { WireError } from '../../../../src/lib/core/errors.js';
import { Secret } from '../../../../src/lib/core/secret.js';
import {
  decodeEap,
  EapCode,
  type EapExchange,
  EapType,
  encodeEap,
} from '../../../../src/lib/ike/auth/eap/codec.js';
import {
  decodeMsRequest,
  decodeMsResponse,
  encodeMsRequest,
  encodeMsResponse,
  type MsRequest,
  type MsResponse,
  parseAuthenticatorResponse,
  parseFailure,
} from '../../../../src/lib/ike/auth/eap/mschapv2-packets.js';
import { ntPasswordHash, prove } from '../../../../src/lib/ike/auth/eap/mschapv2-proof.js';
import { createEapPeer } from '../../../../src/lib/ike/auth/eap/peer.js';
import type { EapPeer, EapStep } from '../../../../src/lib/ike/auth/types.js';
import { authenticator, codeOf, converse, mskOf, peer } from './converse.js';

const challenge = fromHex('5b5d7c7d7b3f2f3e3c2c602132262628');
const peerChallenge = fromHex('21402324255e262a28295f2b3a337c7e');
const ntResponse = fromHex('82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df');
const PROOF = 'S=407A5589115FD0D6209F510FE9C04566932CDA56';

/** After draft-kamath-pppext-eap-mschapv2 2.1 to 2.6. */
const requests: [string, string, MsRequest][] = [
  ['Challenge', `0109001710${toHex(challenge)}6777`, { opCode: 1, id: 9, challenge, name: utf8('gw') }],
  ['Success', '030900086162633d', { opCode: 3, id: 9, message: 'abc=' }],
  ['Failure', '04090009453d363931', { opCode: 4, id: 9, message: 'E=691' }],
];
const responses: [string, string, MsResponse][] = [
  [
    'Response',
    `0209003a31${toHex(peerChallenge)}${'00'.repeat(8)}${toHex(ntResponse)}0055736572`,
    { opCode: 2, id: 9, peerChallenge, ntResponse, name: utf8('User') },
  ],
  ['Success', '03', { opCode: 3 }],
  ['Failure', '04', { opCode: 4 }],
];

describe('MSCHAPv2 packets', () => {
  it.each(requests)('read and write a %s request', (_, hex, packet) => {
    expect(toHex(encodeMsRequest(packet))).toBe(hex);
    expect(decodeMsRequest(fromHex(hex))).toEqual(packet);
  });

  it.each(responses)('read and write a %s response', (_, hex, packet) => {
    expect(toHex(encodeMsResponse(packet))).toBe(hex);
    expect(decodeMsResponse(fromHex(hex))).toEqual(packet);
  });

  it('refuse a challenge or response cut short anywhere before the name', () => {
    const [, challengeHex] = requests[0]!;
    const [, responseHex] = responses[0]!;
    for (let at = 0; at < 21; at++) {
      expect(() => decodeMsRequest(fromHex(challengeHex).subarray(0, at))).toThrow(WireError);
    }
    for (let at = 0; at < 54; at++) {
      expect(() => decodeMsResponse(fromHex(responseHex).subarray(0, at))).toThrow(WireError);
    }
  });

  it.each([
    ['an unknown OpCode', '07090004'],
    ['a challenge of 15 bytes', `010900140f${'00'.repeat(15)}`],
    ['a name without end', `0109001710${toHex(challenge)}${'61'.repeat(513)}`],
    ['a message without end', `04090400${'61'.repeat(1025)}`],
  ])('refuse %s', (_, hex) => {
    expect(() => decodeMsRequest(fromHex(hex))).toThrow(expect.objectContaining({ code: 'E_EAP_PACKET' }));
  });

  it('bear a wrong MS-Length and the NUL that some servers end a message with', () => {
    expect(decodeMsRequest(fromHex('0309ffff6f6b00'))).toEqual({ opCode: 3, id: 9, message: 'ok' });
  });

  it.each([
    [`${PROOF} M=Welcome`, PROOF],
    [PROOF.toLowerCase().replace('s', 'S'), PROOF],
    [`M=Hi ${PROOF}`, PROOF],
    [`${PROOF}0`, undefined],
    ['M=Welcome', undefined],
    ['', undefined],
  ])('find the proof of the server in %j', (message, proof) => {
    expect(parseAuthenticatorResponse(message)).toBe(proof);
  });

  it.each([
    [
      'E=691 R=1 C=00112233445566778899aabbccddeeff V=3 M=Authentication failed',
      691,
      'Authentication failed',
    ],
    ['E=647 R=0', 647, ''],
    ['E=64a7 M=x', undefined, 'x'],
    ['E=12345678901', undefined, ''],
    ['M=\x1b[31mred', undefined, '\\x1b[31mred'],
    ['', undefined, ''],
  ])('tell what a Failure says: %j', (message, error, text) => {
    expect(parseFailure(message)).toEqual({ error, text });
  });
});

describe('EAP-MSCHAPv2', () => {
  it('authenticates both sides and yields one key', async () => {
    const { peer: client, server } = await converse(peer(), authenticator());
    expect([codeOf(client), codeOf(server)]).toEqual(['success', 'success']);
    expect(mskOf(client)).toHaveLength(64);
    expect(mskOf(client)).toEqual(mskOf(server));
    expect(server).toMatchObject({ identity: 'alice', method: 'eap-mschapv2' });
    expect(client).toMatchObject({ identity: 'alice', method: 'eap-mschapv2', message: new Uint8Array(0) });
  });

  it('is satisfied with the hash of a password', async () => {
    const { server } = await converse(peer({ user: 'bob', pass: 'clientPass' }), authenticator());
    expect(server).toMatchObject({ type: 'success', identity: 'bob' });
  });

  it('finds users behind a domain', async () => {
    const { peer: client, server } = await converse(peer({ user: 'BIGCO\\alice' }), authenticator());
    expect(server).toMatchObject({ type: 'success', identity: 'alice' });
    expect(mskOf(client)).toEqual(mskOf(server));
  });

  it('makes a new key each time', async () => {
    const keys = await Promise.all(
      [0, 1].map(async () => mskOf((await converse(peer(), authenticator())).peer)!),
    );
    expect(equalBytes(keys[0]!, keys[1]!)).toBe(false);
  });

  it('tells a wrong password on both sides, at once', async () => {
    const { peer: client, server, early } = await converse(peer({ pass: 'wrong' }), authenticator());
    expect([codeOf(client), codeOf(server)]).toEqual(['E_EAP_PASSWORD', 'E_EAP_PASSWORD']);
    expect([early.peer?.code, early.server?.code]).toEqual(['E_EAP_PASSWORD', 'E_EAP_PASSWORD']);
    expect(early.server?.message).toContain('"alice"');
  });

  it('does not count as mutual: whoever answers can guess the password offline (RFC 5998 4)', () => {
    expect(peer().mutual).toBe(false);
  });
});

/** A server that says what the test wants, to a client whose random challenge is RFC 2759's. */
async function clientHearing(...said: Uint8Array[]): Promise<{ client: EapPeer; steps: EapStep[] }> {
  const client = createEapPeer({
    method: 'mschapv2',
    user: 'User',
    password: Secret.fromText('clientPass'),
    entropy: { bytes: () => peerChallenge },
  });
  const steps: EapStep[] = [];
  for (const [identifier, data] of said.entries()) {
    steps.push(await client.step(request(data, identifier)));
  }
  return { client, steps };
}

const request = (data: Uint8Array, identifier = 0) =>
  encodeEap({ code: EapCode.Request, identifier, type: EapType.Mschapv2, data });
const challenged = encodeMsRequest({ opCode: 1, id: 1, challenge, name: utf8('gw') });
const message = (opCode: 3 | 4, text: string) => encodeMsRequest({ opCode, id: 1, message: text });
const success = encodeEap({ code: EapCode.Success, identifier: 9 });
const failure = encodeEap({ code: EapCode.Failure, identifier: 9 });
const dataOf = (step: EapStep) => (decodeEap(step.message) as EapExchange).data;

describe('the client in EAP-MSCHAPv2', () => {
  it('answers as RFC 2759 9.2 does', async () => {
    const { steps } = await clientHearing(challenged, message(3, `${PROOF} M=Hi`));
    expect(decodeMsResponse(dataOf(steps[0]!))).toMatchObject({ ntResponse, name: utf8('User'), id: 1 });
    expect(dataOf(steps[1]!)).toEqual(Uint8Array.of(3));
  });

  it('succeeds only with the proof of the server', async () => {
    const good = await clientHearing(challenged, message(3, PROOF));
    expect(codeOf(await good.client.step(success))).toBe('success');
    const silent = await clientHearing(challenged);
    expect(codeOf(await silent.client.step(success))).toBe('E_EAP_SERVER');
    const none = await clientHearing();
    expect(codeOf(await none.client.step(success))).toBe('E_EAP_SERVER');
  });

  it.each([
    ['a wrong proof', `${PROOF.slice(0, -1)}7`],
    ['no proof', 'M=Welcome'],
  ])('gives up on %s, even when Success follows', async (_, text) => {
    const { client, steps } = await clientHearing(challenged, message(3, text));
    expect(steps[1]).toMatchObject({ type: 'send', failed: { code: 'E_EAP_SERVER' } });
    expect(dataOf(steps[1]!)).toEqual(Uint8Array.of(4));
    expect(codeOf(await client.step(success))).toBe('E_EAP_SERVER');
  });

  it.each([
    ['E=691 R=0 C=00 V=3 M=No', 'E_EAP_PASSWORD', '"No"'],
    ['E=646 R=0', 'E_EAP_ACCOUNT', 'hour'],
    ['E=647 R=0', 'E_EAP_ACCOUNT', 'disabled'],
    ['E=648 R=0 V=3', 'E_EAP_ACCOUNT', 'expired'],
    ['E=649 R=0', 'E_EAP_ACCOUNT', 'permission'],
    ['E=709 R=0', 'E_EAP_ACCOUNT', 'changed'],
    ['E=1234 R=0', 'E_EAP_ACCOUNT', '1234'],
    ['M=Go away', 'E_EAP_ACCOUNT', 'Go away'],
  ])('says what %s means', async (text, code, words) => {
    const { client, steps } = await clientHearing(challenged, message(4, text));
    expect(steps[1]).toMatchObject({ type: 'send', failed: { code } });
    expect(dataOf(steps[1]!)).toEqual(Uint8Array.of(4));
    const end = await client.step(failure);
    expect(codeOf(end)).toBe(code);
    expect(end.type === 'failure' && end.error.message).toContain(words);
  });

  it.each([
    ['a second challenge', challenged],
    ['a request to change the password', concatBytes(Uint8Array.of(7, 1, 0, 4))],
    ['a packet cut short', challenged.subarray(0, 10)],
  ])('ends with %s', async (_, data) => {
    const { client, steps } = await clientHearing(challenged, data);
    expect(codeOf(steps[1])).toMatch(/^E_(EAP_PROTOCOL|EAP_PACKET|TRUNCATED)$/);
    expect(codeOf(await client.step(success))).toBe('E_EAP_PROTOCOL');
  });

  it('wants a password that is text', () => {
    const password = new Secret(Uint8Array.of(0xff));
    expect(() => peer({ password })).toThrow(expect.objectContaining({ code: 'E_EAP_OPTIONS' }));
  });
});

describe('the server in EAP-MSCHAPv2', () => {
  /** Talks to a server up to the MSCHAPv2 challenge and answers it. */
  async function answered(pass: string) {
    const server = authenticator();
    const asked = await server.start('192.0.2.1');
    const identity = { code: EapCode.Response, type: EapType.Identity, data: utf8('alice') };
    const offered = await server.step(encodeEap({ ...identity, identifier: asked.message[1]! }));
    const { challenge: authenticatorChallenge, id } = decodeMsRequest(dataOf(offered)) as {
      challenge: Uint8Array;
      id: number;
    };
    const proof = prove(ntPasswordHash(Secret.fromText(pass)), {
      authenticator: authenticatorChallenge,
      peer: peerChallenge,
      userName: utf8('alice'),
    });
    const respond = (to: EapStep, data: Uint8Array) =>
      server.step(
        encodeEap({ code: EapCode.Response, identifier: to.message[1]!, type: EapType.Mschapv2, data }),
      );
    const response = encodeMsResponse({
      opCode: 2,
      id,
      peerChallenge,
      ntResponse: proof.ntResponse,
      name: utf8('alice'),
    });
    return { proof, respond, response, step: await respond(offered, response) };
  }

  it('proves itself and waits for the client to agree', async () => {
    const { proof, respond, step } = await answered('opensesame');
    expect(parseAuthenticatorResponse((decodeMsRequest(dataOf(step)) as { message: string }).message)).toBe(
      proof.authenticatorResponse,
    );
    expect(codeOf(await respond(step, Uint8Array.of(3)))).toBe('success');
  });

  it('fails a client that does not believe it', async () => {
    const { respond, step } = await answered('opensesame');
    const end = await respond(step, Uint8Array.of(4));
    expect(codeOf(end)).toBe('E_EAP_FAILED');
    expect(decodeEap(end.message)).toEqual({ code: EapCode.Failure, identifier: step.message[1] });
  });

  it.each([
    ['Success', Uint8Array.of(3)],
    ['Failure', Uint8Array.of(4)],
    ['rubbish', Uint8Array.of(99)],
  ])('lets nobody in with a wrong password who then says %s', async (_, data) => {
    const { respond, step } = await answered('wrong');
    expect(step).toMatchObject({ type: 'send', failed: { code: 'E_EAP_PASSWORD' } });
    const said = (decodeMsRequest(dataOf(step)) as { message: string }).message;
    expect(said).toMatch(/^E=691 R=0 C=[0-9A-F]{32} V=3 M=/);
    expect(codeOf(await respond(step, data))).toBe('E_EAP_PASSWORD');
    expect(codeOf(await respond(step, data))).toBe('E_EAP_PROTOCOL');
  });

  it('takes one response', async () => {
    const { respond, response, step } = await answered('opensesame');
    expect(codeOf(await respond(step, response))).toBe('E_EAP_PROTOCOL');
  });
});
