import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readCapture } from '../../../../src/lib/capture/read/capture.js';
import { openInput } from '../../../../src/lib/capture/read/input.js';
import { UnitExtractor } from '../../../../src/lib/capture/read/units.js';

const shared = process.env.IPSEC_KIT_SHARED;
if (shared === undefined) {
  console.warn('Skipped: IPSEC_KIT_SHARED does not name the folder with captures/ and corpus/');
}

interface TsharkPacket {
  _source: {
    layers: { frame: { 'frame.number': string; 'frame.protocols': string }; udpencap?: object | string };
  };
}

/** Captures with what tshark makes of them. */
function captures(folder: string): [string, string][] {
  const own = readdirSync(join(folder, 'captures')).map((name): [string, string] => [
    join(folder, 'captures', name, 'capture.pcap'),
    join(folder, 'captures', name, 'decoded.json.gz'),
  ]);
  const expected = join(folder, 'corpus', 'expected');
  const found = readdirSync(expected).flatMap((name): [string, string][] => {
    const source = /^(.*)\.tshark-[\d.]+\.json\.gz$/.exec(name)?.[1];
    return source === undefined
      ? []
      : [[join(folder, 'corpus', ...source.split('__')), join(expected, name)]];
  });
  return [...own, ...found].filter(([capture]) => existsSync(capture));
}

/** The units that tshark shows in a packet; what it decrypts from ESP, or quotes from ICMP errors, is no unit of the frame. */
function unitsOfTshark({ _source: { layers } }: TsharkPacket): string[] {
  const kinds: string[] = [];
  for (const protocol of layers.frame['frame.protocols'].split(':')) {
    if (protocol === 'icmp') break;
    if (protocol === 'isakmp') kinds.push('ike');
    if (protocol === 'ah' || protocol === 'esp') kinds.push(protocol);
    if (protocol === 'esp') break;
  }
  const isKeepalive = typeof layers.udpencap === 'object' && 'udpencap.nat_keepalive' in layers.udpencap;
  return isKeepalive ? ['keepalive'] : kinds;
}

/** An IKE message with an initiator SPI of zero, which tshark leaves as plain data and we show as what it is. */
const notDissected = ['isakmp-pointer-loop.pcap'];

describe.skipIf(shared === undefined)('captures of others', () => {
  it.each(shared === undefined ? [] : captures(shared))(
    '%s has the units tshark sees',
    async (capture, decoded) => {
      const packets = JSON.parse(gunzipSync(readFileSync(decoded)).toString()) as TsharkPacket[];
      const extractor = new UnitExtractor({ ports: [] });
      const units: string[] = [];
      let frames = 0;
      const input = openInput(capture, { signal: new AbortController().signal });
      for await (const frame of readCapture(input, (note) => expect.fail(note.message))) {
        frames += 1;
        units.push(...extractor.take(frame).map((unit) => `${unit.frame} ${unit.kind}`));
      }
      extractor.finish();
      expect(frames).toBe(packets.length);
      const theirs = packets.flatMap((packet) =>
        unitsOfTshark(packet).map((kind) => `${packet._source.layers.frame['frame.number']} ${kind}`),
      );
      if (notDissected.some((name) => capture.endsWith(name))) expect(units).toEqual(['1 ike']);
      else expect(units).toEqual(theirs);
    },
  );
});
