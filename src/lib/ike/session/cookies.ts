import { createHmac } from 'node:crypto';
import { concatBytes } from '../../core/bytes.js';
import type { Endpoint } from '../../core/endpoint.js';
import type { Entropy, Milliseconds } from '../../core/environment.js';
import { constantTimeEqual } from '../../core/secret.js';

const SECRET_LIFETIME: Milliseconds = 60_000;
const COOKIE_BYTES = 17;

/**
 * Stateless cookies (RFC 7296 2.6): version of the secret, then a MAC over address, port, SPI and nonce.
 * The previous secret stays valid, so that a cookie lives for one to two minutes.
 */
export class Cookies {
  #version = 0;
  #current: Uint8Array;
  #previous: Uint8Array | undefined;
  #since: Milliseconds;

  constructor(
    private readonly entropy: Entropy,
    now: Milliseconds,
  ) {
    this.#current = entropy.bytes(32);
    this.#since = now;
  }

  /** The cookie to ask a client for. */
  issue(nonce: Uint8Array, remote: Endpoint, initiatorSpi: bigint, now: Milliseconds): Uint8Array {
    this.#rotate(now);
    return mint(this.#version, this.#current, nonce, remote, initiatorSpi);
  }

  /** Whether a returned cookie is ours and still valid. */
  verify(
    cookie: Uint8Array,
    nonce: Uint8Array,
    remote: Endpoint,
    initiatorSpi: bigint,
    now: Milliseconds,
  ): boolean {
    this.#rotate(now);
    if (cookie.length !== COOKIE_BYTES) return false;
    const isCurrent = cookie[0] === this.#version;
    const secret = isCurrent ? this.#current : this.#previous;
    const version = isCurrent ? this.#version : (this.#version + 255) % 256;
    if (!secret || cookie[0] !== version) return false;
    return constantTimeEqual(cookie, mint(version, secret, nonce, remote, initiatorSpi));
  }

  #rotate(now: Milliseconds): void {
    // A clock that jumped backwards must not keep one secret alive for ever.
    if (now - this.#since < SECRET_LIFETIME && now >= this.#since) return;
    // After a quiet time the present secret may be older than a cookie is allowed to be.
    this.#previous = Math.abs(now - this.#since) < 2 * SECRET_LIFETIME ? this.#current : undefined;
    this.#current = this.entropy.bytes(32);
    this.#version = (this.#version + 1) % 256;
    this.#since = now;
  }
}

function mint(
  version: number,
  secret: Uint8Array,
  nonce: Uint8Array,
  remote: Endpoint,
  initiatorSpi: bigint,
): Uint8Array {
  // The nonce has no fixed size: in front of the address, a part of that could pass for the end of a nonce.
  const mac = createHmac('sha256', secret)
    .update(`${remote.address} ${remote.port} ${initiatorSpi.toString(16)} `)
    .update(nonce)
    .digest();
  return concatBytes(Uint8Array.of(version), mac.subarray(0, COOKIE_BYTES - 1));
}
