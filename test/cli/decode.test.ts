import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DecodeDocument } from '../../src/lib/capture/decode.js';
import type { DecodedPacket } from '../../src/lib/capture/types.js';
import { decodedPacketSchema, decodeSchema } from '../../src/lib/report/decode.schema.js';
import { PcapBuilder, type RecordedSession, recordSession } from './decode-session.js';
import { bin, cleanEnvironment, run } from './run.js';

const ajv = new Ajv();
const isDocument = ajv.compile<DecodeDocument>(decodeSchema);
const isPacket = ajv.compile<DecodedPacket>(decodedPacketSchema);

let folder: string;
let session: RecordedSession;
/** The capture, and the folder with its keys. */
let capture: string;
let keys: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-decode-'));
  session = recordSession();
  capture = write('session.pcap', session.pcap);
  keys = join(folder, 'keys');
  await session.writeKeys(keys);
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, data: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, data);
  return path;
}

function decode(...args: string[]) {
  return run(['decode', ...args]);
}

function document(...args: string[]): DecodeDocument {
  const { stdout } = decode(...args, '--json');
  const parsed: unknown = JSON.parse(stdout);
  expect(isDocument(parsed), JSON.stringify(isDocument.errors)).toBe(true);
  return parsed as DecodeDocument;
}

function lines(...args: string[]): DecodedPacket[] {
  const { stdout } = decode(...args, '--format', 'ndjson');
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const packet: unknown = JSON.parse(line);
      expect(isPacket(packet), JSON.stringify(isPacket.errors)).toBe(true);
      return packet as DecodedPacket;
    });
}

describe('decode', () => {
  it('decrypts a session with its key log and explains it', () => {
    const { stdout, stderr, status } = decode(capture, '--keys', keys);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    for (const text of [
      `${session.frames} frames`,
      '198.51.100.1:500 → 192.0.2.1:500',
      'client.test',
      'IKE_SA_INIT 0',
      'IKE_AUTH 1',
      '10.1.0.0/24',
      'ICV good',
      '3 packets',
      'Diagnosis',
    ]) {
      expect(stdout).toContain(text);
    }
    expect(stdout).not.toContain('\u001b[');
  });

  it('gives the same as one document that fits its schema', () => {
    const { summary, packets, ikeSas, childSas, flows } = document(capture, '--keys', keys);
    expect(summary).toMatchObject({ frames: session.frames, packets: session.frames, damaged: false });
    expect(summary.icv.bad).toBe(0);
    expect(packets.map(({ frame }) => frame)).toEqual(
      Array.from({ length: session.frames }, (_, i) => i + 1),
    );
    const esp = packets.filter(({ protocol }) => protocol === 'ESP');
    expect(esp.map(({ frame }) => frame)).toEqual(session.espFrames);
    for (const packet of esp) expect(packet).toMatchObject({ decrypted: true, icv: 'good' });
    expect(esp[0]?.inner?.summary).toContain('10.1.0.1 → 10.2.0.1');
    expect(ikeSas).toHaveLength(1);
    expect(childSas).toMatchObject([
      { ikeSa: ikeSas[0]?.id, fromRequester: { packets: 3 }, toRequester: { packets: 3 } },
    ]);
    expect(flows).toEqual([]);
  });

  it('says what can be said without keys', () => {
    const { summary, packets, childSas } = document(capture);
    expect(summary.decrypted).toBe(0);
    expect(packets.filter(({ decrypted }) => decrypted)).toEqual([]);
    expect(
      packets.find(({ ike }) => ike?.exchange === 'IKE_AUTH')?.ike?.payloads.map(({ type }) => type),
    ).toEqual(['SK']);
    expect(childSas).toMatchObject([{ evidence: 'inferred' }]);
    for (const format of ['text', 'markdown']) {
      expect(decode(capture, '--format', format).stdout.replace(/\s+/g, ' ')).toContain(
        'Nothing wrong was found in what can be read; 1 IKE SA is encrypted from IKE_AUTH on: give --keys to read on.',
      );
    }
    expect(decode(capture, '--keys', keys).stdout).toContain('Nothing wrong was found.\n');
  });

  it('writes the elements of the document as lines', () => {
    expect(lines(capture, '--keys', keys)).toEqual(document(capture, '--keys', keys).packets);
  });

  it('reads gzip and standard input alike', () => {
    const gzipped = write('session.pcap.gz', gzipSync(session.pcap));
    const expected = lines(capture);
    expect(lines(gzipped)).toEqual(expected);
    const { stdout, status } = spawnSync(process.execPath, [bin, 'decode', '-', '--format', 'ndjson'], {
      input: session.pcap,
      encoding: 'utf8',
      env: cleanEnvironment(),
    });
    expect(status).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(expected.length);
  });

  it('writes Markdown with the diagnosis first', () => {
    const { stdout, status } = decode(capture, '--keys', keys, '--format', 'markdown');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^# IPsec capture: /);
    expect(stdout.indexOf('## Diagnosis')).toBeLessThan(stdout.indexOf('## ike-1'));
    expect(stdout).toContain('| frames | time | exchange | round trip | what happened |');
  });

  it('finds a refusal, names it in the diagnosis and keeps exit code 0', () => {
    const refused = write('refused.pcap', recordSession({ refuse: true }).pcap);
    const { status } = decode(refused);
    expect(status).toBe(0);
    const { ikeSas } = document(refused);
    expect(ikeSas).toHaveLength(1);
  });
});

