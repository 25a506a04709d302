import { toHex, utf8 } from '../../../core/bytes.js';
import type { Entropy } from '../../../core/environment.js';
import { KitError } from '../../../core/errors.js';
import { constantTimeEqual } from '../../../core/secret.js';
import { EapType } from './codec.js';
import { protocolError } from './errors.js';
import type { ServerMethod, ServerVerdict } from './method.js';
import { decodeMsResponse, encodeMsRequest, MsOpCode, type MsResponse } from './mschapv2-packets.js';
import { CHALLENGE_BYTES, ntPasswordHash, type Proof, prove } from './mschapv2-proof.js';
import type { PasswordCheck } from './passwords.js';

/** The server's side of EAP-MSCHAPv2. */
export class Mschapv2Server implements ServerMethod {
  readonly type = EapType.Mschapv2;
  readonly name = 'eap-mschapv2';
  readonly #challenge: Uint8Array;
  #id = 0;
  #proved: { user: string; proved: Proof } | undefined;

  constructor(
    private readonly passwords: PasswordCheck,
    private readonly serverName: string,
    private readonly entropy: Entropy,
  ) {
    this.#challenge = entropy.bytes(CHALLENGE_BYTES);
  }

  start(identifier: number): Uint8Array {
    this.#id = identifier;
    const name = utf8(this.serverName);
    return encodeMsRequest({ opCode: MsOpCode.Challenge, id: this.#id, challenge: this.#challenge, name });
  }

  answer(data: Uint8Array): ServerVerdict {
    const response = decodeMsResponse(data);
    if (response.opCode === MsOpCode.Failure) {
      throw new KitError('refused', 'E_EAP_FAILED', 'The client gave up in EAP-MSCHAPv2', {
        hint: 'It may not have believed our proof: do both sides hold the same password?',
      });
    }
    if (response.opCode === MsOpCode.Response && !this.#proved) return this.#check(response);
    if (response.opCode === MsOpCode.Success && this.#proved) {
      const { user, proved } = this.#proved;
      return { type: 'success', identity: user, msk: proved.msk };
    }
    throw protocolError('The client sent an MSCHAPv2 message out of turn');
  }

  close(): void {
    this.#proved = undefined;
  }

  #check(response: Extract<MsResponse, { opCode: typeof MsOpCode.Response }>): ServerVerdict {
    const claimed = Buffer.from(response.name).toString('utf8');
    const result = this.passwords.verify(claimed, (secret) => {
      const ntHash = secret.type === 'nt' ? secret.hash : ntPasswordHash(secret.password);
      const proof = prove(ntHash, {
        authenticator: this.#challenge,
        peer: response.peerChallenge,
        userName: response.name,
      });
      return constantTimeEqual(proof.ntResponse, response.ntResponse) ? proof : undefined;
    });
    if (result instanceof KitError) return this.#refuse(result);
    this.#proved = result;
    const message = `${result.proved.authenticatorResponse} M=Welcome`;
    return { type: 'request', data: encodeMsRequest({ opCode: MsOpCode.Success, id: this.#id, message }) };
  }

  /** R=0: no second try in this conversation, so a new challenge is named but never used (RFC 2759 6). */
  #refuse(failed: KitError): ServerVerdict {
    const challenge = toHex(this.entropy.bytes(CHALLENGE_BYTES)).toUpperCase();
    const message = `E=691 R=0 C=${challenge} V=3 M=Authentication failed`;
    return {
      type: 'request',
      data: encodeMsRequest({ opCode: MsOpCode.Failure, id: this.#id, message }),
      failed,
    };
  }
}
