import { concatBytes } from '../../core/bytes.js';
import { constantTimeEqual } from '../../core/secret.js';
import type { KeyRing } from '../keys/ring.js';
import type { AhKey } from '../keys/types.js';
import type { Icv } from '../types.js';
import { immutableIp } from './ah-mutable.js';
import { integForDecoding } from './algorithms.js';
import { type Candidate, SequenceGuess } from './sequence.js';

/** Next Header, Payload Len, RESERVED, SPI, Sequence Number. */
const FIXED_BYTES = 12;

/** The fields of an Authentication Header (RFC 4302 2). */
export interface AhHeader {
  nextHeader: number;
  /** Bytes of the whole header, ICV and padding included. */
  length: number;
  spi: number;
  seq: number;
}

/** Undefined when the header is not there as a whole. */
export function readAhHeader(data: Uint8Array): AhHeader | undefined {
  if (data.length < FIXED_BYTES) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, FIXED_BYTES);
  // In 32-bit words, less two (RFC 4302 2.2).
  const length = (view.getUint8(1) + 2) * 4;
  if (length < FIXED_BYTES || length > data.length) return undefined;
  return { nextHeader: view.getUint8(0), length, spi: view.getUint32(4), seq: view.getUint32(8) };
}

/** Checks the ICVs of AH packets with the keys of a ring. */
export class AhVerifier {
  readonly #sequences = new WeakMap<AhKey, SequenceGuess>();

  constructor(readonly ring: KeyRing) {}

  /**
   * @param ip the whole IP packet @param ah where the header begins in it
   * @returns `unchecked` without a key, or without an implementation for it
   */
  verify(
    ip: Uint8Array,
    ah: number,
    header: AhHeader,
    src: string,
    dst: string,
  ): { icv: Icv; seqHigh?: number } {
    const keys = this.ring.ah(header.spi, src, dst);
    let icv: Icv = 'unchecked';
    let covered: Uint8Array | undefined;
    for (const key of keys) {
      const integ = integForDecoding(key.integ);
      if (!integ?.compute) continue;
      // A header without room for the ICV of its algorithm cannot be right.
      icv = 'bad';
      if (FIXED_BYTES + integ.icvBytes > header.length) continue;
      covered ??= immutableIp(ip, ah);
      const at = ah + FIXED_BYTES;
      const received = ip.subarray(at, at + integ.icvBytes);
      // Padding after the ICV is covered as it came (RFC 4302 3.3.3.2.1), so only this algorithm's part is zero.
      const zeroed = covered.slice();
      zeroed.fill(0, at, at + integ.icvBytes);
      const sequence = this.#sequence(key);
      const isRight = ({ extended, value }: Candidate): boolean => {
        const data = extended ? concatBytes(zeroed, highWord(value)) : zeroed;
        return constantTimeEqual(integ.compute!(key.integKey.reveal(), data), received);
      };
      const right = [sequence.first(header.seq)].find(isRight) ?? sequence.others(header.seq).find(isRight);
      if (!right) continue;
      sequence.confirm(right);
      return { icv: 'good', ...(right.extended && { seqHigh: Math.floor(right.value / 2 ** 32) }) };
    }
    return { icv };
  }

  #sequence(key: AhKey): SequenceGuess {
    let sequence = this.#sequences.get(key);
    if (!sequence) {
      sequence = new SequenceGuess(key.esn, key.seqHigh);
      this.#sequences.set(key, sequence);
    }
    return sequence;
  }
}

function highWord(sequence: number): Uint8Array {
  const word = new Uint8Array(4);
  new DataView(word.buffer).setUint32(0, Math.floor(sequence / 2 ** 32));
  return word;
}
