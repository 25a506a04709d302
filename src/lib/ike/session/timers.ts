import type { Milliseconds } from '../../core/environment.js';
import { KitError } from '../../core/errors.js';
import { DatagramSize, datagramOverhead } from '../fragment.js';
import { IkeAuth } from './auth.js';
import { MakeChild } from './create-child.js';
import type { IkeSa, PendingRequest } from './ike-sa.js';
import { DeleteChild, DeleteIkeSa, LivenessCheck } from './informational.js';
import { RekeyIkeSa } from './rekey-ike.js';
import { SaInit } from './sa-init.js';
import type { SessionState } from './state.js';

const KEEPALIVE = Uint8Array.of(0xff);

/** Does everything that is due: retransmissions, rekeys, liveness checks, keepalives, clean-up. */
export function dueTimers(state: SessionState, now: Milliseconds, inboundSeenAt?: Milliseconds): void {
  if (state.waiting && state.waiting.until <= now) {
    const error = new KitError(
      'network',
      'E_TASK_TIMEOUT',
      'Checking what the peer showed of itself took too long',
      {
        hint: 'A revocation list or another server that it needs may be out of reach.',
      },
    );
    state.end(state.current, 'failed', now, error);
  }
  for (const ikeSa of [...state.ikeSas]) {
    if (inboundSeenAt !== undefined && inboundSeenAt > ikeSa.lastInboundAt)
      ikeSa.lastInboundAt = inboundSeenAt;
    if (ikeSa.dropAt !== undefined && ikeSa.dropAt <= now) drop(state, ikeSa, now);
    else if (ikeSa.pending) retransmit(state, ikeSa, ikeSa.pending, now);
    if (ikeSa.stage === 'established') maintain(state, ikeSa, now);
  }
  for (const child of [...state.children.values()]) {
    if (child.rekeyAt !== undefined && child.rekeyAt <= now) {
      child.rekeyAt = undefined;
      state.enqueue(child.ikeSa, MakeChild.successorOf(state, child), now);
    }
    if (child.deleteAt !== undefined && child.deleteAt <= now) {
      child.deleteAt = undefined;
      state.enqueue(child.ikeSa, new DeleteChild(state, child, 'rekeyed'), now);
    }
  }
}

/** When the next timer is due; undefined: none. */
export function nextWake(state: SessionState): Milliseconds | undefined {
  const moments: (Milliseconds | undefined)[] = [state.waiting?.until];
  for (const ikeSa of state.ikeSas) {
    moments.push(ikeSa.dropAt, ikeSa.pending?.retransmission.nextAt);
    if (ikeSa.stage === 'established') {
      moments.push(ikeSa.rekeyAt, livenessAt(state, ikeSa), keepaliveAt(state, ikeSa));
    }
    if (!ikeSa.pending) moments.push(...ikeSa.queue.map((item) => item.notBefore));
  }
  for (const child of state.children.values()) moments.push(child.rekeyAt, child.deleteAt);
  return moments.reduce((soonest, moment) => {
    if (moment === undefined) return soonest;
    return soonest === undefined || moment < soonest ? moment : soonest;
  }, undefined);
}

function drop(state: SessionState, ikeSa: IkeSa, now: Milliseconds): void {
  if (ikeSa.stage === 'half-open') {
    const error = new KitError('network', 'E_HALF_OPEN_TIMEOUT', 'The client did not authenticate in time');
    state.end(ikeSa, 'failed', now, state.doomed ?? error);
  }
  state.ikeSas.splice(state.ikeSas.indexOf(ikeSa), 1);
  ikeSa.stage = 'gone';
}

function retransmit(state: SessionState, ikeSa: IkeSa, pending: PendingRequest, now: Milliseconds): void {
  const due = pending.retransmission.due(now);
  if (due === 'resend') state.send(ikeSa, pending.message.repeat(), now);
  if (due !== 'dead') return;
  const { exchange } = pending;
  if (exchange instanceof DeleteIkeSa) state.dropIkeSa(ikeSa, exchange.reason, now, exchange.error);
  else state.dropIkeSa(ikeSa, 'peer-dead', now, silence(state, ikeSa, pending));
}

/** Why nothing came back, in the words of the exchange that waited. */
function silence(state: SessionState, ikeSa: IkeSa, { exchange, message }: PendingRequest): KitError {
  const gateway = `${ikeSa.path.remote.address} port ${ikeSa.path.remote.port}`;
  if (exchange instanceof SaInit) {
    return (
      exchange.hint ??
      new KitError('network', 'E_NO_ANSWER', `${gateway} does not answer IKE_SA_INIT`, {
        hint: 'Check the address, that UDP 500 and 4500 are open in both directions, and that the gateway knows this peer.',
      })
    );
  }
  if (exchange instanceof IkeAuth) {
    const bytes = datagramOverhead(ikeSa.path) + Math.max(...message.datagrams.map(({ length }) => length));
    const hint =
      ikeSa.fragmentSize === undefined && bytes > DatagramSize.default
        ? `Ours is one datagram of ${bytes} bytes, and paths that drop IP fragments lose it. Switch IKE fragmentation (RFC 7383) on at both sides, or use smaller certificates (ECDSA).`
        : 'Check that UDP 4500 is open; some gateways also drop IKE_AUTH silently when they refuse it: see their log.';
    return new KitError('network', 'E_NO_ANSWER', `${gateway} answered IKE_SA_INIT but not IKE_AUTH`, {
      hint,
    });
  }
  const seconds = Math.round(lasting(state) / 1000);
  return new KitError('network', 'E_PEER_DEAD', `${gateway} has not answered for ${seconds} seconds`, {
    hint: 'The peer is gone or the path is cut.',
  });
}

/** Milliseconds from the first send of a request to giving up. */
function lasting(state: SessionState): Milliseconds {
  const { initial, factor, sends } = state.policy.retransmit;
  let total = 0;
  for (let i = 0; i < sends; i++) total += initial * factor ** i;
  return total;
}

function maintain(state: SessionState, ikeSa: IkeSa, now: Milliseconds): void {
  if (ikeSa.rekeyAt !== undefined && ikeSa.rekeyAt <= now) {
    ikeSa.rekeyAt = undefined;
    state.enqueue(ikeSa, new RekeyIkeSa(state), now);
  }
  const liveness = livenessAt(state, ikeSa);
  if (liveness !== undefined && liveness <= now) state.enqueue(ikeSa, new LivenessCheck(), now);
  const keepalive = keepaliveAt(state, ikeSa);
  if (keepalive !== undefined && keepalive <= now) {
    ikeSa.lastOutboundAt = now;
    state.sends.push({ path: ikeSa.path, data: KEEPALIVE, keepalive: true });
  }
}

/** RFC 7296 2.4: a check is due after silence, unless a request waits for its answer anyway. */
function livenessAt(state: SessionState, ikeSa: IkeSa): Milliseconds | undefined {
  const { dpd } = state.policy;
  if (dpd === undefined || ikeSa.pending || ikeSa.queue.length > 0) return undefined;
  return ikeSa.lastInboundAt + dpd;
}

/** RFC 3948 4: only the side behind the NAT keeps its mapping alive. */
function keepaliveAt(state: SessionState, ikeSa: IkeSa): Milliseconds | undefined {
  if (!ikeSa.weAreBehindNat || !ikeSa.path.natT) return undefined;
  return ikeSa.lastOutboundAt + state.policy.natKeepalive;
}