describe('one frame', () => {
  it('is shown with offsets, bytes and fields', () => {
    const { stdout, status } = decode(capture, '--keys', keys, '--frame', '1');
    expect(status).toBe(0);
    expect(stdout).toContain('Frame 1: IKEv2 IKE_SA_INIT request 0');
    expect(stdout).toMatch(/^ {2}0000 {2}([0-9a-f]{2} ){15}[0-9a-f]{2} {3}SPIs: initiator /m);
    expect(stdout).toMatch(/^KE \(34\), 40 bytes, at \d+$/m);
    // Every byte of the message stands in the dump once.
    const dumped = [...stdout.matchAll(/^ {2}[0-9a-f]{4} {2}((?:[0-9a-f]{2} ?){1,16})/gm)].map(
      ([, hex = '']) => hex.replace(/ /g, ''),
    );
    const length = session.pcap.readUInt32LE(32) - 28;
    expect(dumped.join('')).toBe(session.pcap.subarray(40 + 28, 40 + 28 + length).toString('hex'));
  });

  it('shows what ESP carried', () => {
    const { stdout } = decode(capture, '--keys', keys, '--frame', String(session.espFrames[0]));
    expect(stdout).toContain('Decrypted packet');
    expect(stdout).toContain(
      Buffer.from(session.inner[0]!.subarray(0, 16)).toString('hex').match(/../g)!.join(' '),
    );
  });

  it('limits lines and documents as well', () => {
    expect(lines(capture, '--frame', '2').map(({ frame }) => frame)).toEqual([2]);
    const { packets, ikeSas } = document(capture, '--frame', '2');
    expect(packets.map(({ frame }) => frame)).toEqual([2]);
    expect(ikeSas[0]?.exchanges.length).toBeGreaterThan(1);
  });

  it('that is not there is a usage error in every format', () => {
    for (const format of ['text', 'json', 'ndjson']) {
      const { stdout, stderr, status } = decode(capture, '--frame', '999', '--format', format);
      expect(status).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toContain(`There is no frame 999: the capture has ${session.frames} (E_USAGE)`);
    }
  });
});

describe('--filter', () => {
  it('chooses packets and leaves the analysis alone', () => {
    const all = document(capture, '--keys', keys);
    const some = document(capture, '--keys', keys, '--filter', 'exchange=ike_auth address=192.0.2.0/24');
    expect(some.packets).toEqual(all.packets.filter(({ ike }) => ike?.exchange === 'IKE_AUTH'));
    expect({ ...some, packets: [] }).toEqual({ ...all, packets: [] });
    const [first] = all.packets.filter(({ esp }) => esp);
    const spi = first!.esp!.spi;
    expect(lines(capture, '--filter', `spi=${spi}`).map(({ esp }) => esp?.spi)).toEqual([spi, spi, spi]);
    expect(lines(capture, '--filter', 'address=203.0.113.9')).toEqual([]);
  });

  it('says so when nothing matches', () => {
    const { stdout } = decode(capture, '--filter', 'address=203.0.113.9');
    expect(stdout).not.toContain('ike-1');
    expect(stdout).toContain('\nNothing matches --filter address=203.0.113.9.\n');
  });

  it('knows the frames of findings once all is read', () => {
    const { diagnosis } = document(capture, '--keys', keys);
    const frames = new Set(diagnosis.flatMap((finding) => finding.frames));
    const shown = lines(capture, '--keys', keys, '--filter', 'finding=any').map(({ frame }) => frame);
    expect(shown).toEqual([...frames].sort((a, b) => a - b));
    expect(lines(capture, '--keys', keys, '--filter', 'finding=NO_SUCH_FINDING')).toEqual([]);
    const said = run(['decode', capture, '--keys', keys, '--filter', 'finding=NO_SUCH_FINDING']).stdout;
    expect(said).toMatch(/None of the \d+ findings? matches --filter finding=NO_SUCH_FINDING\./);
    expect(said).not.toContain('Nothing wrong');
  });
});

