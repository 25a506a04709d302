import { Command } from '@oclif/core/command';
import { ExitCode } from '../lib/core/errors.js';
import type { DemoRole } from '../lib/tunnel/demo/messages.js';
import { describeFailure, failureText } from './failure.js';
import { Interruption } from './interruption.js';
import { paintFor } from './paint.js';
import { renderObstacle, renderReport, renderStep } from './render-demo.js';

/** The demonstration, shown as a timeline or given as data. */
export abstract class DemoCommand extends Command {
  protected async runDemo(options: { json: boolean; color: boolean }): Promise<void> {
    const { runDemo } = await import('../lib/tunnel/demo/run.js');
    // The timeline is the result; with JSON the result is the document, and the timeline is progress.
    const stream = options.json ? process.stderr : process.stdout;
    const paint = paintFor(stream, options.color);
    const tell = (text: string): void => {
      if (!options.json || process.stderr.isTTY) stream.write(`${text}\n`);
    };
    process.exitCode = await Interruption.during(async (interruption) => {
      const { signal } = interruption;
      try {
        const report = await runDemo({
          self: ownCommand(),
          signal,
          onStep: (step) => tell(renderStep(step, paint)),
          onObstacle: (obstacle) => tell(renderObstacle(obstacle, paint)),
        });
        if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
        else process.stdout.write(`${renderReport(report, paint)}\n`);
        return report.ok ? ExitCode.ok : ExitCode.bug;
      } catch (error) {
        if (signal.aborted) return interruption.exitCode;
        const failure = describeFailure(error);
        process.stderr.write(failureText(failure));
        return failure.exitCode;
      }
    });
  }

  /** The parts that run inside the namespaces. */
  protected async runRole(role: DemoRole): Promise<void> {
    if (role === 'inside') {
      const { runInside } = await import('../lib/tunnel/demo/inside.js');
      await runInside(ownCommand());
    } else {
      const { runPeer } = await import('../lib/tunnel/demo/peer.js');
      await runPeer();
    }
  }
}

/** Program and arguments that start this command line again. */
function ownCommand(): string[] {
  return [process.execPath, ...process.execArgv, process.argv[1] ?? ''];
}
