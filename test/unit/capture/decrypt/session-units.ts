import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadedKeys, loadKeys } from '../../../../src/lib/capture/keys/load.js';
import type { Unit } from '../../../../src/lib/capture/types.js';
import { Secret } from '../../../../src/lib/core/secret.js';
import { bindEspSa, NextHeader, sealEsp } from '../../../../src/lib/esp/packet.js';
import { parseProposals } from '../../../../src/lib/ike/proposals.js';
import type { ChildSaInfo } from '../../../../src/lib/ike/session/types.js';
import { KeyLog } from '../../../../src/lib/tunnel/keylog.js';
import { clientPolicy, type Ledger, serverPolicy, World } from '../../../sim/world.js';

export const CLIENT = '198.51.100.1';
export const SERVER = '192.0.2.1';

/** A unit as it would come out of a capture. */
export function unitOf(
  kind: Unit['kind'],
  data: Uint8Array,
  frame: number,
  fromClient: boolean,
  ip: Uint8Array = data,
): Unit {
  const [src, dst] = fromClient ? [CLIENT, SERVER] : [SERVER, CLIENT];
  return {
    frame,
    time: 1_700_000_000_000_000_000n + BigInt(frame),
    src: { address: src, port: kind === 'ike' ? 4500 : 0 },
    dst: { address: dst, port: kind === 'ike' ? 4500 : 0 },
    carrier: kind === 'ike' ? 'udp' : 'ip',
    kind,
    encapsulated: kind === 'ike',
    data,
    ip,
  };
}

/** An IPv4 packet of this protocol with a payload of zeros. */
export function ipv4(length: number, protocol = 17): Uint8Array {
  const packet = new Uint8Array(length);
  packet[0] = 0x45;
  new DataView(packet.buffer).setUint16(2, length);
  packet[8] = 64;
  packet[9] = protocol;
  packet.set([10, 1, 0, 1, 10, 2, 0, 1], 12);
  return packet;
}

/** Two real sessions of ours, every message of theirs as a unit, and what the client's key log says. */
export class RecordedTunnel {
  readonly units: Unit[] = [];
  readonly world: World;
  readonly client: ReturnType<World['connect']>;
  readonly #log: KeyLog;
  readonly #folder: string;
  #logged = 0;

  constructor(ike: string, esp: string) {
    const proposals = { ikeProposals: parseProposals(ike, 1), espProposals: parseProposals(esp, 3) };
    this.#folder = mkdtempSync(join(tmpdir(), 'decrypt-'));
    this.#log = new KeyLog(this.#folder);
    this.world = new World(11, { server: serverPolicy(proposals) });
    this.world.tamper = ({ from, data }) => {
      this.units.push(unitOf('ike', data.slice(), this.units.length + 1, from === 'client'));
      return true;
    };
    this.client = this.world.connect(clientPolicy(proposals));
    this.run(() => this.client.ledger.children.size > 0);
  }

  /** Lets things happen and puts new keys into the log. */
  run(until: () => boolean): void {
    this.world.run(60_000, until);
    this.world.run(100);
    for (const event of this.client.ledger.events.slice(this.#logged)) this.#record(event);
    this.#logged = this.client.ledger.events.length;
  }

  #record(event: Ledger['events'][number]): void {
    if (event.type === 'ike-sa-established') this.#log.ikeSa(event.ikeSa);
    if (event.type === 'ike-sa-rekeyed') this.#log.ikeSa(event.ikeSa, event.old);
    const ikeSa = this.client.ledger.ikeSa;
    if (event.type === 'child-sa-established' && ikeSa) this.#log.childSa(event.child, ikeSa);
    if (event.type === 'child-sa-rekeyed' && ikeSa) this.#log.childSa(event.child, ikeSa);
  }

  /** A packet each way over the client's newest child SA. */
  exchangeEsp(): ChildSaInfo {
    const child = [...this.client.ledger.children.values()].at(-1)!;
    const served = [...this.world.latestServed.children.values()].at(-1)!;
    this.units.push(this.#espUnit(child, true), this.#espUnit(served, false));
    return child;
  }

  #espUnit(child: ChildSaInfo, fromClient: boolean): Unit {
    const { suite, keys, role } = child;
    const byInitiator = role === 'initiator';
    const bound = bindEspSa({
      spi: child.outboundSpi,
      encr: suite.encr,
      encrKey: byInitiator ? keys.initiatorEncr : keys.responderEncr,
      integ: suite.integ,
      integKey: byInitiator ? keys.initiatorInteg : keys.responderInteg,
      esn: suite.esn,
    });
    const packet = sealEsp(bound, 1, NextHeader.IPV4, ipv4(100));
    return unitOf('esp', packet, this.units.length + 1, fromClient);
  }

  /** Reads the key log back as the key files they are, and removes it. */
  async keys(...names: readonly string[]): Promise<LoadedKeys> {
    await this.#log.close();
    const loaded = await loadKeys(
      names.length === 0 ? [this.#folder] : names.map((name) => join(this.#folder, name)),
    );
    rmSync(this.#folder, { recursive: true });
    return loaded;
  }
}

/** The same key with its first byte changed. */
export function wrong(secret: Secret): Secret {
  const bytes = secret.reveal().slice();
  bytes[0]! ^= 1;
  return new Secret(bytes);
}
