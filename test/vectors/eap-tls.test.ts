import { createHash, createHmac } from 'node:crypto';
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex, utf8 } from '../../src/lib/core/bytes.js';
import { TlsEngine, tlsContext } from '../../src/lib/ike/auth/eap/tls-engine.js';
import { type TlsParties, tlsParties } from '../unit/ike/eap/converse.js';

let parties: TlsParties;
beforeAll(async () => {
  parties = await tlsParties();
});

/** A handshake of our engine with a client whose secrets come out as key log lines. */
async function handshake(version: 'TLSv1.2' | 'TLSv1.3') {
  const sent: Uint8Array[] = [];
  const wire = new Duplex({
    read() {},
    write(chunk: Uint8Array, _encoding, done) {
      sent.push(chunk);
      done();
    },
  });
  const client = connect({
    socket: wire,
    ca: [],
    rejectUnauthorized: false,
    minVersion: version,
    maxVersion: version,
    ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256',
  });
  const secrets = new Map<string, { random: Uint8Array; secret: Uint8Array }>();
  client.on('keylog', (line) => {
    const [label, random, secret] = line.toString('latin1').trim().split(' ');
    secrets.set(label!, { random: fromHex(random!), secret: fromHex(secret!) });
  });
  const engine = new TlsEngine('server', tlsContext(parties.server));
  const flights: Uint8Array[] = [];
  while (!engine.established) {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    const flight = await engine.feed(concatBytes(...sent.splice(0)));
    flights.push(flight);
    wire.push(flight);
  }
  const msk = engine.msk().reveal();
  client.destroy();
  engine.close();
  return { secrets, msk, serverHello: flights[0]! };
}

const hmac = (key: Uint8Array, ...data: Uint8Array[]) =>
  new Uint8Array(
    createHmac('sha256', key)
      .update(concatBytes(...data))
      .digest(),
  );

describe('the MSK of EAP-TLS, computed from the secrets of the handshake', () => {
  it('is P_SHA256(master secret, "client EAP encryption" | randoms) in TLS 1.2 (RFC 5216 2.3, RFC 5246 5)', async () => {
    const { secrets, msk, serverHello } = await handshake('TLSv1.2');
    const { random: clientRandom, secret: master } = secrets.get('CLIENT_RANDOM')!;
    // Record header 5, handshake header 4, version 2.
    const serverRandom = serverHello.subarray(11, 43);
    const seed = concatBytes(utf8('client EAP encryption'), clientRandom, serverRandom);
    let [a, material]: [Uint8Array, Uint8Array] = [hmac(master, seed), new Uint8Array(0)];
    while (material.length < 128) {
      material = concatBytes(material, hmac(master, a, seed));
      a = hmac(master, a);
    }
    expect(toHex(msk)).toBe(toHex(material.subarray(0, 64)));
  });

  it('is TLS-Exporter("EXPORTER_EAP_TLS_Key_Material", 0x0D, 128) in TLS 1.3 (RFC 9190 2.3, RFC 8446 7.5)', async () => {
    const { secrets, msk } = await handshake('TLSv1.3');
    const { secret: exporterSecret } = secrets.get('EXPORTER_SECRET')!;
    const sha256 = (data: Uint8Array) => new Uint8Array(createHash('sha256').update(data).digest());
    const derived = expandLabel(
      exporterSecret,
      'EXPORTER_EAP_TLS_Key_Material',
      sha256(new Uint8Array(0)),
      32,
    );
    const material = expandLabel(derived, 'exporter', sha256(Uint8Array.of(13)), 128);
    expect(toHex(msk)).toBe(toHex(material.subarray(0, 64)));
  });
});

/** HKDF-Expand-Label (RFC 8446 7.1). */
function expandLabel(secret: Uint8Array, label: string, context: Uint8Array, length: number): Uint8Array {
  const name = utf8(`tls13 ${label}`);
  const info = concatBytes(
    Uint8Array.of(length >> 8, length & 0xff, name.length),
    name,
    Uint8Array.of(context.length),
    context,
  );
  let [block, material]: [Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0)];
  for (let counter = 1; material.length < length; counter++) {
    block = hmac(secret, block, info, Uint8Array.of(counter));
    material = concatBytes(material, block);
  }
  return material.subarray(0, length);
}
