import { Command } from '@oclif/core/command';
import { ExitCode } from '../../lib/core/errors.js';
import type { CertReport } from '../../lib/report/cert.schema.js';
import { describeFailure, failureText } from '../failure.js';
import type { CertFlags } from './flags.js';

/** A `cert` command: one action, one report, one exit code. */
export abstract class CertCommand extends Command {
  /** Runs an action and writes its report; a report with problems is a refusal. */
  protected async runCert(flags: CertFlags, action: () => Promise<CertReport>): Promise<void> {
    try {
      const report = await action();
      const { renderCert } = await import('./render.js');
      process.stdout.write(renderCert(report, flags));
      process.exitCode = report.ok ? ExitCode.ok : ExitCode.refused;
    } catch (error) {
      const failure = describeFailure(error);
      process.stderr.write(failureText(failure));
      process.exitCode = failure.exitCode;
    }
  }
}
