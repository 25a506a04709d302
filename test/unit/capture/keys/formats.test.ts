import { describe, expect, it } from 'vitest';
import { parseKeyFile } from '../../../../src/lib/capture/keys/parse.js';
import type { EspKey, Ikev2Key, KeyEntry } from '../../../../src/lib/capture/keys/types.js';

const hex = (bytes: number, byte = 'a1') => byte.repeat(bytes);
const SPIS = '62842d6b4e3e9234,47fa98173d508cbe';

const parse = (text: string) => parseKeyFile(text, 'file');
function only<K extends KeyEntry['kind']>(text: string, kind: K): Extract<KeyEntry, { kind: K }> {
  const { keys, problems } = parse(text);
  expect(problems).toEqual([]);
  expect(keys).toHaveLength(1);
  expect(keys[0]!.kind).toBe(kind);
  return keys[0] as Extract<KeyEntry, { kind: K }>;
}
const problem = (text: string) => {
  const { keys, problems } = parse(text);
  expect(keys).toEqual([]);
  expect(problems).toHaveLength(1);
  return problems[0]!;
};

describe('ikev2_decryption_table', () => {
  const line = (encr: string, bytes: number, integ: string, integBytes: number) =>
    `${SPIS},${hex(bytes)},${hex(bytes, 'b2')},"${encr}",${hex(integBytes, 'c3')},${hex(integBytes, 'd4')},"${integ}"`;

  it.each([
    ['NULL [RFC2410]', 0, 11],
    ['3DES [RFC2451]', 24, 3],
    ['AES-CBC-128 [RFC3602]', 16, 12],
    ['AES-CBC-192 [RFC3602]', 24, 12],
    ['AES-CBC-256 [RFC3602]', 32, 12],
    ['AES-CTR-128 [RFC5930]', 20, 13],
    ['AES-CTR-256 [RFC5930]', 36, 13],
    ['AES-GCM-128 with 8 octet ICV [RFC5282]', 20, 18],
    ['AES-GCM-192 with 12 octet ICV [RFC5282]', 28, 19],
    ['AES-GCM-256 with 16 octet ICV [RFC5282]', 36, 20],
    ['AES-CCM-128 with 8 octet ICV [RFC5282]', 19, 14],
    ['AES-CCM-192 with 12 octet ICV [RFC5282]', 27, 15],
    ['AES-CCM-256 with 16 octet ICV [RFC5282]', 35, 16],
    ['CHACHA20_POLY1305 [RFC7634]', 36, 28],
  ])('%s', (name, bytes, id) => {
    const key = only(line(name, bytes, 'NONE [RFC4306]', 0), 'ikev2');
    expect(key).toMatchObject({ encr: id, spiI: 0x62842d6b4e3e9234n, spiR: 0x47fa98173d508cben });
    expect([key.skEi!.length, key.skEr!.length]).toEqual([bytes, bytes]);
  });

  it.each([
    ['NONE [RFC4306]', 0, { id: 0, icvBytes: 0, checked: false }],
    ['HMAC_MD5_96 [RFC2403]', 16, { id: 1, icvBytes: 12, checked: true }],
    ['HMAC_SHA1_96 [RFC2404]', 20, { id: 2, icvBytes: 12, checked: true }],
    ['HMAC_MD5_128 [RFC4595]', 16, { id: 6, icvBytes: 16, checked: true }],
    ['HMAC_SHA1_160 [RFC4595]', 20, { id: 7, icvBytes: 20, checked: true }],
    ['HMAC_SHA2_256_96 [draft-ietf-ipsec-ciph-sha-256-00]', 32, { id: 12, icvBytes: 12, checked: true }],
    ['HMAC_SHA2_256_128 [RFC4868]', 32, { id: 12, icvBytes: 16, checked: true }],
    ['HMAC_SHA2_384_192 [RFC4868]', 48, { id: 13, icvBytes: 24, checked: true }],
    ['HMAC_SHA2_512_256 [RFC4868]', 64, { id: 14, icvBytes: 32, checked: true }],
    ['ANY 64-bits of Authentication [No Checking]', 0, { id: 0, icvBytes: 8, checked: false }],
    ['ANY 160-bits of Authentication [No Checking]', 0, { id: 0, icvBytes: 20, checked: false }],
  ])('%s', (name, bytes, integ) => {
    const key = only(line('AES-CBC-128 [RFC3602]', 16, name, bytes), 'ikev2');
    expect(key.integ).toEqual(integ);
    expect(key.skAi?.length ?? 0).toBe(bytes);
    if (bytes > 0) expect(key.skAr!.reveal()[0]).toBe(0xd4);
  });

  it('takes the keys of one direction', () => {
    const key = only(
      `${SPIS},,${hex(20)},"AES-GCM-128 with 16 octet ICV [RFC5282]",,,"NONE [RFC4306]"`,
      'ikev2',
    );
    expect([key.skEi, key.skEr?.length]).toEqual([undefined, 20]);
  });

  it.each([
    ['an SPI that is too short', line('3DES [RFC2451]', 24, 'NONE [RFC4306]', 0).slice(1), 'SPI'],
    ['a key without salt', line('AES-GCM-256 with 16 octet ICV [RFC5282]', 32, 'NONE [RFC4306]', 0), 'salt'],
    ['another key length', line('AES-CBC-256 [RFC3602]', 16, 'NONE [RFC4306]', 0), '128 bits'],
    ['an unknown cipher', line('ROT13', 16, 'NONE [RFC4306]', 0), 'ROT13'],
    ['an unknown MAC', line('AES-CBC-128 [RFC3602]', 16, 'CRC32', 4), 'CRC32'],
    [
      'a short integrity key',
      line('AES-CBC-128 [RFC3602]', 16, 'HMAC_SHA2_256_128 [RFC4868]', 16),
      'AUTH_HMAC_SHA2_256_128',
    ],
    ['no keys at all', `${SPIS},,,"AES-CBC-128 [RFC3602]",,,"NONE [RFC4306]"`, 'neither'],
    ['a missing field', `${SPIS},${hex(16)},"AES-CBC-128 [RFC3602]",,,"NONE [RFC4306]"`, '7 fields'],
    ['an open quote', `${SPIS},${hex(16)},${hex(16)},"AES-CBC-128 [RFC3602],,,NONE`, 'quote'],
    ['odd hex', `${SPIS},${hex(16)}a,${hex(16)},"AES-CBC-128 [RFC3602]",,,"NONE [RFC4306]"`, 'odd'],
    ['no hex', `${SPIS},${'x'.repeat(32)},${hex(16)},"AES-CBC-128 [RFC3602]",,,"NONE [RFC4306]"`, 'not hex'],
  ])('reports %s with its line and without the key', (_what, text, expected) => {
    const { line: at, message, file } = problem(`# a comment\n\n${text}\n`);
    expect([file, at]).toEqual(['file', 3]);
    expect(message).toContain(expected);
    expect(message).not.toContain(hex(4));
  });
});

