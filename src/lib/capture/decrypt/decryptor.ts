import { decodeIkev1MessageLenient } from '../../ike/v1/wire.js';
import { type DescribeOptions, describeMessage } from '../describe/describe.js';
import type { KeyRing } from '../keys/ring.js';
import { describeIp } from '../read/describe-ip.js';
import { unitsOfIp } from '../read/units.js';
import type { CaptureNote, DecodedIke, DecodedPacket, Unit } from '../types.js';
import { AhVerifier, readAhHeader } from './ah.js';
import { formatSpi, type SeenChild } from './children.js';
import { EspDecryptor } from './esp.js';
import { FragmentStore } from './fragments.js';
import { Ikev1Decryptor } from './ikev1.js';
import { Ikev2Decryptor } from './ikev2.js';
import { innerPacket, mayCarryIpsec } from './inner.js';
import { LIMITS } from './limits.js';
import { packetOf } from './packet.js';

export type { SeenChild } from './children.js';

export interface DecryptorOptions {
  /** Gets every decrypted packet as a whole IP packet, with the time of the one it came in. */
  onInner?: (packet: Uint8Array, time: bigint) => void;
  /** One line on each inner packet (`inner.summary`); without it the line is empty. Default true. */
  summaries?: boolean;
  describe?: DescribeOptions;
}

const IKEV1_FRAGMENT = 132;
const LAST_FRAGMENT = 1;

/**
 * Opens what the keys can open. One unit in, one packet out, in the order of the capture; memory is bounded whatever
 * comes. Plaintext is only shown when its ICV is right, or when a key file says that there is none to check.
 *
 * ESP and AH depend on the IKE messages through the ring alone: another decryptor with a copy of the ring, kept up by
 * `KeyRing.onAdded`, opens the ESP of some SPIs as well as this one would.
 */
export class Decryptor {
  /** What should be told about keys, such as children that cannot be derived because SK_d is unknown. */
  readonly notes: CaptureNote[] = [];
  /** Child SAs whose exchange was opened, oldest first; bounded. */
  readonly children: SeenChild[] = [];
  readonly #esp: EspDecryptor;
  readonly #ah: AhVerifier;
  readonly #ikev1: Ikev1Decryptor;
  readonly #ikev2: Ikev2Decryptor;
  readonly #ikev1Fragments = new FragmentStore();

