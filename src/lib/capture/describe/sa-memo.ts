import type { LenientPayload, SaMemo } from '../../ike/wire/payloads.js';

/** A body and what it says stay in memory together; bodies of proposals in common use have a few hundred bytes. */
const MAX_BODIES = 1024;
const MAX_BODY_BYTES = 2048;

/** Remembers SA payloads by their bytes. Bounded: when it is full it starts anew. */
export class RememberedSas implements SaMemo {
  readonly #known = new Map<string, LenientPayload>();

  get(body: Uint8Array, decode: (body: Uint8Array) => LenientPayload): LenientPayload {
    if (body.length > MAX_BODY_BYTES) return decode(body);
    const key = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    // The bytes are the reader's, which may use them again.
    const payload = decode(body.slice());
    // What could not be read names the place where it stood.
    if (payload.type === 'malformed') return payload;
    if (this.#known.size >= MAX_BODIES) this.#known.clear();
    this.#known.set(key, payload);
    return payload;
  }
}
