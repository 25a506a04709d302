import { Command } from '@oclif/core/command';
import { describeFailure, failureText } from './failure.js';

/** What a `psk` command says, and how it ends. */
export interface PskOutcome {
  stdout: string;
  stderr?: string;
  exitCode: number;
}

/** A `psk` command: one action, one outcome. */
export abstract class PskCommand extends Command {
  protected async runPsk(action: () => Promise<PskOutcome>): Promise<void> {
    try {
      const { stdout, stderr = '', exitCode } = await action();
      process.stderr.write(stderr);
      process.stdout.write(stdout);
      process.exitCode = exitCode;
    } catch (error) {
      const failure = describeFailure(error);
      process.stderr.write(failureText(failure));
      process.exitCode = failure.exitCode;
    }
  }
}