  constructor(
    readonly ring: KeyRing,
    readonly options: DecryptorOptions = {},
  ) {
    this.#esp = new EspDecryptor(ring);
    this.#ah = new AhVerifier(ring);
    const describe = options.describe ?? {};
    this.#ikev1 = new Ikev1Decryptor(ring, describe);
    this.#ikev2 = new Ikev2Decryptor(ring, describe, {
      note: (code, message, frame) => {
        if (this.notes.length < LIMITS.notes) this.notes.push({ code, message, frame });
      },
      child: (child) => {
        if (this.children.length < LIMITS.children) this.children.push(child);
      },
    });
  }

  decode(unit: Unit): DecodedPacket {
    return this.#decode(unit, 0);
  }

  #decode(unit: Unit, depth: number): DecodedPacket {
    if (unit.kind === 'esp') return this.#decodeEsp(unit, depth);
    if (unit.kind === 'ike') return this.#decodeIke(unit);
    if (unit.kind === 'ah') return this.#decodeAh(unit);
    return packetOf(unit, 'NAT-keepalive');
  }

  #decodeEsp(unit: Unit, depth: number): DecodedPacket {
    const packet = packetOf(unit, 'ESP');
    const { data } = unit;
    if (data.length < 8) {
      packet.icv = 'unchecked';
      packet.error = {
        code: 'E_TRUNCATED',
        message: `an ESP packet of ${data.length} bytes`,
        offset: data.length,
      };
      return packet;
    }
    const spi = u32(data, 0);
    const seq = u32(data, 4);
    const esp: NonNullable<DecodedPacket['esp']> = { spi: formatSpi(spi), seq };
    packet.esp = esp;
    const outcome = this.#esp.open(spi, seq, unit.src.address, unit.dst.address, data);
    if (outcome.verdict === 'no key') {
      packet.icv = 'unchecked';
      return packet;
    }
    packet.icv = outcome.icv;
    if (outcome.verdict === 'failed') {
      packet.error = { code: outcome.code, message: outcome.message };
      return packet;
    }
    packet.decrypted = true;
    if (outcome.seqHigh !== undefined) esp.seqHigh = outcome.seqHigh;
    esp.nextHeader = outcome.nextHeader;
    const inner = innerPacket(outcome.nextHeader, outcome.payload, unit.ip);
    if (inner) packet.inner = this.#inner(inner, unit, depth);
    else packet.inner = { summary: notIp(outcome.nextHeader, outcome.payload.length) };
    return packet;
  }

  #inner(ip: Uint8Array, unit: Unit, depth: number): NonNullable<DecodedPacket['inner']> {
    const inner: NonNullable<DecodedPacket['inner']> = {
      summary: this.options.summaries === false ? '' : describeIp(ip),
    };
    const packet = mayCarryIpsec(ip) && depth < LIMITS.depth ? this.#innerIpsec(ip, unit, depth) : undefined;
    if (packet) inner.packet = packet;
    // What was opened further inside has been handed over already.
    if (!packet || !isOpened(packet)) this.options.onInner?.(ip, unit.time);
    return inner;
  }

  #innerIpsec(ip: Uint8Array, unit: Unit, depth: number): DecodedPacket | undefined {
    const units = unitsOfIp(ip, unit.frame, unit.time);
    let outermost: DecodedPacket | undefined;
    for (const inside of units.reverse()) {
      const packet = this.#decode(inside, depth + 1);
      // AH comes with what it protects as a unit of its own: the two belong into each other.
      if (outermost && packet.ah) packet.inner = { summary: packet.inner?.summary ?? '', packet: outermost };
      outermost = packet;
    }
    return outermost;
  }

  #decodeAh(unit: Unit): DecodedPacket {
    const packet = packetOf(unit, 'AH');
    packet.icv = 'unchecked';
    const { data, ip } = unit;
    const header = readAhHeader(data);
    if (!header) {
      const message = 'the Authentication Header is not there as a whole';
      packet.error = { code: 'E_TRUNCATED', message, offset: data.length };
      return packet;
    }
    const { spi, seq, nextHeader } = header;
    packet.ah = { spi: formatSpi(spi), seq, nextHeader };
    const at = ip.length - data.length;
    if (at >= 20) packet.icv = this.#ah.verify(ip, at, header, unit.src.address, unit.dst.address).icv;
    if (packet.icv === 'bad') {
      packet.error = { code: 'E_ICV', message: 'the ICV is wrong: another key, or a changed packet' };
      return packet;
    }
    const inner = innerPacket(nextHeader, data.subarray(header.length), ip);
    packet.inner = { summary: inner ? describeIp(inner) : notIp(nextHeader, data.length - header.length) };
    return packet;
  }

  #decodeIke(unit: Unit): DecodedPacket {
    const { ike, error } = describeMessage(unit.data, this.options.describe);
    const packet = packetOf(unit, ike.version === 1 ? 'IKEv1' : 'IKEv2');
    packet.ike = ike;
    if (error) packet.error = error;
    if (unit.data.length < 28) return packet;
    if (ike.version === 2) this.#ikev2.take(unit, ike, packet);
    else if (ike.fragment) this.#takeIkev1Fragment(unit, ike, packet);
    else this.#ikev1.take(unit, ike, packet);
    return packet;
  }

  /** Fragments as Cisco and Microsoft make them hold pieces of a whole message with a header of its own. */
  #takeIkev1Fragment(unit: Unit, ike: DecodedIke, packet: DecodedPacket): void {
    const [fragment] = decodeIkev1MessageLenient(unit.data).payloads;
    if (fragment?.type !== IKEV1_FRAGMENT) return;
    const { fragmentId, fragmentNumber: number, flags, data } = fragment;
    const total = (flags & LAST_FRAGMENT) === 0 ? 0 : number;
    const whole = this.#ikev1Fragments.take(
      `${ike.spiI}${unit.src.address}>${unit.dst.address}/${fragmentId}`,
      {
        number,
        total,
        first: 0,
        bytes: data,
        frames: unit.frames ?? [unit.frame],
      },
    );
    if (!whole) return;
    const described = describeMessage(whole.bytes, this.options.describe);
    const outer = { ...ike.fragment!, total: Math.max(total, ike.fragment!.total) };
    packet.ike = { ...described.ike, fragment: outer };
    if (described.error) packet.error = described.error;
    if (whole.frames.length > 1) packet.frames = whole.frames;
    if (described.ike.version === 1) this.#ikev1.take({ ...unit, data: whole.bytes }, packet.ike, packet);
  }
}

/** Whether the innermost packet gave up its plaintext. */
function isOpened(packet: DecodedPacket): boolean {
  const { inner } = packet;
  return packet.decrypted && packet.protocol === 'ESP'
    ? true
    : inner?.packet !== undefined && isOpened(inner.packet);
}

function notIp(nextHeader: number, length: number): string {
  return nextHeader === 59
    ? `dummy packet, ${length} bytes`
    : `no IP packet (next header ${nextHeader}), ${length} bytes`;
}

function u32(data: Uint8Array, at: number): number {
  return ((data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!) >>> 0;
}
