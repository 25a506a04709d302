import { Command } from '@oclif/core/command';
import { ExitCode, KitError } from '../lib/core/errors.js';
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
        const sources = {
          file: flags['psk-file'],
          stdin: flags['psk-stdin'],
          insecurePermissions: flags['insecure-permissions'],
        };
        output.log('debug', 'waiting for the pre-shared key');
        const psk = await Promise.race([readPsk(sources), aborted(interruption.signal)]);
        const { onEvent, log } = output;
        await run({ ...options, psk }, { onEvent, log, signal: interruption.signal });
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
