import type { IkeSaReport, NatReport } from '../types.js';
import { enumerate } from '../words.js';
import { type Emit, findingGroup, type Scene } from './group.js';
import { framesOf, groupBy, initiatorOf, messagesIn, pairOf, responderOf } from './queries.js';

const kinds = {
  'nat-detected': {
    severity: 'info',
    summary:
      'The address hashes of the peers do not match the addresses in the capture: a NAT is on the path, or a side forces UDP encapsulation by sending a wrong hash. The peers moved to port 4500 as they should.',
    advice:
      'Nothing to do. Whether it is a NAT or forced encapsulation (strongSwan: encap = yes; libreswan: encapsulation=yes) shows in a capture on the other side.',
  },
  'nat-not-moved': {
    severity: 'high',
    summary:
      'NAT or forced encapsulation was detected, but IKE stayed on its port instead of moving to 4500, so ESP will not pass the NAT.',
    advice:
      'Let the side that began use NAT traversal (libreswan: encapsulation=auto, not no; Windows: AssumeUDPEncapsulationContextOnSendRule) and see that UDP port 4500 is not taken or blocked on it.',
  },
  'esp-not-encapsulated': {
    severity: 'high',
    summary:
      'NAT or forced encapsulation was detected, but ESP goes without UDP encapsulation and gets lost at the NAT.',
    advice:
      'Turn UDP encapsulation on where the unencapsulated packets come from (libreswan: encapsulation=yes; strongSwan: encap = yes), and check that its kernel supports it (ip xfrm state should show "encap type espinudp").',
  },
  'nat-hashes-odd': {
    severity: 'info',
    summary:
      'No address hash of either side matches the capture, and the peers do not behave as if there were a NAT: the addresses in the capture were probably rewritten.',
    advice:
      'If the capture was not made anonymous, NATs translate both ends and the peers should have moved to port 4500; a capture on one of the peers tells.',
  },
  'nat-detection-one-sided': {
    severity: 'info',
    summary: 'Only one side took part in NAT detection: without the other there is no NAT traversal.',
    advice: 'If there is a NAT between the two, enable NAT traversal on the side without it.',
  },
} as const;

type Id = keyof typeof kinds;

/** Network address translation on the path. */
export const nat = findingGroup('NAT', kinds, (scene, emit) => {
  findMoved(scene, emit);
  for (const sa of scene.report.ikeSas) {
    if (sa.nat?.detected) findNat(scene, sa, sa.nat, emit);
    findOneSided(sa, emit);
  }
});

function findNat(scene: Scene, sa: IkeSaReport, report: NatReport, emit: Emit<Id>): void {
  const evidence = detectionFrames(report);
  const cause = causeWords(sa, report);
  if (report.movedTo4500 === undefined) {
    const later = messagesIn(sa).filter(({ exchange }) =>
      isAfterDetection(exchange.exchange, exchange.messageId),
    );
    if (later.length === 0) return;
    if (nothingMatches(report)) {
      emit('nat-hashes-odd', [evidence], `${cause}, or the addresses in the capture were rewritten.`);
      return;
    }
    emit(
      'nat-not-moved',
      [evidence, framesOf(later[0]!.exchange)],
      `${cause}, but ${initiatorOf(sa)} went on at ${sa.responder} without moving to port 4500.`,
    );
  }
  const bare = scene
    .flowsOf(sa.initiator, sa.responder)
    .filter((flow) => flow.protocol === 'ESP' && !flow.encapsulated && flow.first.time >= sa.first.time);
  if (bare.length === 0) return;
  emit(
    'esp-not-encapsulated',
    [evidence, ...bare.map(({ frames }) => frames)],
    `${cause}, but ESP between ${initiatorOf(sa)} and ${responderOf(sa)} goes without UDP encapsulation.`,
  );
}

/** SAs that moved as they should; all of two hosts are told of at once. */
function findMoved({ report }: Scene, emit: Emit<Id>): void {
  const moved = report.ikeSas.flatMap((sa) => {
    const { nat } = sa;
    if (!nat?.detected || nat.movedTo4500 === undefined) return [];
    return [{ sa, nat, frame: nat.movedTo4500, cause: calmWords(sa, nat) }];
  });
  const alike = groupBy(moved, ({ sa, cause }) => `${pairOf(sa.initiator, sa.responder)} ${cause}`);
  for (const group of alike.values()) {
    const [first] = group;
    if (first === undefined) continue;
    const { sa, frame, cause } = first;
    const one =
      frame === sa.first.frame
        ? 'IKE was encapsulated from the start'
        : `IKE moved to port 4500 in frame ${frame}`;
    const what =
      group.length === 1
        ? one
        : `${group.length} IKE SAs of ${initiatorOf(sa)} and ${responderOf(sa)} use port 4500`;
    emit(
      'nat-detected',
      group.map(({ nat, frame: moved }) => [...detectionFrames(nat), moved]),
      `${cause}; ${what}.`,
    );
  }
}

function calmWords(sa: IkeSaReport, report: NatReport): string {
  return isCertain(report)
    ? causeWords(sa, report)
    : 'NAT, or encapsulation in UDP was forced (usual for userspace IPsec)';
}

function detectionFrames({ initiator, responder }: NatReport): number[] {
  return [initiator?.frame, responder?.frame].filter((frame) => frame !== undefined);
}

function nothingMatches({ initiator, responder }: NatReport): boolean {
  return [initiator, responder].every((side) => side?.source === 'differs' && side.destination === 'differs');
}

function isAfterDetection(exchange: string, messageId: number): boolean {
  return (
    exchange === 'IKE_AUTH' ||
    exchange === 'CREATE_CHILD_SA' ||
    (messageId !== 0 && exchange !== 'IKE_SA_INIT')
  );
}

/** A wrong hash of the other's address: nobody sends that to force encapsulation. */
function isCertain({ initiator, responder }: NatReport): boolean {
  return initiator?.destination === 'differs' || responder?.destination === 'differs';
}

/** A wrong hash of the own address has two explanations; a wrong one of the other's address only a NAT. */
function causeWords(sa: IkeSaReport, { initiator, responder }: NatReport): string {
  const ambiguous: string[] = [];
  const translated: string[] = [];
  if (initiator?.source === 'differs') ambiguous.push(initiatorOf(sa));
  if (responder?.source === 'differs') ambiguous.push(responderOf(sa));
  if (initiator?.destination === 'differs') translated.push(responderOf(sa));
  if (responder?.destination === 'differs') translated.push(initiatorOf(sa));
  if (translated.length > 0) {
    return `The peers see other addresses for ${enumerate(translated)} than the capture shows: a NAT translates on the path`;
  }
  return `${enumerate(ambiguous)} ${ambiguous.length > 1 ? 'send hashes' : 'sends a hash'} of another address than the capture shows: NAT or forced encapsulation`;
}

function findOneSided(sa: IkeSaReport, emit: Emit<Id>): void {
  if (
    sa.nat === undefined ||
    sa.nat.detected ||
    (sa.nat.initiator === undefined) === (sa.nat.responder === undefined)
  ) {
    return;
  }
  const side = sa.nat.initiator ?? sa.nat.responder;
  const answered = sa.suite !== undefined;
  if (!answered || side === undefined) return;
  const without = sa.nat.initiator === undefined ? initiatorOf(sa) : responderOf(sa);
  emit('nat-detection-one-sided', [[side.frame]], `${without} does not take part in NAT detection.`);
}