describe('ikev1_decryption_table', () => {
  it('has the cookie and the key', () => {
    const key = only(`fafaeb49382a763c,${hex(24)}`, 'ikev1');
    expect([key.spiI, key.encryption.length]).toEqual([0xfafaeb49382a763cn, 24]);
  });

  it.each([`fafaeb49382a763c,${hex(4)}`, `fafaeb49382a763,${hex(24)}`, 'fafaeb49382a763c,zz'])(
    'refuses %s',
    (text) => expect(problem(text).line).toBe(1),
  );
});

describe('esp_sa', () => {
  const line = (encr: string, bytes: number, integ = 'NULL', integBytes = 0, more = '') =>
    `"IPv4","10.77.0.1","10.77.0.2","0x19af9931","${encr}","0x${hex(bytes)}","${integ}","0x${hex(integBytes, 'c3')}"${more}`;

  it.each([
    ['NULL', 0, 11],
    ['TripleDES-CBC [RFC2451]', 24, 3],
    ['TripleDes-CBC [RFC2451]', 24, 3],
    ['DES-CBC [RFC2405]', 8, 2],
    ['AES-CBC [RFC3602]', 16, 12],
    ['AES-CTR [RFC3686]', 36, 13],
    ['AES-GCM with 8 octet ICV [RFC4106]', 20, 18],
    ['AES-GCM with 12 octet ICV [RFC4106]', 20, 19],
    ['AES-GCM with 16 octet ICV [RFC4106]', 36, 20],
    ['AES-GCM [RFC4106]', 36, 20],
    ['ChaCha20 with Poly1305 [RFC7634]', 36, 28],
  ])('%s', (name, bytes, id) => {
    const key = only(line(name, bytes), 'esp');
    expect(key).toMatchObject({ encr: id, spi: 0x19af9931, src: '10.77.0.1', dst: '10.77.0.2' });
    expect(key.encrKey.length).toBe(bytes);
    expect(key.esn).toBeUndefined();
  });

  it.each([
    ['HMAC-SHA-1-96 [RFC2404]', 20, 2, 12],
    ['HMAC-SHA-256-96 [draft-ietf-ipsec-ciph-sha-256-00]', 32, 12, 12],
    ['HMAC-SHA-256-128 [RFC4868]', 32, 12, 16],
    ['HMAC-SHA-384-192 [RFC4868]', 48, 13, 24],
    ['HMAC-SHA-512-256 [RFC4868]', 64, 14, 32],
    ['HMAC-MD5-96 [RFC2403]', 16, 1, 12],
  ])('%s', (name, bytes, id, icvBytes) => {
    const key = only(line('AES-CBC [RFC3602]', 16, name, bytes), 'esp');
    expect(key.integ).toEqual({ id, icvBytes, checked: true });
    expect(key.integKey.length).toBe(bytes);
  });

  it.each([
    ['MAC-RIPEMD-160-96 [RFC2857]', 12],
    ['ANY 96 bit authentication [no checking]', 12],
    ['ANY 256 bit authentication [no checking]', 32],
  ])('%s is left unchecked', (name, icvBytes) => {
    const key = only(line('AES-CBC [RFC3602]', 16, name, 0), 'esp');
    expect(key.integ).toEqual({ id: 0, icvBytes, checked: false });
  });

  it("knows save-keys' way to write AES-GCM, with its ambiguous 64 bits", () => {
    const ids = (bits: number) =>
      parse(line('AES-GCM [RFC4106]', 36, `ANY ${bits} bit authentication [no checking]`, 0)).keys.map(
        (key) => (key as EspKey).encr,
      );
    expect(ids(128)).toEqual([20]);
    expect(ids(96)).toEqual([19]);
    expect(ids(64)).toEqual([18, 19]);
    const [key] = parse(line('AES-GCM [RFC4106]', 36, 'ANY 128 bit authentication [no checking]')).keys;
    expect((key as EspKey).integ.icvBytes).toBe(0);
  });

  it('takes the two more fields of newer versions', () => {
    const gcm = (more: string) => only(line('AES-GCM [RFC4106]', 36, 'NULL', 0, more), 'esp');
    expect(gcm(',"32-bit",""').esn).toBe(false);
    expect(gcm(',"64-bit","0x0000000a"')).toMatchObject({ esn: true, seqHigh: 10 });
    expect(gcm(',"64-bit",""')).toMatchObject({ esn: true });
    expect(problem(line('AES-GCM [RFC4106]', 36, 'NULL', 0, ',"48-bit",""')).message).toContain('field 9');
  });

  it('takes wildcards, prefixes, IPv6, text keys and CRLF', () => {
    const spi = (text: string) => only(`"IPv4","*","10.0.0.0/8","${text}","NULL","","NULL",""\r\n`, 'esp');
    expect(spi('*')).toMatchObject({ spi: undefined, spiPattern: '********', src: '*', dst: '10.0.0.0/8' });
    expect(spi('0x12*')).toMatchObject({ spiPattern: '12******' });
    expect(spi('0x1234**78')).toMatchObject({ spiPattern: '1234**78' });
    expect(spi('305419896')).toMatchObject({ spi: 0x12345678 });
    const six = only(
      '"IPv6","2001:DB8:0:0::1","fe80:*","0x1","AES-CBC [RFC3602]","sixteen bytes ok","NULL",""',
      'esp',
    );
    expect(six).toMatchObject({ src: '2001:db8::1', dst: 'fe80:*' });
    expect(new TextDecoder().decode(six.encrKey.reveal())).toBe('sixteen bytes ok');
  });

  it.each([
    ['0', '"IPv4","*","*","0","NULL","","NULL",""'],
    ['beyond 32 bits', '"IPv4","*","*","0x123456789","NULL","","NULL",""'],
    ['a short pattern', '"IPv4","*","*","0x1*2","NULL","","NULL",""'],
    ['no address', '"IPv4","router","*","1","NULL","","NULL",""'],
    ['a bad prefix', '"IPv4","10.0.0.0/33","*","1","NULL","","NULL",""'],
    ['seven fields', '"IPv4","*","*","1","NULL","","NULL"'],
    ['Twofish', `"IPv4","*","*","1","TWOFISH-CBC","0x${hex(16)}","NULL",""`],
  ])('refuses %s', (_what, text) => expect(problem(text).line).toBe(1));
});

