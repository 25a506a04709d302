import { tellStory } from '../../lib/capture/analyse/story.js';
import type {
  ChildSaReport,
  ExchangeReport,
  Finding,
  FlowReport,
  IdentityReport,
  IkeSaReport,
  MessageReport,
  Role,
} from '../../lib/capture/analyse/types.js';
import { methodWords } from '../../lib/capture/analyse/words.js';
import type { DecodeResult } from '../../lib/capture/decode.js';
import type { PacketFilter } from '../../lib/capture/packet-filter.js';
import type { CaptureNote } from '../../lib/capture/types.js';
import { certificateFacts } from './certificate-facts.js';
import { type Origin, originOf } from './origin.js';
import { hiddenText, verdictText } from './verdict.js';
import {
  bytesText,
  countText,
  dateText,
  durationText,
  flowText,
  frameList,
  messagesOf,
  offsetText,
  proposalText,
  roundTripText,
} from './words.js';

export type Tone = 'good' | 'bad' | 'warn' | 'plain';

/** One exchange of a conversation. */
export interface Step {
  frames: string;
  /** Seconds since the first packet of the capture. */
  at: string;
  arrow: '→' | '←';
  name: string;
  roundTrip: string;
  story: string;
  tone: Tone;
  /** What else is worth knowing about it, a line each. */
  details: string[];
  /** Frames of its messages, first transmissions only. */
  messages: number[][];
}

/** An IKE SA, a child SA, or traffic without either. */
export interface Section {
  title: string;
  state: { text: string; tone: Tone };
  facts: [name: string, value: string][];
  steps: Step[];
  sections: Section[];
}

/** What the text and the Markdown show, in plain strings that are not escaped yet. */
export interface Report {
  title: string;
  facts: [name: string, value: string][];
  sections: Section[];
  findings: (Finding & { tone: Tone })[];
  /** What to say when none of them is grave. */
  verdict: string;
  /** What the filter hid: nothing, a part or everything. */
  hidden: string | undefined;
  notes: string[];
}

/**
 * Turns a result into what is shown of it.
 * @param verbose tells whole offers also where they were accepted
 */
export function buildReport(
  name: string,
  result: DecodeResult,
  filter: PacketFilter,
  verbose = false,
): Report {
  const start = result.summary.first ?? '';
  const talks = result.ikeSas.map((sa) => ({
    sa,
    children: result.childSas.filter((child) => child.ikeSa === sa.id),
  }));
  const evidence = new Set(
    filter.needsFindings
      ? result.diagnosis.filter((finding) => filter.matchesFinding(finding)).flatMap(({ frames }) => frames)
      : [],
  );
  const shown = talks.filter(({ sa, children }) => isShown(sa, children, filter, evidence));
  const orphans = result.childSas.filter((child) => child.ikeSa === undefined);
  const shownOrphans = orphans.filter((child) => isChildShown(child, filter, evidence));
  const flows = result.flows.filter((flow) => isFlowShown(flow, filter, evidence));
  const findings = result.diagnosis.filter((finding) => filter.matchesFinding(finding));
  const all = talks.length + orphans.length + result.flows.length;
  return {
    title: name,
    facts: summaryFacts(result),
    sections: [
      ...shown.map(({ sa, children }) => ikeSection(sa, children, start, result, verbose)),
      ...shownOrphans.map((child) => childSection(child, start)),
      ...(flows.length === 0 ? [] : [flowSection(flows)]),
    ],
    findings: findings.map((finding) => ({ ...finding, tone: severityTone(finding) })),
    verdict: verdictText(findings.length, result, filter),
    hidden: hiddenText(shown.length + shownOrphans.length + flows.length, all, filter),
    notes: [
      ...result.notes
        .filter((note) => note.code !== KEYS_UNUSED && !isDiagnosed(note, findings))
        .map(({ message }) => message),
      ...omittedNotes(result),
    ],
  };
}

/** Whether a shown finding says the same already. */
function isDiagnosed({ message }: CaptureNote, findings: readonly Finding[]): boolean {
  return findings.some(({ title }) => title === message || title === `${message}.`);
}

function isShown(
  sa: IkeSaReport,
  children: ChildSaReport[],
  filter: PacketFilter,
  evidence: ReadonlySet<number>,
): boolean {
  if (filter.needsFindings && !framesOf(sa, children).some((frame) => evidence.has(frame))) return false;
  return filter.matchesConversation({
    exchanges: sa.exchanges.map(({ exchange }) => exchange),
    spis: [sa.spiI, sa.spiR, ...children.flatMap(spisOf)],
    addresses: [sa.initiator, sa.responder],
  });
}

