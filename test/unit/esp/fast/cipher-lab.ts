import { Arena } from '../../../../src/lib/core/arena.js';
import { type EvpFunctions, loadEvp } from '../../../../src/lib/crypto/evp-functions.js';
import type { EspCipher } from '../../../../src/lib/esp/fast/esp-cipher.js';
import { createEspCipher } from '../../../../src/lib/esp/fast/esp-cipher-create.js';
import { type BoundEspSa, bindEspSa, sealEsp } from '../../../../src/lib/esp/packet.js';
import type { EspSaParameters } from '../../../../src/lib/esp/sa.js';

/** Undefined, and said so, where koffi is missing. */
export const evp: EvpFunctions | undefined = await loadEvp().catch((error: Error) => {
  process.stderr.write(`ESP ciphers not tested: ${error.message}\n`);
  return undefined;
});

export const LARGEST = 65_536;
/** What is in memory where nothing was written. */
const UNTOUCHED = 0x5a;

/** An arena with room for a packet and for a plaintext, and what is needed to look at what a cipher does in it. */
export class CipherLab {
  readonly arena: Arena;
  readonly packet: number;
  readonly text: number;
  readonly #functions: EvpFunctions;

  constructor(functions: EvpFunctions = evp!) {
    this.#functions = functions;
    this.arena = new Arena(4 * LARGEST, functions.address);
    this.packet = this.arena.reserve('packet', LARGEST + 256).at + 128;
    this.text = this.arena.reserve('text', LARGEST + 256).at + 128;
    this.arena.bytes.fill(UNTOUCHED, this.packet - 128, this.packet + LARGEST + 128);
    this.arena.bytes.fill(UNTOUCHED, this.text - 128, this.text + LARGEST + 128);
  }

  create(sa: EspSaParameters, direction: 'seal' | 'open', functions = this.#functions): EspCipher {
    return createEspCipher(this.arena, sa, direction, functions);
  }

  /** Seals from one region to the other, or in place. */
  seal(cipher: EspCipher, plaintext: Uint8Array, sequence: number, inPlace = false): Uint8Array {
    const from = inPlace ? this.packet + 8 + cipher.ivBytes : this.text;
    this.arena.bytes.set(plaintext, from);
    const length = cipher.seal(this.packet, from, plaintext.length, sequence);
    const sealed = this.arena.bytes.slice(this.packet, this.packet + length);
    this.#expectUntouched(this.packet, length);
    if (!inPlace) this.#expectUntouched(this.text, plaintext.length);
    return sealed;
  }

  /** Opens from one region to the other, or in place. @returns the plaintext; undefined when it was refused */
  open(cipher: EspCipher, packet: Uint8Array, sequence: number, inPlace = false): Uint8Array | undefined {
    const to = inPlace ? this.packet + 8 + cipher.ivBytes : this.text;
    this.arena.bytes.set(packet, this.packet);
    const length = cipher.open(this.packet, packet.length, to, sequence);
    const ciphertext = Math.max(packet.length - 8 - cipher.ivBytes - cipher.icvBytes, 0);
    if (length !== -1 && length !== ciphertext) throw new Error(`opened ${length} bytes of ${ciphertext}`);
    const plaintext = length < 0 ? undefined : this.arena.bytes.slice(to, to + length);
    this.#expectUntouched(this.packet, packet.length);
    if (!inPlace) this.#expectUntouched(this.text, ciphertext);
    return plaintext;
  }

  /** Throws when bytes before or behind a piece were written; then makes the piece as new. */
  #expectUntouched(at: number, length: number): void {
    const { bytes } = this.arena;
    for (let i = 1; i <= 64; i++) {
      if (bytes[at - i] !== UNTOUCHED) throw new Error(`byte ${i} before was written`);
      if (bytes[at + length + i - 1] !== UNTOUCHED) throw new Error(`byte ${i} behind was written`);
    }
    bytes.fill(UNTOUCHED, at, at + length);
  }
}

/** Payload with padding 1, 2, 3, … and trailer (RFC 4303 2.4). */
export function padded(payload: Uint8Array, nextHeader: number, alignment: number): Uint8Array {
  const padLength = (alignment - ((payload.length + 2) % alignment)) % alignment;
  const padding = Array.from({ length: padLength }, (_, i) => i + 1);
  return Uint8Array.from([...payload, ...padding, padLength, nextHeader]);
}

/** What `sealEsp` makes, with the IV of another packet of the same SA: the two must be equal to the last byte. */
export function sealLike(
  bound: BoundEspSa,
  packet: Uint8Array,
  sequence: number,
  nextHeader: number,
  payload: Uint8Array,
): Uint8Array {
  const entropy = { bytes: (length: number) => packet.slice(8, 8 + length) };
  return sealEsp(bound, sequence, nextHeader, payload, entropy);
}

/** Both directions of one SA, and the same by the reference. */
export function bothWays(lab: CipherLab, sa: EspSaParameters) {
  const bound = bindEspSa(sa);
  return { bound, sealing: lab.create(sa, 'seal'), opening: lab.create(sa, 'open') };
}