describe('tcpdump and libreswan', () => {
  it.each([
    ['3des-cbc-hmac96', 24, 3, 12],
    ['aes256-cbc-hmac96', 32, 12, 12],
    ['aes128-cbc', 16, 12, 0],
    ['3des-cbc', 24, 3, 0],
    ['des-cbc-hmac96', 8, 2, 12],
    ['des-ede3-cbc', 24, 3, 0],
  ])('%s', (name, bytes, encr, icvBytes) => {
    const key = only(`0x12345678@192.1.2.45 ${name}:0x${hex(bytes)}`, 'esp');
    expect(key).toMatchObject({ spi: 0x12345678, src: '*', dst: '192.1.2.45', encr });
    expect(key.integ).toEqual({ id: 0, icvBytes, checked: false });
  });

  it('takes several keys on a line, and one for every packet', () => {
    const two = parse(`0x1@10.0.0.1 3des-cbc:0x${hex(24)},0x2@10.0.0.2 aes128-cbc:0x${hex(16)}`);
    expect(two.keys).toMatchObject([{ spi: 1 }, { spi: 2 }]);
    expect(only(`3des-cbc-hmac96:0x${hex(24)}`, 'esp')).toMatchObject({ spiPattern: '********', dst: '*' });
  });

  it('reads the IKE line, also out of a log', () => {
    const text = (role: string, prefix = '') =>
      `${prefix}ikev2 ${role} 0x0001020304050607 0xc02e7a3031a03188 sha1:0x${hex(20)} aes128:0x${hex(16)}`;
    const initiator = only(text('I', '| '), 'ikev2');
    expect(initiator).toMatchObject({ spiI: 0x0001020304050607n, encr: 12, integ: { id: 2, checked: true } });
    expect([initiator.skEi?.length, initiator.skAi?.length, initiator.skEr]).toEqual([16, 20, undefined]);
    const responder = only(text('R', 'Nov 21 08:00:00 east pluto[17]: | '), 'ikev2');
    expect([responder.skEr?.length, responder.skAr?.length, responder.skEi]).toEqual([16, 20, undefined]);
  });

  it.each([
    ['aes_gcm_16256', 36, 20],
    ['aes_gcm_12128', 20, 19],
    ['aes_gcm256', 36, 18],
    ['aes_ccm_16128', 19, 16],
    ['aes_ctr256', 36, 13],
    ['3des192', 24, 3],
  ])('knows %s of libreswan', (name, bytes, id) => {
    const text = `ikev2 I 0x0001020304050607 0xc02e7a3031a03188 sha256:0x${hex(32)} ${name}:0x${hex(bytes)}`;
    expect(only(text, 'ikev2').encr).toBe(id);
  });

  it('says that a logged AEAD key has no salt', () => {
    const text = `ikev2 I 0x0001020304050607 0xc02e7a3031a03188 none:0x aes_gcm_16256:0x${hex(32)}`;
    expect(problem(text).message).toContain('salt');
  });

  it.each([
    '0x1@10.0.0.1 rot13:0x00',
    `0x1@10.0.0.1 aes256-cbc:0x${hex(16)}`,
    `0x1@nowhere 3des:0x${hex(24)}`,
  ])('refuses %s', (text) => expect(problem(text).line).toBe(1));
});

