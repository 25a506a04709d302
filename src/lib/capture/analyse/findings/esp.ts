import { addressOf } from '../evidence.js';
import type { FlowReport, IkeSaReport } from '../types.js';
import { plural } from '../words.js';
import { type Emit, findingGroup, type Scene } from './group.js';
import { flowsOf, groupBy, initiatorOf, pairOf, responderOf } from './queries.js';

const kinds = {
  'esp-one-way': {
    severity: 'high',
    summary: 'ESP goes in one direction only, although both directions have an SA.',
    advice:
      'See whether the packets arrive at the receiver and whether it drops them (ip -s xfrm state, /proc/net/xfrm_stat); if they do arrive, look at its forwarding, firewall and routes for the traffic inside. Traffic that is one-way by nature is no fault.',
  },
  'no-esp': {
    severity: 'info',
    summary: 'Child SAs were made, but no ESP or AH was captured.',
    advice:
      'If there should be traffic, see whether the capture filter lets ESP pass (protocol 50 and UDP port 4500), and whether routes and policies send the traffic into the tunnel (ip xfrm policy).',
  },
  'esp-unknown-spi': {
    severity: 'medium',
    summary:
      'ESP carries an SPI that none of the negotiated child SAs has: the sender uses an SA its peer may not have.',
    advice:
      'The sender holds an SA that was deleted or that its peer lost (restart without delete, half a rekey): restart the connection on the sender, and enable dead peer detection there (strongSwan: dpd_delay; libreswan: dpddelay).',
  },
  'esp-from-before': {
    severity: 'info',
    summary: 'ESP flows belong to an SA that was negotiated before the capture began, or elsewhere.',
    advice:
      'To have them explained and decrypted, begin the capture before the IKE SA is set up, or give their keys.',
  },
  'replay-drops': {
    severity: 'medium',
    summary: 'Packets come so much out of order that a small replay window drops them.',
    advice:
      'Enlarge the replay window of the receiver (strongSwan: replay_window; libreswan: replay-window; kernel: ip xfrm state … replay-window), and look for links in parallel or quality-of-service queues that reorder the packets of one SA.',
  },
  'esp-loss': {
    severity: 'low',
    summary:
      'Sequence numbers are missing: packets were lost before the capture point, or the capture lost them.',
    advice:
      'Check the capture for drops of its own first (tcpdump reports them). Otherwise look at the path towards the capture point, at shaping, and at packets too big for it.',
  },
  'esp-duplicates': {
    severity: 'low',
    summary:
      'ESP packets came twice: a capture on two interfaces, a path that duplicates, or a replay attack.',
    advice:
      'Capture on one interface only. If packets really come twice, the receiver drops the copies (ip -s xfrm state counts them as replay errors).',
  },
} as const;

type Id = keyof typeof kinds;

/** The packets of ESP and AH. */
export const esp = findingGroup('ESP', kinds, (scene, emit) => {
  const unicast = scene.flows.filter(({ dst }) => !isMulticast(dst));
  for (const pair of groupBy(unicast, ({ src, dst }) => pairOf(src, dst)).values()) findOneWay(pair, emit);
  findUnknown(scene, emit);
  findNoEsp(scene, emit);
  for (const flow of scene.flows) findSequence(flow, emit);
});

/** So many packets without an answer while the other direction is silent altogether, and while it is only silent then. */
const FEW = 3;
const MANY = 10;

function findOneWay(flows: readonly FlowReport[], emit: Emit<Id>): void {
  for (const [direction, own] of groupBy(flows, ({ src, dst }) => `${addressOf(src)}|${addressOf(dst)}`)) {
    const back = flows.filter(({ src, dst }) => `${addressOf(src)}|${addressOf(dst)}` !== direction);
    const least = back.length === 0 ? FEW : MANY;
    const lonely = own.filter(
      (flow) =>
        flow.packets >= least &&
        !back.some((other) => other.first.time <= flow.last.time && other.last.time >= flow.first.time),
    );
    const [first] = lonely;
    if (first === undefined) continue;
    const packets = lonely.reduce((sum, flow) => sum + flow.packets, 0);
    const [from, to] = [addressOf(first.src), addressOf(first.dst)];
    emit(
      'esp-one-way',
      lonely.map(({ frames }) => frames),
      `${from} sent ${to} ${plural(packets, 'packet')} of ${first.protocol} in ${plural(lonely.length, 'SA')}, and none came back.`,
      first.encapsulated
        ? undefined
        : 'The packets go as IP protocol 50, which many firewalls, providers and clouds drop although they pass IKE: force UDP encapsulation (strongSwan: encap = yes; libreswan: encapsulation=yes), or let protocol 50 pass. Then look at the receiver: ip -s xfrm state, /proc/net/xfrm_stat, its forwarding and routes.',
    );
  }
}

