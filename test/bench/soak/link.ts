/** Super-segments that may be underway. */
const SLOTS = 128;
const SLOT_BYTES = 65_536;
/** How many super-segments are sent for each that meets a misfortune. */
const DAMAGE_EVERY = 97;
const REPEAT_EVERY = 101;
const STRANGER_EVERY = 103;
const IKE_EVERY = 107;

/** What happened to datagrams underway. */
export interface Misfortunes {
  /** Datagrams with a changed bit. */
  damaged: number;
  /** Datagrams that come twice. */
  repeated: number;
  /** Datagrams with an SPI that nobody has. */
  strangers: number;
  /** IKE messages. */
  ike: number;
}

/** A link in one direction. It allocates nothing while it works. */
export class Link {
  readonly misfortunes: Misfortunes = { damaged: 0, repeated: 0, strangers: 0, ike: 0 };
  /** Super-segments underway. */
  waiting = 0;
  /** Of what was taken last; 0 when it is one datagram. */
  segmentSize = 0;
  readonly #bytes = new Uint8Array(SLOTS * SLOT_BYTES);
  readonly #lengths = new Int32Array(SLOTS);
  readonly #sizes = new Int32Array(SLOTS);
  #first = 0;
  #put = 0;

  /** Half of the room is left. */
  get hasRoom(): boolean {
    return this.waiting < SLOTS / 2;
  }

  /** @returns false when there is no room */
  put(from: Uint8Array, at: number, length: number, size: number): boolean {
    if (this.waiting + 2 > SLOTS) return false;
    this.#put += 1;
    const slot = this.#add(from, at, length, size);
    if (this.#put % DAMAGE_EVERY === 0) {
      this.misfortunes.damaged += 1;
      // Somewhere behind the header: another SPI or sequence number is another misfortune.
      const hit = 8 + (this.#put % (Math.min(size, length) - 8));
      this.#bytes[slot + hit]! ^= 1 << (this.#put & 7);
    } else if (this.#put % REPEAT_EVERY === 0) {
      this.misfortunes.repeated += Math.ceil(length / size);
      this.#add(from, at, length, size);
    } else if (this.#put % STRANGER_EVERY === 0) {
      this.misfortunes.strangers += 1;
      this.#add(from, at, Math.min(size, length), size);
      this.#spi(1);
    } else if (this.#put % IKE_EVERY === 0) {
      this.misfortunes.ike += 1;
      this.#add(from, at, Math.min(size, length), size);
      this.#spi(0);
    }
    return true;
  }

  /** Writes the next super-segment. @returns its bytes; 0 when there is none */
  take(into: Uint8Array, at: number, room: number): number {
    if (this.waiting === 0) return 0;
    const slot = this.#first;
    const length = this.#lengths[slot]!;
    if (length > room) throw new Error(`there is room for ${room} bytes only`);
    const size = this.#sizes[slot]!;
    this.segmentSize = size < length ? size : 0;
    into.set(this.#bytes.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + length), at);
    this.#first = (slot + 1) % SLOTS;
    this.waiting -= 1;
    return length;
  }

  /** @returns where it is now */
  #add(from: Uint8Array, at: number, length: number, size: number): number {
    const slot = (this.#first + this.waiting) % SLOTS;
    this.#bytes.set(from.subarray(at, at + length), slot * SLOT_BYTES);
    this.#lengths[slot] = length;
    this.#sizes[slot] = size;
    this.waiting += 1;
    return slot * SLOT_BYTES;
  }

  /** Gives the datagram that was added last another SPI. */
  #spi(spi: number): void {
    const slot = (this.#first + this.waiting - 1) % SLOTS;
    this.#bytes.fill(0, slot * SLOT_BYTES, slot * SLOT_BYTES + 3);
    this.#bytes[slot * SLOT_BYTES + 3] = spi;
  }
}
