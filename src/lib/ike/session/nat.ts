import { hash } from 'node:crypto';
import { ByteWriter, equalBytes } from '../../core/bytes.js';
import type { Endpoint, Path } from '../../core/endpoint.js';
import type { Entropy } from '../../core/environment.js';
import { parseIp } from '../../core/ip.js';
import { NotifyType, notify } from '../wire/notify.js';
import type { NotifyPayload, Payload } from '../wire/types.js';

/** SHA-1(SPIi | SPIr | address | port), RFC 7296 2.23. */
export function natDetectionHash(initiatorSpi: bigint, responderSpi: bigint, endpoint: Endpoint): Uint8Array {
  const covered = new ByteWriter()
    .u64(initiatorSpi)
    .u64(responderSpi)
    .bytes(parseIp(endpoint.address))
    .u16(endpoint.port)
    .finish();
  return new Uint8Array(hash('sha1', covered, 'buffer'));
}

/**
 * The two NAT detection notifies of an IKE_SA_INIT message.
 * With `claimNat` the source hash is random, so that the peer sees a NAT and encapsulates ESP in UDP.
 */
export function natNotifies(
  initiatorSpi: bigint,
  responderSpi: bigint,
  path: Path,
  claimNat: boolean,
  entropy: Entropy,
): NotifyPayload[] {
  const source = claimNat ? entropy.bytes(20) : natDetectionHash(initiatorSpi, responderSpi, path.local);
  const destination = natDetectionHash(initiatorSpi, responderSpi, path.remote);
  return [
    notify(NotifyType.NAT_DETECTION_SOURCE_IP, source),
    notify(NotifyType.NAT_DETECTION_DESTINATION_IP, destination),
  ];
}

export interface NatSituation {
  /** The peer sent NAT detection notifies at all. */
  supported: boolean;
  peerBehindNat: boolean;
  weAreBehindNat: boolean;
}

/** Reads the peer's NAT detection notifies; several source notifies mean several possible addresses (RFC 7296 2.23). */
export function detectNat(
  payloads: readonly Payload[],
  initiatorSpi: bigint,
  responderSpi: bigint,
  path: Path,
): NatSituation {
  const hashes = (type: number): Uint8Array[] =>
    payloads.flatMap((p) => (p.type === 41 && p.notifyType === type ? [p.data] : []));
  const sources = hashes(NotifyType.NAT_DETECTION_SOURCE_IP);
  const destinations = hashes(NotifyType.NAT_DETECTION_DESTINATION_IP);
  const remote = natDetectionHash(initiatorSpi, responderSpi, path.remote);
  const local = natDetectionHash(initiatorSpi, responderSpi, path.local);
  const supported = sources.length > 0 && destinations.length > 0;
  return {
    supported,
    peerBehindNat: supported && !sources.some((hash) => equalBytes(hash, remote)),
    weAreBehindNat: supported && !destinations.some((hash) => equalBytes(hash, local)),
  };
}
