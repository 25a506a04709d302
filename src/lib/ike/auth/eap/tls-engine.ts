import { constants, type KeyObject, X509Certificate } from 'node:crypto';
import { Duplex } from 'node:stream';
import {
  connect,
  createSecureContext,
  type DetailedPeerCertificate,
  type SecureContext,
  TLSSocket,
} from 'node:tls';
import { KitError } from '../../../core/errors.js';
import { printable } from '../../../core/printable.js';
import { Secret } from '../../../core/secret.js';
import { EapType } from './codec.js';
import { optionsError } from './errors.js';
import { MIN_FRAGMENT_BYTES } from './tls-flights.js';

/** TLS protocol versions, lowest and highest. */
export interface TlsVersions {
  min: 'TLSv1.2' | 'TLSv1.3';
  max: 'TLSv1.2' | 'TLSv1.3';
}

/** Our side of EAP-TLS. */
export interface TlsCredentials {
  /** DER, our own certificate first, then the CAs between it and the anchor. */
  certificates: readonly Uint8Array[];
  key: KeyObject;
  /** Default: TLS 1.2 and 1.3. */
  versions?: TlsVersions;
  /** Largest EAP packet we send, in bytes; default 1,100, at least 32. */
  fragmentBytes?: number;
}

const MSK_BYTES = 64;
/** MSK and EMSK are one export, and in TLS 1.3 its length is part of what is hashed. */
const KEY_MATERIAL_BYTES = 128;
const MAX_CHAIN = 16;
/** Turns of the event loop without a sign of life after which TLS has said all it has to say. */
const QUIET_TURNS = 4;
/** RFC 9190 2.5. */
const SUCCESS_INDICATION = Uint8Array.of(0);

/** @throws KitError usage `E_EAP_OPTIONS` when there are none, or none that could work */
export function requireTls<T extends TlsCredentials>(tls: T | undefined): T {
  if (!tls) throw optionsError('EAP-TLS needs a certificate and its key');
  if ((tls.fragmentBytes ?? MIN_FRAGMENT_BYTES) < MIN_FRAGMENT_BYTES) {
    throw optionsError(`EAP-TLS fragments have at least ${MIN_FRAGMENT_BYTES} bytes`);
  }
  return tls;
}

/** A stream that ends in memory: what TLS writes is collected, what it reads is pushed in. */
class MemoryWire extends Duplex {
  #written: Uint8Array[] = [];
  #writes = 0;

  get writes(): number {
    return this.#writes;
  }

  collect(): Uint8Array {
    const written = Buffer.concat(this.#written);
    this.#written = [];
    return written;
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.#written.push(chunk);
    this.#writes++;
    done();
  }
}

/**
 * What both sides use: no resumption, because each conversation stands for itself, no renegotiation, and no check of
 * certificates by Node, because the caller's own follows.
 * @throws KitError usage `E_EAP_OPTIONS`
 */
export function tlsContext(
  credentials: TlsCredentials,
  authorities: readonly Uint8Array[] = [],
): SecureContext {
  const { certificates, key, versions } = credentials;
  try {
    const [own] = certificates.map((der) => new X509Certificate(der));
    // OpenSSL takes a key of another kind than the certificate's without complaint.
    if (!own?.checkPrivateKey(key)) throw new Error('the key is not that of the certificate');
    return createSecureContext({
      cert: certificates.map(pem).join(''),
      key: key.export({ type: 'pkcs8', format: 'pem' }),
      ca: authorities.map(pem),
      minVersion: versions?.min ?? 'TLSv1.2',
      maxVersion: versions?.max ?? 'TLSv1.3',
      // Servers without RFC 5746, strongSwan 5.9 among them; renegotiation, which it protects, never happens here.
      secureOptions:
        constants.SSL_OP_NO_TICKET |
        constants.SSL_OP_NO_RENEGOTIATION |
        constants.SSL_OP_LEGACY_SERVER_CONNECT,
    });
  } catch (cause) {
    throw optionsError('EAP-TLS cannot use this certificate and key', {
      hint: 'The key has to be that of the first certificate.',
      cause,
    });
  }
}

/** One TLS connection over bytes that are handed in and out. */
export class TlsEngine {
  readonly #wire = new MemoryWire();
  readonly #socket: TLSSocket;
  #established = false;
  #error: Error | undefined;
  #received: Uint8Array = new Uint8Array(0);

