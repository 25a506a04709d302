import { afterEach, describe, expect, it } from 'vitest';
import { loadNativeIo, type NativeIo } from '../../../../src/lib/net/native-io.js';
import { ipv4, ports } from '../inner-packets.js';
import { suite } from '../suites.js';
import { PathWorld, type WorldOptions } from './path-world.js';

const system = await loadNativeIo();
const open: PathWorld[] = [];
afterEach(() => {
  for (const world of open.splice(0)) {
    expect(world.path.damaged()).toEqual([]);
    world.close();
  }
});

const EAGAIN = 11;

/** A socket whose queue has no room for so many calls, and of which poll never says that it has. */
class CrowdedSystem {
  refusals = 0;
  #refused = false;

  readonly io: NativeIo = {
    ...system,
    poll: (set, count, milliseconds) => (count === 1 ? 0 : system.poll(set, count, milliseconds)),
    sendmsg: (fd, message, flags) => {
      this.#refused = this.refusals > 0;
      if (!this.#refused) return system.sendmsg(fd, message, flags);
      this.refusals -= 1;
      return -1;
    },
    errno: () => (this.#refused ? EAGAIN : system.errno()),
  };
}

async function world(name = 'ENCR_AES_GCM_16', options: Partial<WorldOptions> = {}) {
  const sa = suite(name);
  const crowded = new CrowdedSystem();
  const inbound = { ...sa, spi: 0x1001 };
  const outbound = { ...sa, spi: 0x1002 };
  const w = await PathWorld.open({ inbound, outbound, io: crowded.io, ...options });
  open.push(w);
  w.install();
  return { w, crowded };
}

const packet = (length: number) =>
  ipv4({
    from: '10.1.0.1',
    to: '10.2.0.1',
    body: Uint8Array.of(...ports(1, 2), ...new Uint8Array(length - 28)),
  });

describe('a full queue', () => {
  it('delays packets and IKE messages, whatever poll says of it', async () => {
    const { w, crowded } = await world();
    crowded.refusals = 3;
    w.fromDevice(packet(500));
    crowded.refusals = 3;
    w.path.sendIke(w.local, w.remote, new Uint8Array(100));
    expect(w.sent().map(({ length }) => length)).toEqual([536, 100]);
    expect(w.pathStats()).toMatchObject({ datagramsOut: 1, sendQueue: 0, unsent: 0 });
  });

  it('drops what it has no room for in the end, and counts that', async () => {
    const { w, crowded } = await world();
    crowded.refusals = Number.POSITIVE_INFINITY;
    w.fromDevice(packet(500));
    w.path.sendIke(w.local, w.remote, new Uint8Array(100));
    expect(w.sent()).toEqual([]);
    expect(w.pathStats()).toMatchObject({ datagramsOut: 0, sendQueue: 2 });
  });

  it('lets the device wait', async () => {
    const { w, crowded } = await world();
    // Packets of other sizes make batches of their own.
    for (const length of [500, 600, 700, 800]) w.queue(packet(length));
    crowded.refusals = 2;
    w.path.turn(0);
    expect(w.pathStats().deviceReads).toBe(2);
    w.path.turn(0);
    expect(w.pathStats()).toMatchObject({ deviceReads: 4, datagramsOut: 4, sendQueue: 0 });
  });
});

describe('what no datagram has room for', () => {
  it.each(['ENCR_AES_GCM_16', 'ENCR_AES_CBC 256 AUTH_HMAC_SHA2_512_256'])(
    'is not sealed with %s',
    async (name) => {
      const { w } = await world(name, { mtu: 65_535 });
      for (const length of [65_450, 65_480, 65_520, 65_535]) w.fromDevice(packet(length));
      const { datagramsOut, tooBig } = w.pathStats();
      expect(datagramsOut + tooBig).toBe(4);
      expect(tooBig).toBeGreaterThanOrEqual(3);
      expect(w.sent()).toHaveLength(datagramsOut);
    },
  );

  it('is no IKE message', async () => {
    const { w } = await world();
    w.path.sendIke(w.local, w.remote, new Uint8Array(65_488));
    w.path.sendIke({ ...w.local, port: 1 }, w.remote, new Uint8Array(100));
    expect(w.pathStats().unsent).toBe(2);
  });
});
