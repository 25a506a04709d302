import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { concatBytes, equalBytes } from '../../core/bytes.js';
import { KitError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import type { Ikev1Suite } from './suite.js';

/** Exchanges under one ISAKMP SA whose state is remembered; the oldest is forgotten. */
const MAX_EXCHANGES = 256;
/** Messages of one exchange that are recognised when they come again. */
const MAX_SEEN = 8;
const PHASE_1 = 0;

/** The CBC state of one exchange. */
interface Exchange {
  /** For the next message. */
  iv: Uint8Array;
  /** Last ciphertext block of each message so far and the IV it was encrypted with. */
  seen: { last: Uint8Array; iv: Uint8Array }[];
}

/**
 * The CBC state of one ISAKMP SA (RFC 2409 appendix B). Phase 1 starts from hash(g^xi | g^xr), every later exchange
 * from hash(last phase 1 block | message id), and within an exchange each message goes on from the last block of the
 * one before. Takes the messages in order; a retransmission is recognised by its last block and opened with the IV it
 * had the first time.
 */
export class IvChain {
  readonly #key: Uint8Array;
  readonly #phase1: Exchange;
  readonly #later = new Map<number, Exchange>();

  /**
   * @param key the cipher's key; longer ones, as tools log them, are cut
   * @param keI body of the initiator's KE payload, g^xi
   * @throws KitError `E_KEY_SIZE` (usage) when the key is too short
   */
  constructor(
    readonly suite: Ikev1Suite,
    key: Secret,
    keI: Uint8Array,
    keR: Uint8Array,
  ) {
    const bytes = key.reveal().subarray(0, suite.keyBytes);
    if (bytes.length < suite.keyBytes) {
      throw new KitError(
        'usage',
        'E_KEY_SIZE',
        `the key has ${key.length} bytes, ${suite.cipher} takes ${suite.keyBytes}`,
      );
    }
    this.#key = suite.keyBytes === 8 ? concatBytes(bytes, bytes, bytes) : bytes;
    this.#phase1 = { iv: this.#hash(keI, keR), seen: [] };
  }

  /**
   * The payload bytes of an encrypted message, padding included.
   * @returns undefined when it is not whole blocks; the chain stays where it was
   */
  open(messageId: number, encrypted: Uint8Array): Uint8Array | undefined {
    if (encrypted.length === 0 || encrypted.length % this.suite.blockBytes !== 0) return undefined;
    const exchange = this.#exchange(messageId);
    const last = encrypted.slice(-this.suite.blockBytes);
    const before = exchange.seen.find((message) => equalBytes(message.last, last));
    const iv = before?.iv ?? exchange.iv;
    if (before === undefined) advance(exchange, last);
    const decipher = createDecipheriv(this.suite.cipher, this.#key, iv);
    return new Uint8Array(decipher.setAutoPadding(false).update(encrypted));
  }

  /** Encrypts payload bytes, padded with zeros to whole blocks (RFC 2409 appendix B). */
  seal(messageId: number, payloads: Uint8Array): Uint8Array {
    const size = this.suite.blockBytes;
    const plain = new Uint8Array(Math.max(1, Math.ceil(payloads.length / size)) * size);
    plain.set(payloads);
    const exchange = this.#exchange(messageId);
    const cipher = createCipheriv(this.suite.cipher, this.#key, exchange.iv);
    const encrypted = new Uint8Array(cipher.setAutoPadding(false).update(plain));
    advance(exchange, encrypted.slice(-size));
    return encrypted;
  }

  #exchange(messageId: number): Exchange {
    if (messageId === PHASE_1) return this.#phase1;
    const known = this.#later.get(messageId);
    if (known !== undefined) return known;
    const id = new Uint8Array(4);
    new DataView(id.buffer).setUint32(0, messageId);
    const exchange: Exchange = { iv: this.#hash(this.#phase1.iv, id), seen: [] };
    if (this.#later.size >= MAX_EXCHANGES) {
      const [oldest] = this.#later.keys();
      if (oldest !== undefined) this.#later.delete(oldest);
    }
    this.#later.set(messageId, exchange);
    return exchange;
  }

  #hash(...parts: readonly Uint8Array[]): Uint8Array {
    const hash = createHash(this.suite.hash);
    for (const part of parts) hash.update(part);
    return new Uint8Array(hash.digest()).subarray(0, this.suite.blockBytes);
  }
}

function advance(exchange: Exchange, last: Uint8Array): void {
  exchange.seen.push({ last, iv: exchange.iv });
  if (exchange.seen.length > MAX_SEEN) exchange.seen.shift();
  exchange.iv = last;
}
