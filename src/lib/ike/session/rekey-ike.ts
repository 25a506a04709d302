import type { Milliseconds } from '../../core/environment.js';
import { KitError } from '../../core/errors.js';
import { Secret } from '../../core/secret.js';
import type { KeyExchange } from '../../crypto/transform.js';
import { deriveIkeKeys } from '../keys.js';
import { checkSelected, proposalsToOffer, resolveIkeSuite, selectProposal } from '../negotiate.js';
import type { IkeSuite } from '../suite.js';
import { findPayload } from '../wire/message.js';
import { NotifyType, notify, notifyName } from '../wire/notify.js';
import {
  ExchangeType,
  type NotifyPayload,
  type Payload,
  PayloadType,
  type Proposal,
  ProtocolId,
} from '../wire/types.js';
import { losesCollision } from './collision.js';
import { errorNotify, refusal } from './failure.js';
import { IkeSa, type InitiatedExchange } from './ike-sa.js';
import { DeleteIkeSa } from './informational.js';
import { generateKe, groupsOf } from './key-exchange.js';
import { Retries, rekeyLater } from './retry.js';
import { validNonce } from './sa-init.js';
import type { SessionState } from './state.js';

/** Replaced IKE SAs linger until they are deleted and a while after: the bound on what one peer can make us keep. */
const MAX_IKE_SAS = 32;

function spi64(spi: bigint): Uint8Array {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(spi);
  return new Uint8Array(out);
}

interface Agreement {
  old: IkeSa;
  role: 'initiator' | 'responder';
  initiatorSpi: bigint;
  responderSpi: bigint;
  suite: IkeSuite;
  keSecret: Secret;
  nonceI: Uint8Array;
  nonceR: Uint8Array;
}

/** The new IKE SA: its keys come from the old SK_d and the old PRF (RFC 7296 2.18), its message ids start at 0. */
function createSuccessor(state: SessionState, agreement: Agreement, now: Milliseconds): IkeSa {
  const { old, role, initiatorSpi, responderSpi, suite, keSecret, nonceI, nonceR } = agreement;
  const successor = new IkeSa(role, initiatorSpi, old.path, now);
  successor.responderSpi = responderSpi;
  successor.stage = 'established';
  successor.localId = old.localId;
  successor.remoteId = old.remoteId;
  successor.proofs = old.proofs;
  successor.natTraversal = old.natTraversal;
  successor.peerBehindNat = old.peerBehindNat;
  successor.weAreBehindNat = old.weAreBehindNat;
  successor.natClaimed = old.natClaimed;
  successor.fragmentSize = old.fragmentSize;
  successor.rekeyAt = state.rekeyMoment(state.policy.rekeyIke, now);
  const keys = deriveIkeKeys({
    suite,
    keSecret,
    nonceI,
    nonceR,
    spiI: initiatorSpi,
    spiR: responderSpi,
    rekeyOf: { prf: old.secrets.suite.prf, skD: old.secrets.keys.skD },
  });
  successor.setSecrets({ suite, keys, keSecret, nonceI, nonceR });
  state.ikeSas.push(successor);
  return successor;
}

/** CREATE_CHILD_SA that rekeys the IKE SA, as the initiator (RFC 7296 1.3.2, 2.8.2). */
export class RekeyIkeSa implements InitiatedExchange {
  readonly type = ExchangeType.CREATE_CHILD_SA;
  readonly concerns = 'ike-sa';
  readonly #retries: Retries;
  #group: number | undefined;
  readonly #triedGroups = new Set<number>();
  #sent: { spi: bigint; nonce: Uint8Array; offered: Proposal[]; exchange: KeyExchange } | undefined;

  /** Name of the notify that the last request was refused with. */
  #refusal: string | undefined;

  constructor(private readonly state: SessionState) {
    this.#retries = new Retries(state);
  }