describe('--verbose', () => {
  it('shows the fields of every payload below its exchange', () => {
    const { stdout } = decode(capture, '--keys', keys, '--verbose');
    expect(stdout).toContain('identity: client.test');
    expect(stdout).toMatch(/method: Shared Key Message Integrity Code \(2\)/);
    expect(stdout.indexOf('NONCE (40)')).toBeGreaterThan(stdout.indexOf('IKE_SA_INIT 0'));
  });
});

describe('--write-decrypted', () => {
  it('writes the inner packets, readable by their owner only', () => {
    const path = join(folder, 'plain.pcapng');
    expect(decode(capture, '--keys', keys, '--write-decrypted', path).status).toBe(0);
    const written = readFileSync(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    let at = 0;
    for (const packet of session.inner) {
      const found = written.indexOf(packet, at);
      expect(found).toBeGreaterThan(at);
      at = found;
    }
  });

  it('says so when there was nothing to write, and replaces what was there', () => {
    const path = write('empty.pcapng', 'something else');
    const { status, stderr } = decode(capture, '--write-decrypted', path);
    expect(status).toBe(0);
    expect(stderr).toBe(`note: No packet was decrypted: ${path} has none in it (N_NOTHING_WRITTEN)\n`);
    expect(readFileSync(path)).toHaveLength(60);
  });

  it('leaves no file behind when the capture cannot be read', () => {
    const path = join(folder, 'none.pcapng');
    const { status, stderr } = decode(write('text.pcap', 'no capture at all'), '--write-decrypted', path);
    expect(status).toBe(2);
    expect(stderr).toContain('E_CAPTURE_FORMAT');
    expect(() => statSync(path)).toThrow();
  });
});

describe('exit code 5', () => {
  it('comes with damage, and everything before it is kept', () => {
    const cut = write('cut.pcap', session.pcap.subarray(0, -10));
    const { stdout, stderr, status } = decode(cut, '--format', 'ndjson');
    expect(status).toBe(5);
    expect(stderr).toContain('E_CAPTURE_DAMAGED');
    expect(stdout.trimEnd().split('\n')).toHaveLength(session.frames - 1);
    const whole = document(cut);
    expect(whole.summary.damaged).toBe(true);
    expect(whole.notes).toMatchObject([{ code: 'E_CAPTURE_DAMAGED' }]);
    expect(decode(cut).stdout).toContain('the capture is damaged');
  });

  it('comes with an empty file, of which one sentence is said', () => {
    const { stdout, status } = decode(write('nothing.pcap', ''));
    expect(status).toBe(5);
    expect(stdout.match(/empty|damaged/g)).toEqual(['damaged', 'empty']);
    expect(stdout).toContain('The file is empty.');
  });

  it('comes with a wrong ICV, whose plaintext is not shown', () => {
    const forged = Buffer.from(session.pcap);
    // The last byte of the first ESP packet belongs to its ICV.
    let at = 24;
    for (let frame = 1; frame < session.espFrames[0]!; frame++) at += 16 + forged.readUInt32LE(at + 8);
    const last = at + 16 + forged.readUInt32LE(at + 8) - 1;
    forged.writeUInt8(forged.readUInt8(last) ^ 1, last);
    const path = write('forged.pcap', forged);
    expect(decode(path, '--keys', keys).status).toBe(5);
    const packet = lines(path, '--keys', keys).find(({ frame }) => frame === session.espFrames[0]);
    expect(packet).toMatchObject({ icv: 'bad', decrypted: false });
    expect(packet?.inner).toBeUndefined();
    expect(packet?.error).toBeDefined();
    expect(decode(path).status).toBe(0);
  });
});

describe('keys', () => {
  it('that cannot be read are warnings with file and line', () => {
    const bad = write('bad-keys', '# a comment\nnonsense\n');
    const { stderr, status } = decode(capture, '--keys', bad, '--keys', keys);
    expect(stderr).toContain(`${bad}:2: `);
    expect(status).toBe(0);
  });

  it('that cannot be read are errors with --strict-keys', () => {
    const bad = write('bad-keys', 'nonsense\n');
    const { stdout, stderr, status } = decode(capture, '--keys', bad, '--strict-keys');
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(`${bad}:1: `);
    expect(stderr).toContain('E_KEY_LINE');
  });

  it('that belong to nothing in the capture are told', () => {
    const line = (spi: string) => `${spi}@203.0.113.9 aes128-cbc:0x${'5e'.repeat(16)}\n`;
    const other = write('other-keys', line('0x5e5e5e5e'));
    const { stdout, status } = decode(capture, '--keys', other);
    expect(status).toBe(0);
    expect(stdout.match(/The key belongs to no SA of this capture\./g)).toHaveLength(1);
    const two = write('two-keys', line('0x5e5e5e5e') + line('0x5e5e5e5f'));
    expect(document(capture, '--keys', two).notes).toEqual([
      { code: 'N_KEYS_UNUSED', message: 'None of the 2 keys belongs to an SA of this capture.' },
    ]);
    expect(document(capture, '--keys', two, '--keys', keys).notes).toEqual([]);
  });

  it('never appear in output', () => {
    const { ikeSas, childSas } = JSON.parse(readFileSync(join(keys, 'keys.json'), 'utf8'));
    const secrets = [ikeSas[0].skD, ikeSas[0].skEi, childSas[0].inbound.encrKey];
    for (const format of ['text', 'json', 'ndjson', 'markdown']) {
      const { stdout, stderr } = decode(capture, '--keys', keys, '--verbose', '--format', format);
      for (const secret of secrets) {
        expect(secret).toMatch(/^[0-9a-f]{32,}$/);
        expect(stdout + stderr).not.toContain(secret);
      }
    }
  });
});

describe('text from packets', () => {
  it('cannot reach the terminal as control characters', () => {
    const file = new PcapBuilder();
    // IKE_SA_INIT with a vendor id that sets the terminal's title, and a notify without meaning.
    const evil = Buffer.from('strongSwan \u001b]0;evil\u0007\u202e');
    const message = Buffer.alloc(28 + 4 + evil.length);
    message.writeBigUInt64BE(1n, 0);
    message.set([43, 0x20, 34, 0x08], 16);
    message.writeUInt32BE(message.length, 24);
    message.writeUInt16BE(4 + evil.length, 30);
    message.set(evil, 32);
    file.udp(['192.0.2.1', 500], ['192.0.2.2', 500], message);
    const path = write('evil.pcap', file.build());
    for (const format of [['--format', 'text'], ['--format', 'markdown'], ['--frame', '1'], ['--verbose']]) {
      const { stdout, status } = decode(path, ...format);
      expect(status).toBe(0);
      expect([...stdout].filter((character) => character !== '\n' && /\p{C}/u.test(character))).toEqual([]);
    }
  });
});

describe('a reader that goes away', () => {
  it('ends the reading of a pipe quietly', async () => {
    const big = recordSession({ packets: 200 });
    const child = spawn(process.execPath, [bin, 'decode', '-', '--format', 'ndjson'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: cleanEnvironment(),
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.stdin.on('error', () => {});
    // An endless capture: the same packets again and again.
    child.stdin.write(big.pcap);
    const feed = setInterval(() => child.stdin.write(big.pcap.subarray(24)), 5);
    let seen = 0;
    for await (const _line of createInterface({ input: child.stdout })) if (++seen === 3) break;
    child.stdout.destroy();
    const [code, signal] = await once(child, 'exit');
    clearInterval(feed);
    expect([code, signal]).toEqual([0, null]);
    expect(errors).toBe('');
  });
});

describe('--follow', () => {
  it('goes on as the file grows, until it is interrupted', async () => {
    const cut = 24 + 16 + session.pcap.readUInt32LE(32);
    const path = write('growing.pcap', session.pcap.subarray(0, cut));
    const child = spawn(process.execPath, [bin, 'decode', path, '--follow', '--format', 'ndjson'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: cleanEnvironment(),
    });
    const frames: number[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      frames.push(JSON.parse(line).frame);
      if (frames.length === 1) appendFileSync(path, session.pcap.subarray(cut));
      if (frames.length === session.frames) child.kill('SIGINT');
    }
    expect(frames).toEqual(Array.from({ length: session.frames }, (_, i) => i + 1));
    if (child.exitCode === null) await once(child, 'exit');
    expect(child.exitCode).toBe(130);
  });

  it('shows a line for each packet, and the conversation in the end', async () => {
    const child = spawn(process.execPath, [bin, 'decode', capture, '--follow'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: cleanEnvironment(),
    });
    let text = '';
    child.stdout.setEncoding('utf8');
    for await (const chunk of child.stdout) {
      text += chunk;
      if (text.includes(`#${session.frames}  `) && !child.killed) child.kill('SIGINT');
    }
    expect(text).toMatch(
      /^#1 {2}22:13:20\.000 {2}198\.51\.100\.1:500 → 192\.0\.2\.1:500 {2}IKEv2 IKE_SA_INIT/,
    );
    expect(text).toContain('Diagnosis');
  });
});
