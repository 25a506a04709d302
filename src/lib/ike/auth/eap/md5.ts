import { createHash } from 'node:crypto';
import { ByteReader, concatBytes, utf8 } from '../../../core/bytes.js';
import type { Entropy } from '../../../core/environment.js';
import { KitError, WireError } from '../../../core/errors.js';
import { constantTimeEqual, type Secret } from '../../../core/secret.js';
import { EapType } from './codec.js';
import { protocolError } from './errors.js';
import type { MethodMessage, PeerMethod, ServerMethod, ServerVerdict } from './method.js';
import type { PasswordCheck } from './passwords.js';

const CHALLENGE_BYTES = 16;
const DIGEST_BYTES = 16;

/** Value-Size, Value, Name: the data of MD5-Challenge both ways (RFC 3748 5.4, RFC 1994 4.1). */
function encodeValue(value: Uint8Array, name: string): Uint8Array {
  return concatBytes(Uint8Array.of(value.length), value, utf8(name));
}

/** @throws WireError `E_EAP_PACKET`, `E_TRUNCATED` */
function decodeValue(data: Uint8Array): { value: Uint8Array; name: string } {
  const reader = new ByteReader(data);
  const value = reader.bytes(reader.u8());
  if (value.length === 0) throw new WireError('E_EAP_PACKET', 'an MD5-Challenge without a value', 0);
  return { value, name: Buffer.from(reader.rest()).toString('utf8') };
}

/** MD5 over identifier, secret and challenge (RFC 1994 4.1). */
function digest(identifier: number, password: Secret, challenge: Uint8Array): Uint8Array {
  const hash = createHash('md5').update(Uint8Array.of(identifier)).update(password.reveal());
  return new Uint8Array(hash.update(challenge).digest());
}

/** The client's side of MD5-Challenge: proves nothing about the server and makes no key. */
export class Md5Peer implements PeerMethod {
  readonly type = EapType.Md5Challenge;
  readonly name = 'eap-md5';
  readonly mutual = false;
  #answered = false;

  constructor(
    private readonly user: string,
    private readonly password: Secret,
  ) {}

  answer(data: Uint8Array, identifier: number): MethodMessage {
    const { value } = decodeValue(data);
    this.#answered = true;
    return { data: encodeValue(digest(identifier, this.password, value), this.user) };
  }

  finish(): undefined {
    if (!this.#answered) {
      throw protocolError('The server said yes before it asked for a proof');
    }
  }

  close(): void {}
}

/** The server's side of MD5-Challenge. */
export class Md5Server implements ServerMethod {
  readonly type = EapType.Md5Challenge;
  readonly name = 'eap-md5';
  readonly #challenge: Uint8Array;
  #identifier = 0;

  /** @param identity who the client said it is; empty: the name in its response counts */
  constructor(
    private readonly passwords: PasswordCheck,
    private readonly identity: string,
    private readonly serverName: string,
    entropy: Entropy,
  ) {
    this.#challenge = entropy.bytes(CHALLENGE_BYTES);
  }

  start(identifier: number): Uint8Array {
    this.#identifier = identifier;
    return encodeValue(this.#challenge, this.serverName);
  }

  answer(data: Uint8Array): ServerVerdict {
    const { value, name } = decodeValue(data);
    if (value.length !== DIGEST_BYTES) {
      throw new WireError('E_EAP_PACKET', `an MD5 value of ${value.length} bytes`, 0);
    }
    const result = this.passwords.verify(this.identity === '' ? name : this.identity, (secret) => {
      if (secret.type !== 'plain') throw plainNeeded();
      return (
        constantTimeEqual(digest(this.#identifier, secret.password, this.#challenge), value) || undefined
      );
    });
    if (result instanceof KitError) throw result;
    return { type: 'success', identity: result.user, msk: undefined };
  }

  close(): void {}
}

function plainNeeded(): KitError {
  return new KitError(
    'refused',
    'E_EAP_METHOD',
    'The users file holds only an NT hash of this user, MD5 needs the password',
    {
      hint: 'Write the password itself into the users file, or use eap-mschapv2.',
    },
  );
}