describe('ip xfrm state', () => {
  const state = (body: string, head = 'proto esp spi 0xc1234567 reqid 1 mode tunnel') =>
    `src 10.77.0.1 dst 10.77.0.2\n\t${head}\n\treplay-window 0 flag af-unspec\n${body}\tencap type espinudp sport 4500 dport 4500 addr 0.0.0.0\n\tsel src 0.0.0.0/0 dst 0.0.0.0/0\n`;

  it.each([
    ['rfc4106(gcm(aes))', 36, 128, 20],
    ['rfc4106(gcm(aes))', 20, 96, 19],
    ['rfc4106(gcm(aes))', 20, 64, 18],
    ['rfc4309(ccm(aes))', 19, 128, 16],
    ['rfc7539esp(chacha20,poly1305)', 36, 128, 28],
    ['rfc4543(gcm(aes))', 20, 128, 21],
  ])('aead %s, ICV of %4$s', (name, bytes, bits, id) => {
    const key = only(state(`\taead ${name} 0x${hex(bytes)} ${bits}\n`), 'esp');
    expect(key).toMatchObject({ spi: 0xc1234567, src: '10.77.0.1', dst: '10.77.0.2', encr: id, esn: false });
  });

  it.each([
    ['cbc(aes)', 16, 12],
    ['cbc(des3_ede)', 24, 3],
    ['cbc(des)', 8, 2],
    ['cbc(camellia)', 32, 23],
    ['rfc3686(ctr(aes))', 36, 13],
    ['ecb(cipher_null)', 0, 11],
  ])('enc %s', (name, bytes, id) => {
    const key = only(
      state(`\tauth-trunc hmac(sha256) 0x${hex(32)} 128\n\tenc ${name} ${bytes ? `0x${hex(bytes)}` : ''}\n`),
      'esp',
    );
    expect(key.encr).toBe(id);
    expect(key.integ).toEqual({ id: 12, icvBytes: 16, checked: true });
  });

  it.each([
    ['auth-trunc hmac(md5)', 16, ' 96', 1, 12],
    ['auth-trunc hmac(sha1)', 20, ' 96', 2, 12],
    ['auth-trunc hmac(sha256)', 32, ' 96', 12, 12],
    ['auth hmac(sha256)', 32, '', 12, 12],
    ['auth-trunc hmac(sha512)', 64, ' 256', 14, 32],
    ['auth-trunc xcbc(aes)', 16, ' 96', 5, 12],
    ['auth-trunc cmac(aes)', 16, ' 96', 8, 12],
  ])('%s', (name, bytes, bits, id, icvBytes) => {
    const key = only(state(`\t${name} 0x${hex(bytes)}${bits}\n\tenc cbc(aes) 0x${hex(16)}\n`), 'esp');
    expect(key.integ).toEqual({ id, icvBytes, checked: true });
  });

  it('takes AH, ESN with its counters, and the statistics of -s', () => {
    const ah = only(
      state(
        `\tauth-trunc hmac(sha1) 0x${hex(20)} (160 bits) 96\n`,
        'proto ah spi 0x00000007(7) reqid 1 mode transport',
      ),
      'ah',
    );
    expect(ah).toMatchObject({ spi: 7, integ: { id: 2, icvBytes: 12 } });
    const esn = only(
      `src 10.0.0.1 dst 10.0.0.2\n\tproto esp spi 0x2 reqid 1 mode tunnel\n\treplay-window 0 flag af-unspec esn\n\taead rfc4106(gcm(aes)) 0x${hex(20)} 128\n\tanti-replay esn context:\n\t seq-hi 0x0, seq 0x0, oseq-hi 0x3, oseq 0x10\n\t replay_window 32, bitmap-length 1\n\t 00000000 \n`,
      'esp',
    );
    expect(esn).toMatchObject({ esn: true, seqHigh: 3 });
  });

  it('passes over IPComp and reports hidden keys with the line of the SA', () => {
    expect(parse(state('\tcomp deflate 0x\n', 'proto comp spi 0x00001234 reqid 2 mode tunnel'))).toEqual({
      keys: [],
      problems: [],
    });
    const hidden = problem(
      `\n${state('\tauth-trunc hmac(sha1) <<Keys hidden>> 96\n\tenc cbc(aes) <<Keys hidden>>\n')}`,
    );
    expect(hidden.line).toBe(2);
    expect(hidden.message).toContain('root');
  });

  it('reads one SA after the other', () => {
    const body = `\taead rfc4106(gcm(aes)) 0x${hex(20)} 128\n`;
    expect(parse(state(body) + state('') + state(body)).keys).toHaveLength(2);
    expect(parse(state(body) + state('')).problems).toMatchObject([{ line: 7 }]);
  });
});

