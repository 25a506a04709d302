import { setTimeout as sleep } from 'node:timers/promises';
import { runAfter } from './after.js';
import { ClientConnection } from './client-connection.js';
import { errorEvent } from './events.js';
import { KeyLog } from './keylog.js';
import { requireDevice } from './plane.js';
import { clientPolicy } from './policy.js';
import type { ClientOptions, TunnelContext } from './types.js';

/** Doubling from one second; the last one repeats. */
const defaultDelays = [1000, 2000, 4000, 8000, 16_000, 30_000];

/**
 * Brings up a tunnel to a gateway and keeps it up until the signal aborts or the duration is over. A tunnel that was
 * up and is lost is made anew, with growing pauses; the first connect is tried once.
 * @returns after a clean end, with the host as it was found
 * @throws {KitError} when the first connect fails
 */
export async function runClient(options: ClientOptions, context: TunnelContext): Promise<void> {
  const policy = clientPolicy(options, context.retransmit);
  await requireDevice(options, context);
  const keylog = options.keylog === undefined ? undefined : new KeyLog(options.keylog, context.log);
  const delays = context.reconnectDelays ?? defaultDelays;
  const stop = new AbortController();
  const onAbort = () => stop.abort();
  context.signal.addEventListener('abort', onAbort, { once: true });
  if (context.signal.aborted) stop.abort();
  let cancelLeave: (() => void) | undefined;
  let failuresInRow = 0;
  try {
    for (let first = true; !stop.signal.aborted; first = false) {
      const connection = new ClientConnection(options, policy, context, keylog);
      // A first attempt may take no longer than the tunnel was wanted for.
      const limit = first ? options.duration || undefined : undefined;
      const cancelLimit = limit === undefined ? undefined : runAfter(limit, () => connection.giveUp());
      const end = await connection.run(stop.signal, () => {
        cancelLimit?.();
        failuresInRow = 0;
        // The time counts from the moment the tunnel carries traffic.
        if (options.duration !== undefined) cancelLeave ??= runAfter(options.duration, onAbort);
      });
      cancelLimit?.();
      if (stop.signal.aborted || end === undefined) break;
      if (first && !connection.wasUp) throw end;
      context.onEvent(errorEvent(end));
      const pause = delays[Math.min(failuresInRow++, delays.length - 1)] ?? 0;
      const seconds = pause / 1000;
      context.log(
        'warn',
        `trying again in ${seconds} s; until then traffic takes the routes of this host, not the tunnel`,
      );
      await sleep(pause, undefined, { signal: stop.signal }).catch(() => {});
    }
  } finally {
    cancelLeave?.();
    context.signal.removeEventListener('abort', onAbort);
    await keylog?.close();
  }
}
