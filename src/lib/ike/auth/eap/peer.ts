import { utf8 } from '../../../core/bytes.js';
import { type Entropy, systemEntropy } from '../../../core/environment.js';
import { KitError } from '../../../core/errors.js';
import { printable } from '../../../core/printable.js';
import type { Secret } from '../../../core/secret.js';
import type { EapPeer, EapStep } from '../types.js';
import { decodeEap, EapCode, type EapExchange, EapType, eapMethodName, encodeEap } from './codec.js';
import { kitErrorOf, optionsError, protocolError } from './errors.js';
import { Md5Peer } from './md5.js';
import type { PeerMethod } from './method.js';
import { Mschapv2Peer } from './mschapv2-peer.js';
import { ntPasswordHash } from './mschapv2-proof.js';
import { requireTls } from './tls-engine.js';
import { type PeerTlsOptions, TlsPeer } from './tls-peer.js';

export type { TlsCredentials, TlsVersions } from './tls-engine.js';
export type { PeerTlsOptions } from './tls-peer.js';

export interface EapPeerOptions {
  method: 'mschapv2' | 'md5' | 'tls';
  /** Answers the Identity request, and is the name in MSCHAPv2 and MD5; at most 255 bytes of UTF-8. */
  user: string;
  /** Text in UTF-8; needed for `mschapv2` and `md5`. */
  password?: Secret;
  /** Needed for `tls`. */
  tls?: PeerTlsOptions;
  entropy?: Entropy;
}

const MAX_NAME_BYTES = 255;
/** Messages of the server in one conversation: enough for certificates in small fragments. */
const MAX_MESSAGES = 1000;
/** Methods in a row that we refuse before the server has to have offered ours. */
const MAX_NAKS = 10;
const NOTHING = new Uint8Array(0);

/**
 * The client's side of one EAP conversation. Failures: refused `E_EAP_PASSWORD` wrong user or password,
 * `E_EAP_ACCOUNT` the user may not log in for another reason, `E_EAP_METHOD` the server offers only what we do not do,
 * `E_EAP_SERVER` the server did not prove who it is, `E_EAP_FAILED` the server said no without a reason, `E_EAP_TLS`
 * TLS did not come about; protocol `E_EAP_PROTOCOL`, garbage `E_EAP_PACKET` and `E_TRUNCATED`.
 * @throws KitError usage `E_EAP_OPTIONS` when user, password, certificate or key are missing or unusable
 */
export function createEapPeer(options: EapPeerOptions): EapPeer {
  if (options.user === '' || utf8(options.user).length > MAX_NAME_BYTES) {
    throw optionsError(`An EAP user name has 1 to ${MAX_NAME_BYTES} bytes`);
  }
  return new Peer(options.user, createMethod(options));
}

function createMethod({ method, user, password, tls, entropy = systemEntropy }: EapPeerOptions): PeerMethod {
  if (method === 'tls') {
    return new TlsPeer(requireTls(tls));
  }
  if (!password) throw optionsError('This EAP method needs a password');
  if (method === 'md5') return new Md5Peer(user, password);
  return new Mschapv2Peer(user, hashed(password), entropy);
}

function hashed(password: Secret): Secret {
  try {
    return ntPasswordHash(password);
  } catch {
    throw optionsError('The password is not UTF-8 text');
  }
}

class Peer implements EapPeer {
  readonly mutual: boolean;
  #messages = 0;
  #busy = false;
  #methodStarted = false;
  /** What the server offered and we refused, by name. */
  readonly #refused: string[] = [];
  /** What the server wanted the user to read (RFC 3748 5.2). */
  #notification = '';
  /** Known before the server has ended the conversation. */
  #failed: KitError | undefined;
  #ended = false;

  constructor(
    private readonly user: string,
    private readonly method: PeerMethod,
  ) {
    this.mutual = method.mutual;
  }

  async step(message: Uint8Array): Promise<EapStep> {
    if (this.#ended || this.#busy) return failure(protocolError('The server spoke out of turn'));
    this.#busy = true;
    try {
      const step = await this.#step(message);
      if (step.type !== 'send') this.close();
      return step;
    } catch (error) {
      this.close();
      return failure(kitErrorOf(error));
    } finally {
      this.#busy = false;
    }
  }

  close(): void {
    this.#ended = true;
    this.method.close();
  }

  async #step(message: Uint8Array): Promise<EapStep> {
    // Whatever the server says to that, it has failed.
    if (this.#failed) return failure(this.#failed);
    const packet = decodeEap(message);
    if (!('type' in packet)) {
      return packet.code === EapCode.Success ? this.#succeed() : failure(this.#refusal());
    }
    if (packet.code === EapCode.Response) throw protocolError('The server sent an EAP response');
    if (++this.#messages > MAX_MESSAGES) throw protocolError(`EAP goes on after ${MAX_MESSAGES} messages`);
    return this.#answer(packet);
  }

  async #answer(request: EapExchange): Promise<EapStep> {
    const { identifier, type } = request;
    switch (type) {
      case EapType.Identity:
        return respond(identifier, type, utf8(this.user));
      case EapType.Notification:
        this.#notification = printable(request.data).slice(0, 200);
        return respond(identifier, type, NOTHING);
      case EapType.Nak:
        throw protocolError('The server sent a Nak, which only clients may');
      case this.method.type: {
        this.#methodStarted = true;
        const { data, failed } = await this.method.answer(request.data, identifier);
        this.#failed = failed;
        return { ...respond(identifier, type, data), ...(failed && { failed }) };
      }
      default:
        return this.#nak(request);
    }
  }

  /** RFC 3748 5.3.1: a Nak names what we would do instead. */
  #nak({ identifier, type, expanded }: EapExchange): EapStep {
    // RFC 3748 2.1: one conversation, one method.
    if (this.#methodStarted)
      throw protocolError(`The server changed to ${eapMethodName(type, expanded)} midway`);
    this.#refused.push(eapMethodName(type, expanded));
    if (this.#refused.length > MAX_NAKS) return failure(this.#refusal());
    return respond(identifier, EapType.Nak, Uint8Array.of(this.method.type));
  }

  #succeed(): EapStep {
    const msk = this.method.finish();
    return { type: 'success', message: NOTHING, msk, identity: this.user, method: this.method.name };
  }

  /** What an EAP Failure means, as far as can be known. */
  #refusal(): KitError {
    if (this.#refused.length > 0 && !this.#methodStarted) {
      const offered = [...new Set(this.#refused)].join(', ');
      const wanted = eapMethodName(this.method.type);
      return new KitError('refused', 'E_EAP_METHOD', `The server offers ${offered}, and not ${wanted}`, {
        hint: 'This program does EAP-MSCHAPv2, EAP-TLS and EAP-MD5, no PEAP and no EAP-TTLS.',
      });
    }
    const said = this.#notification === '' ? '' : `, it says "${this.#notification}"`;
    return new KitError(
      'refused',
      'E_EAP_FAILED',
      `The server refused ${this.method.name} without a reason${said}`,
      {
        hint:
          this.method.refusalHint ??
          'Check the user name and the password or certificate; the log of the server says more.',
      },
    );
  }
}

function respond(identifier: number, type: number, data: Uint8Array): Extract<EapStep, { type: 'send' }> {
  return { type: 'send', message: encodeEap({ code: EapCode.Response, identifier, type, data }) };
}

function failure(error: KitError): EapStep {
  return { type: 'failure', message: NOTHING, error };
}
