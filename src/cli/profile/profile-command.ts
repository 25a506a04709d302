import { Command } from '@oclif/core/command';
import { ExitCode } from '../../lib/core/errors.js';
import type { ProfilesReport } from '../../lib/report/profile.schema.js';
import { describeFailure, failureText } from '../failure.js';
import type { OutputFlags } from './flags.js';

/** A `profile` command: one action, one report, one exit code. */
export abstract class ProfileCommand extends Command {
  /** Runs an action and writes its report; what it says already went to stdout is not written again. */
  protected async runProfile(
    flags: OutputFlags,
    action: () => Promise<{ report: ProfilesReport; toStderr?: boolean; after?: string }>,
  ): Promise<void> {
    try {
      const { report, toStderr = false, after = '' } = await action();
      const { renderFindings, renderProfiles } = await import('./render.js');
      const stream = toStderr ? process.stderr : process.stdout;
      stream.write(renderProfiles(report, flags, stream) + after);
      process.stderr.write(renderFindings(report, flags));
      process.exitCode = report.ok ? ExitCode.ok : ExitCode.findings;
    } catch (error) {
      const failure = describeFailure(error);
      process.stderr.write(failureText(failure));
      process.exitCode = failure.exitCode;
    }
  }
}
