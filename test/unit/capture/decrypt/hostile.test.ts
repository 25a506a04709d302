import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Decryptor } from '../../../../src/lib/capture/decrypt/decryptor.js';
import { parseKeyFile } from '../../../../src/lib/capture/keys/parse.js';
import { KeyRing } from '../../../../src/lib/capture/keys/ring.js';
import type { KeyEntry } from '../../../../src/lib/capture/keys/types.js';
import type { DecodedPacket, Unit } from '../../../../src/lib/capture/types.js';
import { encodeMessage } from '../../../../src/lib/ike/wire/message.js';
import { createRandom, mutate } from '../../../fuzz/mutate.js';
import { ipv4, RecordedTunnel, unitOf } from './session-units.js';

const hex = (bytes: number) => 'a1'.repeat(bytes);
const keyFiles = [
  `62842d6b4e3e9234,47fa98173d508cbe,${hex(36)},${hex(36)},"AES-GCM-256 with 16 octet ICV [RFC5282]",,,"NONE [RFC4306]"\n`,
  `fafaeb49382a763c,${hex(24)}\r\n`,
  `"IPv4","10.77.0.1","*","0x19af99**","AES-CBC [RFC3602]","0x${hex(16)}","HMAC-SHA-1-96 [RFC2404]","0x${hex(20)}","64-bit","0x1"\n`,
  `0x1@10.0.0.1 3des-cbc-hmac96:0x${hex(24)},0x2@fe80::1 aes128-cbc:sixteen\n`,
  `| ikev2 I 0x0001020304050607 0xc02e7a3031a03188 sha1:0x${hex(20)} aes128:0x${hex(16)}\n`,
  `src 10.0.0.1 dst 10.0.0.2\n\tproto esp spi 0x2 reqid 1 mode tunnel\n\tflag af-unspec esn\n\taead rfc4106(gcm(aes)) 0x${hex(20)} 128\n\t seq-hi 0x0, oseq-hi 0x3\n`,
  `{"ike":[{"spi_i":"${hex(8)}","spi_r":"${hex(8)}","proposal":"AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1","sk_ei":"${hex(16)}"}],"esp":[{"proposal":"AES_GCM_16_128","spi_in":"1","spi_out":"2"}]}`,
  `{"schema":"ipsec-kit/keys@1","ikeSas":[{"initiatorSpi":"${hex(8)}","responderSpi":"${hex(8)}","suite":{"encr":{"id":20},"integ":null,"prf":{"id":5}},"skEi":"${hex(20)}"}],"childSas":[{"inbound":{"spi":"0x1"},"outbound":{"spi":"0x2"}}]}`,
];

/** A text with pieces changed, repeated, cut, or taken from another. */
function mutateText(random: (limit: number) => number): string {
  let text = keyFiles[random(keyFiles.length)]!;
  for (let left = random(2); left >= 0; left--) {
    const at = random(text.length + 1);
    const other = keyFiles[random(keyFiles.length)]!;
    const insert = [
      '',
      '*',
      '"',
      ',',
      '\n',
      '0x',
      '\0',
      '9'.repeat(40),
      '{',
      other.slice(random(other.length)),
      String.fromCharCode(random(0x10000)),
    ][random(11)]!;
    text = text.slice(0, at) + insert + text.slice(at + random(20));
  }
  return text;
}

