import { describe, expect, it } from 'vitest';
import { GsoType, VirtioHeader, writePlainVirtio } from '../../../../src/lib/esp/fast/virtio.js';

describe('a virtio header', () => {
  /** A super-segment of TCP over IPv6 with CWR, field by field as linux/virtio_net.h has them. */
  const bytes = [1, 0x84, 72, 0, 0x3c, 0x05, 40, 0, 16, 0];

  it('is read and written as Linux does', () => {
    const header = new VirtioHeader();
    header.read(new DataView(Uint8Array.from([9, ...bytes]).buffer), 1);
    expect(header).toEqual({
      needsChecksum: true,
      gsoType: GsoType.TCPV6,
      ecn: true,
      headerBytes: 72,
      gsoSize: 1340,
      checksumStart: 40,
      checksumOffset: 16,
    });
    const out = new Uint8Array(12).fill(9);
    header.write(new DataView(out.buffer), 1);
    expect([...out]).toEqual([9, ...bytes, 9]);
  });

  it('is all zero when it asks for nothing', () => {
    const out = new Uint8Array(12).fill(9);
    writePlainVirtio(new DataView(out.buffer), 1);
    expect([...out]).toEqual([9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
  });

  it('needs no checksum when another flag is set', () => {
    const header = new VirtioHeader();
    header.read(new DataView(Uint8Array.from([2, 0, 0, 0, 0, 0, 0, 0, 0, 0]).buffer), 0);
    expect(header).toMatchObject({ needsChecksum: false, gsoType: GsoType.NONE, ecn: false });
  });
});
