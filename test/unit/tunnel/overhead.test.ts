import { describe, expect, it } from 'vitest';
import { bindEspSa, sealEsp } from '../../../src/lib/esp/packet.js';
import { resolveChildSuite } from '../../../src/lib/ike/negotiate.js';
import { parseProposals } from '../../../src/lib/ike/proposals.js';
import { defaultMtu, innerMtu, mtuWarnings, possibleSuites } from '../../../src/lib/tunnel/overhead.js';
import { toChildSa } from '../../../src/lib/tunnel/tracker.js';
import { childSaInfo } from './fixtures.js';

const suite = (text: string) => resolveChildSuite(parseProposals(text, 3)[0]!.transforms);
const keywords = [
  'aes256gcm16',
  'aes128gcm8',
  'aes256ccm12',
  'chacha20poly1305',
  'aes256-sha256',
  'aes128-sha512',
  'aes256ctr-sha384',
  '3des-sha1',
  'null-sha256',
];

describe('innerMtu', () => {
  it('knows the header, IV, padding and ICV of a suite', () => {
    // 1500 - 20 IPv4 - 8 UDP - 8 ESP - 8 IV - 16 ICV = 1440, a multiple of 4; less 2 of trailer.
    expect(innerMtu(1500, 4, suite('aes256gcm16'))).toBe(1438);
    // 1500 - 40 - 8 - 8 - 16 - 32 = 1396; 87 blocks of 16 are 1392.
    expect(innerMtu(1500, 6, suite('aes256-sha512'))).toBe(1390);
    // Without UDP: 1500 - 20 - 8 - 8 - 16 = 1448, less 2.
    expect(innerMtu(1500, 4, suite('aes256gcm16'), 'none')).toBe(1446);
  });

  it.each(keywords)('is the largest packet that fits when sealed with %s', (text) => {
    const sa = bindEspSa(toChildSa(childSaInfo(text)).outbound);
    for (const pathMtu of [576, 1280, 1281, 1350, 1499, 1500]) {
      const mtu = innerMtu(pathMtu, 4, suite(text));
      const outer = (inner: number) => 28 + sealEsp(sa, 1, 4, new Uint8Array(inner)).length;
      expect(outer(mtu)).toBeLessThanOrEqual(pathMtu);
      expect(outer(mtu + 1)).toBeGreaterThan(pathMtu);
    }
  });
});

describe('defaultMtu', () => {
  const gcm = [suite('aes256gcm16')];

  it('is at most 1400, also where the path carries more or nobody knows', () => {
    expect(defaultMtu(65_536, 4, gcm)).toBe(1400);
    expect(defaultMtu(undefined, 4, gcm)).toBe(1400);
    expect(defaultMtu(1420, 4, gcm)).toBe(1358);
  });

  it('fits the largest of several suites', () => {
    const suites = possibleSuites(parseProposals('aes256gcm16,aes256-sha256-sha512', 3));
    expect(suites).toHaveLength(3);
    expect(defaultMtu(1400, 4, suites)).toBe(innerMtu(1400, 4, suite('aes256-sha512')));
  });

  it('refuses a path that carries nothing', () => {
    expect(() => defaultMtu(100, 4, gcm)).toThrow(expect.objectContaining({ code: 'E_MTU' }));
  });
});

describe('mtuWarnings', () => {
  it('tell what fits, for the way ESP goes, from the first byte that is too much', () => {
    const child = childSaInfo('aes256gcm16');
    expect(mtuWarnings(1438, 1500, child)).toEqual([]);
    expect(mtuWarnings(1439, 1500, child)).toEqual([
      {
        event: 'warning',
        code: 'W_MTU',
        message: expect.stringMatching(/--mtu 1439 .*1500 bytes .*1438 would fit/),
        peer: '198.51.100.7:61000',
      },
    ]);
    expect(mtuWarnings(1446, 1500, { ...child, encapsulation: 'none' })).toEqual([]);
    expect(mtuWarnings(1447, 1500, { ...child, encapsulation: 'none' })).toHaveLength(1);
  });

  it('are none where nothing is known of the path', () => {
    expect(mtuWarnings(65_280, undefined, childSaInfo())).toEqual([]);
  });
});
