import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { EapFlights } from '../../../../src/lib/capture/decrypt/eap-flights.js';
import { describePayloads } from '../../../../src/lib/capture/describe/describe.js';
import { describeTlsFlight } from '../../../../src/lib/capture/describe/tls.js';
import type { DecodedIke } from '../../../../src/lib/capture/types.js';
import { privateKeyPem } from '../../../../src/lib/pki/keys.js';
import { toPem } from '../../../../src/lib/pki/pem.js';
import { createRandom } from '../../../fuzz/mutate.js';
import { leaf, rootCa } from '../../pki/build.js';

/** The flights of a handshake between Node.js and itself, in their order. */
async function handshake(version: 'TLSv1.2' | 'TLSv1.3'): Promise<Uint8Array[]> {
  const root = await rootCa();
  const { certificate, key } = await leaf(root);
  const flights: { side: string; data: Buffer }[] = [];
  const pipes: Record<string, Duplex> = {};
  for (const [side, other] of [
    ['client', 'server'],
    ['server', 'client'],
  ] as const) {
    pipes[side] = new Duplex({
      read() {},
      write(data: Buffer, _, done) {
        const last = flights.at(-1);
        if (last?.side === side) last.data = Buffer.concat([last.data, data]);
        else flights.push({ side, data });
        pipes[other]?.push(data);
        done();
      },
    });
  }
  const secureContext = createSecureContext({
    cert: toPem('CERTIFICATE', certificate.der),
    key: Buffer.from(privateKeyPem(key).reveal()).toString(),
    minVersion: version,
    maxVersion: version,
  });
  const server = new TLSSocket(pipes.server!, { isServer: true, secureContext });
  const client = connect({ socket: pipes.client!, rejectUnauthorized: false });
  await Promise.all([once(server, 'secure'), once(client, 'secureConnect')]);
  client.destroy();
  server.destroy();
  return flights.map(({ data }) => Uint8Array.from(data));
}

let tls12: Uint8Array[];
let tls13: Uint8Array[];
beforeAll(async () => {
  tls12 = await handshake('TLSv1.2');
  tls13 = await handshake('TLSv1.3');
});

/** The messages of all records, and the type of those without. */
function wordsOf(flight: Uint8Array): unknown[] {
  const { records } = describeTlsFlight(flight, false) as {
    records: { type: string; messages?: string[]; encrypted?: boolean }[];
  };
  return records.flatMap(
    ({ type, messages, encrypted }) => messages ?? `${encrypted ? 'encrypted ' : ''}${type}`,
  );
}

describe('flights of a real handshake', () => {
  test('TLS 1.2', () => {
    expect(wordsOf(tls12[0]!)).toEqual(['ClientHello (up to TLS 1.3)']);
    expect(wordsOf(tls12[1]!)).toEqual([
      'ServerHello (TLS 1.2)',
      'Certificate',
      'ServerKeyExchange',
      'ServerHelloDone',
    ]);
    expect(wordsOf(tls12[2]!)).toEqual(['ClientKeyExchange', 'change cipher spec', 'encrypted handshake']);
    expect(describeTlsFlight(tls12[1]!, true)).toMatchObject({
      certificates: [{ subject: 'CN=vpn.example.com', subjectAltNames: ['DNS:vpn.example.com'] }],
    });
    expect(describeTlsFlight(tls12[1]!, false)).not.toHaveProperty('certificates');
  });

  test('TLS 1.3 shows no certificates', () => {
    expect(wordsOf(tls13[0]!)).toEqual(['ClientHello (up to TLS 1.3)']);
    expect(wordsOf(tls13[1]!)).toEqual(
      expect.arrayContaining(['ServerHello (TLS 1.3)', 'encrypted application data']),
    );
    expect(describeTlsFlight(tls13[1]!, true)).not.toHaveProperty('certificates');
  });

  test('whatever is cut off or changed, nothing is thrown', () => {
    const random = createRandom(8446);
    const flights = [...tls12, ...tls13];
    let whole = 0;
    for (let round = 0; round < 20_000; round++) {
      const data = Uint8Array.from(flights[round % flights.length]!);
      for (let left = random(4); left >= 0; left--) data[random(data.length)] = random(256);
      const fields = describeTlsFlight(
        data.subarray(0, random(8) === 0 ? random(data.length) : data.length),
        round % 64 === 0,
      );
      if (fields.incomplete !== true) whole++;
    }
    expect(whole).toBeGreaterThan(5000);
    expect(describeTlsFlight(new Uint8Array(0), true)).toEqual({});
  });
});

describe('alerts', () => {
  test.each([
    ['15030300020230', { alert: 'unknown_ca', records: [{ type: 'alert', alert: 'fatal unknown_ca' }] }],
    ['15030300020100', { alert: 'close_notify', records: [{ alert: 'warning close_notify' }] }],
    [`150303001a${'00'.repeat(26)}`, { records: [{ type: 'alert', encrypted: true }] }],
    ['140303000101' + '15030300020230', { records: [{ type: 'change cipher spec' }, { encrypted: true }] }],
    ['1503030002', { incomplete: true }],
  ])('%s', (hex, expected) => {
    expect(describeTlsFlight(Buffer.from(hex, 'hex'), false)).toMatchObject(expected);
  });
});

describe('fragments of EAP-TLS', () => {
  const ike = (messageId: number, spiI = '1111111111111111'): DecodedIke => ({
    version: 2,
    spiI,
    spiR: '2222222222222222',
    exchange: 'IKE_AUTH',
    exchangeNumber: 35,
    messageId,
    response: false,
    initiator: true,
    payloads: [],
  });

  /** Fields of the EAP payload with a fragment. */
  function take(flights: EapFlights, of: DecodedIke, flags: number, data: string): unknown {
    const eap = Buffer.from(
      `02010000 0d${flags.toString(16).padStart(2, '0')}${data}`.replace(' ', ''),
      'hex',
    );
    eap.writeUInt16BE(eap.length, 2);
    const length = eap.length + 4;
    const inner = Buffer.concat([Buffer.of(0, 0, length >> 8, length & 0xff), eap]);
    const payloads = describePayloads(2, 48, inner);
    flights.complete(of, payloads, inner, false);
    return payloads[0]?.fields.tls;
  }

  test('are put together once, retransmissions change nothing, and SAs do not mix', () => {
    const flights = new EapFlights();
    expect(take(flights, ike(1), 0xc0, '00000007150303')).toEqual({
      messageLength: 7,
      moreFragments: true,
      bytes: 3,
    });
    expect(take(flights, ike(1), 0xc0, '00000007150303')).not.toHaveProperty('records');
    expect(take(flights, ike(1, '3333333333333333'), 0, '15030300020100')).toMatchObject({
      alert: 'close_notify',
    });
    expect(take(flights, ike(2), 0, '00020230')).toMatchObject({ bytes: 4, alert: 'unknown_ca' });
    expect(take(flights, ike(2), 0, '00020230')).toEqual({ bytes: 4 });
  });

  test('without an end are forgotten', () => {
    const flights = new EapFlights();
    for (let id = 1; id < 300; id++) take(flights, ike(id), 0x40, '00'.repeat(1000));
    expect(take(flights, ike(300), 0, '15030300020230')).not.toHaveProperty('alert');
    expect(take(flights, ike(301), 0, '15030300020230')).toMatchObject({ alert: 'unknown_ca' });
  });
});
