import { formatChildSpi, formatEndpoint } from './events.js';
import type { SaTracker } from './tracker.js';
import type { StatsEvent } from './types.js';

/** The counters of a tunnel at this moment; undefined before there is a plane. */
export function statsEvent(tracker: SaTracker): StatsEvent | undefined {
  const { plane } = tracker;
  if (plane === undefined) return undefined;
  const childSas = tracker.sessions.flatMap((session) =>
    tracker.childrenOf(session).flatMap(({ id, inboundSpi, outboundSpi, path }) => {
      const stats = plane.stats(id);
      if (stats === undefined) return [];
      const { lastInboundAt, ...counters } = stats;
      return {
        inboundSpi: formatChildSpi(inboundSpi),
        outboundSpi: formatChildSpi(outboundSpi),
        peer: formatEndpoint(path.remote),
        ...counters,
        ...(lastInboundAt !== undefined && { lastInbound: new Date(lastInboundAt).toISOString() }),
      };
    }),
  );
  return { event: 'stats', plane: plane.kind, ...plane.planeStats(), childSas };
}
