import { expect, it } from 'vitest';
import { utf8 } from '../../src/lib/core/bytes.js';
import { KitError } from '../../src/lib/core/errors.js';
import { Secret } from '../../src/lib/core/secret.js';
import { createCrl } from '../../src/lib/pki/crl.js';
import { readIdentityFile } from '../../src/lib/pki/files.js';
import { parseGeneralName } from '../../src/lib/pki/general-name.js';
import { privateKeyPem } from '../../src/lib/pki/keys.js';
import { writeP12 } from '../../src/lib/pki/p12/write.js';
import { toPem } from '../../src/lib/pki/pem.js';
import { createRequest } from '../../src/lib/pki/request.js';
import { below, leaf, NOW, rootCa, subject } from '../unit/pki/build.js';
import { createRandom, mutate } from './mutate.js';
import { mutateDer } from './mutate-der.js';

const COUNT = Number(process.env.IPSEC_KIT_FUZZ_FILES ?? 40_000);
/** Each costs thousands of rounds of hashing. */
const CONTAINERS = Math.ceil(COUNT / 400);
const ask = async (): Promise<Secret> => Secret.fromText('pass');

/** How a file was read, or the code of the refusal; anything else that is thrown fails the test. */
async function outcome(bytes: Uint8Array): Promise<string> {
  try {
    const { certificates, keys, crls, requests } = await readIdentityFile(bytes, ask);
    return certificates.length + keys.length + crls.length + requests.length > 0 ? 'read' : 'empty';
  } catch (error) {
    if (error instanceof KitError && /^E_(CERT|CSR|P12|KEY)_[A-Z]+$/.test(error.code)) return error.code;
    throw error;
  }
}

/** SignedData without signatures, as in `.p7b` files. */
function bundle(certificate: Uint8Array, crl: Uint8Array): Uint8Array {
  const wrap = (tag: number, ...parts: Uint8Array[]): Uint8Array => {
    const body = Buffer.concat(parts);
    return Buffer.concat([Buffer.of(tag, 0x82, body.length >> 8, body.length & 0xff), body]);
  };
  const oid = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
  const signedData = wrap(
    0x30,
    Buffer.of(2, 1, 1, 0x31, 0),
    wrap(0x30, oid('06092a864886f70d010701')),
    wrap(0xa0, certificate),
    wrap(0xa1, crl),
    Buffer.of(0x31, 0),
  );
  return wrap(0x30, oid('06092a864886f70d010702'), wrap(0xa0, signedData));
}

it(`${COUNT} changed files of certificates, lists, requests and keys are read or refused`, async () => {
  const root = await rootCa({ permit: ['dns:example.com', 'ip:192.0.2.0/24'] });
  const middle = await below(root);
  const { certificate, key } = await leaf(middle, { names: ['vpn.example.com', '192.0.2.1'] });
  const line = { serial: certificate.serial, date: new Date(NOW), reason: 'superseded' };
  const crl = createCrl(middle, [line], {
    number: 1,
    thisUpdate: new Date(NOW),
    nextUpdate: new Date(NOW + 1000),
  });
  const names = { subjectAltNames: [parseGeneralName('a.example')], server: true, client: true };
  const request = createRequest(subject('CN=x'), key, names);
  const pkcs8 = new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }));
  // No Buffers: their slices share memory.
  const structures = [certificate.der, crl, request, pkcs8, bundle(certificate.der, crl)].map((der) =>
    Uint8Array.from(der),
  );
  const pem = utf8(
    Buffer.from(privateKeyPem(key).reveal()).toString() +
      toPem('CERTIFICATE', certificate.der) +
      toPem('X509 CRL', crl),
  );
  for (const whole of [...structures, pem]) expect(await outcome(whole)).toBe('read');
  const random = createRandom(5280);
  const seen = new Map<string, number>();
  for (let round = 0; round < COUNT; round += 1) {
    const data =
      random(2) === 0
        ? mutateDer(structures[random(structures.length)]!, structures, random)
        : mutate([...structures, pem], random);
    const code = await outcome(data);
    seen.set(code, (seen.get(code) ?? 0) + 1);
  }
  expect([...seen.keys()]).toEqual(expect.arrayContaining(['read', 'E_CERT_FORMAT', 'E_CSR_SIGNATURE']));
  const p12 = writeP12(
    { certificate, key, chain: [middle.certificate], friendlyName: 'x' },
    await ask(),
    true,
  );
  expect(await outcome(p12)).toBe('read');
  for (let round = 0; round < CONTAINERS; round += 1) await outcome(mutateDer(p12, structures, random));
}, 900_000);