function isChildShown(child: ChildSaReport, filter: PacketFilter, evidence: ReadonlySet<number>): boolean {
  const flows = flowsOf(child);
  if (filter.needsFindings && !flows.some(({ frames }) => frames.some((frame) => evidence.has(frame)))) {
    return false;
  }
  return filter.matchesConversation({
    exchanges: [],
    spis: spisOf(child),
    addresses: flows.flatMap(({ src, dst }) => [src, dst]),
  });
}

function isFlowShown(flow: FlowReport, filter: PacketFilter, evidence: ReadonlySet<number>): boolean {
  if (filter.needsFindings && !flow.frames.some((frame) => evidence.has(frame))) return false;
  return filter.matchesConversation({ exchanges: [], spis: [flow.spi], addresses: [flow.src, flow.dst] });
}

function flowsOf(child: ChildSaReport): FlowReport[] {
  return [child.fromRequester, child.toRequester].filter((flow) => flow !== undefined);
}

function spisOf(child: ChildSaReport): string[] {
  return [child.spiToRequester, child.spiFromRequester].filter((spi) => spi !== undefined);
}

function framesOf(sa: IkeSaReport, children: ChildSaReport[]): number[] {
  return [
    ...sa.exchanges.flatMap((exchange) =>
      messagesOf(exchange).flatMap(({ frames, retransmissionFrames }) => [
        ...frames,
        ...retransmissionFrames,
      ]),
    ),
    ...sa.badIcvFrames,
    ...children.flatMap(flowsOf).flatMap(({ frames, badIcvFrames }) => [...frames, ...badIcvFrames]),
  ];
}

/** The note that stands in the summary: without it nobody knows why nothing was decrypted. */
const KEYS_UNUSED = 'N_KEYS_UNUSED';

function summaryFacts({ summary, notes }: DecodeResult): [string, string][] {
  const { protocols, icv } = summary;
  const kinds = Object.entries(protocols)
    .filter(([, count]) => count > 0)
    .map(([protocol, count]) => `${count.toLocaleString('en-US')} ${protocol}`);
  const read = `${countText(summary.frames, 'frame')}, ${bytesText(summary.bytes)}`;
  const facts: [string, string][] = [
    ['read', summary.damaged && summary.frames > 0 ? `${read}, then the capture is damaged` : read],
    ['IPsec', kinds.length === 0 ? 'none: no IKE, ESP or AH in it' : kinds.join(', ')],
  ];
  if (summary.first !== undefined && summary.last !== undefined) {
    facts.push(['time', `${dateText(summary.first)}, ${durationText(summary.first, summary.last)} long`]);
  }
  if (summary.decrypted + icv.good + icv.bad > 0) {
    const bad = icv.bad === 0 ? '' : `, ${icv.bad} BAD`;
    facts.push(['decrypted', `${countText(summary.decrypted, 'packet')}; ICV good on ${icv.good}${bad}`]);
  }
  const unused = notes.find(({ code }) => code === KEYS_UNUSED);
  if (unused !== undefined) facts.push(['keys', unused.message]);
  if (summary.errors > 0) facts.push(['unreadable', countText(summary.errors, 'packet')]);
  return facts;
}

const STATES: Record<IkeSaReport['state'], { text: string; tone: Tone }> = {
  unanswered: { text: 'no answer', tone: 'bad' },
  'half-open': { text: 'never authenticated', tone: 'bad' },
  refused: { text: 'refused', tone: 'bad' },
  encrypted: { text: 'authenticated or not: encrypted, keys would tell', tone: 'plain' },
  established: { text: 'established', tone: 'good' },
  deleted: { text: 'established, later deleted', tone: 'good' },
  rekeyed: { text: 'established, later rekeyed', tone: 'good' },
  partial: { text: 'began before the capture', tone: 'plain' },
};

