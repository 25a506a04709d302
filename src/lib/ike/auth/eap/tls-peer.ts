import type { KitError } from '../../../core/errors.js';
import type { Secret } from '../../../core/secret.js';
import { EapType } from './codec.js';
import { protocolError, untrusted } from './errors.js';
import type { MethodMessage, PeerMethod } from './method.js';
import { certificateAlert, type TlsCredentials, TlsEngine, tlsContext } from './tls-engine.js';
import { DEFAULT_FRAGMENT_BYTES, TlsFlights } from './tls-flights.js';

/** The client's side of EAP-TLS. */
export interface PeerTlsOptions extends TlsCredentials {
  /**
   * Whether the server's certificate is to be believed; called before our own certificate and proof are sent.
   * @param chain DER, the server's own certificate first
   * @throws KitError: becomes the cause of `E_EAP_SERVER`
   */
  validateServer(chain: readonly Uint8Array[]): void | Promise<void>;
}

/** The client's side of EAP-TLS (RFC 5216, RFC 9190). */
export class TlsPeer implements PeerMethod {
  readonly type = EapType.Tls;
  readonly name = 'eap-tls';
  readonly mutual = true;
  readonly #flights: TlsFlights;
  readonly #context;
  #engine: TlsEngine | undefined;
  #serverTrusted = false;

  /** @throws KitError usage `E_EAP_OPTIONS` */
  constructor(private readonly options: PeerTlsOptions) {
    this.#flights = new TlsFlights(options.fragmentBytes ?? DEFAULT_FRAGMENT_BYTES);
    this.#context = tlsContext(options);
  }

  /** In TLS 1.3 the server checks our certificate when the handshake is over for us, and may end with EAP Failure alone. */
  get refusalHint(): string | undefined {
    if (!this.#serverTrusted) return undefined;
    return 'After both certificates were exchanged it is mostly ours that is refused: revoked, expired, of a CA that is not trusted there, or without the name of the user; the log of the gateway says which.';
  }

  async answer(data: Uint8Array): Promise<MethodMessage> {
    const arrival = this.#flights.receive(data);
    if (arrival.type === 'reply') return arrival;
    if (arrival.type === 'start') {
      if (this.#engine) throw outOfTurn('started EAP-TLS again');
      this.#engine = new TlsEngine('client', this.#context);
      return { data: this.#flights.send(await this.#engine.feed()) };
    }
    if (!this.#engine) throw outOfTurn('sent TLS before its start');
    if (arrival.flight.length === 0) throw outOfTurn('sent an empty EAP-TLS request');
    return this.#process(this.#engine, arrival.flight);
  }

  finish(): Secret {
    const engine = this.#engine;
    if (!engine?.established || !this.#serverTrusted)
      throw untrusted('E_EAP_SERVER', 'The server said yes before TLS was done');
    if (engine.indicatesSuccess && !engine.successIndicated) {
      throw untrusted(
        'E_EAP_SERVER',
        'The server said yes without the protected indication that TLS 1.3 demands (RFC 9190)',
      );
    }
    return engine.msk();
  }

  close(): void {
    this.#engine?.close();
  }

  async #process(engine: TlsEngine, flight: Uint8Array): Promise<MethodMessage> {
    // What TLS wants to send is held back until its server is trusted.
    const answer = await engine.feed(flight);
    const broken = engine.failure('server');
    if (broken) return { data: this.#flights.send(answer), failed: broken };
    if (!this.#serverTrusted) {
      const distrust = await this.#checkServer(engine);
      if (distrust) return { data: this.#flights.send(certificateAlert()), failed: distrust };
    }
    if (engine.receivedData && !(engine.indicatesSuccess && engine.successIndicated)) {
      throw outOfTurn('sent data inside EAP-TLS');
    }
    return { data: this.#flights.send(answer) };
  }

  async #checkServer(engine: TlsEngine): Promise<KitError | undefined> {
    const chain = engine.peerChain();
    if (chain.length === 0)
      return engine.established ? untrusted('E_EAP_SERVER', 'The server has no certificate') : undefined;
    try {
      await this.options.validateServer(chain);
      this.#serverTrusted = true;
      return undefined;
    } catch (cause) {
      return untrusted('E_EAP_SERVER', 'The server has a certificate for EAP-TLS that is not trusted', cause);
    }
  }
}

function outOfTurn(what: string): KitError {
  return protocolError(`The server ${what}`);
}
