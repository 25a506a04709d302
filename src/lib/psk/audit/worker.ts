import { parentPort, workerData } from 'node:worker_threads';
import { LineGuesser, type LinesResult } from './lines.js';
import type { AuditTarget } from './material.js';

/** What a worker thread is started with, is sent, and answers. */
export interface WorkerStart {
  targets: readonly AuditTarget[];
}
export interface WorkerTask {
  batch: number;
  bytes: Uint8Array<ArrayBuffer>;
  open: readonly number[];
}
export interface WorkerAnswer extends LinesResult {
  batch: number;
}

const { targets } = workerData as WorkerStart;
const guesser = new LineGuesser(targets);

parentPort?.on('message', ({ batch, bytes, open }: WorkerTask) => {
  const answer: WorkerAnswer = { batch, ...guesser.try(bytes, open) };
  parentPort?.postMessage(answer);
});