  constructor(role: 'client' | 'server', secureContext: SecureContext) {
    this.#socket =
      role === 'client'
        ? connect({
            socket: this.#wire,
            secureContext,
            rejectUnauthorized: false,
            checkServerIdentity: () => undefined,
          })
        : new TLSSocket(this.#wire, {
            isServer: true,
            secureContext,
            requestCert: true,
            rejectUnauthorized: false,
          });
    this.#socket.on('secure', () => {
      this.#established = true;
    });
    this.#socket.on('error', (error) => {
      this.#error ??= error;
    });
    this.#socket.on('data', (data: Uint8Array) => {
      // The only data of EAP-TLS is one byte: the second tells that something is wrong, more need not be kept.
      this.#received = Buffer.concat([this.#received, data]).subarray(0, 2);
    });
  }

  /** The handshake is over. Says nothing about whose certificate it was. */
  get established(): boolean {
    return this.#established && this.#error === undefined;
  }

  /** Since TLS 1.3 success is said inside TLS, too (RFC 9190 2.5). */
  get indicatesSuccess(): boolean {
    return this.#socket.getProtocol() === 'TLSv1.3';
  }

  /** The other side sent just the success indication. */
  get successIndicated(): boolean {
    return this.#received.length === 1 && this.#received[0] === SUCCESS_INDICATION[0];
  }

  get receivedData(): boolean {
    return this.#received.length > 0;
  }

  /** Hands in what the other side sent; nothing: lets the handshake begin. @returns what TLS sends */
  async feed(flight?: Uint8Array): Promise<Uint8Array> {
    if (flight) this.#wire.push(flight);
    return this.#settled();
  }

  /** The success indication as TLS sends it. */
  async indicateSuccess(): Promise<Uint8Array> {
    this.#socket.write(SUCCESS_INDICATION);
    return this.#settled();
  }

  /** The other side's certificates, DER, its own first; empty when it sent none yet. */
  peerChain(): Uint8Array[] {
    const chain: Uint8Array[] = [];
    let certificate = this.#socket.getPeerCertificate(true) as DetailedPeerCertificate | undefined;
    while (certificate?.raw && chain.length < MAX_CHAIN) {
      chain.push(new Uint8Array(certificate.raw));
      const issuer: DetailedPeerCertificate | undefined = certificate.issuerCertificate;
      // A certificate that signed itself is its own issuer.
      certificate = issuer === certificate ? undefined : issuer;
    }
    return chain;
  }

  /** The MSK (RFC 5216 2.3, RFC 9190 2.3). */
  msk(): Secret {
    const [label, context] = this.indicatesSuccess
      ? ['EXPORTER_EAP_TLS_Key_Material', Buffer.of(EapType.Tls)]
      : ['client EAP encryption', undefined];
    const material = this.#socket.exportKeyingMaterial(
      KEY_MATERIAL_BYTES,
      label as string,
      context as Buffer,
    );
    return new Secret(new Uint8Array(material.subarray(0, MSK_BYTES)));
  }

  /** Why TLS came to nothing, if it did. @param other who is at the other end, e.g. `server` */
  failure(other: 'server' | 'client'): KitError | undefined {
    const error: (Error & { reason?: string }) | undefined = this.#error;
    if (error === undefined) return undefined;
    const reason = printable(error.reason ?? error.message).slice(0, 200);
    if (/\balert\b/.test(reason)) {
      return new KitError('refused', 'E_EAP_FAILED', `The ${other} ended EAP-TLS: ${reason}`, {
        hint: `The ${other} may not trust our certificate: revoked, expired, of another CA, or without the right name; its log says which.`,
      });
    }
    return new KitError('refused', 'E_EAP_TLS', `TLS with the ${other} failed: ${reason}`);
  }

  close(): void {
    this.#socket.destroy();
    this.#wire.destroy();
  }

  /**
   * TLS works on what it gets at once or within a few turns of the event loop, and does not say when it is done:
   * it is when it has been quiet for some turns.
   */
  async #settled(): Promise<Uint8Array> {
    let seen = -1;
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      if (this.#wire.writes !== seen) {
        seen = this.#wire.writes;
        quiet = 0;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    return this.#wire.collect();
  }
}

/** A fatal alert, unprotected, as both sides may send it before their Finished (RFC 5246 7.2, RFC 8446 6.2). */
export function certificateAlert(): Uint8Array {
  const [alert, fatal, certificateUnknown] = [21, 2, 46];
  return Uint8Array.of(alert, 3, 3, 0, 2, fatal, certificateUnknown);
}

function pem(der: Uint8Array): string {
  return new X509Certificate(der).toString();
}
