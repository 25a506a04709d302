import type { TunnelContext } from '../lib/tunnel/types.js';
import { parseDuration } from './duration.js';

/**
 * Asks a tunnel for its counters on SIGUSR1, and now and then if that is wanted.
 * @param every a duration; undefined or `0`: only on the signal
 * @throws KitError usage E_DURATION
 */
export function statsWanted(every: string | undefined): NonNullable<TunnelContext['onStatsWanted']> {
  const pause = every === undefined ? 0 : parseDuration(every, '--stats');
  return (report) => {
    process.on('SIGUSR1', report);
    const timer = pause > 0 ? setInterval(report, pause) : undefined;
    return () => {
      process.off('SIGUSR1', report);
      clearInterval(timer);
    };
  };
}
