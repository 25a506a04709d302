import { Command } from '@oclif/core/command';
import { describeFailure, failureText } from './failure.js';
import { Interruption } from './interruption.js';

/** Flags of `psk audit` as the parser yields them. */
export interface PskAuditFlags {
  wordlist: string;
  resume?: string | undefined;
  threads?: number | undefined;
  show: boolean;
  format: 'text' | 'json';
  json: boolean;
  color: boolean;
}

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
