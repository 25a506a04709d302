import { describe, expect, it } from 'vitest';
import { parseIp } from '../../../src/lib/core/ip.js';
import { type InnerPacket, narrowestMatch } from '../../../src/lib/esp/inner.js';
import { NextHeader } from '../../../src/lib/esp/packet.js';
import { type Entry, SaTable } from '../../../src/lib/esp/plane/sa-table.js';
import { createRandom } from '../../fuzz/mutate.js';
import { selector } from './inner-packets.js';
import { left, pair, right } from './plane-sides.js';

type Random = ReturnType<typeof createRandom>;
type Pair = Entry<undefined>;

interface Known {
  entry: Pair;
  predecessor: Known | undefined;
  pending: boolean;
}

/** The rules as they are said: a list of pairs, oldest first, all of which are looked at each time. */
class Model {
  known: Known[] = [];

  senders(): Known[] {
    const superseded = new Set(this.known.filter(({ pending }) => !pending).map((each) => each.predecessor));
    return this.known.filter((each) => !each.pending && !superseded.has(each));
  }

  remove(gone: Known): void {
    this.known = this.known.filter((each) => each !== gone);
    for (const each of this.known) {
      if (each.predecessor !== gone) continue;
      each.predecessor = gone.predecessor;
      each.pending = false;
    }
  }

  senderFor(packet: InnerPacket): Pair | undefined {
    const { source, destination, protocol, sourcePort, destinationPort } = packet;
    let best: Pair | undefined;
    let bestMatch = [-1, -1];
    for (const { entry } of this.senders()) {
      const remote = narrowestMatch(entry.child.remoteSelectors, destination, protocol, destinationPort);
      const local = narrowestMatch(entry.child.localSelectors, source, protocol, sourcePort);
      if (remote === undefined || local === undefined) continue;
      const [mostRemote = 0, mostLocal = 0] = bestMatch;
      if (remote < mostRemote || (remote === mostRemote && local < mostLocal)) continue;
      best = entry;
      bestMatch = [remote, local];
    }
    return best;
  }
}

const networks = ['10.2.0.0/16', '10.2.0.0/28', '10.2.0.0/30', '10.2.0.1/32', '10.2.0.2/32', 'fd02::/64'];

function someSelectors(random: Random) {
  return Array.from({ length: 1 + random(2) }, () =>
    selector(networks[random(networks.length)]!, random(3) === 0 ? { protocol: 6 } : {}),
  );
}

function somePacket(random: Random): InnerPacket {
  const address = (six: boolean) =>
    six ? Uint8Array.of(0xfd, 2, ...new Uint8Array(13), random(4)) : Uint8Array.of(10, 2, 0, random(20));
  const six = random(5) === 0;
  return {
    nextHeader: six ? NextHeader.IPV6 : NextHeader.IPV4,
    length: 60,
    source: address(six),
    destination: address(six),
    protocol: random(2) === 0 ? 6 : 17,
    sourcePort: 1000,
    destinationPort: 80,
  };
}

describe('SaTable', () => {
  it.each([1, 2, 3, 4, 5])('chooses as one does who looks at every pair each time (seed %i)', (seed) => {
    const random = createRandom(seed);
    let changes = 0;
    const table = new SaTable(
      () => undefined,
      () => {
        changes += 1;
      },
    );
    const model = new Model();
    const some = () => model.known[random(model.known.length)];
    let chosen = 0;
    for (let step = 0; step < 1500; step++) {
      const before = changes;
      const known = some();
      const wish = random(model.known.length > 12 ? 6 : 4);
      if (known === undefined || wish === 0) {
        const child = pair(step, {
          localSelectors: someSelectors(random),
          remoteSelectors: someSelectors(random),
        });
        model.known.push({ entry: table.install(child), predecessor: undefined, pending: false });
      } else if (wish === 1) {
        const { id, localSelectors, remoteSelectors } = known.entry.child;
        const sendOn = random(2) === 0 ? 'old' : 'new';
        const entry = table.replace(id, pair(step, { localSelectors, remoteSelectors }), sendOn);
        model.known.push({ entry, predecessor: known, pending: sendOn === 'old' });
      } else if (wish === 2) {
        table.confirm(known.entry);
        if (!known.pending) continue;
        known.pending = false;
      } else {
        expect(table.remove(known.entry.child.id)).toBe(known.entry);
        model.remove(known);
      }
      expect(changes).toBe(before + 1);
      for (let i = 0; i < 8; i++) {
        const packet = somePacket(random);
        const sender = model.senderFor(packet);
        if (sender !== undefined) chosen += 1;
        expect(table.senderFor(packet)?.child.id).toBe(sender?.child.id);
      }
      const ids = model.known.map(({ entry }) => entry.child.id);
      expect([...table.entries()].map(({ child }) => child.id)).toEqual(ids);
      const senders = new Set(model.senders());
      for (const each of model.known) {
        // A peer that moves is told of pairs that send, or will.
        const tells = each.pending || senders.has(each);
        const remote = { ...right, address: '203.0.113.9' };
        expect(table.moved(each.entry, remote, step * 1000)).toBe(tells);
      }
    }
    expect(chosen).toBeGreaterThan(1000);
    for (const { entry } of model.known) table.remove(entry.child.id);
    expect(table.senderFor(somePacket(random))).toBeUndefined();
  });

  it('never has a pair seal what it, or another, has sealed, wherever peers have moved', () => {
    let changes = 0;
    const table = new SaTable(
      () => undefined,
      () => {
        changes += 1;
      },
    );
    const any = [selector('0.0.0.0/0')];
    const [one, two] = ['10.2.0.1', '10.2.0.2'];
    for (const [n, address] of [one, two].entries()) {
      table.install(pair(n, { localSelectors: any, remoteSelectors: [selector(`${address}/32`)] }));
    }
    const sender = (source: string, destination: string, port: number | undefined = 4500) =>
      table.senderFor({
        nextHeader: NextHeader.IPV4,
        length: 60,
        source: parseIp(source),
        destination: parseIp(destination),
        protocol: 17,
        sourcePort: port,
        destinationPort: port,
      })?.child.id;
    const move = (n: number, address: string) =>
      table.movePeer(`child-${n}`, { local: left, remote: { address, port: 4500 }, encapsulation: 'udp' });
    expect(sender(left.address, two)).toBe('child-1');
    const before = changes;
    move(0, two);
    // Flows that were decided before are decided again.
    expect(changes).toBe(before + 1);
    move(1, one);
    for (const address of [one, two]) {
      expect(sender(left.address, address)).toBeUndefined();
      // Later fragments have no ports.
      expect(sender(left.address, address, undefined)).toBeUndefined();
    }
    expect(sender('10.1.0.1', one)).toBe('child-0');
    move(1, right.address);
    expect(sender(left.address, one)).toBe('child-0');
    expect(sender(left.address, two)).toBeUndefined();
    table.remove('child-0');
    expect(sender(left.address, two)).toBe('child-1');
  });
});