  get purpose(): string {
    if (this.#refusal === undefined) return 'rekeyed the IKE SA';
    return `asked to rekey the IKE SA and was answered ${this.#refusal}`;
  }

  request(ikeSa: IkeSa): Payload[] | undefined {
    if (ikeSa.stage !== 'established') return undefined;
    const { state } = this;
    this.#refusal = undefined;
    const groups = groupsOf(state.policy.ikeProposals);
    const present = ikeSa.secrets.suite.ke.id;
    const group = this.#group ?? (groups.includes(present) ? present : groups[0]!);
    this.#group = group;
    ikeSa.rekeying = true;
    const spi = state.newIkeSpi();
    const exchange = generateKe(group);
    const nonce = state.newNonce();
    const offered = proposalsToOffer(state.policy.ikeProposals, {
      spi: spi64(spi),
      withKe: true,
      firstKe: group,
    });
    this.#sent = { spi, nonce, offered, exchange };
    return [
      { type: PayloadType.SA, proposals: offered },
      { type: PayloadType.NONCE, data: nonce },
      { type: PayloadType.KE, group, data: exchange.publicValue },
    ];
  }

  response(ikeSa: IkeSa, payloads: Payload[], now: Milliseconds): void {
    ikeSa.rekeying = false;
    const refused = findPayload(payloads, PayloadType.SA) ? undefined : errorNotify(payloads);
    if (refused) {
      this.#refusal = notifyName(refused.notifyType);
      this.#refused(ikeSa, refused, now);
      return;
    }
    try {
      this.#accepted(ikeSa, payloads, now);
    } catch (error) {
      if (!(error instanceof KitError)) throw error;
      this.#failed(ikeSa, error, now);
    }
  }

  #accepted(ikeSa: IkeSa, payloads: Payload[], now: Milliseconds): void {
    const { state } = this;
    const sent = this.#sent!;
    const sa = findPayload(payloads, PayloadType.SA);
    const ke = findPayload(payloads, PayloadType.KE);
    const nonceR = findPayload(payloads, PayloadType.NONCE)?.data.slice();
    if (!sa || !ke || !nonceR || !validNonce(nonceR)) {
      throw new KitError(
        'protocol',
        'E_REKEY_ANSWER',
        'The peer answered an IKE rekey without SA, KE or nonce',
      );
    }
    const selected = checkSelected(sent.offered, sa.proposals);
    const suite = resolveIkeSuite(selected.transforms);
    if (selected.spi.length !== 8 || suite.ke.id !== this.#group || ke.group !== this.#group) {
      throw new KitError(
        'protocol',
        'E_REKEY_ANSWER',
        'The peer answered an IKE rekey with another SPI size or group',
      );
    }
    const successor = createSuccessor(
      state,
      {
        old: ikeSa,
        role: 'initiator',
        initiatorSpi: sent.spi,
        responderSpi: Buffer.from(selected.spi).readBigUInt64BE(),
        suite,
        keSecret: new Secret(sent.exchange.agree(ke.data)),
        nonceI: sent.nonce,
        nonceR,
      },
      now,
    );
    const rival = ikeSa.peerRekey;
    if (rival?.ikeSa.stage === 'established' && losesCollision([sent.nonce, nonceR], rival.nonces)) {
      successor.stage = 'deleting';
      state.inherit(ikeSa, rival.ikeSa, now);
      state.enqueue(successor, new DeleteIkeSa(state, 'rekeyed'), now);
      return;
    }
    state.inherit(ikeSa, successor, now);
    state.enqueue(ikeSa, new DeleteIkeSa(state, 'rekeyed'), now);
    // The peer deletes its own, redundant one.
    if (rival) state.retire(rival.ikeSa, now);
  }

