import type { ChildSa } from './child-sa.js';
import { milliseconds } from './evidence.js';
import type { Flow } from './flow.js';
import type { ChildSaReport, FlowReport } from './types.js';

/** Flows that begin within so much of each other's life are taken for the two directions of one child SA. */
const NEAR = 30_000_000_000n;

/** A negotiated child SA with its flows, before it becomes a report. */
interface Pair {
  child: ChildSa;
  toRequester: Flow | undefined;
  fromRequester: Flow | undefined;
}

/** Gives every flow its child SA: the negotiated one by SPI, and for what is left a guess by hosts and time. */
export function assignFlows(
  children: readonly ChildSa[],
  flows: readonly Flow[],
): { childSas: ChildSaReport[]; flows: FlowReport[] } {
  const left = new Set(flows);
  const bySpi = new Map<string, Flow[]>();
  for (const flow of flows) bySpi.set(flow.spi, [...(bySpi.get(flow.spi) ?? []), flow]);
  const claim = (spi: string | undefined, receiver: string): Flow | undefined => {
    const candidates = (spi === undefined ? [] : (bySpi.get(spi) ?? [])).filter((flow) => left.has(flow));
    const only = candidates.length === 1 ? candidates[0] : undefined;
    const flow = candidates.find(({ dstAddress }) => dstAddress === receiver) ?? only;
    if (flow !== undefined) left.delete(flow);
    return flow;
  };
  const pairs = children.map((child) => ({
    child,
    toRequester: claim(child.spiToRequester, child.requesterAddress),
    fromRequester: claim(child.spiFromRequester, child.answererAddress),
  }));
  const byChild = new Map(pairs.map((pair) => [pair.child, pair]));
  const guesses = guessPairs([...left].filter(({ protocol }) => protocol === 'ESP'));
  for (const flow of guesses.flat()) left.delete(flow);
  return {
    childSas: [
      ...pairs.map((pair) => negotiated(pair, byChild)),
      ...guesses.map((pair, i) => guessed(pair, `child-${children.length + i + 1}`)),
    ],
    flows: [...left].map((flow) => flow.report()),
  };
}

function negotiated(pair: Pair, byChild: ReadonlyMap<ChildSa, Pair>): ChildSaReport {
  const { child, toRequester, fromRequester } = pair;
  const { ikeSa, rekeyOf, rekeyedTo, requesterAddress: _, answererAddress: __, ...rest } = child;
  const overlap = rekeyedTo && overlapOf(pair, byChild.get(rekeyedTo));
  return {
    ...rest,
    ikeSa: ikeSa.id,
    evidence: 'negotiated',
    ...(toRequester !== undefined && { toRequester: toRequester.report(child.id) }),
    ...(fromRequester !== undefined && { fromRequester: fromRequester.report(child.id) }),
    ...(rekeyOf !== undefined && { rekeyOf: rekeyOf.id }),
    ...(rekeyedTo !== undefined && { rekeyedTo: rekeyedTo.id }),
    ...(overlap !== undefined && { rekeyOverlapMs: overlap }),
  };
}

/** By direction, from the first packet of the new SA to the last of the old one; the longer of the two. */
function overlapOf(old: Pair, successor: Pair | undefined): number | undefined {
  const overlaps: number[] = [];
  for (const before of [old.toRequester, old.fromRequester]) {
    const after = [successor?.toRequester, successor?.fromRequester].find(
      (flow) => flow !== undefined && flow.dstAddress === before?.dstAddress,
    );
    if (before !== undefined && after !== undefined)
      overlaps.push(milliseconds(after.firstAt, before.lastAt));
  }
  return overlaps.length === 0 ? undefined : Math.max(...overlaps);
}

/** Flows in opposite directions between two hosts, in the order they began: rekeying makes both directions new at once. */
function guessPairs(flows: readonly Flow[]): [Flow, Flow][] {
  const byHosts = new Map<string, [Flow[], Flow[]]>();
  for (const flow of flows) {
    const { srcAddress, dstAddress } = flow;
    const forward = srcAddress < dstAddress;
    const key = forward ? `${srcAddress}|${dstAddress}` : `${dstAddress}|${srcAddress}`;
    const directions = byHosts.get(key) ?? [[], []];
    directions[forward ? 0 : 1].push(flow);
    byHosts.set(key, directions);
  }
  const pairs: [Flow, Flow][] = [];
  for (const [there, back] of byHosts.values()) {
    for (let i = 0, j = 0; i < there.length && j < back.length; ) {
      const a = there[i]!;
      const b = back[j]!;
      const near = a.firstAt <= b.lastAt + NEAR && b.firstAt <= a.lastAt + NEAR;
      if (near) pairs.push(a.firstAt <= b.firstAt ? [a, b] : [b, a]);
      if (near || a.firstAt <= b.firstAt) i++;
      if (near || a.firstAt > b.firstAt) j++;
    }
  }
  return pairs;
}

/** Of two flows that may belong together, the sender of the first counts as the one that asked for the SA. */
function guessed([from, to]: [Flow, Flow], id: string): ChildSaReport {
  const fromRequester = from.report(id);
  return {
    id,
    evidence: 'inferred',
    protocol: 'ESP',
    created: { ...fromRequester.first },
    spiToRequester: to.spi,
    spiFromRequester: from.spi,
    toRequester: to.report(id),
    fromRequester,
  };
}