describe('mutated key files', () => {
  it('never throw; every line is a key, a comment or a problem; no problem shows a key', () => {
    const random = createRandom(42);
    let keys = 0;
    let problems = 0;
    for (let i = 0; i < 20_000; i++) {
      const text = mutateText(random);
      const found = parseKeyFile(text, 'f');
      keys += found.keys.length;
      problems += found.problems.length;
      // An empty list of a JSON file is as good as a comment.
      const says = text.split(/[\r\n]/).some((line) => !/^[\s\uFEFF]*(#|$|\{.*\[\])/.test(line));
      if (found.keys.length === 0 && says) expect([text, found.problems.length]).not.toEqual([text, 0]);
      for (const { line, message } of found.problems) {
        expect(line).toBeGreaterThan(0);
        expect(message).not.toContain(hex(8));
      }
      new KeyRing(found.keys);
    }
    expect(keys).toBeGreaterThan(1000);
    expect(problems).toBeGreaterThan(1000);
  });
});

const expectHonest = (packet: DecodedPacket): void => {
  JSON.stringify(packet);
  if (packet.icv === 'bad') expect([packet.decrypted, packet.inner]).toEqual([false, undefined]);
};

describe('mutated packets of keyed SAs', () => {
  it('never throw, and nothing that was changed is taken for good', async () => {
    const tunnel = new RecordedTunnel('aes256-sha256-x25519', 'aes256gcm16');
    tunnel.exchangeEsp();
    const { keys } = await tunnel.keys('keys.json');
    const originals = new Set(tunnel.units.map(({ data }) => Buffer.from(data).toString('hex')));
    const decryptor = new Decryptor(new KeyRing(keys));
    for (const unit of tunnel.units) decryptor.decode(unit);
    const random = createRandom(7);
    const kinds: Unit['kind'][] = ['ike', 'ike', 'esp', 'ah'];
    let bad = 0;
    for (let i = 0; i < 20_000; i++) {
      const data = mutate(
        tunnel.units.map((unit) => unit.data),
        random,
      );
      const kind = kinds[random(kinds.length)]!;
      const packet = decryptor.decode(unitOf(kind, data, i, random(2) === 0));
      expectHonest(packet);
      if (packet.icv === 'bad') bad += 1;
      if (packet.decrypted) {
        const length =
          kind === 'ike' ? new DataView(data.buffer, data.byteOffset).getUint32(24) : data.length;
        const whole = kind === 'ike' && length <= data.length ? data.subarray(0, length) : data;
        expect(originals).toContain(Buffer.from(whole).toString('hex'));
      }
    }
    expect(bad).toBeGreaterThan(500);
  });

  it('inside ESP never throw either', () => {
    const random = createRandom(9);
    const esp: KeyEntry[] = parseKeyFile('"IPv4","*","*","0x1","NULL","","NULL",""', 'f').keys;
    const decryptor = new Decryptor(new KeyRing(esp), { onInner: () => {} });
    const trailer = (payload: Uint8Array, next: number) =>
      Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1, ...payload, 0, next);
    let opened = 0;
    for (let i = 0; i < 20_000; i++) {
      const inside = mutate([ipv4(60, 50), ipv4(60, 51), trailer(ipv4(40, 50), 4)], random);
      const next = [4, 41, 50, 51, 17, 59, random(256)][random(7)]!;
      const packet = decryptor.decode(unitOf('esp', trailer(inside, next), i, true, ipv4(20)));
      expectHonest(packet);
      if (packet.decrypted) opened += 1;
    }
    expect(opened).toBeGreaterThan(10_000);
  });
});

/** Bytes that are really in use. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

describe('memory', () => {
  it('does not grow with the number of SPIs, SAs and fragments that come by', () => {
    const esp = parseKeyFile('"IPv4","*","*","*","NULL","","NULL",""', 'f').keys;
    const ike = parseKeyFile(`${keyFiles[0]}`, 'f').keys;
    const decryptor = new Decryptor(new KeyRing([...esp, ...ike]));
    const packet = new Uint8Array(60);
    const view = new DataView(packet.buffer);
    packet[59] = 4;
    const init = encodeMessage(
      {
        initiatorSpi: 1n,
        responderSpi: 0n,
        majorVersion: 2,
        minorVersion: 0,
        exchangeType: 34,
        fromInitiator: true,
        isResponse: false,
        higherVersion: false,
        messageId: 0,
      },
      [
        {
          type: 33,
          proposals: [
            { number: 1, protocolId: 1, spi: new Uint8Array(0), transforms: [{ type: 1, id: 20 }] },
          ],
        },
        { type: 40, data: new Uint8Array(32) },
      ],
    );
    const initView = new DataView(init.buffer);
    const pass = (from: number) => {
      for (let i = from; i < from + 40_000; i++) {
        view.setUint32(0, i * 7919);
        decryptor.decode(unitOf('esp', packet, i, true));
        initView.setUint32(0, i);
        decryptor.decode(unitOf('ike', init.slice(), i, true));
      }
      return heapInUse();
    };
    const first = pass(1);
    const second = pass(100_000);
    const third = pass(200_000);
    expect(Math.max(second, third) - first).toBeLessThan(4 * 2 ** 20);
  });
});
