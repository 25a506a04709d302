import { childKind } from '../story.js';
import type { ChildSaReport, ExchangeReport, IkeSaReport, MessageReport } from '../types.js';
import { enumerate, errorOf, hasNotify, plural, times } from '../words.js';
import { type Emit, findingGroup, type Scene } from './group.js';
import {
  answerer,
  asker,
  exchangesNamed,
  framesOf,
  groupBy,
  initiatorOf,
  isOvertaken,
  messagesIn,
  pairOf,
  responderOf,
  secondsToEnd,
} from './queries.js';

const kinds = {
  'dpd-timeout': {
    severity: 'high',
    summary: 'Checks whether the peer is still there were not answered: the peer or the path to it is gone.',
    advice:
      'Look at what happened on the peer and on the path just before: restart, changed address, a NAT binding that expired (send keepalives more often, strongSwan: charon.keep_alive), a firewall state that timed out. Let the connection come back by itself (strongSwan: dpd_action = restart; libreswan: dpdaction=restart).',
  },
  'delete-not-answered': {
    severity: 'low',
    summary: 'A delete was not answered: the peer was gone already, or the answer got lost.',
    advice: 'Nothing to do unless the peer goes on using the SA.',
  },
  'ike-sa-deleted': {
    severity: 'info',
    summary: 'An IKE SA was deleted.',
    advice:
      'IKE gives no reason with a delete; what preceded it, and the log of the side that deleted, tell: an administrator, an inactivity or lifetime limit, or a policy.',
  },
  'child-sa-deleted': {
    severity: 'info',
    summary: 'A child SA was deleted without a successor.',
    advice:
      'Usual for an inactivity timeout or a tunnel that is taken down; if traffic should go on, look at the log of the side that deleted it.',
  },
  'duplicate-child-sas': {
    severity: 'medium',
    summary: 'Two child SAs for the same traffic stay side by side, often after both sides rekeyed at once.',
    advice:
      'One of them should have been deleted (RFC 7296 2.8.1). Give the two sides different rekey times (strongSwan: rekey_time and rand_time; libreswan: rekeymargin and rekeyfuzz), let only one side start the connection, and update the side that did not delete.',
  },
  'rekey-collision': {
    severity: 'info',
    summary: 'Both sides began to rekey at the same time.',
    advice:
      'Harmless when one of the new SAs is deleted afterwards; different rekey times on the two sides avoid it.',
  },
} as const;

type Id = keyof typeof kinds;

/** How SAs end, and rekeying. */
export const lifetime = findingGroup('lifetime', kinds, (scene, emit) => {
  for (const sa of scene.report.ikeSas) {
    if (sa.version === 2) findSilence(scene, sa, emit);
    else findSilenceV1(sa, emit);
    findDeletes(sa, emit);
    findCollisions(sa, emit);
  }
  findChildDeletes(scene, emit);
  findDuplicates(scene, emit);
});

/** After so long without an answer even a first transmission is overdue. */
const PATIENCE_SECONDS = 10;

function findSilence({ report }: Scene, sa: IkeSaReport, emit: Emit<Id>): void {
  const silent = exchangesNamed(sa, 'INFORMATIONAL').filter(({ state }) => state === 'unanswered');
  for (const exchange of silent) {
    const request = exchange.request!;
    if (isOvertaken(sa, exchange)) continue;
    if (request.retransmissions === 0 && secondsToEnd(report, request.time) < PATIENCE_SECONDS) continue;
    const frames = [request.frames, request.retransmissionFrames];
    const sent = `sent ${times(request.retransmissions + 1)}`;
    if (request.deletes !== undefined) {
      emit(
        'delete-not-answered',
        frames,
        `${answerer(exchange)} did not answer the delete of ${asker(exchange)}, ${sent}.`,
      );
    } else {
      emit(
        'dpd-timeout',
        frames,
        `${answerer(exchange)} did not answer the INFORMATIONAL request of ${asker(exchange)}, ${sent}.`,
      );
    }
  }
}

/** RFC 3706: R-U-THERE wants R-U-THERE-ACK; two in a row without one are a timeout in the making. */
function findSilenceV1(sa: IkeSaReport, emit: Emit<Id>): void {
  const open = new Map<string, MessageReport[]>();
  for (const { message } of messagesIn(sa)) {
    if (hasNotify(message, 'R-U-THERE')) open.set(message.src, [...(open.get(message.src) ?? []), message]);
    else if (hasNotify(message, 'R-U-THERE-ACK')) open.delete(message.dst);
  }
  for (const [from, unanswered] of open) {
    if (unanswered.length < 2) continue;
    emit(
      'dpd-timeout',
      unanswered.map(({ frames }) => frames),
      `${unanswered[0]!.dst} did not answer ${unanswered.length} R-U-THERE of ${from}.`,
    );
  }
}

function findDeletes(sa: IkeSaReport, emit: Emit<Id>): void {
  const found = messagesIn(sa).find(({ message }) =>
    message.deletes?.some(({ protocol }) => protocol === 'IKE'),
  );
  if (found === undefined) return;
  const { message, from } = found;
  const who = from === 'initiator' ? initiatorOf(sa) : responderOf(sa);
  emit(
    'ike-sa-deleted',
    [message.frames],
    `${who} deleted the IKE SA ${sa.spiI} ${reasonWords(sa, message)}.`,
  );
}

