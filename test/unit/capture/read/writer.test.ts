import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openWriter } from '../../../../src/lib/capture/write/pcapng.js';
import { be, espPacket, ipv4, ipv6, readAll, udp } from './build.js';

const folder = mkdtempSync(join(tmpdir(), 'capture-'));
afterAll(() => rmSync(folder, { recursive: true }));

const packets = [
  ipv4(17, udp(53, 53, be(1, 1, 2, 3))),
  ipv6(50, espPacket(1, 2, 41)),
  ipv4(1, be(2, 0x0800, 0, 7, 9)),
];
const times = [0n, 1_700_000_000_123_456_789n, 2n ** 64n - 1n];

function whyNoTshark(): string | undefined {
  try {
    execFileSync('tshark', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'tshark is not installed';
  }
}

describe('pcapng writer', () => {
  it('writes what the reader reads, to the nanosecond', async () => {
    const path = join(folder, 'a.pcapng');
    const writer = await openWriter(path);
    packets.forEach((packet, i) => {
      writer.write(packet, times[i]!);
    });
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^a\.pcapng\..*\.part$/)]);
    await writer.close();
    expect(readdirSync(folder)).toEqual(['a.pcapng']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const { frames, notes } = await readAll(readFileSync(path));
    expect(notes).toEqual([]);
    expect(frames.map((frame) => [frame.linkType, frame.data, frame.time])).toEqual(
      packets.map((packet, i) => [101, packet, times[i]]),
    );
  });

  it('writes more than its buffer holds', async () => {
    const path = join(folder, 'b.pcapng');
    const writer = await openWriter(path);
    const packet = ipv4(50, espPacket(1, 1, 1381));
    for (let i = 0; i < 1000; i++) writer.write(packet, BigInt(i));
    await writer.close();
    const { frames, notes } = await readAll(readFileSync(path));
    expect(notes).toEqual([]);
    expect(frames).toHaveLength(1000);
    expect(frames.every((frame, i) => frame.time === BigInt(i) && frame.data.length === packet.length)).toBe(
      true,
    );
  });

  it('leaves nothing behind when given up, and what was there before as it was', async () => {
    const path = join(folder, 'c.pcapng');
    writeFileSync(path, 'before');
    const writer = await openWriter(path);
    writer.write(packets[0]!, 1n);
    await writer.abort();
    await writer.close();
    expect(readFileSync(path, 'utf8')).toBe('before');
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('does not replace a device', async () => {
    const writer = await openWriter('/dev/null');
    writer.write(packets[0]!, 1n);
    await writer.close();
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it('names a folder that is not there', async () => {
    await expect(openWriter(join(folder, 'absent', 'x'))).rejects.toMatchObject({
      code: 'E_OUTPUT_FILE',
      kind: 'usage',
    });
  });
});

const reason = whyNoTshark();
if (reason !== undefined) console.warn(`Skipped: ${reason}`);

it.skipIf(reason !== undefined)('tshark reads what is written', async () => {
  const path = join(folder, 'd.pcapng');
  const writer = await openWriter(path);
  packets.forEach((packet, i) => {
    writer.write(packet, BigInt(i) * 1_000_000_007n);
  });
  await writer.close();
  const fields = ['frame.time_epoch', 'frame.protocols', 'frame.len'].flatMap((field) => ['-e', field]);
  const text = execFileSync('tshark', ['-r', path, '-T', 'fields', ...fields], { stdio: 'pipe' }).toString();
  expect(
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')),
  ).toEqual([
    ['0.000000000', expect.stringMatching(/^raw:ip:udp/), String(packets[0]!.length)],
    ['1.000000007', expect.stringMatching(/^raw:ipv6:esp/), String(packets[1]!.length)],
    ['2.000000014', expect.stringMatching(/^raw:ip:icmp/), String(packets[2]!.length)],
  ]);
});
