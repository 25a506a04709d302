import { createHash } from 'node:crypto';
import { ByteReader, concatBytes, toHex } from '../../core/bytes.js';
import type { Entropy } from '../../core/environment.js';
import { CertEncoding } from '../../ike/auth/cert-encoding.js';
import { AUTH_METHOD_PSK } from '../../ike/auth/psk.js';
import type { Identity } from '../../ike/identity.js';
import { parseProposals } from '../../ike/proposals.js';
import { anySelector } from '../../ike/traffic-selectors.js';
import { type Payload, PayloadType, ProtocolId } from '../../ike/wire/types.js';
import type { Certificate } from '../../pki/certificate.js';

/** What about everybody speaks, because some refuse the child SA before they authenticate anybody. */
const CHILD_PROPOSALS =
  'aes256-aes192-aes128-sha256-sha384-sha512-sha1-noesn,aes256gcm16-aes128gcm16-chacha20poly1305-noesn';
const CFG_REQUEST = 1;
const INTERNAL_IP4_ADDRESS = 1;
/** SHA-1 of a key (RFC 7296 3.7). */
const AUTHORITY_BYTES = 20;
const MOST_AUTHORITIES = 20;

/**
 * The first IKE_AUTH request: who we are, which CAs we know, and the child SA that a remote-access client asks for.
 * Without AUTH it asks for EAP (RFC 7296 2.16).
 */
export function authRequest(
  identity: Identity,
  authorities: readonly Uint8Array[],
  auth: Uint8Array | undefined,
  entropy: Entropy,
): Payload[] {
  const spi = entropy.bytes(4);
  // SPIs up to 255 are reserved (RFC 4303 2.1).
  if (spi[0] === 0) spi[0] = 1;
  return [
    { type: PayloadType.IDi, ...identity },
    certificateRequest(authorities),
    ...(auth === undefined ? [] : [{ type: PayloadType.AUTH, method: AUTH_METHOD_PSK, data: auth } as const]),
    {
      type: PayloadType.CP,
      cfgType: CFG_REQUEST,
      attributes: [{ type: INTERNAL_IP4_ADDRESS, value: new Uint8Array(0) }],
    },
    {
      type: PayloadType.SA,
      proposals: parseProposals(CHILD_PROPOSALS, ProtocolId.ESP).map(({ transforms }, i) => ({
        number: i + 1,
        protocolId: ProtocolId.ESP,
        spi,
        transforms,
      })),
    },
    { type: PayloadType.TSi, selectors: [anySelector(4)] },
    { type: PayloadType.TSr, selectors: [anySelector(4)] },
  ];
}

/** Some send their certificate only when asked, whoever's CAs are asked for; none takes an empty list well. */
function certificateRequest(authorities: readonly Uint8Array[]): Payload {
  const known = authorities.length === 0 ? [new Uint8Array(AUTHORITY_BYTES)] : authorities;
  const data = concatBytes(...known.slice(0, MOST_AUTHORITIES));
  return { type: PayloadType.CERTREQ, encoding: CertEncoding.X509_SIGNATURE, data };
}

/** CAs to ask for: those that are trusted, and those that the gateway itself asks clients for. */
export function authoritiesOf(
  anchors: readonly Certificate[],
  initPayloads: readonly Payload[],
): Uint8Array[] {
  const ours = anchors.map(({ spki }) => new Uint8Array(createHash('sha1').update(spki).digest()));
  const theirs = initPayloads.flatMap((payload) =>
    payload.type === PayloadType.CERTREQ && payload.encoding === CertEncoding.X509_SIGNATURE
      ? hashesIn(payload.data)
      : [],
  );
  const byHex = new Map([...ours, ...theirs].map((hash) => [toHex(hash), hash]));
  return [...byHex.values()];
}

function hashesIn(data: Uint8Array): Uint8Array[] {
  const reader = new ByteReader(data);
  const hashes: Uint8Array[] = [];
  while (reader.remaining >= AUTHORITY_BYTES) hashes.push(reader.bytes(AUTHORITY_BYTES));
  return hashes;
}
