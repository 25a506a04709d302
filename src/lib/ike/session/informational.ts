import type { Milliseconds } from '../../core/environment.js';
import { KitError } from '../../core/errors.js';
import { findPayloads } from '../wire/message.js';
import { findNotify, NotifyType, notify } from '../wire/notify.js';
import { ExchangeType, type Payload, PayloadType, ProtocolId } from '../wire/types.js';
import { readSpi, spiBytes } from './child.js';
import type { Child } from './child-sa.js';
import type { IkeSa, InitiatedExchange } from './ike-sa.js';
import type { SessionState } from './state.js';
import type { DeleteReason } from './types.js';

/** An empty INFORMATIONAL: is the peer still there (RFC 7296 2.4)? */
export class LivenessCheck implements InitiatedExchange {
  readonly type = ExchangeType.INFORMATIONAL;
  readonly concerns = 'nothing';
  readonly purpose = 'checked that the peer is alive';

  request(): Payload[] {
    return [];
  }

  response(): void {}
}

/** Deletes one child SA pair (RFC 7296 1.4.1). */
export class DeleteChild implements InitiatedExchange {
  readonly type = ExchangeType.INFORMATIONAL;
  readonly concerns = 'child-sa';
  readonly purpose = 'deleted a child SA';

  constructor(
    private readonly state: SessionState,
    private readonly child: Child,
    private readonly reason: DeleteReason,
  ) {}

  request(): Payload[] | undefined {
    if (!this.state.children.has(this.child.id)) return undefined;
    this.child.stage = 'deleting';
    this.child.deleteReason = this.reason;
    this.child.rekeyAt = undefined;
    this.child.deleteAt = undefined;
    return [deleteChildren([this.child.inboundSpi])];
  }

  response(): void {
    this.state.removeChild(this.child, this.reason);
  }
}

/** Deletes a pair that the peer made for us but that we never installed: the loser of a collision (RFC 7296 2.8.1). */
export class DeleteUninstalled implements InitiatedExchange {
  readonly type = ExchangeType.INFORMATIONAL;
  readonly concerns = 'child-sa';
  readonly purpose = 'deleted the redundant child SA of a rekey collision';

  constructor(
    private readonly state: SessionState,
    private readonly inboundSpi: number,
  ) {}

  request(): Payload[] {
    return [deleteChildren([this.inboundSpi])];
  }

  response(): void {
    this.state.hooks.releaseSpi(this.inboundSpi);
  }
}

/** Deletes the IKE SA and with it all its children (RFC 7296 1.4.1). */
export class DeleteIkeSa implements InitiatedExchange {
  readonly type = ExchangeType.INFORMATIONAL;
  readonly concerns = 'ike-sa';
  readonly purpose = 'deleted the IKE SA';

  constructor(
    private readonly state: SessionState,
    readonly reason: DeleteReason,
    readonly error?: KitError,
  ) {}

  request(ikeSa: IkeSa): Payload[] {
    if (ikeSa.stage !== 'rekeyed') ikeSa.stage = 'deleting';
    return [{ type: PayloadType.DELETE, protocolId: ProtocolId.IKE, spiSize: 0, spis: [] }];
  }

  response(ikeSa: IkeSa, _payloads: Payload[], now: Milliseconds): void {
    this.state.dropIkeSa(ikeSa, this.reason, now, this.error);
  }
}

/** Tells the responder that we do not trust it (RFC 7296 2.21.2), and ends the session without waiting. */
export class AuthenticationFailed implements InitiatedExchange {
  readonly type = ExchangeType.INFORMATIONAL;
  readonly concerns = 'ike-sa';
  readonly purpose = 'refused the identity or proof of the peer';

  constructor(
    private readonly state: SessionState,
    readonly endsWith: KitError,
  ) {}

  request(): Payload[] {
    return [notify(NotifyType.AUTHENTICATION_FAILED)];
  }

  response(ikeSa: IkeSa, _payloads: Payload[], now: Milliseconds): void {
    this.state.end(ikeSa, 'failed', now, this.endsWith);
  }
}

function deleteChildren(spis: number[]): Payload {
  return { type: PayloadType.DELETE, protocolId: ProtocolId.ESP, spiSize: 4, spis: spis.map(spiBytes) };
}

/** What an answered INFORMATIONAL request did, for timelines. */
export interface InformationalAnswer {
  payloads: Payload[];
  purpose: string;
}

/** INFORMATIONAL as the responder: deletes, liveness checks, notifies (RFC 7296 1.4, 2.25). */
export function answerInformational(
  state: SessionState,
  ikeSa: IkeSa,
  payloads: Payload[],
  now: Milliseconds,
): InformationalAnswer {
  const deletes = findPayloads(payloads, PayloadType.DELETE);
  if (deletes.some((d) => d.protocolId === ProtocolId.IKE)) {
    peerDeletesIkeSa(state, ikeSa, now);
    return { payloads: [], purpose: 'deleted the IKE SA' };
  }
  if (findNotify(payloads, NotifyType.AUTHENTICATION_FAILED)) {
    const error = new KitError(
      'refused',
      'E_AUTHENTICATION_FAILED',
      'The peer does not believe what we proved: our identity, certificate or PSK',
      { hint: 'The log of the peer says why.' },
    );
    state.end(ikeSa, 'failed', now, error);
    return { payloads: [], purpose: 'refused our identity or proof' };
  }
  const answered = deletes
    .filter((d) => d.protocolId === ProtocolId.ESP && d.spiSize === 4)
    .flatMap((d) => d.spis)
    .flatMap((spi) => peerDeletesChild(state, readSpi(spi)));
  if (deletes.length === 0) return { payloads: [], purpose: 'checked that we are alive' };
  return {
    payloads: answered.length > 0 ? [deleteChildren(answered)] : [],
    purpose: 'deleted a child SA',
  };
}

/** @returns our SPI of the pair for the answer; nothing when the pair is unknown or our own delete is under way */
function peerDeletesChild(state: SessionState, outboundSpi: number): number[] {
  const child = state.childByOutboundSpi(outboundSpi);
  if (!child) return [];
  // RFC 7296 2.25.1: both deleted it at once; each answers without a Delete payload.
  const crossing = child.stage === 'deleting';
  const replaced = child.stage === 'rekeyed' || child.peerRekey !== undefined;
  state.removeChild(child, child.deleteReason ?? (replaced ? 'rekeyed' : 'deleted-by-peer'));
  return crossing ? [] : [child.inboundSpi];
}

function peerDeletesIkeSa(state: SessionState, ikeSa: IkeSa, now: Milliseconds): void {
  // RFC 7296 2.25.2: a delete of an SA that we are rekeying ends our own rekey; the peer's successor inherits.
  const successor = ikeSa.peerRekey?.ikeSa;
  if (ikeSa.stage === 'established' && successor?.stage === 'established')
    state.inherit(ikeSa, successor, now);
  state.dropIkeSa(ikeSa, ikeSa.stage === 'rekeyed' ? 'rekeyed' : 'deleted-by-peer', now);
}
