import { utf8 } from '../../../core/bytes.js';
import type { Entropy } from '../../../core/environment.js';
import { KitError } from '../../../core/errors.js';
import { constantTimeEqual, type Secret } from '../../../core/secret.js';
import { EapType } from './codec.js';
import { protocolError } from './errors.js';
import type { MethodMessage, PeerMethod } from './method.js';
import {
  decodeMsRequest,
  encodeMsResponse,
  MsOpCode,
  type MsRequest,
  parseAuthenticatorResponse,
  parseFailure,
} from './mschapv2-packets.js';
import { CHALLENGE_BYTES, type Proof, prove } from './mschapv2-proof.js';

/** Error codes of a Failure packet, in words (RFC 2759 6). */
const accountProblems = new Map([
  [646, 'the account may not log in at this hour'],
  [647, 'the account is disabled'],
  [648, 'the password has expired and has to be changed first, which cannot be done here'],
  [649, 'the account has no permission to dial in'],
  [709, 'the password could not be changed'],
]);
const WRONG_PASSWORD = 691;

/** The client's side of EAP-MSCHAPv2 (RFC 2759 in the framing of draft-kamath-pppext-eap-mschapv2). */
export class Mschapv2Peer implements PeerMethod {
  readonly type = EapType.Mschapv2;
  readonly name = 'eap-mschapv2';
  /** Whoever answers our response can try passwords on it offline: not enough for EAP alone (RFC 5998 4). */
  readonly mutual = false;
  #proof: Proof | undefined;
  #serverProved = false;

  constructor(
    private readonly user: string,
    private readonly ntHash: Secret,
    private readonly entropy: Entropy,
  ) {}

  answer(data: Uint8Array): MethodMessage {
    const request = decodeMsRequest(data);
    if (request.opCode === MsOpCode.Challenge) return this.#respond(request);
    if (request.opCode === MsOpCode.Failure) {
      return { data: encodeMsResponse({ opCode: MsOpCode.Failure }), failed: refusal(request.message) };
    }
    return this.#checkServer(request.message);
  }

  finish(): Secret {
    if (!this.#proof || !this.#serverProved)
      throw unproven('said yes without proving that it knows the password');
    return this.#proof.msk;
  }

  close(): void {
    this.#proof = undefined;
  }

  #respond({ id, challenge }: Extract<MsRequest, { opCode: typeof MsOpCode.Challenge }>): MethodMessage {
    if (this.#proof) throw protocolError('The server sent a second challenge');
    const peerChallenge = this.entropy.bytes(CHALLENGE_BYTES);
    const name = utf8(this.user);
    this.#proof = prove(this.ntHash, { authenticator: challenge, peer: peerChallenge, userName: name });
    const { ntResponse } = this.#proof;
    return { data: encodeMsResponse({ opCode: MsOpCode.Response, id, peerChallenge, ntResponse, name }) };
  }

  /** RFC 2759 5: a client that cannot verify the server's proof ends the conversation. */
  #checkServer(message: string): MethodMessage {
    const expected = this.#proof?.authenticatorResponse;
    const given = parseAuthenticatorResponse(message);
    if (expected === undefined || given === undefined || !constantTimeEqual(utf8(given), utf8(expected))) {
      return {
        data: encodeMsResponse({ opCode: MsOpCode.Failure }),
        failed: unproven('does not know the password, it may be an impostor'),
      };
    }
    this.#serverProved = true;
    return { data: encodeMsResponse({ opCode: MsOpCode.Success }) };
  }
}

function refusal(message: string): KitError {
  const { error, text } = parseFailure(message);
  const said = text === '' ? '' : `, it says "${text}"`;
  if (error === WRONG_PASSWORD) {
    return new KitError(
      'refused',
      'E_EAP_PASSWORD',
      `The server refused the user name or the password${said}`,
      {
        hint: 'Check --eap-user and the password; some servers want the name with its domain, as DOMAIN\\user.',
      },
    );
  }
  const problem =
    error === undefined ? 'it gives no reason' : (accountProblems.get(error) ?? `error ${error}`);
  return new KitError('refused', 'E_EAP_ACCOUNT', `The server refused the user: ${problem}${said}`, {
    hint: 'Ask whoever runs the server to look at the account.',
  });
}

function unproven(what: string): KitError {
  return new KitError('refused', 'E_EAP_SERVER', `The server ${what}`, {
    hint: 'Check the address you connect to, and that this server holds the same password.',
  });
}
