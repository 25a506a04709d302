import { useEvp } from '../crypto/evp.js';
import { DECODE_SCHEMA } from '../report/decode.schema.js';
import { Conversations } from './analyse/conversations.js';
import { diagnose } from './analyse/diagnose.js';
import type { ConversationReport, Finding } from './analyse/types.js';
import { Decryptor } from './decrypt/decryptor.js';
import { KeyRing } from './keys/ring.js';
import { forJson } from './packet-json.js';
import { UnitExtractor } from './read/units.js';
import type { CapturedFrame, CaptureNote, DecodedPacket, Icv, Unit } from './types.js';

/** Notes that are kept; a damaged capture could bring one a frame. */
const MAX_NOTES = 1000;

export interface DecodeOptions {
  keys?: KeyRing;
  /** UDP ports with IKE or ESP besides 500 and 4500. */
  ports?: readonly number[];
  /** Parse certificates; false: tell their size only. Default true. */
  certificates?: boolean;
  /** One line on what each decrypted packet carries; false: left empty. Default true. */
  summaries?: boolean;
  /** Conversations and diagnosis; false: packets and counters only, which is faster. Default true. */
  analyse?: boolean;
  /** Gets every decrypted packet as a whole IP packet, with the time of the one that carried it. */
  onInner?: (packet: Uint8Array, time: bigint) => void;
}

/** Counters of a whole capture. */
export interface DecodeSummary {
  /** Frames and their bytes as captured, whatever they carry. */
  frames: number;
  bytes: number;
  /** ISO 8601 with nanoseconds, of the first and last frame with IPsec. */
  first?: string;
  last?: string;
  /** Packets of IPsec. */
  packets: number;
  protocols: Record<DecodedPacket['protocol'], number>;
  decrypted: number;
  icv: Record<Icv, number>;
  /** Packets that could not be parsed or decrypted although they should. */
  errors: number;
  /** The capture is damaged or cut off; it was read up to there. */
  damaged: boolean;
}

/** Everything but the packets. */
export interface DecodeResult extends ConversationReport {
  summary: DecodeSummary;
  diagnosis: Finding[];
  notes: CaptureNote[];
}

/** The document `ipsec-kit/decode@1`. */
export interface DecodeDocument extends DecodeResult {
  schema: typeof DECODE_SCHEMA;
  packets: DecodedPacket[];
}

/**
 * Makes opening AEADs several times as fast where the machine allows it. To be called before keys are bound.
 * @returns whether it does
 */
export function useFastCiphers(): Promise<boolean> {
  return useEvp();
}

/** Frames in, packets out, in constant memory; at the end what they amount to. */
export class CaptureDecoder {
  readonly summary: DecodeSummary = {
    frames: 0,
    bytes: 0,
    packets: 0,
    protocols: { IKEv1: 0, IKEv2: 0, ESP: 0, AH: 0, 'NAT-keepalive': 0 },
    decrypted: 0,
    icv: { good: 0, bad: 0, none: 0, unchecked: 0 },
    errors: 0,
    damaged: false,
  };
  readonly #options: DecodeOptions;
  readonly #extractor: UnitExtractor;
  readonly #ring: KeyRing;
  readonly #decryptor: Decryptor;
  readonly #conversations = new Conversations();
  readonly #notes: CaptureNote[] = [];
  #notesOmitted = 0;

  constructor(options: DecodeOptions = {}) {
    this.#options = options;
    this.#extractor = new UnitExtractor({ ports: options.ports ?? [] });
    this.#ring = options.keys ?? new KeyRing();
    this.#decryptor = new Decryptor(this.#ring, {
      ...(options.onInner === undefined ? {} : { onInner: options.onInner }),
      summaries: options.summaries ?? true,
      describe: { certificates: options.certificates ?? true },
    });
  }

  /** Takes what the reader of the file has to tell. */
  readonly onNote = (note: CaptureNote): void => {
    const isDamage = note.code.startsWith('E_');
    if (isDamage) this.summary.damaged = true;
    if (this.#notes.length < MAX_NOTES || isDamage) this.#notes.push(note);
    else this.#notesOmitted += 1;
  };

  /**
   * Decodes frames, in their order.
   * @param take gets each packet with what it was decoded from, whose bytes are valid during the call only
   */
  decode(frames: readonly CapturedFrame[], take: (packet: DecodedPacket, unit: Unit) => void): void {
    for (const frame of frames) {
      this.summary.frames += 1;
      this.summary.bytes += frame.data.length;
      for (const unit of this.#extractor.take(frame)) take(this.#decodeUnit(unit), unit);
    }
  }

  /** What it all amounts to. Called once, at the end. */
  finish(): DecodeResult {
    this.#extractor.finish();
    const notes = [...this.#notes, ...this.#extractor.notes, ...this.#decryptor.notes];
    if (this.#notesOmitted > 0) {
      notes.push({ code: 'N_NOTES_OMITTED', message: `${this.#notesOmitted} more notes are left out` });
    }
    const { given, matched } = this.#ring;
    if (given > 0 && !matched) {
      notes.push({
        code: 'N_KEYS_UNUSED',
        message:
          given === 1
            ? 'The key belongs to no SA of this capture.'
            : `None of the ${given} keys belongs to an SA of this capture.`,
      });
    }
    return {
      summary: this.summary,
      ...this.#conversations.finish(),
      diagnosis:
        this.#options.analyse === false
          ? []
          : diagnose(this.#conversations, notes, this.#extractor.incomplete),
      notes,
    };
  }

  #decodeUnit(unit: Unit): DecodedPacket {
    const packet = this.#decryptor.decode(unit);
    if (this.#options.analyse !== false) this.#conversations.add(packet, unit);
    this.#count(packet);
    return packet;
  }

  #count(packet: DecodedPacket): void {
    const { summary } = this;
    summary.packets += 1;
    summary.protocols[packet.protocol] += 1;
    summary.icv[packet.icv] += 1;
    if (packet.decrypted) summary.decrypted += 1;
    if (packet.error !== undefined) summary.errors += 1;
    summary.first ??= packet.time;
    summary.last = packet.time;
  }
}

/** A whole capture as one document. It holds every packet: for big captures use {@link CaptureDecoder}. */
export async function decodeCapture(
  batches: (onNote: (note: CaptureNote) => void) => AsyncIterable<readonly CapturedFrame[]>,
  options: DecodeOptions = {},
): Promise<DecodeDocument> {
  const decoder = new CaptureDecoder(options);
  const packets: DecodedPacket[] = [];
  for await (const frames of batches(decoder.onNote)) {
    decoder.decode(frames, (packet) => packets.push(forJson(packet)));
  }
  const { summary, ...rest } = decoder.finish();
  return { schema: DECODE_SCHEMA, summary, packets, ...rest };
}
