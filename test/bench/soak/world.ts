import { loadEvp } from '../../../src/lib/crypto/evp-functions.js';
import { createSaCounters, type PathCounter, readSaCounters } from '../../../src/lib/esp/fast/counters.js';
import type { ChildSa, EspSaParameters } from '../../../src/lib/esp/sa.js';
import { selector } from '../../unit/esp/inner-packets.js';
import { suite } from '../../unit/esp/suites.js';
import type { Misfortunes } from './link.js';
import { Side } from './side.js';

await loadEvp();

/** Pairs of SAs follow each other with these, in turn. */
const SUITES: readonly EspSaParameters[] = [
  suite('ENCR_AES_GCM_16 256'),
  { ...suite('ENCR_CHACHA20_POLY1305'), esn: true },
  { ...suite('ENCR_AES_GCM_16 128'), esn: true },
  suite('ENCR_AES_CBC 256 AUTH_HMAC_SHA2_256_128'),
  suite('ENCR_AES_CTR 256 AUTH_HMAC_SHA1_96'),
];
/** Turns after which nothing sent on an old pair is underway. */
const GRACE = 8;

const CLIENT = { address: '192.0.2.2', port: 4500 };
const SERVER = { address: '192.0.2.1', port: 4500 };

/** What has been carried and refused since the beginning, both ways together. */
export interface SoakTotals {
  packetsIn: number;
  packetsOut: number;
  icvFailures: number;
  replays: number;
  malformed: number;
  replaced: number;
}

/** Two data paths with bulk traffic both ways over a link that damages and repeats some of it, and rekeys now and then. */
export class SoakWorld {
  readonly #sides: readonly [Side, Side];
  readonly #replaceEvery: number;
  /** Counters of the pairs that are there, by side; of those that were are the totals. */
  readonly #counters = new Map<string, readonly [Float64Array, Float64Array]>();
  readonly #gone: SoakTotals = {
    packetsIn: 0,
    packetsOut: 0,
    icvFailures: 0,
    replays: 0,
    malformed: 0,
    replaced: 0,
  };
  #pairs = 0;
  #turns = 0;
  #carriedAtReplacement = 0;
  #removeAt = 0;

  /** @param replaceEvery packets that a pair of SAs carries */
  constructor(replaceEvery: number) {
    this.#replaceEvery = replaceEvery;
    const client = new Side(1, CLIENT, SERVER);
    const server = new Side(2, SERVER, CLIENT);
    this.#sides = [client, server];
    const [forClient, forServer] = this.#pair();
    client.path.install(forClient, this.#countersOf(forClient)[0]);
    server.path.install(forServer, this.#countersOf(forServer)[1]);
    client.join(server.incoming);
    server.join(client.incoming);
  }

  /** Packets that came out of a device, both ways. */
  get carried(): number {
    return this.#sides.reduce((sum, side) => sum + side.counters().devicePacketsIn, 0);
  }

  /** Carries packets until so many came out in all. @throws Error when memory around a buffer was written */
  run(until: number): void {
    for (;;) {
      for (let i = 0; i < GRACE; i++) this.#turn();
      const damaged = this.#sides.flatMap(({ path }) => path.damaged());
      if (damaged.length > 0) throw new Error(`memory is damaged: ${damaged}`);
      const { carried } = this;
      if (carried >= until) return;
      if (carried - this.#carriedAtReplacement >= this.#replaceEvery) this.#replace(carried);
    }
  }

  /** Lets what is underway arrive. @returns one sentence for each thing that does not add up */
  finish(): string[] {
    for (const side of this.#sides) side.rest();
    for (let i = 0; i < GRACE; i++) this.#turn();
    const totals = this.totals();
    const sum = (of: (side: Side) => number): number => this.#sides.reduce((all, side) => all + of(side), 0);
    const met = (what: keyof Misfortunes) => sum(({ incoming }) => incoming.misfortunes[what]);
    const counted = (what: PathCounter) => sum((side) => side.counters()[what]);
    const sums: [string, number, number][] = [
      ['packets that came out', totals.packetsIn, totals.packetsOut - met('damaged')],
      ['ICV failures', totals.icvFailures, met('damaged')],
      ['replays', totals.replays, met('repeated')],
      ['malformed packets', totals.malformed + counted('malformed'), 0],
      ['unknown SPIs', counted('unknownSpi'), met('strangers')],
      ['IKE messages', sum(({ ike }) => ike), met('ike')],
      ['packets that found no way', counted('noChild') + counted('sendQueue') + counted('unsent'), 0],
    ];
    return sums
      .filter(([, is, shouldBe]) => is !== shouldBe)
      .map(([what, is, shouldBe]) => `${what}: ${is} instead of ${shouldBe}`);
  }

  totals(): SoakTotals {
    const totals = { ...this.#gone };
    for (const counters of this.#counters.values()) add(totals, counters);
    return totals;
  }

  /** Frees what is not on the heap. */
  close(): void {
    for (const { path } of this.#sides) path.close();
  }

  #turn(): void {
    this.#turns += 1;
    for (const { path } of this.#sides) path.turn(0);
    if (this.#turns === this.#removeAt) this.#remove(`pair-${this.#pairs - 1}`);
  }

  /** Make before break: the old pair stays while packets are underway on it. */
  #replace(carried: number): void {
    this.#carriedAtReplacement = carried;
    const old = `pair-${this.#pairs}`;
    const [forClient, forServer] = this.#pair();
    const [client, server] = this.#sides;
    server.path.replace(old, forServer, 'old', this.#countersOf(forServer)[1]);
    client.path.replace(old, forClient, 'new', this.#countersOf(forClient)[0]);
    this.#removeAt = this.#turns + GRACE;
    this.#gone.replaced += 1;
  }

  #remove(id: string): void {
    for (const { path } of this.#sides) path.remove(id);
    const counters = this.#counters.get(id);
    if (counters === undefined) throw new Error(`there was no ${id}`);
    add(this.#gone, counters);
    this.#counters.delete(id);
  }

  /** The next pair of SAs, as the client sees it and as the server does. */
  #pair(): [ChildSa, ChildSa] {
    this.#pairs += 1;
    const sa = SUITES[this.#pairs % SUITES.length]!;
    const up = { ...sa, spi: 0x1000_0000 + this.#pairs };
    const down = { ...sa, spi: 0x2000_0000 + this.#pairs };
    const [client, server] = [1, 2].map((host) => [
      selector(`10.0.0.${host}/32`),
      selector(`fd00::${host}/128`),
    ]);
    const id = `pair-${this.#pairs}`;
    return [
      {
        ...{ id, inbound: down, outbound: up, local: CLIENT, remote: SERVER },
        encapsulation: 'udp',
        localSelectors: client!,
        remoteSelectors: server!,
      },
      {
        ...{ id, inbound: up, outbound: down, local: SERVER, remote: CLIENT },
        encapsulation: 'udp',
        localSelectors: server!,
        remoteSelectors: client!,
      },
    ];
  }

  #countersOf({ id }: ChildSa): readonly [Float64Array, Float64Array] {
    const counters = this.#counters.get(id) ?? [createSaCounters(), createSaCounters()];
    this.#counters.set(id, counters);
    return counters;
  }
}

function add(totals: SoakTotals, counters: readonly Float64Array[]): void {
  for (const one of counters) {
    const stats = readSaCounters(one);
    totals.packetsIn += stats.packetsIn;
    totals.packetsOut += stats.packetsOut;
    totals.icvFailures += stats.icvFailures;
    totals.replays += stats.replays;
    totals.malformed += stats.malformed;
  }
}