describe('JSON', () => {
  it('reports entries with their path and line, and keeps the others', () => {
    const good = {
      spi_i: '1'.repeat(16),
      spi_r: '2'.repeat(16),
      proposal: 'AES_GCM_16_128/PRF_HMAC_SHA2_256',
      sk_ei: hex(20),
      sk_er: hex(20),
      sk_d: hex(32),
    };
    const text = JSON.stringify(
      { ike: [good, { ...good, sk_ei: 'zz', spi_i: '3'.repeat(16) }, 7], esp: {} },
      null,
      1,
    );
    const { keys, problems } = parse(text);
    expect(keys).toMatchObject([{ kind: 'ikev2', encr: 20, prf: 5, spiI: 0x1111111111111111n }]);
    expect(problems.map(({ message }) => message.split(':')[0])).toEqual(['ike[1]', 'ike[2]', 'esp[0]']);
    expect(problems[0]!.line).toBe(text.split('\n').findIndex((line) => line.includes('3'.repeat(16))) + 1);
    expect(problems[0]!.message).not.toContain(hex(4));
  });

  it.each([
    ['AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256', 12, 12, 5],
    ['3DES_CBC/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_2048', 3, 2, 2],
    ['CHACHA20_POLY1305_256/PRF_HMAC_SHA2_384/CURVE_25519', 28, 0, 6],
    ['AES_CCM_8_128/PRF_HMAC_SHA2_512/MODP_4096', 14, 0, 7],
    ['AES_CTR_256/AES_XCBC_96/PRF_AES128_XCBC/MODP_4096', 13, 5, 4],
  ])('knows the proposal %s', (proposal, encr, integ, prf) => {
    const text = JSON.stringify({
      ike: [{ spi_i: '1'.repeat(16), spi_r: '2'.repeat(16), proposal, sk_d: hex(32) }],
    });
    const key = only(text, 'ikev2') as Ikev2Key;
    expect([key.encr, key.integ!.id, key.prf]).toEqual([encr, integ, prf]);
  });

  it.each([
    ['broken', '{\n "ike": [\n', 3],
    ['foreign', '{"a": 1}', 1],
    ['a list', '[]', 1],
  ])('refuses %s', (_what, text, line) => expect(problem(text).line).toBe(line));
});

describe('any file', () => {
  it('mixes formats, and reports every other line', () => {
    const { keys, problems } = parse(
      `\uFEFF# keys\nfafaeb49382a763c,${hex(24)}\nhello\n0x1@10.0.0.1 3des-cbc:0x${hex(24)}\n,,,\nesp.enable: TRUE\n`,
    );
    expect(keys.map(({ kind }) => kind)).toEqual(['ikev1', 'esp']);
    expect(keys.map(({ source }) => source.line)).toEqual([2, 4]);
    expect(problems.map(({ line }) => line)).toEqual([3, 5, 6]);
  });
});
