import { parseIp } from '../../src/lib/core/ip.js';
import { bindEspSa, NextHeader, sealEsp } from '../../src/lib/esp/packet.js';
import type { ChildSaInfo, IkeSaInfo } from '../../src/lib/ike/session/types.js';
import { KeyLog } from '../../src/lib/tunnel/keylog.js';
import { clientPolicy, serverPolicy, World } from '../sim/world.js';

/** A pcap file of one IKE SA of two sessions of ours. */
export interface RecordedSession {
  pcap: Buffer;
  /** Frame number of each ESP packet. */
  espFrames: number[];
  frames: number;
  /** Inner packets in the order they were sent. */
  inner: Uint8Array[];
  /** Writes the keys into a folder. */
  writeKeys(folder: string): Promise<void>;
}

const CLIENT = '198.51.100.1';
const SERVER = '192.0.2.1';

/** Frames (raw IP) of a pcap file that begins at a fixed time, a millisecond apart. */
export class PcapBuilder {
  readonly #records: Buffer[] = [];

  /** @param start seconds since the epoch */
  constructor(readonly start = 1_700_000_000) {}

  get count(): number {
    return this.#records.length;
  }

  udp(from: [string, number], to: [string, number], data: Uint8Array): number {
    const packet = Buffer.alloc(28 + data.length);
    packet.set([0x45, 0], 0);
    packet.writeUInt16BE(packet.length, 2);
    packet.set([64, 17], 8);
    packet.set(parseIp(from[0]), 12);
    packet.set(parseIp(to[0]), 16);
    packet.writeUInt16BE(from[1], 20);
    packet.writeUInt16BE(to[1], 22);
    packet.writeUInt16BE(8 + data.length, 24);
    packet.set(data, 28);
    return this.packet(packet);
  }

  packet(packet: Uint8Array): number {
    const header = Buffer.alloc(16);
    header.writeUInt32LE(this.start, 0);
    header.writeUInt32LE(this.count * 1000, 4);
    header.writeUInt32LE(packet.length, 8);
    header.writeUInt32LE(packet.length, 12);
    return this.#records.push(Buffer.concat([header, packet]));
  }

  build(): Buffer {
    const header = Buffer.alloc(24);
    header.writeUInt32LE(0xa1b2c3d4, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(262_144, 16);
    header.writeUInt32LE(101, 20);
    return Buffer.concat([header, ...this.#records]);
  }
}

/**
 * IKE_SA_INIT, IKE_AUTH, ESP both ways, and the IKE SA deleted, with NAT traversal.
 * @param refuse the server wants another key: IKE_AUTH fails
 */
export function recordSession({ packets = 3, refuse = false } = {}): RecordedSession {
  const file = new PcapBuilder();
  const world = new World(7, {
    server: serverPolicy(refuse ? { localTs: [], remoteTs: [] } : {}),
  });
  world.tamper = ({ from, data }) => {
    const init = data[18] === 34;
    const client: [string, number] = [CLIENT, init ? 500 : 4500];
    const server: [string, number] = [SERVER, init ? 500 : 4500];
    const framed = init ? data : Buffer.concat([Buffer.alloc(4), data]);
    if (from === 'client') file.udp(client, server, framed);
    else file.udp(server, client, framed);
    return true;
  };
  const client = world.connect(clientPolicy());
  world.run(10_000, () => client.ledger.children.size > 0);
  const ikeSa: IkeSaInfo | undefined = client.ledger.ikeSa;
  const child: ChildSaInfo | undefined = [...client.ledger.children.values()][0];
  const espFrames: number[] = [];
  const inner: Uint8Array[] = [];
  if (child !== undefined) {
    const { suite, keys, outboundSpi, inboundSpi } = child;
    const sa = (spi: number, encrKey: typeof keys.initiatorEncr, integKey: typeof keys.initiatorInteg) =>
      bindEspSa({ spi, encr: suite.encr, encrKey, integ: suite.integ, integKey, esn: suite.esn });
    const out = sa(outboundSpi, keys.initiatorEncr, keys.initiatorInteg);
    const back = sa(inboundSpi, keys.responderEncr, keys.responderInteg);
    for (let sequence = 1; sequence <= packets; sequence++) {
      const request = icmp('10.1.0.1', '10.2.0.1', 8, sequence);
      const reply = icmp('10.2.0.1', '10.1.0.1', 0, sequence);
      inner.push(request, reply);
      espFrames.push(
        file.udp([CLIENT, 4500], [SERVER, 4500], sealEsp(out, sequence, NextHeader.IPV4, request)),
        file.udp([SERVER, 4500], [CLIENT, 4500], sealEsp(back, sequence, NextHeader.IPV4, reply)),
      );
    }
  }
  world.command(client, { type: 'close' });
  world.run(10_000);
  return {
    pcap: file.build(),
    espFrames,
    frames: file.count,
    inner,
    async writeKeys(folder) {
      const log = new KeyLog(folder);
      if (ikeSa !== undefined) log.ikeSa(ikeSa);
      if (ikeSa !== undefined && child !== undefined) log.childSa(child, ikeSa);
      await log.close();
    },
  };
}

/** An ICMP echo with a sequence number. */
function icmp(from: string, to: string, type: number, sequence: number): Uint8Array {
  const packet = Buffer.alloc(60, 0x61);
  packet.set([0x45, 0, 0, 60, 0, 0, 0, 0, 64, 1, 0, 0], 0);
  packet.set(parseIp(from), 12);
  packet.set(parseIp(to), 16);
  packet.set([type, 0, 0, 0, 0, 1, 0, sequence], 20);
  return new Uint8Array(packet);
}
