import { silent } from '../../core/log.js';
import type { DemoObstacle, DemoReport } from '../../report/demo.schema.js';
import type { SelfCommand } from './inside.js';
import { runInNamespaces } from './namespaces.js';
import type { DemoStep } from './recorder.js';

export interface DemoOptions {
  /** How this very command is started: program and arguments before the command's name. */
  self: SelfCommand;
  onStep(step: DemoStep): void;
  /** Called before the run in memory begins, with what stands in the way of the real one. */
  onObstacle(obstacle: DemoObstacle): void;
  signal: AbortSignal;
}

/** Shows a tunnel from its first packet to its last, in namespaces where that is allowed, else in memory. */
export async function runDemo({ self, onStep, onObstacle, signal }: DemoOptions): Promise<DemoReport> {
  const outcome = await runInNamespaces(self, onStep, signal);
  if ('report' in outcome) return outcome.report;
  onObstacle(outcome.obstacle);
  const { runInMemory } = await import('./memory.js');
  return runInMemory({ onStep, signal, log: silent, obstacle: outcome.obstacle });
}
