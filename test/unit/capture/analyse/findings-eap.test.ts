import { expect, test } from 'vitest';
import { eap as eapFindings } from '../../../../src/lib/capture/analyse/findings/eap.js';
import { utf8 } from '../../../../src/lib/core/bytes.js';
import { NotifyType, notify } from '../../../../src/lib/ike/wire/notify.js';
import type { Payload } from '../../../../src/lib/ike/wire/types.js';
import {
  authRequest,
  authResponse,
  eap,
  eapTalk,
  goodSession,
  id,
  pskAuth,
  signature,
  Talk,
} from './build.js';
import { checkGroup } from './cases.js';

const [REQUEST, RESPONSE, SUCCESS, FAILURE] = [1, 2, 3, 4] as const;
const [IDENTITY, NAK, TLS, MSCHAPV2] = [1, 3, 13, 26] as const;

const carol = [eap(REQUEST, IDENTITY), eap(RESPONSE, IDENTITY, utf8('carol'))];

/** The data of an MSCHAPv2 message: opcode, identifier, length, the rest. */
const ms = (opcode: number, text = '', value?: number): Uint8Array =>
  Uint8Array.from([
    ...[opcode, 1, 0, 5 + text.length],
    ...(value === undefined ? [] : [value, ...new Uint8Array(value).fill(7)]),
    ...utf8(text),
  ]);
const challenge = eap(REQUEST, MSCHAPV2, ms(1, 'gw', 16));
const response = eap(RESPONSE, MSCHAPV2, ms(2, 'carol', 49));

/** A password that was refused; MSCHAPv2 tells why before EAP ends. */
function wrongPassword(message: string, last = eap(FAILURE)): Talk {
  const failure = eap(REQUEST, MSCHAPV2, ms(4, message));
  return eapTalk([...carol, challenge, response, failure, eap(RESPONSE, MSCHAPV2, Uint8Array.of(4)), last]);
}

/** TLS records in one EAP-TLS message. */
const tls = (code: number, ...records: string[]): Payload =>
  eap(code, TLS, Buffer.from(`00${records.join('')}`, 'hex'));
const start = eap(REQUEST, TLS, Uint8Array.of(0x20));

function tlsTalk(...turns: Payload[]): Talk {
  return eapTalk([...carol, start, ...turns]);
}

const unknownCa = '15030300020230';
const closeNotify = '15030300020100';

function stopped(last: Payload, secondsAfter: number): Talk {
  const talk = eapTalk([...carol, last]);
  talk.info(9, false, [], { spiI: 5n, at: talk.seconds + secondsAfter });
  return talk;
}

checkGroup(eapFindings, {
  'eap-failed': {
    talk: () => wrongPassword('E=691 R=0 C=00112233445566778899aabbccddeeff V=3 M=Failed'),
    frames: [8, 9, 10],
    title: "192.0.2.2 ended EAP-MSCHAPv2 with Failure for the user 'carol': E=691, authentication failure.",
    advice: /Wrong password or unknown user/,
    without: () => wrongPassword('E=691 R=0', eap(SUCCESS)),
  },
  'eap-method-refused': {
    talk: () => eapTalk([...carol, start, eap(RESPONSE, NAK, Uint8Array.of(MSCHAPV2)), eap(FAILURE)]),
    frames: [7, 8],
    title:
      "192.0.2.2 offered EAP-TLS, but 192.0.2.1 wants EAP-MSCHAPv2, and EAP ended with Failure for the user 'carol'.",
    without: () =>
      eapTalk([
        ...carol,
        start,
        eap(RESPONSE, NAK, Uint8Array.of(MSCHAPV2)),
        challenge,
        response,
        eap(FAILURE),
      ]),
  },
  'eap-tls-alert': {
    talk: () => tlsTalk(tls(RESPONSE, unknownCa), eap(FAILURE)),
    frames: [7],
    title: "192.0.2.1 ended EAP-TLS with the alert unknown_ca for the user 'carol'.",
    advice: /client does not trust the CA of the server's certificate/,
    without: () => tlsTalk(tls(RESPONSE, closeNotify), eap(FAILURE)),
  },
  'eap-abandoned': {
    talk: () => stopped(challenge, 61),
    frames: [5, 6],
    title: "192.0.2.1 did not go on after the EAP request EAP-MSCHAPv2: Challenge of 'gw' of 192.0.2.2.",
    without: () => stopped(challenge, 59),
  },
  'eap-gateway-psk': {
    talk: () => eapTalk(carol, { proof: pskAuth }),
    frames: [4],
    title: '192.0.2.2 asks for EAP, but proves itself with a pre-shared key.',
    without: () => eapTalk(carol),
  },
});

test.each([
  ['E=648 R=0 V=3', /password has expired/, /: E=648, password expired\./],
  ['E=12345 R=0', /log of the RADIUS server/, /: E=12345\./],
  ['nothing of use', /log of the RADIUS server/, /for the user 'carol'\.$/],
])('MSCHAPv2 says %s', (message, advice, title) => {
  expect(wrongPassword(message).only('eap-failed')).toMatchObject({
    advice: expect.stringMatching(advice),
    title: expect.stringMatching(title),
  });
});