function ikeSection(
  sa: IkeSaReport,
  children: ChildSaReport[],
  start: string,
  { ikeSas, diagnosis }: DecodeResult,
  verbose: boolean,
): Section {
  const origin = originOf(sa, ikeSas);
  const facts: [string, string][] = [
    ['initiator', sideText(sa, 'initiator', origin)],
    ['responder', sideText(sa, 'responder', origin)],
    ['SPIs', `${sa.spiI} / ${/^0+$/.test(sa.spiR) ? 'none yet' : sa.spiR}`],
    ['suite', suiteText(sa)],
  ];
  facts.push(...certificateFacts(sa));
  const nat = natText(sa, origin);
  if (nat !== undefined) facts.push(['NAT', nat]);
  if (sa.rekeyOf !== undefined) facts.push(['replaces', sa.rekeyOf]);
  if (sa.rekeyedTo !== undefined) {
    facts.push(['replaced by', sa.rekeyInferred ? `${sa.rekeyedTo} (by time and addresses)` : sa.rekeyedTo]);
  }
  if (sa.keepalives > 0) facts.push(['keepalives', String(sa.keepalives)]);
  if (sa.icvFailures > 0) facts.push(['ICV BAD', `${sa.icvFailures} (${frameList(sa.badIcvFrames)})`]);
  if (sa.exchangesOmitted > 0) facts.push(['left out', countText(sa.exchangesOmitted, 'exchange')]);
  return {
    title: `${sa.id}  ${sa.initiator} → ${sa.responder}  IKEv${sa.version}`,
    state: withFindings(stateOf(sa, children), framesOf(sa, children), diagnosis),
    facts,
    steps: sa.exchanges.map((exchange) =>
      step(exchange, start, verbose ? exchange.story : tellStory(exchange, sa, sa.version, { brief: true })),
    ),
    sections: children.map((child) => childSection(child, start)),
  };
}

function suiteText({ suite, state }: IkeSaReport): string {
  if (suite !== undefined) return proposalText(suite);
  return ['unanswered', 'half-open', 'refused'].includes(state) ? 'none agreed' : 'agreed before the capture';
}

/** An IKE SA alone carries nothing; its children may be those of the SA it replaced. */
function stateOf(sa: IkeSaReport, children: ChildSaReport[]): Section['state'] {
  if (sa.state !== 'established' || children.length > 0 || sa.rekeyOf !== undefined) return STATES[sa.state];
  return { text: 'established, but without a child SA: it carries no traffic', tone: 'bad' };
}

/** Names what is wrong with it, for those who read headings only. */
function withFindings(
  state: Section['state'],
  frames: readonly number[],
  findings: readonly Finding[],
): Section['state'] {
  const own = new Set(frames);
  const wrong = findings.filter(
    (finding) => severityTone(finding) === 'bad' && finding.frames.some((frame) => own.has(frame)),
  );
  if (wrong.length === 0) return state;
  return { text: `${state.text} (${[...new Set(wrong.map(({ id }) => id))].join(', ')})`, tone: 'bad' };
}

function sideText(sa: IkeSaReport, role: Role, origin: Origin | undefined): string {
  const parts = [sa[role]];
  const before = origin?.roles?.[role];
  const identity = sa.identities[role] ?? (before && origin?.sa.identities[before]);
  if (identity !== undefined) parts.push(`is ${identityText(identity)}`);
  const method = sa.authMethods[role] ?? (before && origin?.sa.authMethods[before]);
  if (method !== undefined) parts.push(`by ${methodWords(method)}`);
  if (sa.vendorIds[role].length > 0) parts.push(`says ${sa.vendorIds[role].join(', ')}`);
  return parts.join('; ');
}

function identityText({ type, value }: IdentityReport): string {
  return `${value} (${type})`;
}

function natText({ nat, state }: IkeSaReport, origin: Origin | undefined): string | undefined {
  if (nat === undefined) return undefined;
  const moved =
    nat.movedTo4500 === undefined ? 'no move to port 4500' : `port 4500 from #${nat.movedTo4500} on`;
  const hashes = nat.initiator ?? nat.responder;
  const originHashes = origin?.sa.nat?.initiator ?? origin?.sa.nat?.responder;
  if (hashes === undefined && originHashes !== undefined) {
    return `${origin?.sa.nat?.detected ? 'detected' : 'none found'} in ${origin?.sa.id}; ${moved}`;
  }
  if (hashes === undefined && (state === 'partial' || origin?.sa.state === 'partial')) {
    return `not known: its detection is not in the capture; ${moved}`;
  }
  if (!nat.detected) return nat.movedTo4500 === undefined ? 'none found' : `none found; ${moved}`;
  const found = (['initiator', 'responder'] as const).flatMap((role) => {
    const detection = nat[role];
    if (detection?.source !== 'differs' && detection?.destination !== 'differs') return [];
    return [`${detection.source === 'differs' ? '' : 'before '}the ${role} (#${detection.frame})`];
  });
  return `detected at ${found.join(' and ')}: an address was translated, or encapsulation is forced; ${moved}`;
}

