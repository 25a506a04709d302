import type { DemoReport } from '../../report/demo.schema.js';
import type { DemoStep } from './recorder.js';

/** Parts of the demonstration that run as processes of their own, inside the namespaces. */
export type DemoRole = 'inside' | 'peer';

/** From the process inside the namespaces to the one the user started. */
export type InsideMessage =
  | { type: 'obstacle'; code: string; message: string; hint: string | undefined }
  | { type: 'step'; step: DemoStep }
  | { type: 'report'; report: DemoReport };

/** To the host behind the server. */
export type PeerRequest = { type: 'serve'; address: string };

/** From the host behind the server. */
export type PeerMessage = { type: 'ready' } | { type: 'serving' } | { type: 'digest'; hex: string };

/** Sends to the parent; a parent that is gone is noticed by `disconnect`, not here. */
export function tellParent(message: InsideMessage | PeerMessage): void {
  if (process.connected) process.send?.(message);
}
