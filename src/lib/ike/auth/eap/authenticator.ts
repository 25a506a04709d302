import { toHex } from '../../../core/bytes.js';
import { type Entropy, systemEntropy } from '../../../core/environment.js';
import { KitError } from '../../../core/errors.js';
import { Secret } from '../../../core/secret.js';
import type { EapAuthenticator, EapStep } from '../types.js';
import { decodeEap, EapCode, type EapExchange, EapType, eapMethodName, encodeEap } from './codec.js';
import { kitErrorOf, optionsError, protocolError } from './errors.js';
import type { AttemptLimiter } from './limiter.js';
import { Md5Server } from './md5.js';
import type { ServerMethod } from './method.js';
import { Mschapv2Server } from './mschapv2-server.js';
import { PasswordCheck } from './passwords.js';
import { requireTls } from './tls-engine.js';
import { type AuthenticatorTlsOptions, TlsServer } from './tls-server.js';
import type { UserStore } from './users.js';

export type { AuthenticatorTlsOptions } from './tls-server.js';

type MethodName = 'mschapv2' | 'md5' | 'tls';

export interface EapAuthenticatorOptions {
  /** In order of preference, at least one. */
  methods: readonly MethodName[];
  users: UserStore;
  /** One for all conversations of the server. */
  limiter: AttemptLimiter;
  /** Needed for `tls`. */
  tls?: AuthenticatorTlsOptions;
  /** Our name in MSCHAPv2 and MD5 challenges, which clients may show; default `ipsec-kit`. */
  serverName?: string;
  /** Ask for the Identity first, without which Windows does not log in; default true. */
  askIdentity?: boolean;
  entropy?: Entropy;
}

const typeOf: Readonly<Record<MethodName, number>> = {
  mschapv2: EapType.Mschapv2,
  md5: EapType.Md5Challenge,
  tls: EapType.Tls,
};

/** Messages of the client in one conversation: enough for certificates in small fragments. */
const MAX_MESSAGES = 1000;
const MAX_IDENTITY_BYTES = 512;
const NOTHING = new Uint8Array(0);

/**
 * The server's side of one EAP conversation. Failures, of which the client learns no difference: refused
 * `E_EAP_PASSWORD`, `E_EAP_UNKNOWN_USER`, `E_EAP_TOO_MANY` wrong passwords before, `E_EAP_METHOD` the client does none
 * of our methods, `E_EAP_CLIENT` its certificate is not believed, `E_EAP_FAILED` the client gave up, `E_EAP_TLS` TLS
 * did not come about; protocol `E_EAP_PROTOCOL`, garbage `E_EAP_PACKET` and `E_TRUNCATED`.
 * @throws KitError usage `E_EAP_OPTIONS` when there is no method, or no certificate for EAP-TLS
 */
export function createEapAuthenticator(options: EapAuthenticatorOptions): EapAuthenticator {
  if (options.methods.length === 0) throw optionsError('At least one EAP method has to be allowed');
  if (options.methods.includes('tls')) requireTls(options.tls);
  return new Authenticator(options);
}

class Authenticator implements EapAuthenticator {
  readonly #options: EapAuthenticatorOptions;
  readonly #entropy: Entropy;
  /** Methods that were not offered yet, best first. */
  #untried: readonly MethodName[];
  #method: ServerMethod | undefined;
  #methodAnswered = false;
  #address = '';
  #identity = '';
  #identifier: number;
  #failed: KitError | undefined;
  #messages = 0;
  #state: 'new' | 'waiting' | 'busy' | 'ended' = 'new';

  constructor(options: EapAuthenticatorOptions) {
    this.#options = options;
    this.#entropy = options.entropy ?? systemEntropy;
    this.#untried = options.methods;
    this.#identifier = this.#entropy.bytes(1)[0]!;
  }