/** Nobody answers to a group (RFC 4301 4.1), as OSPFv3 uses it with AH. */
function isMulticast(endpoint: string): boolean {
  const address = addressOf(endpoint);
  const first = Number(address.split('.')[0]);
  return address.includes(':') ? address.startsWith('ff') : first >= 224 && first <= 239;
}

/**
 * All child SAs between two hosts are known when every exchange that can make one was read, and no SA is older than the
 * capture.
 */
function areChildrenKnown(sas: readonly IkeSaReport[]): boolean {
  if (sas.some(({ state, exchangesOmitted }) => state === 'partial' || exchangesOmitted > 0)) return false;
  const makers = sas.flatMap((sa) => sa.exchanges.filter(({ exchange }) => childMakers.has(exchange)));
  return (
    makers.length > 0 && makers.every(({ request, response }) => request?.readable && response?.readable)
  );
}

const childMakers: ReadonlySet<string> = new Set(['IKE_AUTH', 'CREATE_CHILD_SA', 'Quick Mode']);

function findUnknown({ report, ikeSasOf }: Scene, emit: Emit<Id>): void {
  const guessed = report.childSas.filter(({ evidence }) => evidence === 'inferred');
  const known = new Map<readonly IkeSaReport[], boolean>();
  for (const flow of [...guessed.flatMap(flowsOf), ...report.flows]) {
    const sas = ikeSasOf(flow.src, flow.dst);
    const [from, to] = [addressOf(flow.src), addressOf(flow.dst)];
    const [first] = sas;
    const what = `${plural(flow.packets, 'packet')} of ${flow.protocol} from ${from} to ${to}`;
    if (first === undefined || flow.first.time < first.first.time) {
      emit(
        'esp-from-before',
        [flow.frames],
        `The SA of ${what} (SPI ${flow.spi}) was not negotiated in this capture.`,
      );
      continue;
    }
    if (!known.has(sas)) known.set(sas, areChildrenKnown(sas));
    if (known.get(sas)) {
      emit(
        'esp-unknown-spi',
        [flow.frames],
        `${what} ${flow.packets === 1 ? 'carries' : 'carry'} the SPI ${flow.spi}, which none of the child SAs negotiated between them has.`,
      );
    }
  }
}

function findNoEsp({ report, flowsOf: flowsBetween }: Scene, emit: Emit<Id>): void {
  const children = groupBy(report.childSas, ({ ikeSa = '' }) => ikeSa);
  for (const sa of report.ikeSas) {
    const own = children.get(sa.id) ?? [];
    if (own.length === 0 || flowsBetween(sa.initiator, sa.responder).length > 0) continue;
    emit(
      'no-esp',
      own.map(({ created }) => [created.frame]),
      `${initiatorOf(sa)} and ${responderOf(sa)} made ${plural(own.length, 'child SA')}, but no packet of theirs was captured.`,
    );
  }
}

/** Some loss is normal. */
const LOSS_RATIO = 0.01;
const LEAST_LOST = 5;

function findSequence(flow: FlowReport, emit: Emit<Id>): void {
  const { dropped, furthestBehind } = flow.replay;
  const which = `of ${flow.protocol} SPI ${flow.spi} from ${addressOf(flow.src)} to ${addressOf(flow.dst)}`;
  if (dropped[32] > 0) {
    emit(
      'replay-drops',
      [flow.lateFrames],
      `${plural(dropped[32], 'packet')} ${which} came up to ${furthestBehind} behind: a replay window of 32 drops ${dropped[32]} of them, one of 64 ${dropped[64]}, one of 1024 ${dropped[1024]}.`,
    );
  }
  const { lost, packets, duplicated } = flow;
  if (lost >= LEAST_LOST && lost / (lost + packets) > LOSS_RATIO) {
    const percent = ((100 * lost) / (lost + packets)).toFixed(1);
    emit('esp-loss', [flow.frames], `${plural(lost, 'packet')} ${which} are missing, ${percent} %.`);
  }
  if (duplicated > 0) {
    const all =
      duplicated >= packets / 2 - 1 && duplicated > 1
        ? ', nearly all of them: the capture seems to see every packet twice'
        : '';
    emit(
      'esp-duplicates',
      [flow.duplicateFrames],
      `${plural(duplicated, 'packet')} ${which} came again${all}.`,
    );
  }
}
