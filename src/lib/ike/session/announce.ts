import { concatBytes } from '../../core/bytes.js';
import { CertEncoding } from '../auth/cert-encoding.js';
import { readSignatureHashes, signatureHashNotifyData } from '../auth/signature-hashes.js';
import type { AuthPolicy, CertificateTrust } from '../auth/types.js';
import { findPayloads } from '../wire/message.js';
import { findNotify, NotifyType, notify } from '../wire/notify.js';
import { type Payload, PayloadType } from '../wire/types.js';
import type { IkeSa } from './ike-sa.js';
import type { SessionPolicy } from './types.js';

/** How many CAs a CERTREQ names where the message cannot be fragmented; 20 bytes each. */
const MAX_AUTHORITIES_UNFRAGMENTED = 20;

function trusts({ remote }: AuthPolicy): CertificateTrust[] {
  return remote.flat().flatMap((auth) => (auth.type === 'signature' ? [auth.trust] : []));
}

/**
 * What asks the peer for its certificate (RFC 7296 3.7) and for a proof that it is not revoked (RFC 4806).
 * @param room `short`: in IKE_SA_INIT, which cannot be fragmented; beyond some twenty CAs none is named
 */
export function certificateRequests(auth: AuthPolicy, room: 'short' | 'ample'): Payload[] {
  const asked = trusts(auth);
  if (asked.length === 0) return [];
  const authorities = asked.flatMap((trust) => [...trust.authorities]);
  const named = room === 'short' && authorities.length > MAX_AUTHORITIES_UNFRAGMENTED ? [] : authorities;
  const request = (encoding: number, data: Uint8Array): Payload => ({
    type: PayloadType.CERTREQ,
    encoding,
    data,
  });
  return [
    request(CertEncoding.X509_SIGNATURE, concatBytes(...named)),
    // RFC 4806 3.1: an empty list takes a response from whoever the certificate's CA trusts.
    ...(asked.some(({ requestOcsp }) => requestOcsp) ? [request(CertEncoding.OCSP, new Uint8Array(0))] : []),
  ];
}

/** What IKE_SA_INIT tells about authentication to come: hashes of signatures (RFC 7427 4). */
export function signatureHashes(auth: AuthPolicy): Payload[] {
  const asked = trusts(auth);
  const signs = auth.local.some(({ type }) => type === 'signature');
  if (asked.length === 0 && !signs) return [];
  const allowSha1 = asked.some((trust) => trust.allowSha1);
  return [notify(NotifyType.SIGNATURE_HASH_ALGORITHMS, signatureHashNotifyData(allowSha1))];
}

/** RFC 4739 2.1: only who has several rounds, or wants them, need say so. */
export function multipleAuth({ local, remote }: AuthPolicy): Payload[] {
  const several = local.length > 1 || remote.some((rounds) => rounds.length > 1);
  return several ? [notify(NotifyType.MULTIPLE_AUTH_SUPPORTED)] : [];
}

/**
 * AUTH is to cover both messages of IKE_SA_INIT (draft-ietf-ipsecme-ikev2-downgrade-prevention). A responder says so
 * whether or not it was asked: were the initiator's word taken out on the path, the initiator would still know.
 */
export function fullTranscript(policy: SessionPolicy): Payload[] {
  return policy.fullTranscript === false ? [] : [notify(NotifyType.IKE_SA_INIT_FULL_TRANSCRIPT_AUTH)];
}

/** Whether the sender of these IKE_SA_INIT payloads says so as we do; it then holds. */
export function hasFullTranscript(policy: SessionPolicy, payloads: readonly Payload[]): boolean {
  const said = findNotify(payloads, NotifyType.IKE_SA_INIT_FULL_TRANSCRIPT_AUTH) !== undefined;
  return said && policy.fullTranscript !== false;
}

/** Remembers what the peer says of this kind in IKE_SA_INIT or in the first IKE_AUTH request. */
export function readAnnounced(ikeSa: IkeSa, payloads: readonly Payload[]): void {
  const hashes = findNotify(payloads, NotifyType.SIGNATURE_HASH_ALGORITHMS);
  if (hashes) ikeSa.peerHashes = readSignatureHashes(hashes.data);
  if (findNotify(payloads, NotifyType.MULTIPLE_AUTH_SUPPORTED)) ikeSa.peerMultipleAuth = true;
  const requests = findPayloads(payloads, PayloadType.CERTREQ);
  if (requests.some(({ encoding }) => encoding === CertEncoding.OCSP)) ikeSa.peerWantsOcsp = true;
}
