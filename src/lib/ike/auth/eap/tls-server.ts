import { concatBytes } from '../../../core/bytes.js';
import type { KitError } from '../../../core/errors.js';
import type { Secret } from '../../../core/secret.js';
import { EapType } from './codec.js';
import { protocolError, untrusted } from './errors.js';
import type { ServerMethod, ServerVerdict } from './method.js';
import { certificateAlert, type TlsCredentials, TlsEngine, tlsContext } from './tls-engine.js';
import { DEFAULT_FRAGMENT_BYTES, TlsFlag, TlsFlights } from './tls-flights.js';

/** The server's side of EAP-TLS. */
export interface AuthenticatorTlsOptions extends TlsCredentials {
  /** DER certificates of the CAs whose names the client is told; none: any. */
  authorities?: readonly Uint8Array[];
  /**
   * Whether the client's certificate is to be believed and covers the name that the client gave.
   * @param chain DER, the client's own certificate first
   * @param identity what the client called itself; empty when it gave no name
   * @throws KitError: becomes the cause of `E_EAP_CLIENT`
   */
  validateClient(chain: readonly Uint8Array[], identity: string): void | Promise<void>;
}

/** The server's side of EAP-TLS (RFC 5216, RFC 9190). */
export class TlsServer implements ServerMethod {
  readonly type = EapType.Tls;
  readonly name = 'eap-tls';
  readonly #flights: TlsFlights;
  readonly #engine: TlsEngine;
  /** Known once the client is trusted; said with success when it has acknowledged our last flight. */
  #msk: Secret | undefined;

  /** @throws KitError usage `E_EAP_OPTIONS` */
  constructor(
    private readonly options: AuthenticatorTlsOptions,
    private readonly identity: string,
  ) {
    this.#flights = new TlsFlights(options.fragmentBytes ?? DEFAULT_FRAGMENT_BYTES);
    this.#engine = new TlsEngine('server', tlsContext(options, options.authorities));
  }

  start(): Uint8Array {
    return Uint8Array.of(TlsFlag.Start);
  }

  async answer(data: Uint8Array): Promise<ServerVerdict> {
    const arrival = this.#flights.receive(data);
    if (arrival.type === 'start') throw outOfTurn('started EAP-TLS itself');
    if (arrival.type === 'reply') return { type: 'request', data: arrival.data };
    if (arrival.flight.length > 0) return this.#process(arrival.flight);
    if (!this.#msk) throw outOfTurn('sent an empty EAP-TLS response');
    return { type: 'success', identity: this.identity, msk: this.#msk };
  }

  close(): void {
    this.#engine.close();
  }

  async #process(flight: Uint8Array): Promise<ServerVerdict> {
    // What TLS wants to send is held back until its client is trusted.
    let answer = await this.#engine.feed(flight);
    const broken = this.#engine.failure('client');
    if (broken) {
      if (answer.length === 0) throw broken;
      return { type: 'request', data: this.#flights.send(answer), failed: broken };
    }
    if (this.#msk || this.#engine.receivedData) throw outOfTurn('sent data inside EAP-TLS');
    if (this.#engine.established) {
      const distrust = await this.#checkClient();
      if (distrust) return this.#refuse(distrust);
      this.#msk = this.#engine.msk();
      if (this.#engine.indicatesSuccess) answer = concatBytes(answer, await this.#engine.indicateSuccess());
    }
    return { type: 'request', data: this.#flights.send(answer) };
  }

  async #checkClient(): Promise<KitError | undefined> {
    const chain = this.#engine.peerChain();
    if (chain.length === 0) return untrusted('E_EAP_CLIENT', 'The client has no certificate for EAP-TLS');
    try {
      await this.options.validateClient(chain, this.identity);
      return undefined;
    } catch (cause) {
      return untrusted('E_EAP_CLIENT', 'The certificate of the client for EAP-TLS is not trusted', cause);
    }
  }

  /** Up to TLS 1.2 our side is not protected yet and can say why; in TLS 1.3 EAP Failure has to do. */
  #refuse(failed: KitError): ServerVerdict {
    if (this.#engine.indicatesSuccess) throw failed;
    return { type: 'request', data: this.#flights.send(certificateAlert()), failed };
  }
}

function outOfTurn(what: string): KitError {
  return protocolError(`The client ${what}`);
}
