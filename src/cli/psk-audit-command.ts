import { Command } from '@oclif/core/command';
import { describeFailure, failureText } from './failure.js';
import { Interruption } from './interruption.js';
import type { PskAuditFlags } from './psk-audit.js';

/** `psk audit`, which ends in good order when it is interrupted. */
export abstract class PskAuditCommand extends Command {
  protected async runAudit(file: string, flags: PskAuditFlags): Promise<void> {
    try {
      const { auditPsk } = await import('./psk-audit.js');
      process.exitCode = await Interruption.during((interruption) => auditPsk(file, flags, interruption));
    } catch (error) {
      const failure = describeFailure(error);
      process.stderr.write(failureText(failure));
      process.exitCode = failure.exitCode;
    }
  }
}
