import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCapture } from '../../src/lib/capture/read/capture.js';
import { UnitExtractor } from '../../src/lib/capture/read/units.js';
import { fromHex, toHex } from '../../src/lib/core/bytes.js';
import { systemEntropy } from '../../src/lib/core/environment.js';
import { Secret } from '../../src/lib/core/secret.js';
import { encrTransform } from '../../src/lib/crypto/registry.js';
import { Reassembly, sealFragmented } from '../../src/lib/ike/fragment.js';
import { createSkProtection } from '../../src/lib/ike/sealed.js';
import { decodeHeader } from '../../src/lib/ike/wire/header.js';
import { PayloadType } from '../../src/lib/ike/wire/types.js';

const shared = process.env.IPSEC_KIT_SHARED;
const captures = join(shared ?? '', 'captures');
const present = shared !== undefined && existsSync(captures);
if (!present) console.info('fragments of strongSwan are not opened: IPSEC_KIT_SHARED has no folder captures');

describe.skipIf(!present)('fragments of strongSwan', () => {
  it.each([
    ['3-chacha-x25519-cert-frag', 28],
    ['3b-gcm-x25519-cert-frag', 20],
  ])('%s: opened, and split in the same way', async (name, encr) => {
    const folder = join(captures, name);
    const { ike } = JSON.parse(readFileSync(join(folder, 'keys.json'), 'utf8'));
    const suite = { encr: encrTransform(encr)!, integ: undefined };
    const bind = (hex: string) =>
      createSkProtection(suite, new Secret(fromHex(hex)), new Secret(new Uint8Array()));
    const keys = { initiator: bind(ike[0].sk_ei), responder: bind(ike[0].sk_er) };

    const extractor = new UnitExtractor({ ports: [] });
    const messages: Uint8Array[] = [];
    for await (const frame of readCapture(createReadStream(join(folder, 'capture.pcap')), () => {})) {
      for (const { kind, data } of extractor.take(frame)) {
        if (kind === 'ike' && data[18] === 35) messages.push(data.slice());
      }
    }
    for (const side of ['initiator', 'responder'] as const) {
      const sent = messages.filter((data) => decodeHeader(data).fromInitiator === (side === 'initiator'));
      expect(sent.length).toBeGreaterThan(2);
      const reassembly = new Reassembly();
      const results = sent.map((datagram) => reassembly.open(datagram, keys[side]));
      const last = results.pop()!;
      expect(results.every((result) => result === 'incomplete')).toBe(true);
      if (last === 'incomplete') throw new Error('the message is not complete');
      const types = last.payloads.map(({ type }) => type);
      expect(types).toEqual(expect.arrayContaining([PayloadType.CERT, PayloadType.AUTH, PayloadType.SA]));

      const ours = sealFragmented(last.header, last.payloads, keys[side], systemEntropy, last.longest!);
      expect(ours.map(({ length }) => length)).toEqual(sent.map(({ length }) => length));
      const heads = (datagrams: Uint8Array[]) => datagrams.map((data) => toHex(data.subarray(0, 36)));
      expect(heads(ours)).toEqual(heads(sent));
    }
  });
});
