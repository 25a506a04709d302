import { Command } from '@oclif/core/command';
import type { Secret } from '../lib/core/secret.js';
import type { TunnelContext } from '../lib/tunnel/types.js';
import { EventOutput, type EventOutputOptions } from './event-output.js';
import { describeFailure } from './failure.js';
import { Interruption } from './interruption.js';
import { readPsk } from './psk.js';

/** Flags that decide about output and key, as the parser yields them. */
interface RunFlags extends EventOutputOptions {
  'psk-file'?: string | undefined;
  'psk-stdin': boolean;
  'insecure-permissions': boolean;
}

/** What `connect` and `serve` share: events out, signals in, one exit code. */
export abstract class TunnelCommand extends Command {
  /**
   * Runs a tunnel until it ends and sets the exit code.
   * @param prepare turns flags into options; its errors are usage errors
   * @param run the tunnel itself, imported only when it is needed
   */
  protected async runTunnel<Options>(
    flags: RunFlags,
    prepare: () => Options,
    run: (options: Options & { psk: Secret }, context: TunnelContext) => Promise<void>,
  ): Promise<void> {
    const output = new EventOutput(flags);
    process.exitCode = await Interruption.during(async (interruption) => {
      try {
        const options = prepare();
        const psk = await readPsk({
          file: flags['psk-file'],
          stdin: flags['psk-stdin'],
          insecurePermissions: flags['insecure-permissions'],
        });
        const { onEvent, log } = output;
        await run({ ...options, psk }, { onEvent, log, signal: interruption.signal });
        return interruption.exitCode;
      } catch (error) {
        const failure = describeFailure(error);
        // An interrupted tunnel may complain about being interrupted; whoever pressed the key knows.
        if (interruption.signal.aborted && failure.exitCode !== 1) return interruption.exitCode;
        output.failure(failure);
        return failure.exitCode;
      }
    });
  }
}
