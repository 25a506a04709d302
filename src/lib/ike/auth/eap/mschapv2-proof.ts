import { createHash } from 'node:crypto';
import { concatBytes, toHex, utf8 } from '../../../core/bytes.js';
import { Secret } from '../../../core/secret.js';
import { desEncrypt } from '../../../crypto/des.js';
import { md4 } from '../../../crypto/md4.js';

/** Bytes of either challenge. */
export const CHALLENGE_BYTES = 16;
export const NT_RESPONSE_BYTES = 24;

/** Constants of RFC 2759 8.7 and RFC 3079 3.4. */
const SERVER_TO_CLIENT_SIGNING = utf8('Magic server to client signing constant');
const PAD_TO_ITERATE = utf8('Pad to make it do more than one iteration');
const MASTER_KEY = utf8('This is the MPPE Master Key');
const CLIENT_SENDS = utf8(
  'On the client side, this is the send key; on the server side, it is the receive key.',
);
const CLIENT_RECEIVES = utf8(
  'On the client side, this is the receive key; on the server side, it is the send key.',
);
const SHA_PAD_1 = new Uint8Array(40);
const SHA_PAD_2 = new Uint8Array(40).fill(0xf2);

/** What both sides of one MSCHAPv2 conversation know before the password comes in. */
export interface Challenges {
  /** The server's, 16 bytes. */
  authenticator: Uint8Array;
  /** The client's, 16 bytes. */
  peer: Uint8Array;
  /** As the client wrote it into its response, with or without `DOMAIN\`. */
  userName: Uint8Array;
}

/** What the password makes of the challenges. */
export interface Proof {
  /** The client's proof, 24 bytes. */
  ntResponse: Uint8Array;
  /** The server's proof: `S=` and 40 hexadecimal digits. */
  authenticatorResponse: string;
  /** 64 bytes: the server's MPPE receive key, its send key and zeros, as all who do EAP-MSCHAPv2 in IKEv2 have it. */
  msk: Secret;
}

/**
 * NtPasswordHash: MD4 of the password in UTF-16LE (RFC 2759 8.3).
 * @throws TypeError when the password is not UTF-8
 */
export function ntPasswordHash(password: Secret): Secret {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(password.reveal());
  return new Secret(md4(Buffer.from(text, 'utf16le')));
}

/** Both proofs and the key (RFC 2759 8.1, 8.7; RFC 3079 3.4). */
export function prove(ntHash: Secret, challenges: Challenges): Proof {
  const challenge = challengeHash(challenges);
  const ntResponse = challengeResponse(challenge, ntHash.reveal());
  const hashHash = md4(ntHash.reveal());
  const signed = sha1(hashHash, ntResponse, SERVER_TO_CLIENT_SIGNING);
  const answer = sha1(signed, challenge, PAD_TO_ITERATE);
  return {
    ntResponse,
    authenticatorResponse: `S=${toHex(answer).toUpperCase()}`,
    msk: masterSessionKey(hashHash, ntResponse),
  };
}

/** ChallengeHash (RFC 2759 8.2): the domain in front of the name does not count (section 4). */
export function challengeHash({ authenticator, peer, userName }: Challenges): Uint8Array {
  return sha1(peer, authenticator, withoutDomain(userName)).subarray(0, 8);
}

const BACKSLASH = 0x5c;

function withoutDomain(userName: Uint8Array): Uint8Array {
  return userName.subarray(userName.indexOf(BACKSLASH) + 1);
}

/** ChallengeResponse (RFC 2759 8.5): the hash, padded to 21 bytes, as three DES keys. */
function challengeResponse(challenge: Uint8Array, ntHash: Uint8Array): Uint8Array {
  const keys = concatBytes(ntHash, new Uint8Array(5));
  return concatBytes(...[0, 7, 14].map((at) => desEncrypt(keys.subarray(at, at + 7), challenge)));
}

/** GetMasterKey and GetAsymmetricStartKey for 128 bits (RFC 3079 3.4). */
function masterSessionKey(hashHash: Uint8Array, ntResponse: Uint8Array): Secret {
  const master = sha1(hashHash, ntResponse, MASTER_KEY).subarray(0, 16);
  const half = (magic: Uint8Array) => sha1(master, SHA_PAD_1, magic, SHA_PAD_2).subarray(0, 16);
  return new Secret(concatBytes(half(CLIENT_SENDS), half(CLIENT_RECEIVES), new Uint8Array(32)));
}

function sha1(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
