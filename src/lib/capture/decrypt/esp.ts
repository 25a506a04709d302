import { constantTimeEqual } from '../../core/secret.js';
import type { EncrTransform, IntegTransform } from '../../crypto/transform.js';
import { type BoundEspSa, openEsp } from '../../esp/packet.js';
import type { KeyRing } from '../keys/ring.js';
import type { EspKey } from '../keys/types.js';
import type { Icv } from '../types.js';
import { encrForDecoding, integForDecoding } from './algorithms.js';
import { BoundedMap, LIMITS } from './limits.js';
import { type Candidate, SequenceGuess } from './sequence.js';

/** What came of an ESP packet. */
export type EspOutcome =
  | { verdict: 'no key' }
  | { verdict: 'ok'; icv: Icv; nextHeader: number; payload: Uint8Array; seqHigh: number | undefined }
  | { verdict: 'failed'; icv: Icv; code: `E_${string}`; message: string };

const NO_KEY: EspOutcome = { verdict: 'no key' };
const SHA256_128 = 12;
/** Pairs of addresses for one SPI: NAT and MOBIKE change them, captures at several points show them all. */
const FLOWS_OF_SPI = 16;

interface Flow {
  src: string;
  dst: string;
  revision: number;
  sas: EspOpener[];
}

const CLOSED: Flow = { src: '', dst: '', revision: -1, sas: [] };

/**
 * Opens ESP packets with the keys of a ring. Ciphers are bound once for each key, and the answer of the ring is kept
 * for each flow, so that a packet costs little more than its cipher. Knows nothing of IKE: the keys of a child SA come
 * through the ring, from wherever they were derived.
 */
export class EspDecryptor {
  /** Usually one flow for an SPI. */
  readonly #flows = new BoundedMap<number, Flow[]>(LIMITS.flows);
  readonly #openers = new WeakMap<EspKey, EspOpener>();

  constructor(readonly ring: KeyRing) {}

  /**
   * @param packet from the SPI on, at least 8 bytes
   * @returns a payload that is only lent: it is overwritten some 500 KiB later
   */
  open(spi: number, sequenceLow: number, src: string, dst: string, packet: Uint8Array): EspOutcome {
    const flow = this.#flow(spi, src, dst);
    let failure: EspOutcome = NO_KEY;
    for (let i = 0; i < flow.sas.length; i++) {
      const sa = flow.sas[i]!;
      const outcome = sa.open(packet, sequenceLow);
      if (outcome.verdict === 'ok') {
        // What was right once is tried first from now on.
        if (i > 0) flow.sas = [sa, ...flow.sas.filter((other) => other !== sa)];
        return outcome;
      }
      if (i === 0 || sa.confirmed) failure = outcome;
    }
    return failure;
  }

  #flow(spi: number, src: string, dst: string): Flow {
    const flows = this.#flows.get(spi);
    const known = flows?.find((flow) => flow.src === src && flow.dst === dst);
    if (known?.revision === this.ring.revision) return known;
    const keys = this.ring.esp(spi, src, dst);
    // Without a key there is nothing to remember: a capture may hold any number of SPIs.
    if (keys.length === 0) return CLOSED;
    const before = known?.sas.filter((sa) => keys.includes(sa.key)) ?? [];
    const unknown = keys.filter((key) => !before.some((sa) => sa.key === key));
    // A key for any SPI stands for several SAs, each with sequence numbers of its own.
    const fresh = unknown.map((key) => (key.spi === undefined ? new EspOpener(key) : this.#opener(key)));
    const [confirmed, others] = [before.filter((sa) => sa.confirmed), before.filter((sa) => !sa.confirmed)];
    const flow = { src, dst, revision: this.ring.revision, sas: [...confirmed, ...fresh, ...others] };
    this.#flows.set(spi, [flow, ...(flows ?? []).filter((other) => other !== known)].slice(0, FLOWS_OF_SPI));
    return flow;
  }

  #opener(key: EspKey): EspOpener {
    let opener = this.#openers.get(key);
    if (!opener) {
      opener = new EspOpener(key);
      this.#openers.set(key, opener);
    }
    return opener;
  }
}

/** One key, bound, with what is known of its sequence numbers. */
class EspOpener {
  /** Whether a packet was opened with a good ICV. */
  confirmed = false;
  readonly #integ: IntegTransform | undefined;
  readonly #bound: { short: BoundEspSa; extended: BoundEspSa } | undefined;
  /** Whether there is an ICV that can be checked. */
  readonly #checked: boolean;
  readonly #sequence: SequenceGuess;
  #truncated = false;

