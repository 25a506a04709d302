import { expect, it } from 'vitest';
import { KitError } from '../../src/lib/core/errors.js';
import { Secret } from '../../src/lib/core/secret.js';
import { validateChain } from '../../src/lib/pki/chain.js';
import { createCrl } from '../../src/lib/pki/crl.js';
import { type IdentityFile, readIdentityFile } from '../../src/lib/pki/files.js';
import { parseGeneralName } from '../../src/lib/pki/general-name.js';
import { writeP12 } from '../../src/lib/pki/p12/write.js';
import { createRequest } from '../../src/lib/pki/request.js';
import { below, leaf, NOW, rootCa, subject } from '../unit/pki/build.js';
import { createRandom } from './mutate.js';

const COUNT = Number(process.env.IPSEC_KIT_FUZZ_CERTIFICATES ?? 120_000);
/** Each costs thousands of rounds of hashing. */
const CONTAINERS = Math.ceil(COUNT / 1000);
const ask = async (): Promise<Secret> => Secret.fromText('pass');

/** One to four bytes changed, the end cut off now and then. */
function damage(der: Uint8Array, random: (limit: number) => number): Uint8Array {
  const data = Uint8Array.from(der);
  for (let left = random(4); left >= 0; left -= 1) {
    const at = random(data.length);
    data[at] = random(2) === 0 ? random(256) : data[at]! ^ (1 << random(8));
  }
  return random(16) === 0 ? data.subarray(0, random(data.length)) : data;
}

/** What a file holds, or the code of the error; anything else that is thrown fails the test. */
async function read(bytes: Uint8Array): Promise<IdentityFile | string> {
  try {
    return await readIdentityFile(bytes, ask);
  } catch (error) {
    if (error instanceof KitError && /^E_(CERT|CSR|P12|KEY)_[A-Z]+$/.test(error.code)) return error.code;
    throw error;
  }
}

it(`${COUNT} changed certificates, lists and requests are read or refused, never more than that`, async () => {
  const root = await rootCa({ permit: ['dns:example.com', 'ip:192.0.2.0/24', 'dn:CN=vpn.example.com'] });
  const middle = await below(root);
  const names = ['vpn.example.com', '192.0.2.1', 'a@example.com', 'uri:http://vpn.example.com/'];
  const { certificate, key } = await leaf(middle, { names });
  const line = { serial: certificate.serial, date: new Date(NOW), reason: 'superseded' };
  const times = { number: 1, thisUpdate: new Date(NOW), nextUpdate: new Date(NOW + 1000) };
  const request = { subjectAltNames: [parseGeneralName('a.example')], server: true, client: true };
  const seeds = [
    certificate.der,
    certificate.der,
    root.certificate.der,
    middle.certificate.der,
    createCrl(middle, [line], times),
    createRequest(subject('CN=x'), key, request),
  ];
  const options = { anchors: [root.certificate], intermediates: [middle.certificate], now: NOW };
  const name = parseGeneralName('vpn.example.com');
  const random = createRandom(5280);
  let parsed = 0;
  for (let round = 0; round < COUNT; round += 1) {
    const found = await read(damage(seeds[round % seeds.length]!, random));
    if (typeof found === 'string') continue;
    parsed += 1;
    for (const changed of found.certificates) {
      // Unchanged but in its signature's encoding at most: whatever was signed and differs is not believed.
      const { problems } = validateChain(changed, { ...options, crls: found.crls, name, purpose: 'server' });
      const signed = [certificate, middle.certificate, root.certificate].some((each) =>
        Buffer.from(each.toBeSigned).equals(changed.toBeSigned),
      );
      if (!signed) expect(problems.length).toBeGreaterThan(0);
    }
  }
  expect(parsed).toBeGreaterThan(COUNT / 20);

  const p12 = writeP12({ certificate, key, chain: [], friendlyName: 'x' }, await ask(), true);
  for (let round = 0; round < CONTAINERS; round += 1) await read(damage(p12, random));
}, 900_000);