/** Errors after which a connection goes on. */
const overcome: ReadonlySet<string> = new Set([
  'INVALID_KE_PAYLOAD',
  'TEMPORARY_FAILURE',
  'CHILD_SA_NOT_FOUND',
]);

/** What went before is the only reason there is. */
function reasonWords(sa: IkeSaReport, deletion: MessageReport): string {
  if (sa.rekeyedTo !== undefined) return `after it was rekeyed to ${sa.rekeyedTo}`;
  const isBefore = (message: MessageReport | undefined) =>
    message !== undefined && message !== deletion && (message.frames[0] ?? 0) <= (deletion.frames[0] ?? 0);
  const error = messagesIn(sa)
    .filter(({ message }) => isBefore(message))
    .map(({ message }) => errorOf(message))
    .findLast((notify) => notify !== undefined && !overcome.has(notify.name));
  if (error !== undefined) return `after ${error.name}`;
  const silent = exchangesNamed(sa, 'INFORMATIONAL').some(
    ({ state, request }) => state === 'unanswered' && isBefore(request),
  );
  return silent ? 'after requests were not answered' : 'without an error before: an orderly end';
}

function findChildDeletes({ report }: Scene, emit: Emit<Id>): void {
  const ended = new Set(report.ikeSas.filter(({ state }) => state === 'deleted').map(({ id }) => id));
  for (const { deleted, rekeyedTo, ikeSa, id, tsI, tsR, protocol } of report.childSas) {
    if (deleted === undefined || rekeyedTo !== undefined || (ikeSa !== undefined && ended.has(ikeSa)))
      continue;
    const traffic = `${enumerate(tsI ?? [])} and ${enumerate(tsR ?? [])}`;
    emit(
      'child-sa-deleted',
      [[deleted.frame]],
      `The ${deleted.by} deleted the ${protocol} SA ${id} between ${traffic} without a successor.`,
    );
  }
}

/** A moment in which the loser of a collision may still be deleted. */
const SETTLING_SECONDS = 5;

/** The child SAs that live at the end of the capture: of the same ends and selectors there should be one. */
function findDuplicates({ report }: Scene, emit: Emit<Id>): void {
  const sas = new Map(report.ikeSas.map((sa) => [sa.id, sa]));
  const living = report.childSas.filter(
    (child) =>
      child.evidence === 'negotiated' &&
      child.deleted === undefined &&
      child.rekeyedTo === undefined &&
      sas.get(child.ikeSa ?? '')?.state !== 'deleted' &&
      secondsToEnd(report, child.created.time) >= SETTLING_SECONDS,
  );
  const byTraffic = groupBy(living, (child) => {
    const sa = sas.get(child.ikeSa ?? '');
    const ends = sa === undefined ? '' : pairOf(sa.initiator, sa.responder);
    return `${ends} ${child.protocol} ${trafficOf(child)}`;
  });
  for (const same of byTraffic.values()) {
    const [first] = same;
    if (first?.tsI === undefined || same.length < 2) continue;
    const collision = same.some(
      ({ rekeyOf }, i) =>
        rekeyOf !== undefined && same.some((other, j) => j > i && other.rekeyOf === rekeyOf),
    );
    emit(
      'duplicate-child-sas',
      same.map(({ created }) => [created.frame]),
      `${plural(same.length, 'child SA')} for the traffic between ${enumerate(first.tsI)} and ${enumerate(first.tsR ?? [])} stay side by side${collision ? ' after both sides rekeyed the same one' : ''}.`,
    );
  }
}

/** Either side may have asked for it. */
function trafficOf({ tsI = [], tsR = [] }: ChildSaReport): string {
  return [tsI.join(), tsR.join()].sort().join(' ');
}

function findCollisions(sa: IkeSaReport, emit: Emit<Id>): void {
  const rekeys = exchangesNamed(sa, 'CREATE_CHILD_SA').filter(
    ({ request, response }) =>
      request?.readable && response !== undefined && childKind(request) !== 'new-child',
  );
  for (const own of rekeys) {
    if (own.requester !== 'initiator') continue;
    const other = rekeys.find(
      (candidate) =>
        candidate.requester === 'responder' && sameKind(own, candidate) && overlaps(own, candidate),
    );
    if (other === undefined) continue;
    emit(
      'rekey-collision',
      [framesOf(own), framesOf(other)],
      `${initiatorOf(sa)} and ${responderOf(sa)} rekeyed ${childKind(own.request!) === 'rekey-ike' ? 'the IKE SA' : 'a child SA'} at the same time.`,
    );
  }
}

function sameKind(a: ExchangeReport, b: ExchangeReport): boolean {
  return childKind(a.request!) === childKind(b.request!);
}

function overlaps(a: ExchangeReport, b: ExchangeReport): boolean {
  return a.request!.time < b.response!.time && b.request!.time < a.response!.time;
}
