import { Command } from '@oclif/core/command';
import { ExitCode } from '../../lib/core/errors.js';
import { describeFailure, failureText } from '../failure.js';
import { Interruption } from '../interruption.js';
import type { ProbeFlags } from './flags.js';

/** Asks gateways, shows what they said, sets the exit code. */
export abstract class ProbeCommand extends Command {
  protected async runProbe(words: readonly string[], flags: ProbeFlags): Promise<void> {
    process.exitCode = await Interruption.during(async (interruption) => {
      try {
        const { runProbe } = await import('./run.js');
        const exitCode = await runProbe(words, flags, this.config.version, interruption.signal);
        return interruption.signal.aborted ? interruption.exitCode : exitCode;
      } catch (error) {
        const failure = describeFailure(error);
        // Whoever interrupted a prompt knows.
        if (failure.exitCode === ExitCode.interrupted) return failure.exitCode;
        if (interruption.signal.aborted && failure.exitCode !== ExitCode.bug) return interruption.exitCode;
        process.stderr.write(failureText(failure));
        return failure.exitCode;
      }
    });
  }
}