  #refused(ikeSa: IkeSa, refused: NotifyPayload, now: Milliseconds): void {
    const { state } = this;
    const rival = ikeSa.peerRekey?.ikeSa;
    if (rival?.stage === 'established') {
      state.inherit(ikeSa, rival, now);
      return;
    }
    if (refused.notifyType === NotifyType.TEMPORARY_FAILURE) {
      const next = this.#retries.next(now);
      if (next !== undefined) {
        state.enqueue(ikeSa, this, next);
        return;
      }
    }
    if (refused.notifyType === NotifyType.INVALID_KE_PAYLOAD && this.#switchGroup(refused)) {
      state.enqueue(ikeSa, this, now);
      return;
    }
    const asked = { what: 'IKE SA', rekeys: true, proposals: state.policy.ikeProposals } as const;
    this.#failed(ikeSa, refusal(refused.notifyType, asked), now);
  }

  #switchGroup(refused: NotifyPayload): boolean {
    const group = refused.data.length === 2 ? (refused.data[0]! << 8) | refused.data[1]! : -1;
    const offered = groupsOf(this.state.policy.ikeProposals);
    if (!offered.includes(group) || group === this.#group || this.#triedGroups.has(group)) return false;
    this.#triedGroups.add(group);
    this.#group = group;
    return true;
  }

  #failed(ikeSa: IkeSa, error: KitError, now: Milliseconds): void {
    this.state.emit({ type: 'child-sa-failed', error });
    ikeSa.rekeyAt = rekeyLater(this.state, now);
  }
}

/** CREATE_CHILD_SA that rekeys the IKE SA, as the responder (RFC 7296 1.3.2, 2.25). */
export function answerRekeyIkeSa(
  state: SessionState,
  ikeSa: IkeSa,
  payloads: Payload[],
  now: Milliseconds,
): Payload[] {
  const childInFlight = ikeSa.pending?.exchange.concerns === 'child-sa';
  const tooMany = state.ikeSas.length >= MAX_IKE_SAS;
  if (ikeSa.stage !== 'established' || childInFlight || ikeSa.peerRekey || tooMany) {
    return [notify(NotifyType.TEMPORARY_FAILURE)];
  }
  const sa = findPayload(payloads, PayloadType.SA);
  const ke = findPayload(payloads, PayloadType.KE);
  const nonceI = findPayload(payloads, PayloadType.NONCE)?.data.slice();
  if (!sa || !ke || !nonceI || !validNonce(nonceI)) return [notify(NotifyType.INVALID_SYNTAX)];
  const selected = selectProposal(sa.proposals, state.policy.ikeProposals, {
    ke: 'required',
    preferKe: ke.group,
    preferWeakerKe: true,
  });
  if (selected?.spi.length !== 8 || selected.spi.every((byte) => byte === 0))
    return [notify(NotifyType.NO_PROPOSAL_CHOSEN)];
  const suite = resolveIkeSuite(selected.transforms);
  if (suite.ke.id !== ke.group) {
    return [notify(NotifyType.INVALID_KE_PAYLOAD, Uint8Array.of(suite.ke.id >> 8, suite.ke.id & 0xff))];
  }
  const exchange = generateKe(suite.ke.id);
  const keSecret = new Secret(exchange.agree(ke.data));
  const nonceR = state.newNonce();
  const responderSpi = state.newIkeSpi();
  const initiatorSpi = Buffer.from(selected.spi).readBigUInt64BE();
  const successor = createSuccessor(
    state,
    { old: ikeSa, role: 'responder', initiatorSpi, responderSpi, suite, keSecret, nonceI, nonceR },
    now,
  );
  if (ikeSa.rekeying) ikeSa.peerRekey = { ikeSa: successor, nonces: [nonceI, nonceR] };
  else state.inherit(ikeSa, successor, now);
  const proposal: Proposal = {
    number: selected.number,
    protocolId: ProtocolId.IKE,
    spi: spi64(responderSpi),
    transforms: selected.transforms,
  };
  return [
    { type: PayloadType.SA, proposals: [proposal] },
    { type: PayloadType.NONCE, data: nonceR },
    { type: PayloadType.KE, group: suite.ke.id, data: exchange.publicValue },
  ];
}
