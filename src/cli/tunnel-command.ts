import { Command } from '@oclif/core/command';
import { ExitCode, KitError } from '../lib/core/errors.js';
import type { Log } from '../lib/core/log.js';
import type { TunnelContext, TunnelOptions } from '../lib/tunnel/types.js';
import type { LoadedCredentials } from './credentials.js';
import { EventOutput, type EventOutputOptions } from './event-output.js';
import { describeFailure } from './failure.js';
import { Interruption } from './interruption.js';
import { statsWanted } from './tunnel-stats.js';

/** A tunnel as flags describe it, in the order in which it is found out. */
export interface TunnelPlan<Options extends TunnelOptions> {
  /** What can be known without reading anything; its errors are usage errors. */
  options: Omit<Options, 'credentials'>;
  /** Reads files and asks for secrets. */
  credentials(log: Log): Promise<LoadedCredentials>;
  /** The tunnel itself, imported only when it is needed. */
  run(options: Options, context: TunnelContext): Promise<void>;
}

/** What `connect` and `serve` share: events out, signals in, one exit code. */
export abstract class TunnelCommand extends Command {
  /** Runs a tunnel until it ends and sets the exit code. */
  protected async runTunnel<Options extends TunnelOptions>(
    flags: EventOutputOptions & { stats?: string | undefined },
    prepare: () => TunnelPlan<Options> | Promise<TunnelPlan<Options>>,
  ): Promise<void> {
    const output = new EventOutput(flags);
    process.exitCode = await Interruption.during(async (interruption) => {
      try {
        const { onEvent, log } = output;
        const onStatsWanted = statsWanted(flags.stats);
        const plan = await prepare();
        const { credentials, warnings } = await Promise.race([
          plan.credentials(log),
          aborted(interruption.signal),
        ]);
        for (const warning of warnings) onEvent({ event: 'warning', ...warning });
        const options = { ...plan.options, credentials } as Options;
        await plan.run(options, { onEvent, log, signal: interruption.signal, onStatsWanted });
        return interruption.exitCode;
      } catch (error) {
        const failure = describeFailure(error);
        // An interrupted tunnel or prompt may complain about it; whoever pressed the key knows.
        if (failure.exitCode === ExitCode.interrupted) return failure.exitCode;
        if (interruption.signal.aborted && failure.exitCode !== ExitCode.bug) return interruption.exitCode;
        output.failure(failure);
        return failure.exitCode;
      }
    });
  }
}

/** Rejects when the signal comes: a key that nobody writes must not keep the command waiting. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const reason = new KitError('usage', 'E_NO_PSK', 'Interrupted before there was a key.');
    signal.addEventListener('abort', () => reject(reason), { once: true });
  });
}