function step(exchange: ExchangeReport, start: string, story: string): Step {
  const messages = messagesOf(exchange);
  const [first] = messages;
  return {
    frames: frameList(messages.flatMap(({ frames }) => frames)),
    at: first === undefined ? '' : offsetText(first.time, start),
    arrow: exchange.requester === 'initiator' ? '→' : '←',
    name: `${exchange.exchange} ${exchange.messageId}`,
    roundTrip: roundTripText(exchange.roundTripMs),
    story,
    tone: exchangeTone(exchange, messages),
    details: messages.flatMap(retransmissionText),
    messages: messages.map(({ frames }) => frames),
  };
}

function exchangeTone(exchange: ExchangeReport, messages: MessageReport[]): Tone {
  const errors = messages.flatMap(({ notifies }) => notifies ?? []).filter(({ number }) => number < 16_384);
  if (exchange.state === 'unanswered' || messages.some(({ icv }) => icv === 'bad')) return 'bad';
  if (errors.length > 0) return 'bad';
  return exchange.retransmissions > 0 || exchange.state === 'incomplete' ? 'warn' : 'plain';
}

function retransmissionText(message: MessageReport): string[] {
  if (message.retransmissions === 0) return [];
  const frames = frameList(message.retransmissionFrames);
  return [`${message.src} sent it again ${countText(message.retransmissions, 'time')}: ${frames}`];
}

function childSection(child: ChildSaReport, start: string): Section {
  const facts: [string, string][] = [];
  if (child.suite !== undefined) {
    facts.push(['suite', `${proposalText(child.suite)}${child.pfsGroup ? `, PFS ${child.pfsGroup}` : ''}`]);
  }
  if (child.tsI !== undefined && child.tsR !== undefined) {
    facts.push(['traffic', `${child.tsI.join(', ') || 'none'} ↔ ${child.tsR.join(', ') || 'none'}`]);
  }
  const back = child.requester === 'responder';
  facts.push([back ? '←' : '→', directionText(child.fromRequester, child.spiFromRequester)]);
  facts.push([back ? '→' : '←', directionText(child.toRequester, child.spiToRequester)]);
  if (child.rekeyOf !== undefined) facts.push(['replaces', child.rekeyOf]);
  if (child.rekeyedTo !== undefined) facts.push(['replaced by', rekeyText(child)]);
  if (child.deleted !== undefined) {
    const { by, frame, time } = child.deleted;
    facts.push(['deleted', `by the ${by} at ${offsetText(time, start)} (#${frame})`]);
  }
  const how =
    child.evidence === 'inferred'
      ? `guessed from the traffic from #${child.created.frame} on`
      : `negotiated at ${offsetText(child.created.time, start)} (#${child.created.frame})`;
  return {
    title: `${child.id}  ${child.protocol}${child.mode === undefined ? '' : ` ${child.mode} mode`}`,
    state: { text: how, tone: 'plain' },
    facts,
    steps: [],
    sections: [],
  };
}

function directionText(flow: FlowReport | undefined, spi: string | undefined): string {
  if (flow === undefined) return spi === undefined ? 'no packets' : `${spi}  no packets`;
  return `${flow.spi}  ${flow.src} → ${flow.dst}: ${flowText(flow)}`;
}

function rekeyText({ rekeyedTo, rekeyOverlapMs: overlap }: ChildSaReport): string {
  if (overlap === undefined) return `${rekeyedTo}`;
  if (overlap < 0) return `${rekeyedTo}, after a pause of ${roundTripText(-overlap)}`;
  return `${rekeyedTo}, both in use for ${roundTripText(overlap)}`;
}

function flowSection(flows: FlowReport[]): Section {
  return {
    title: 'Traffic whose negotiation is not in the capture',
    state: { text: countText(flows.length, 'flow'), tone: 'plain' },
    facts: flows.map((flow) => [flow.protocol, directionText(flow, flow.spi)]),
    steps: [],
    sections: [],
  };
}

function severityTone({ severity }: Finding): Tone {
  if (severity === 'critical' || severity === 'high') return 'bad';
  return severity === 'medium' ? 'warn' : 'plain';
}

function omittedNotes({ omitted: { ikeMessages, childSas, flowPackets } }: DecodeResult): string[] {
  const parts = [
    ikeMessages > 0 ? countText(ikeMessages, 'IKE message') : '',
    childSas > 0 ? countText(childSas, 'child SA') : '',
    flowPackets > 0 ? countText(flowPackets, 'ESP or AH packet') : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? [] : [`More than is kept, counted only: ${parts.join(', ')}`];
}
