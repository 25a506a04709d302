// What a bad path does to the datagrams of one direction, and what it did to those of each SA.

/** How many more datagrams pass before one is late: more than the replay window of RFC 4303 3.4.3 has places. */
const LATE = 1280;
/** The same for one that only changes places with others. */
const FARTHEST = 20;

/**
 * @typedef {object} Faults
 * @property {number} [loss] percent of the datagrams that vanish
 * @property {number} [duplicates] percent that arrive twice
 * @property {number} [swaps] percent that arrive behind some of those sent later
 * @property {number} [late] percent that arrive when nobody waits for them any more
 * @property {number} [largest] bytes of UDP payload; larger ones vanish, as on paths that drop IP fragments
 */

/**
 * A small generator (Park and Miller), so that runs can be repeated.
 * @param {number} seed from 1 on
 * @returns {() => number} whole numbers
 */
export function generator(seed) {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state;
  };
}

export class Disturber {
  #faults;
  #next;
  /** @type {{ data: Buffer, due: number, late: boolean }[]} */
  #held = [];
  #taken = 0;
  /** @type {Map<number, { taken: number, lost: number, doubled: number, late: number, arrivedLate: number, held: number }>} */
  #counts = new Map();

  /**
   * @param {Faults} faults
   * @param {() => number} next decides; may be shared
   */
  constructor({ loss = 0, duplicates = 0, swaps = 0, late = 0, largest = 65_535 }, next) {
    this.#faults = { loss, duplicates, swaps, late, largest };
    this.#next = next;
  }

  /**
   * Takes one datagram.
   * @param {Buffer} data
   * @returns {Buffer[]} what is to be sent now, in order
   */
  pass(data) {
    this.#taken += 1;
    return [...this.#fate(data), ...this.#release()];
  }

  /**
   * Of each SA by its SPI: datagrams taken, lost, sent twice, made late, those of them that have arrived, and held until
   * some more have passed.
   */
  get counts() {
    return Object.fromEntries(this.#counts);
  }

  /** @param {Buffer} data */
  #fate(data) {
    const { loss, duplicates, swaps, late, largest } = this.#faults;
    const count = this.#countOf(data);
    count.taken += 1;
    if (data.length > largest || this.#next() % 100 < loss) {
      count.lost += 1;
      return [];
    }
    if (duplicates + swaps + late === 0) return [data];
    const dice = (this.#next() % 1000) / 10;
    if (dice < duplicates) {
      count.doubled += 1;
      return [data, data];
    }
    if (dice >= duplicates + swaps + late) return [data];
    const isLate = dice >= duplicates + swaps;
    const due = this.#taken + (isLate ? LATE : 1 + (this.#next() % FARTHEST));
    this.#held.push({ data: Buffer.from(data), due, late: isLate });
    count[isLate ? 'late' : 'held'] += 1;
    return [];
  }

  #release() {
    if (this.#held.length === 0) return [];
    const due = this.#held.filter((each) => each.due <= this.#taken);
    this.#held = this.#held.filter((each) => each.due > this.#taken);
    for (const { data, late } of due) {
      const count = this.#countOf(data);
      if (late) count.arrivedLate += 1;
      else count.held -= 1;
    }
    return due.map(({ data }) => data);
  }

  /** @param {Buffer} data */
  #countOf(data) {
    const spi = data.length < 8 ? 0 : data.readUInt32BE(0);
    const count = this.#counts.get(spi) ?? {
      taken: 0,
      lost: 0,
      doubled: 0,
      late: 0,
      arrivedLate: 0,
      held: 0,
    };
    this.#counts.set(spi, count);
    return count;
  }
}
