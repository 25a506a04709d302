import type { Milliseconds } from '../../core/environment.js';
import type { Secret } from '../../core/secret.js';
import type { ChildKeys } from '../keys.js';
import type { ChildSuite } from '../suite.js';
import type { TrafficSelector } from '../wire/types.js';
import type { IkeSa } from './ike-sa.js';
import type { ChildSaInfo, DeleteReason } from './types.js';

/**
 * - `installed`: carries traffic
 * - `rekeying`: our request to replace it is in flight
 * - `rekeyed`: a successor carries its traffic; somebody will delete it
 * - `deleting`: our request to delete it is queued or in flight
 */
export type ChildStage = 'installed' | 'rekeying' | 'rekeyed' | 'deleting';

interface ChildParameters {
  id: string;
  ikeSa: IkeSa;
  inboundSpi: number;
  outboundSpi: number;
  role: 'initiator' | 'responder';
  suite: ChildSuite;
  keys: ChildKeys;
  keSecret: Secret | undefined;
  localTs: TrafficSelector[];
  remoteTs: TrafficSelector[];
  rekeyAt: Milliseconds | undefined;
  rekeyBytes: number;
}

/** A pair of child SAs, one for each direction. */
export class Child {
  stage: ChildStage = 'installed';
  ikeSa: IkeSa;
  rekeyAt: Milliseconds | undefined;
  /** When to delete it ourselves because the peer, whose turn it is, did not. */
  deleteAt: Milliseconds | undefined;
  /** Why our own delete runs. */
  deleteReason: DeleteReason | undefined;
  /** The successor the peer made while our own rekey was in flight (RFC 7296 2.8.1). */
  peerRekey: { child: Child; nonces: [Uint8Array, Uint8Array] } | undefined;

  constructor(private readonly parameters: ChildParameters) {
    this.ikeSa = parameters.ikeSa;
    this.rekeyAt = parameters.rekeyAt;
  }

  get id(): string {
    return this.parameters.id;
  }
  get inboundSpi(): number {
    return this.parameters.inboundSpi;
  }
  get outboundSpi(): number {
    return this.parameters.outboundSpi;
  }
  get suite(): ChildSuite {
    return this.parameters.suite;
  }
  get localTs(): TrafficSelector[] {
    return this.parameters.localTs;
  }
  get remoteTs(): TrafficSelector[] {
    return this.parameters.remoteTs;
  }

  info(): ChildSaInfo {
    const { id, inboundSpi, outboundSpi, role, suite, keys, keSecret, localTs, remoteTs, rekeyBytes } =
      this.parameters;
    const { path, encapsulation } = this.ikeSa;
    return {
      id,
      inboundSpi,
      outboundSpi,
      role,
      suite,
      keys,
      keSecret,
      localTs,
      remoteTs,
      path,
      encapsulation,
      rekeyBytes,
    };
  }
}
