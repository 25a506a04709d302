import type { Endpoint, Path } from '../core/endpoint.js';
import type { KitError } from '../core/errors.js';
import { TransformType } from '../crypto/transform.js';
import type { ChildSaStats } from '../esp/plane/plane.js';
import { formatIdentity } from '../ike/identity.js';
import { formatProposal } from '../ike/proposals.js';
import type { ChildSaInfo, IkeSaInfo, SessionEvent } from '../ike/session/types.js';
import type { ChildSuite, IkeSuite } from '../ike/suite.js';
import { formatSelector } from '../ike/traffic-selectors.js';
import type { Transform } from '../ike/wire/types.js';
import type { TunnelEvent } from './types.js';

/** What an event cannot tell by itself. */
export interface EventContext {
  /** The peer as last seen. */
  path: Path | undefined;
  /** The pair that a rekey replaces. */
  replaced?: ChildSaInfo | undefined;
  /** Final counters of a deleted pair. */
  stats?: ChildSaStats | undefined;
}

/**
 * The public form of what happened in a session: SPIs in hex, proposals as keywords, selectors and identities as text,
 * and no secret. One session event may make two: an `ike-sa-deleted` with an error also makes an `error`.
 */
export function toTunnelEvents(event: SessionEvent, context: EventContext): TunnelEvent[] {
  const peer = context.path ? formatEndpoint(context.path.remote) : 'unknown';
  switch (event.type) {
    case 'exchange': {
      return [{ event: 'exchange', ...event.summary, peer }];
    }
    case 'warning':
      return [
        {
          event: 'warning',
          code: event.code,
          message: event.message,
          ...(context.path && { peer }),
        },
      ];
    // Not facts yet: the tunnel says them in its log.
    case 'peer-elsewhere':
    case 'refused-unconfirmed':
      return [];
    case 'ike-sa-established': {
      const { ikeSa } = event;
      return [
        {
          event: 'ike-sa-established',
          role: ikeSa.role,
          ...ikeSpis(ikeSa),
          proposal: ikeProposal(ikeSa.suite),
          localId: formatIdentity(ikeSa.localId),
          remoteId: formatIdentity(ikeSa.remoteId),
          localAuth: ikeSa.localAuth,
          remoteAuth: ikeSa.remoteAuth,
          ...(ikeSa.eapIdentity === undefined ? {} : { eapIdentity: ikeSa.eapIdentity }),
          local: formatEndpoint(ikeSa.path.local),
          peer: formatEndpoint(ikeSa.path.remote),
        },
      ];
    }
    case 'addresses-assigned':
      return [{ event: 'addresses-assigned', ...event.assigned, peer }];
    case 'child-sa-established':
      return [{ event: 'child-sa-established', ...childFields(event.child), peer }];
    case 'child-sa-rekeyed':
      return [
        {
          event: 'child-sa-rekeyed',
          oldInboundSpi: formatChildSpi(context.replaced?.inboundSpi ?? 0),
          oldOutboundSpi: formatChildSpi(context.replaced?.outboundSpi ?? 0),
          ...childFields(event.child),
          peer,
        },
      ];
    case 'child-sa-deleted':
      return [
        {
          event: 'child-sa-deleted',
          reason: event.reason,
          ...childFields(event.child),
          packetsIn: context.stats?.packetsIn ?? 0,
          packetsOut: context.stats?.packetsOut ?? 0,
          bytesIn: context.stats?.bytesIn ?? 0,
          bytesOut: context.stats?.bytesOut ?? 0,
          peer,
        },
      ];
    case 'ike-sa-rekeyed':
      return [
        {
          event: 'ike-sa-rekeyed',
          oldInitiatorSpi: formatIkeSpi(event.old.initiatorSpi),
          oldResponderSpi: formatIkeSpi(event.old.responderSpi),
          ...ikeSpis(event.ikeSa),
          proposal: ikeProposal(event.ikeSa.suite),
          peer,
        },
      ];
    case 'peer-moved':
      return [
        {
          event: 'peer-moved',
          local: formatEndpoint(event.path.local),
          peer: formatEndpoint(event.path.remote),
        },
      ];
    case 'child-sa-failed':
      return [errorEvent(event.error, context.path?.remote)];
    case 'ike-sa-deleted': {
      // Who was refused never became known as a peer.
      const path = context.path ?? event.unauthenticated?.path;
      const deleted: TunnelEvent = {
        event: 'ike-sa-deleted',
        reason: event.reason,
        ...(event.ikeSa ? ikeSpis(event.ikeSa) : {}),
        peer: path ? formatEndpoint(path.remote) : 'unknown',
      };
      return event.error ? [errorEvent(event.error, path?.remote), deleted] : [deleted];
    }
  }
}

/** An error as an event: code, sentence and hint. */
export function errorEvent(error: KitError, peer?: Endpoint): TunnelEvent {
  return {
    event: 'error',
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(peer === undefined ? {} : { peer: formatEndpoint(peer) }),
  };
}

/** `address:port`, `[address]:port` for IPv6. */
export function formatEndpoint({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** An IKE SPI as 16 hex digits. */
export function formatIkeSpi(spi: bigint): string {
  return spi.toString(16).padStart(16, '0');
}

/** A child SA's SPI as `0x` and 8 hex digits. */
export function formatChildSpi(spi: number): string {
  return `0x${spi.toString(16).padStart(8, '0')}`;
}

/** The negotiated IKE suite in strongSwan keywords. */
export function ikeProposal(suite: IkeSuite): string {
  return formatProposal([
    encrTransform(suite),
    ...(suite.integ ? [{ type: TransformType.INTEG, id: suite.integ.id }] : []),
    { type: TransformType.PRF, id: suite.prf.id },
    { type: TransformType.KE, id: suite.ke.id },
  ]);
}

/** The negotiated child suite in strongSwan keywords. */
export function childProposal(suite: ChildSuite): string {
  return formatProposal([
    encrTransform(suite),
    ...(suite.integ ? [{ type: TransformType.INTEG, id: suite.integ.id }] : []),
    ...(suite.ke ? [{ type: TransformType.KE, id: suite.ke.id }] : []),
    ...(suite.esn ? [{ type: TransformType.ESN, id: 1 }] : []),
  ]);
}

function encrTransform({ encr, keyLength }: IkeSuite | ChildSuite): Transform {
  return { type: TransformType.ENCR, id: encr.id, ...(encr.keyLengths.length > 0 ? { keyLength } : {}) };
}

function ikeSpis(ikeSa: IkeSaInfo): { initiatorSpi: string; responderSpi: string } {
  return { initiatorSpi: formatIkeSpi(ikeSa.initiatorSpi), responderSpi: formatIkeSpi(ikeSa.responderSpi) };
}

function childFields(child: ChildSaInfo) {
  return {
    inboundSpi: formatChildSpi(child.inboundSpi),
    outboundSpi: formatChildSpi(child.outboundSpi),
    proposal: childProposal(child.suite),
    encapsulation: child.encapsulation,
    localTs: child.localTs.map(formatSelector),
    remoteTs: child.remoteTs.map(formatSelector),
  };
}
