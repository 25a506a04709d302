import koffi from 'koffi';
import { afterEach, describe, expect, it } from 'vitest';
import { VIRTIO_BYTES } from '../../../../src/lib/esp/fast/virtio.js';
import { loadNativeIo, type NativeIo } from '../../../../src/lib/net/native-io.js';
import { ipv4, ports, selector } from '../inner-packets.js';
import { suite } from '../suites.js';
import { packetOf } from './packets.js';
import { PathWorld } from './path-world.js';

const system = await loadNativeIo();
const memory = koffi.load(null).func('void *memcpy(_Out_ uint8_t *to, uintptr_t from, size_t length)');
const open: PathWorld[] = [];
afterEach(() => {
  for (const world of open.splice(0)) {
    expect(world.path.damaged()).toEqual([]);
    world.close();
  }
});

const EPERM = 1;
const EINVAL = 22;
const ENOSYS = 38;
const ENOBUFS = 105;

/** A system that refuses some calls, and says why. */
class RefusingSystem {
  refused = 0;
  errnoOf = 0;
  readonly io: NativeIo;

  /** @param calls which are refused, and when */
  constructor(calls: { [Call in keyof NativeIo]?: (...parameters: number[]) => boolean }) {
    const wrapped = Object.entries(calls).map(([name, refuses]) => {
      const real = system[name as 'write'] as (...parameters: number[]) => number;
      const call = (...parameters: number[]): number => {
        if (!refuses(...parameters)) return real(...parameters);
        this.refused += 1;
        koffi.errno(this.errnoOf);
        return -1;
      };
      return [name, call];
    });
    this.io = { ...system, ...Object.fromEntries(wrapped) };
  }
}

async function world(io: NativeIo): Promise<PathWorld> {
  const sa = suite('ENCR_AES_GCM_16');
  const options = { inbound: { ...sa, spi: 0x1001 }, outbound: { ...sa, spi: 0x1002 }, io };
  const made = await PathWorld.open(options);
  open.push(made);
  const localSelectors = [selector('10.0.0.1/32')];
  const remoteSelectors = [selector('10.0.0.2/32')];
  made.install(made.child('child-1', { localSelectors, remoteSelectors }));
  return made;
}

/** Ten packets of one TCP stream come at once. */
function receiveTen(w: PathWorld): void {
  const from = { version: 4, source: 2, destination: 1, payload: new Uint8Array(100) } as const;
  for (let i = 0; i < 10; i++)
    w.peer.inject(packetOf({ ...from, sequence: 1000 + 100 * i, identification: i }));
  for (const packet of w.sealed.splice(0)) w.sendTo(packet);
  w.path.turn(100);
}

/** Whether a virtio header says that what follows is a super-segment. */
function isSuper(_fd: number, from: number, length: number): boolean {
  const header = new Uint8Array(VIRTIO_BYTES);
  memory(header, from, Math.min(length, VIRTIO_BYTES));
  return header[1] !== 0;
}

const out = () => ipv4({ from: '10.0.0.1', to: '10.0.0.2', body: ports(1000, 2000) });

describe('a device that takes nothing', () => {
  it('costs all packets of a super-segment, which are counted', async () => {
    const full = new RefusingSystem({ write: () => true });
    full.errnoOf = ENOBUFS;
    const w = await world(full.io);
    receiveTen(w);
    expect(full.refused).toBe(1);
    expect(w.stats().packetsIn).toBe(10);
    expect(w.pathStats()).toMatchObject({ device: 10, deviceWrites: 0, devicePacketsIn: 0 });
    expect(w.degraded).toEqual([]);
  });

  it('if they are merged gets them one by one, which is said once', async () => {
    const old = new RefusingSystem({ write: isSuper });
    old.errnoOf = EINVAL;
    const w = await world(old.io);
    for (let i = 0; i < 3; i++) receiveTen(w);
    expect(old.refused).toBe(1);
    expect(w.packets()).toHaveLength(20);
    expect(w.pathStats()).toMatchObject({ device: 10, deviceWrites: 20, devicePacketsIn: 20 });
    expect(w.degraded).toEqual([expect.stringContaining('super-segments')]);
  });
});

describe('a device that fails to hand out', () => {
  /** Refuses reads of the device, which bring more bytes than those of the wake-up descriptor. */
  const refusing = (times: number) => {
    const bad: RefusingSystem = new RefusingSystem({
      read: (_fd, _into, room) => room > 8 && bad.refused < times,
    });
    bad.errnoOf = EINVAL;
    return bad;
  };

  it('one packet goes on with the next', async () => {
    const w = await world(refusing(2).io);
    w.fromDevice(out());
    expect(w.sent()).toHaveLength(1);
    expect(w.pathStats()).toMatchObject({ malformed: 2, deviceReads: 1 });
  });

  it('all packets leaves sockets their turn, and is given up in the end', async () => {
    const bad = refusing(Number.POSITIVE_INFINITY);
    const w = await world(bad.io);
    w.fromDevice(out());
    expect(bad.refused).toBe(8);
    const turnOn = () => {
      while (bad.refused < 100_000) w.path.turn(0);
    };
    expect(turnOn).toThrow(expect.objectContaining({ kind: 'environment', code: 'E_DEVICE' }));
  });
});

describe('a system that has no way', () => {
  it.each([EPERM, EINVAL, ENOSYS])(
    'to read batches ends the tunnel and names another (errno %i)',
    async (errno) => {
      const old = new RefusingSystem({ recvmmsg: () => true });
      old.errnoOf = errno;
      const w = await world(old.io);
      w.sendTo(new Uint8Array(100));
      const turnOn = () => {
        while (old.refused < 100_000) w.path.turn(100);
      };
      expect(turnOn).toThrow(
        expect.objectContaining({
          kind: 'environment',
          code: 'E_NO_FAST_IO',
          message: expect.stringContaining(`recvmmsg fails with errno ${errno}`),
          hint: expect.stringContaining('--plane simple'),
        }),
      );
    },
  );

  it('to send ends the tunnel as well, and one that forbids it for now does not', async () => {
    const old = new RefusingSystem({ sendmsg: () => true });
    const w = await world(old.io);
    old.errnoOf = EPERM;
    for (let i = 0; i < 100; i++) w.fromDevice(out());
    expect(w.pathStats().unsent).toBe(100);
    old.errnoOf = ENOSYS;
    expect(() => w.fromDevice(out())).toThrow(
      expect.objectContaining({ code: 'E_NO_FAST_IO', hint: expect.stringContaining('--plane simple') }),
    );
  });

  it('to read for a moment goes on', async () => {
    let times = 5000;
    const busy = new RefusingSystem({ recvmmsg: () => times-- > 0 });
    busy.errnoOf = ENOBUFS;
    const w = await world(busy.io);
    for (let round = 0; round < 3; round++) {
      times = 5000;
      w.sendTo(Uint8Array.of(1, 2, 3));
      while (w.pathStats().malformed === round) w.path.turn(100);
    }
    expect(busy.refused).toBe(15_000);
  });
});