  start(peer: string, identity = ''): Promise<EapStep> {
    return this.#turn('new', () => {
      this.#address = peer;
      this.#identity = identity;
      if (this.#options.askIdentity ?? true) return this.#request(EapType.Identity, NOTHING);
      return this.#offer(this.#untried[0]!);
    });
  }

  step(message: Uint8Array): Promise<EapStep> {
    return this.#turn('waiting', () => this.#answer(message));
  }

  close(): void {
    this.#state = 'ended';
    this.#method?.close();
  }

  /** Runs one turn of the conversation; whatever it throws becomes an EAP Failure. */
  async #turn(from: 'new' | 'waiting', turn: () => EapStep | Promise<EapStep>): Promise<EapStep> {
    if (this.#state !== from) return this.#failure(protocolError('The client spoke out of turn'));
    this.#state = 'busy';
    try {
      const step = await turn();
      // close() may have come in between.
      if (step.type === 'send' && this.#isBusy()) this.#state = 'waiting';
      else this.close();
      return step;
    } catch (error) {
      this.close();
      return this.#failure(kitErrorOf(error));
    }
  }

  #isBusy(): boolean {
    return this.#state === 'busy';
  }

  async #answer(message: Uint8Array): Promise<EapStep> {
    // Whatever the client says to that, it has failed.
    if (this.#failed) return this.#failure(this.#failed);
    const response = decodeEap(message);
    if (response.code !== EapCode.Response) throw protocolError('The client sent no EAP response');
    if (response.identifier !== this.#identifier) {
      throw protocolError('The client answered another EAP request');
    }
    if (++this.#messages > MAX_MESSAGES) throw protocolError(`EAP goes on after ${MAX_MESSAGES} messages`);
    if (!this.#method) return this.#identify(response);
    if (response.type === EapType.Nak) return this.#negotiate(response.data);
    if (response.type !== this.#method.type) {
      throw protocolError(`The client answered with ${eapMethodName(response.type, response.expanded)}`);
    }
    this.#methodAnswered = true;
    const verdict = await this.#method.answer(response.data);
    if (verdict.type === 'request') {
      this.#failed = verdict.failed;
      return this.#request(this.#method.type, verdict.data, verdict.failed);
    }
    const { identity, msk } = verdict;
    return {
      type: 'success',
      message: this.#result(EapCode.Success),
      msk,
      identity,
      method: this.#method.name,
    };
  }

  #identify({ type, data }: EapExchange): EapStep {
    if (type !== EapType.Identity) throw protocolError('The client did not say who it is');
    if (data.length > MAX_IDENTITY_BYTES) throw protocolError('The client has too long a name');
    // RFC 3748 5.1: options may follow a NUL. Some clients send nothing at all; then IDi has to do.
    const [name = ''] = Buffer.from(data).toString('utf8').split('\0');
    if (name !== '') this.#identity = name;
    return this.#offer(this.#untried[0]!);
  }

  /** RFC 3748 5.3.1: the client names what it would do; our order decides. */
  #negotiate(wanted: Uint8Array): EapStep {
    if (this.#methodAnswered) throw protocolError('The client refused the method midway');
    const next = this.#untried.find((name) => wanted.includes(typeOf[name]));
    if (next !== undefined) return this.#offer(next);
    // A lone zero stands for nothing at all.
    const names = [...new Set(wanted)]
      .filter((type) => type !== 0)
      .slice(0, 10)
      .map((type) => eapMethodName(type));
    const ours = this.#options.methods.map((name) => eapMethodName(typeOf[name])).join(', ');
    throw new KitError(
      'refused',
      'E_EAP_METHOD',
      `The client wants ${names.join(', ') || 'no EAP method at all'}, allowed is ${ours}`,
      { hint: 'Allow another method with --client-auth, or set up the client for this one.' },
    );
  }

  #offer(name: MethodName): EapStep {
    this.#untried = this.#untried.filter((other) => other !== name);
    this.#method?.close();
    this.#method = this.#create(name);
    this.#identifier = (this.#identifier + 1) & 0xff;
    const data = this.#method.start(this.#identifier);
    return this.#send(this.#method.type, data);
  }

  #create(name: MethodName): ServerMethod {
    const { users, limiter, serverName = 'ipsec-kit', tls } = this.#options;
    if (name === 'tls') return new TlsServer(requireTls(tls), this.#identity);
    const decoy = Secret.fromText(toHex(this.#entropy.bytes(16)));
    const passwords = new PasswordCheck(users, limiter, this.#address, { type: 'plain', password: decoy });
    return name === 'md5'
      ? new Md5Server(passwords, this.#identity, serverName, this.#entropy)
      : new Mschapv2Server(passwords, serverName, this.#entropy);
  }

  #request(type: number, data: Uint8Array, failed?: KitError): EapStep {
    this.#identifier = (this.#identifier + 1) & 0xff;
    return this.#send(type, data, failed);
  }

  #send(type: number, data: Uint8Array, failed?: KitError): EapStep {
    const message = encodeEap({ code: EapCode.Request, identifier: this.#identifier, type, data });
    return { type: 'send', message, ...(failed && { failed }) };
  }

  #failure(error: KitError): EapStep {
    return { type: 'failure', message: this.#result(EapCode.Failure), error };
  }

  /** RFC 3748 4.2: Success and Failure carry the identifier of the response they answer. */
  #result(code: typeof EapCode.Success | typeof EapCode.Failure): Uint8Array {
    return encodeEap({ code, identifier: this.#identifier });
  }
}
