import { concatBytes } from '../../../../src/lib/core/bytes.js';
import { Secret } from '../../../../src/lib/core/secret.js';
import type { EvpFunctions } from '../../../../src/lib/crypto/evp-functions.js';
import { type BoundEspSa, bindEspSa, NextHeader, sealEsp } from '../../../../src/lib/esp/packet.js';
import type { EspSaParameters } from '../../../../src/lib/esp/sa.js';
import { CipherLab } from './cipher-lab.js';

const LOW = 0x01020304;
const HIGH = 5;
/** One that fits into a few blocks, and one that takes the ways for long data. */
const PAYLOADS = [61, 250].map((length) => Uint8Array.from({ length }, (_, i) => 255 - i));
/** Each bit, and all. */
export const FLIPS = [1, 2, 4, 8, 16, 32, 64, 128, 255];

interface Forgery {
  what: string;
  packet: Uint8Array;
  sequence: number;
}

const word = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  const changed = bytes.slice();
  new DataView(changed.buffer).setUint32(at, value);
  return changed;
};

function changedKey(key: Secret, at: number): Secret {
  const bytes = key.reveal().slice();
  // Not the lowest bit: DES takes it for parity and ignores it.
  bytes[at]! ^= 0x10;
  return new Secret(bytes);
}

/** SAs that differ from one in a byte of a key or in the salt; what they seal is not authentic to it. */
function otherSas(sa: EspSaParameters): EspSaParameters[] {
  if (sa.integ !== undefined) {
    return [0, sa.integKey.length - 1].map((at) => ({ ...sa, integKey: changedKey(sa.integKey, at) }));
  }
  return [0, sa.encrKey.length - 5, sa.encrKey.length - 1].map((at) => ({
    ...sa,
    encrKey: changedKey(sa.encrKey, at),
  }));
}

/** Packets that only look like those of an SA. */
export function* forgeriesOf(
  sa: EspSaParameters,
  bound: BoundEspSa,
  sequence: number,
  payload: Uint8Array,
): Generator<Forgery> {
  const seal = (by: BoundEspSa, number = sequence) => sealEsp(by, number, NextHeader.IPV4, payload);
  const packet = seal(bound);
  const icvAt = packet.length - bound.icvBytes;
  for (let at = 0; at < packet.length; at++) {
    for (const flip of FLIPS) {
      yield { what: `byte ${at} ^ ${flip}`, packet: packet.with(at, packet[at]! ^ flip), sequence };
    }
  }
  for (let length = 0; length < packet.length; length++) {
    yield { what: `cut to ${length}`, packet: packet.slice(0, length), sequence };
  }
  for (let cut = 1; cut <= bound.icvBytes; cut++) {
    const short = concatBytes(packet.subarray(0, icvAt - cut), packet.subarray(icvAt));
    yield { what: `${cut} bytes of ciphertext missing`, packet: short, sequence };
    const zeros = concatBytes(packet.subarray(0, -cut), new Uint8Array(cut));
    if (Buffer.compare(zeros, packet) !== 0)
      yield { what: `${cut} zeros in the ICV`, packet: zeros, sequence };
  }
  for (const extra of [1, 2, 4, 8, 16, 64]) {
    yield { what: `${extra} bytes more`, packet: concatBytes(packet, new Uint8Array(extra)), sequence };
  }
  for (const spi of [0, 1, sa.spi + 1, ~sa.spi >>> 0]) {
    yield { what: `SPI ${spi}`, packet: word(packet, 0, spi), sequence };
  }
  for (const low of [0, 1, LOW + 1, 2 ** 32 - 1]) {
    const otherSequence = sequence - LOW + low;
    yield { what: `sequence number ${low}`, packet: word(packet, 4, low), sequence: otherSequence };
  }
  const other = seal(bound, sequence + 1);
  yield {
    what: 'ICV of another packet',
    packet: concatBytes(packet.subarray(0, icvAt), other.subarray(icvAt)),
    sequence,
  };
  yield {
    what: 'header of another packet',
    packet: concatBytes(other.subarray(0, 8), packet.subarray(8)),
    sequence,
  };
  for (const [i, otherSa] of otherSas(sa).entries()) {
    yield { what: `sealed with another key (${i})`, packet: seal(bindEspSa(otherSa)), sequence };
  }
  yield {
    what: 'sealed for the other kind of sequence numbers',
    packet: seal(bindEspSa({ ...sa, esn: !sa.esn })),
    sequence,
  };
  if (sa.esn) {
    for (const high of [0, HIGH - 1, HIGH + 1, HIGH << 8, 2 ** 20]) {
      yield { what: `high word ${high}`, packet, sequence: high * 2 ** 32 + LOW };
    }
  }
}

export interface Outcome {
  tried: number;
  /** What of the forgeries was taken for authentic. */
  accepted: string[];
}

/**
 * Has a cipher open forged packets, and now and then an authentic one, so that it is not spoiled.
 * @param functions for opening
 * @throws Error when an authentic packet is refused, or memory around packets was written
 */
export function tryForgeries(sa: EspSaParameters, functions: EvpFunctions): Outcome {
  const lab = new CipherLab(functions);
  const bound = bindEspSa(sa);
  const sequence = (sa.esn ? HIGH * 2 ** 32 : 0) + LOW;
  const opening = lab.create(sa, 'open');
  const outcome: Outcome = { tried: 0, accepted: [] };
  for (const payload of PAYLOADS) {
    const authentic = sealEsp(bound, sequence, NextHeader.IPV4, payload);
    for (const { what, packet, sequence: number } of forgeriesOf(sa, bound, sequence, payload)) {
      if (outcome.tried % 16 === 0 && lab.open(opening, authentic, sequence) === undefined) {
        throw new Error(`an authentic packet is refused before: ${what}`);
      }
      outcome.tried += 1;
      if (lab.open(opening, packet, number, outcome.tried % 2 === 0) !== undefined)
        outcome.accepted.push(what);
    }
  }
  opening.free();
  if (lab.arena.damaged().length > 0) throw new Error(`memory is damaged: ${lab.arena.damaged()}`);
  return outcome;
}
