import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { concatBytes } from '../../core/bytes.js';
import { KitError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import type { Ikev1Suite } from './suite.js';

/** Exchanges under one ISAKMP SA whose last block is remembered; the oldest is forgotten. */
const MAX_EXCHANGES = 256;

/**
 * The CBC state of one ISAKMP SA (RFC 2409 appendix B). Phase 1 starts from hash(g^xi | g^xr), every later exchange
 * from hash(last phase 1 block | message id), and within an exchange each message goes on from the last block of the
 * one before. Give it every encrypted message once, in order: a retransmission must not be given again.
 */
export class IvChain {
  readonly #key: Uint8Array;
  /** Before the first encrypted message of phase 1, the IV made of the public values. */
  #lastPhase1Block: Uint8Array;
  readonly #lastBlocks = new Map<number, Uint8Array>();

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
    this.#lastPhase1Block = this.#hash(keI, keR);
  }

  /**
   * The payload bytes of an encrypted message, padding included.
   * @returns undefined when it is not whole blocks; the chain stays where it was
   */
  open(messageId: number, encrypted: Uint8Array): Uint8Array | undefined {
    if (encrypted.length === 0 || encrypted.length % this.suite.blockBytes !== 0) return undefined;
    const decipher = createDecipheriv(this.suite.cipher, this.#key, this.#iv(messageId));
    const plain = new Uint8Array(decipher.setAutoPadding(false).update(encrypted));
    this.#advance(messageId, encrypted);
    return plain;
  }

  /** Encrypts payload bytes, padded with zeros to whole blocks (RFC 2409 appendix B). */
  seal(messageId: number, payloads: Uint8Array): Uint8Array {
    const size = this.suite.blockBytes;
    const plain = new Uint8Array(Math.max(1, Math.ceil(payloads.length / size)) * size);
    plain.set(payloads);
    const cipher = createCipheriv(this.suite.cipher, this.#key, this.#iv(messageId));
    const encrypted = new Uint8Array(cipher.setAutoPadding(false).update(plain));
    this.#advance(messageId, encrypted);
    return encrypted;
  }

  #iv(messageId: number): Uint8Array {
    if (messageId === 0) return this.#lastPhase1Block;
    const last = this.#lastBlocks.get(messageId);
    if (last !== undefined) return last;
    const id = new Uint8Array(4);
    new DataView(id.buffer).setUint32(0, messageId);
    return this.#hash(this.#lastPhase1Block, id);
  }

  #advance(messageId: number, encrypted: Uint8Array): void {
    const last = encrypted.slice(-this.suite.blockBytes);
    if (messageId === 0) {
      this.#lastPhase1Block = last;
      return;
    }
    this.#lastBlocks.delete(messageId);
    this.#lastBlocks.set(messageId, last);
    if (this.#lastBlocks.size > MAX_EXCHANGES) {
      const [oldest] = this.#lastBlocks.keys();
      if (oldest !== undefined) this.#lastBlocks.delete(oldest);
    }
  }

  #hash(...parts: readonly Uint8Array[]): Uint8Array {
    const hash = createHash(this.suite.hash);
    for (const part of parts) hash.update(part);
    return new Uint8Array(hash.digest()).subarray(0, this.suite.blockBytes);
  }
}
