import { Command } from '@oclif/core';
import { describeFailure, failureText } from '../failure.js';
import { Interruption } from '../interruption.js';
import type { DecodeFlags } from './flags.js';

/** Reads a capture, shows what is in it, sets the exit code. */
export abstract class DecodeCommand extends Command {
  protected async runDecode(file: string | undefined, flags: DecodeFlags): Promise<void> {
    process.exitCode = await Interruption.during(async (interruption) => {
      try {
        const { runDecode } = await import('./run.js');
        const exitCode = await runDecode(file, flags, interruption.signal);
        // A reader that went away has seen what it wanted; what was not read any more is no failure.
        return interruption.signal.aborted ? interruption.exitCode : exitCode;
      } catch (error) {
        const failure = describeFailure(error);
        if (interruption.signal.aborted && failure.exitCode !== 1) return interruption.exitCode;
        process.stderr.write(failureText(failure));
        return failure.exitCode;
      }
    });
  }
}