  constructor(readonly key: EspKey) {
    const encr = encrForDecoding(key.encr);
    this.#integ = integForDecoding(key.integ);
    this.#bound = encr && bind(encr, key, this.#integ);
    this.#checked = encr?.kind === 'aead' || this.#integ !== undefined;
    this.#sequence = new SequenceGuess(this.#checked ? key.esn : false, key.seqHigh);
  }

  open(packet: Uint8Array, low: number): EspOutcome {
    const bound = this.#bound;
    if (!bound) {
      return failed(
        'unchecked',
        'E_NOT_IMPLEMENTED',
        'there is a key, but no implementation of its algorithms',
      );
    }
    if (!this.#checked) return this.#openUnchecked(bound.short, packet, low);
    const outcome = this.#try(bound, packet, this.#sequence.first(low));
    if (outcome) return outcome;
    for (const candidate of this.#sequence.others(low)) {
      const other = this.#try(bound, packet, candidate);
      if (other) return other;
    }
    if (this.#isTruncated(packet)) {
      return failed(
        'bad',
        'E_ICV_TRUNCATED',
        'the ICV is HMAC-SHA-256 cut to 96 bits, not to the 128 of RFC 4868',
      );
    }
    return failed('bad', 'E_ICV', 'the ICV is wrong: another key, or a changed packet');
  }

  /** Undefined when the ICV is wrong with this sequence number. */
  #try(
    bound: { short: BoundEspSa; extended: BoundEspSa },
    packet: Uint8Array,
    sequence: Candidate,
  ): EspOutcome | undefined {
    const opened = openEsp(sequence.extended ? bound.extended : bound.short, packet, sequence.value);
    if (opened.verdict === 'icv') return undefined;
    if (opened.verdict === 'malformed' && !opened.authentic) {
      return failed('bad', 'E_TRUNCATED', 'the packet is too short for its algorithms');
    }
    this.confirmed = true;
    this.#sequence.confirm(sequence);
    if (opened.verdict === 'malformed') {
      return failed(
        'good',
        'E_ESP_PADDING',
        'the packet is authentic, but its padding is not that of RFC 4303 2.4',
      );
    }
    const seqHigh = sequence.extended ? Math.floor(sequence.value / 2 ** 32) : undefined;
    return { verdict: 'ok', icv: 'good', nextHeader: opened.nextHeader, payload: opened.payload, seqHigh };
  }

  /** Nothing but the look of the plaintext tells whether the key was right. */
  #openUnchecked(sa: BoundEspSa, packet: Uint8Array, low: number): EspOutcome {
    const { icvBytes } = this.key.integ;
    const icv: Icv = icvBytes === 0 ? 'none' : 'unchecked';
    if (packet.length < icvBytes) return failed(icv, 'E_TRUNCATED', 'the packet is shorter than its ICV');
    const opened = openEsp(sa, packet.subarray(0, packet.length - icvBytes), low);
    if (opened.verdict !== 'ok')
      return failed(icv, 'E_ESP_PADDING', 'no sense in the plaintext: another key?');
    return { ...opened, icv, seqHigh: undefined };
  }

  /** The bug of old kernels and gateways that makes SAs which lose every packet. */
  #isTruncated(packet: Uint8Array): boolean {
    const { integ, integKey } = this.key;
    if (integ.id !== SHA256_128 || integ.icvBytes !== 16 || packet.length < 32) return false;
    if (!this.#truncated && (this.confirmed || !this.#sequence.mayTry())) return false;
    const covered = packet.subarray(0, packet.length - 12);
    const mac = this.#integ?.compute?.(integKey.reveal(), covered).subarray(0, 12);
    const right = mac !== undefined && constantTimeEqual(mac, packet.subarray(packet.length - 12));
    this.#truncated ||= right;
    return right;
  }
}

function bind(
  encr: EncrTransform,
  key: EspKey,
  integ: IntegTransform | undefined,
): { short: BoundEspSa; extended: BoundEspSa } | undefined {
  if (!encr.bind || (key.integ.checked && !integ)) return undefined;
  try {
    const integKey = key.integKey.reveal();
    const short: BoundEspSa = {
      spi: key.spi ?? 0,
      esn: false,
      ivBytes: encr.ivBytes,
      icvBytes: encr.kind === 'aead' ? encr.icvBytes : (integ?.icvBytes ?? 0),
      alignment: Math.max(encr.blockBytes, 4),
      counterIv: false,
      cipher: encr.bind(key.encrKey.reveal()),
      lends: true,
      integ: integ && ((data) => integ.compute!(integKey, data)),
    };
    return { short, extended: { ...short, esn: true } };
  } catch {
    return undefined;
  }
}

function failed(icv: Icv, code: `E_${string}`, message: string): EspOutcome {
  return { verdict: 'failed', icv, code, message };
}