test('a client without a certificate is told apart', () => {
  const none = tls(RESPONSE, '16030300070b000003000000');
  const talk = tlsTalk(none, tls(REQUEST, '15030300020228'));
  expect(talk.only('eap-tls-alert')).toMatchObject({
    title: "192.0.2.2 ended EAP-TLS with the alert handshake_failure for the user 'carol'.",
    advice: expect.stringMatching(/client sent no certificate/),
  });
});

test('a client that gives up at the Failure of MSCHAPv2 is told once', () => {
  const talk = eapTalk([...carol, challenge, response, eap(REQUEST, MSCHAPV2, ms(4, 'E=691 R=0'))]);
  talk.info(4, false, [notify(NotifyType.AUTHENTICATION_FAILED)]);
  talk.info(4, true, []);
  expect(talk.only('eap-failed').title).toMatch(/E=691, authentication failure\.$/);
  expect(talk.ids()).not.toContain('authentication-failed');
});

test('an alert is told once, not as a failure of EAP, too', () => {
  expect(tlsTalk(tls(RESPONSE, unknownCa), eap(FAILURE)).ids()).not.toContain('eap-failed');
});

test("a client that does not believe the server's proof says nothing", () => {
  const success = eap(REQUEST, MSCHAPV2, ms(3, `S=${'0'.repeat(40)}`));
  const talk = eapTalk([...carol, challenge, response, success]);
  expect(talk.only('eap-abandoned').advice).toMatch(/server does not know the password itself/);
});

test('every step of EAP-TLS is named, fragments put together', () => {
  // ServerHello, Certificate (empty), ServerHelloDone in one record, in two fragments.
  const hello = `020000280303${'ab'.repeat(32)}00c02b000000`;
  const flight = `${hello}0b0000030000000e000000`;
  const record = Buffer.from(`160303${(flight.length / 2).toString(16).padStart(4, '0')}${flight}`, 'hex');
  const half = record.length >> 1;
  const part = (flags: number, data: Uint8Array): Payload =>
    eap(REQUEST, TLS, Uint8Array.from([flags, ...(flags & 0x80 ? [0, 0, 0, record.length] : []), ...data]));
  const clientHello = `160301002f0100002b0303${'cd'.repeat(32)}000002c02b01000000`;
  const talk = tlsTalk(
    tls(RESPONSE, clientHello),
    part(0xc0, record.subarray(0, half)),
    eap(RESPONSE, TLS, Uint8Array.of(0)),
    part(0, record.subarray(half)),
    tls(RESPONSE, '140303000101', `1603030010${'99'.repeat(16)}`),
  );
  const steps = talk
    .report()
    .ikeSas[0]!.exchanges.flatMap(({ request, response }) => [request?.eap?.step, response?.eap?.step])
    .filter((step) => step !== undefined);
  expect(steps).toEqual([
    'start',
    'ClientHello (up to TLS 1.2)',
    `a fragment (${half} of ${record.length} bytes, more follow)`,
    'acknowledgement',
    'ServerHello (TLS 1.2), Certificate (none), ServerHelloDone',
    'change cipher spec, encrypted handshake',
  ]);
});

test('a finished EAP session is clean', () => {
  const talk = eapTalk([...carol, challenge, response, eap(SUCCESS)]);
  talk.auth(4, false, [pskAuth]);
  talk.auth(4, true, [pskAuth, ...authResponse().slice(2)]);
  expect(talk.report().ikeSas[0]).toMatchObject({ state: 'established' });
  expect(talk.findings().filter(({ severity }) => severity !== 'info')).toEqual([]);
});

test('rounds of authentication are told in their order', () => {
  const talk = new Talk();
  goodSession(talk);
  expect(talk.report().ikeSas[0]?.authMethods).toEqual({
    initiator: 'Shared Key Message Integrity Code',
    responder: 'Shared Key Message Integrity Code',
  });
  const both = eapTalk([...carol, challenge, response, eap(SUCCESS)]);
  both.auth(4, false, [pskAuth, notify(16405)]);
  both.auth(4, true, [pskAuth]);
  both.auth(5, false, [id(35, 'alice.example'), signature]);
  both.auth(5, true, authResponse().slice(2));
  expect(both.report().ikeSas[0]?.authMethods).toEqual({
    initiator: 'EAP-MSCHAPv2, then Digital Signature (ecdsa-with-sha256)',
    responder: 'Digital Signature (ecdsa-with-sha256)',
  });
  const stories = both.report().ikeSas[0]?.exchanges.map(({ story }) => story) ?? [];
  expect(stories[4]).toMatch(/proves itself by the key of EAP and announces another authentication/);
  expect(stories[5]).toMatch(/proves itself by Digital Signature \(ecdsa-with-sha256\)/);
});

test('a gateway that proves itself by EAP alone is said to', () => {
  const talk = new Talk();
  talk.auth(1, false, authRequest().slice(0, 1));
  talk.auth(1, true, [id(36, 'gw.example'), start]);
  talk.auth(2, false, [tls(RESPONSE)]);
  talk.auth(2, true, [eap(SUCCESS)]);
  talk.auth(3, false, [pskAuth]);
  talk.auth(3, true, [pskAuth]);
  expect(talk.report().ikeSas[0]?.authMethods).toEqual({ initiator: 'EAP-TLS', responder: 'EAP-TLS' });
});
