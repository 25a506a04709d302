import { cpus } from 'node:os';
import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { benchOptions } from './options.mjs';

const { rounds, json } = benchOptions({
  script: 'bench:crypto',
  about: `What it costs to seal and to open one ESP packet, by who does the cryptography: OpenSSL with kept contexts on
packets in an arena, node:crypto as the simple plane uses it, and @noble/ciphers in JavaScript. Rounds are interleaved,
medians count, and processor time instead of the clock, so that other work on the machine matters little.`,
  flags: {
    rounds: { value: 'N', least: 1, default: 9, help: 'rounds' },
    json: { help: 'print JSON' },
  },
});
const lib = (path) => import(new URL(`../../dist/lib/${path}`, import.meta.url).href);
const { Arena } = await lib('core/arena.js');
const { Secret } = await lib('core/secret.js');
const { loadEvp } = await lib('crypto/evp-functions.js');
const { encrTransform, integTransform } = await lib('crypto/registry.js');
const { createEspCipher } = await lib('esp/fast/esp-cipher-create.js');
const { bindEspSa, openEsp, sealEsp } = await lib('esp/packet.js');

const SIZES = [64, 1372];
/** Time that a run of one provider takes about. */
const RUN_MS = 20;
const IPV4 = 4;

const suites = [
  { name: 'AES-256-GCM', encr: 20, keyBytes: 36, noble: gcm },
  { name: 'ChaCha20-Poly1305', encr: 28, keyBytes: 36, noble: chacha20poly1305 },
  { name: 'AES-256-CCM', encr: 16, keyBytes: 35 },
  { name: 'AES-256-CBC HMAC-SHA2-256', encr: 12, keyBytes: 32, integ: 12 },
  { name: 'AES-256-CTR HMAC-SHA2-256', encr: 13, keyBytes: 36, integ: 12 },
];

const secret = (length, seed) => new Secret(Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff));

function parameters({ encr, keyBytes, integ }) {
  const row = integ && integTransform(integ);
  return {
    spi: 0xc0ffee01,
    encr: encrTransform(encr),
    encrKey: secret(keyBytes, 1),
    integ: row,
    integKey: secret(row?.keyBytes ?? 0, 2),
    esn: false,
  };
}

/** The plane's own: nothing is allocated for a packet. */
function evpProvider(evp, arena, sa, size) {
  const packet = arena.reserve('packet', 2048).at;
  const text = arena.reserve('text', 2048).at;
  const sealing = createEspCipher(arena, sa, 'seal', evp);
  const opening = createEspCipher(arena, sa, 'open', evp);
  const length = Math.ceil((size + 2) / sealing.alignment) * sealing.alignment;
  let sequence = 0;
  const seal = () => sealing.seal(packet, text, length, ++sequence);
  const sealed = seal();
  return {
    seal,
    open: () => {
      if (opening.open(packet, sealed, text, sequence) !== length) throw new Error('not authentic');
    },
  };
}

function nodeProvider(sa, size) {
  const bound = bindEspSa(sa);
  const payload = new Uint8Array(size);
  let sequence = 0;
  const seal = () => sealEsp(bound, ++sequence, IPV4, payload);
  const packet = seal();
  return {
    seal,
    open: () => {
      if (openEsp(bound, packet, 1).verdict !== 'ok') throw new Error('not authentic');
    },
  };
}

/** Only the cipher: without padding and header. */
function nobleProvider(cipher, sa, size) {
  const key = sa.encrKey.reveal().subarray(0, 32);
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  const aad = new Uint8Array(8);
  const payload = new Uint8Array(size + 2);
  let sequence = 0;
  const seal = () => {
    view.setUint32(8, ++sequence);
    return cipher(key, nonce, aad).encrypt(payload);
  };
  const packet = seal();
  return {
    seal,
    open: () => {
      view.setUint32(8, 1);
      cipher(key, nonce, aad).decrypt(packet);
    },
  };
}

/** Microseconds of processor time for each call, those of the garbage collector with them. */
function time(call, count) {
  const start = process.cpuUsage();
  for (let i = 0; i < count; i++) call();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / count;
}

/** How often to call for a run to take long enough; afterwards the code is compiled. */
function calibrate(call) {
  let count = 64;
  for (;;) {
    const taken = time(call, count) * count;
    if (taken >= (RUN_MS * 1000) / 2) return Math.ceil((count * RUN_MS * 1000) / taken);
    count *= 2;
  }
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

const evp = await loadEvp();
const arena = new Arena(1 << 20, evp.address);
const measurements = suites.flatMap((suite) =>
  SIZES.flatMap((size) => {
    const sa = parameters(suite);
    const providers = {
      evp: evpProvider(evp, arena, sa, size),
      node: nodeProvider(sa, size),
      ...(suite.noble && { noble: nobleProvider(suite.noble, sa, size) }),
    };
    return Object.entries(providers).flatMap(([provider, calls]) =>
      ['seal', 'open'].map((direction) => ({
        suite: suite.name,
        size,
        provider,
        direction,
        call: calls[direction],
        count: calibrate(calls[direction]),
        times: [],
      })),
    );
  }),
);
for (let round = 0; round < rounds; round++) {
  for (const { call, count, times } of measurements) times.push(time(call, count));
}
if (arena.damaged().length > 0) throw new Error('memory is damaged');

const results = suites.flatMap(({ name }) =>
  SIZES.map((size) => {
    const own = measurements.filter((one) => one.suite === name && one.size === size);
    const microseconds = (provider, direction) => {
      const found = own.find((one) => one.provider === provider && one.direction === direction);
      return found && Number(median(found.times).toFixed(3));
    };
    const costs = (provider) => {
      const seal = microseconds(provider, 'seal');
      return seal && { seal, open: microseconds(provider, 'open') };
    };
    return { suite: name, size, evp: costs('evp'), node: costs('node'), noble: costs('noble') };
  }),
);

if (json) {
  const host = { node: process.version, openssl: process.versions.openssl, cpu: cpus()[0]?.model };
  process.stdout.write(
    `${JSON.stringify({ ...host, rounds, unit: 'microseconds of processor time', results }, null, 2)}\n`,
  );
} else {
  const cell = (cost) => (cost ? `${cost.seal.toFixed(2)} / ${cost.open.toFixed(2)}` : '').padStart(16);
  const line = (name, size, ...cells) => `${name.padEnd(27)}${String(size).padStart(6)}${cells.join('')}\n`;
  process.stdout.write(
    `microseconds of processor time to seal / open a packet, node ${process.version}, OpenSSL ${process.versions.openssl}\n`,
  );
  process.stdout.write(
    line('', 'bytes', ...['EVP, arena', 'node:crypto', '@noble'].map((name) => name.padStart(16))),
  );
  for (const { suite, size, evp: own, node, noble } of results) {
    process.stdout.write(line(suite, size, cell(own), cell(node), cell(noble)));
  }
}
