import type { Encapsulation } from '../core/endpoint.js';
import { KitError } from '../core/errors.js';
import { encrTransform, integTransform } from '../crypto/registry.js';
import { TransformType } from '../crypto/transform.js';
import { largestInner, outerBytes } from '../esp/inner-mtu.js';
import type { ProposalTemplate } from '../ike/proposals.js';
import type { ChildSaInfo } from '../ike/session/types.js';
import type { ChildSuite } from '../ike/suite.js';
import { formatEndpoint } from './events.js';
import { familyOf } from './routes.js';
import type { TunnelEvent } from './types.js';

/** The sizes that decide how much a suite adds to a packet. */
type Sealing = Pick<ChildSuite, 'encr' | 'integ'>;

/** Where the path is unknown, and the largest default: room for one more tunnel around this one. */
const DEFAULT_PATH_MTU = 1500;
const LARGEST_DEFAULT = 1400;
/** RFC 791 3.2 and RFC 8200 5: what every link must carry, by inner family. */
const SMALLEST = 68;

/**
 * Largest inner packet whose ESP packet (RFC 4303), in UDP (RFC 3948) or without, fits into `pathMtu` bytes.
 * @param outerFamily of the addresses outside
 */
export function innerMtu(
  pathMtu: number,
  outerFamily: 4 | 6,
  { encr, integ }: Sealing,
  encapsulation: Encapsulation = 'udp',
): number {
  return largestInner(pathMtu, outerBytes(outerFamily, encapsulation), {
    // RFC 4303 2.4: payload and trailer fill whole cipher blocks and end on a 4-byte boundary.
    alignment: Math.max(4, encr.blockBytes),
    ivBytes: encr.ivBytes,
    icvBytes: integ?.icvBytes ?? encr.icvBytes,
  });
}

/** The MTU a device gets by itself: what fits, at most 1400. @throws {KitError} environment `E_MTU` when nothing fits */
export function defaultMtu(
  pathMtu: number | undefined,
  outerFamily: 4 | 6,
  suites: readonly Sealing[],
  encapsulation: Encapsulation = 'udp',
): number {
  const path = pathMtu ?? DEFAULT_PATH_MTU;
  const sizes = suites.map((suite) => innerMtu(path, outerFamily, suite, encapsulation));
  const mtu = Math.min(LARGEST_DEFAULT, ...sizes);
  if (mtu < SMALLEST) {
    throw new KitError('environment', 'E_MTU', `The path carries only ${path} bytes, too few for a tunnel`, {
      hint: 'Raise the MTU of the outgoing interface, or give --mtu.',
    });
  }
  return mtu;
}

/**
 * Warns of a device that was asked to take larger packets than the path to a peer does: they work, but badly.
 * @param mtu of the device, bytes
 * @param pathMtu bytes of an IP packet outside
 * @returns nothing when the packets fit, or where nothing is known of the path
 */
export function mtuWarnings(
  mtu: number,
  pathMtu: number | undefined,
  { path: { remote }, suite, encapsulation }: ChildSaInfo,
): TunnelEvent[] {
  if (pathMtu === undefined) return [];
  const fitting = innerMtu(pathMtu, familyOf(remote.address), suite, encapsulation);
  if (mtu <= fitting) return [];
  const message = `With --mtu ${mtu} packets outside are larger than the ${pathMtu} bytes that the path carries: ${fitting} would fit, larger ones are cut into fragments or refused.`;
  return [{ event: 'warning', code: 'W_MTU', message, peer: formatEndpoint(remote) }];
}

/** Every combination that the proposals may end in, for a device made before anything is negotiated. */
export function possibleSuites(templates: readonly ProposalTemplate[]): Sealing[] {
  return templates.flatMap(({ transforms }) => {
    const integs = transforms
      .filter(({ type, id }) => type === TransformType.INTEG && id !== 0)
      .map(({ id }) => integTransform(id));
    return transforms.flatMap(({ type, id }) => {
      const encr = type === TransformType.ENCR ? encrTransform(id) : undefined;
      if (!encr) return [];
      return (integs.length > 0 ? integs : [undefined]).map((integ) => ({ encr, integ }));
    });
  });
}
