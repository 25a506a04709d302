import { KeyLog } from './keylog.js';
import { requireDevice } from './plane.js';
import { serverPolicy } from './policy.js';
import { TunnelServer } from './tunnel-server.js';
import type { ServerOptions, TunnelContext } from './types.js';

/**
 * Serves tunnels until the signal aborts or the duration is over.
 * @returns after a clean end, with the host as it was found
 * @throws {KitError} when it cannot listen or has no device, and when the device fails
 */
export async function runServer(options: ServerOptions, context: TunnelContext): Promise<void> {
  const policy = serverPolicy(options, context.retransmit);
  await requireDevice(options, context);
  const keylog = options.keylog === undefined ? undefined : new KeyLog(options.keylog, context.log);
  try {
    await new TunnelServer(options, policy, context, keylog).run();
  } finally {
    await keylog?.close();
  }
}
