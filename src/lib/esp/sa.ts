import type { EspPath } from '../core/endpoint.js';
import type { Secret } from '../core/secret.js';
import type { EncrTransform, IntegTransform } from '../crypto/transform.js';
import type { TrafficSelector } from '../ike/wire/types.js';

/** How one direction of a child SA protects packets. */
export interface EspSaParameters {
  /** 32-bit SPI. */
  spi: number;
  encr: EncrTransform;
  /** Key bytes followed by salt bytes, as KEYMAT yields them. Length 0 for NULL. */
  encrKey: Secret;
  integ: IntegTransform | undefined;
  /** Length 0 with an AEAD. */
  integKey: Secret;
  esn: boolean;
}

/** A pair of ESP SAs as a plane installs it, with its outer addresses. */
export interface ChildSa extends EspPath {
  /** Unique within the process; names the pair in every later call and event. */
  id: string;
  inbound: EspSaParameters;
  outbound: EspSaParameters;
  /** What this side may send from and receive to. */
  localSelectors: TrafficSelector[];
  /** What the peer may send from and receive to. */
  remoteSelectors: TrafficSelector[];
  /** Inner bytes in one direction after which it is to be replaced; undefined: as many as sequence numbers allow. */
  rekeyBytes?: number | undefined;
}

/**
 * The lifetime of a pair in inner bytes of one direction (RFC 4301 4.4.2.1): with `softBytes` a successor is asked for,
 * after `hardBytes` nothing is sealed or opened any more. As much lies between as before, because a fast stream carries
 * a lot while a slow peer thinks about the rekey.
 */
export function byteLifetime({ rekeyBytes = Number.POSITIVE_INFINITY }: ChildSa) {
  return { softBytes: rekeyBytes, hardBytes: 2 * rekeyBytes };
}
