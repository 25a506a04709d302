import { createMemoryPlane } from '../esp/plane/memory.js';
import type { PskProof } from '../ike/auth/types.js';
import { formatIdentity } from '../ike/identity.js';
import { formatIkev2Material } from '../psk/audit/material.js';
import { runServer } from './server.js';
import type { ServerOptions, TunnelContext } from './types.js';

/**
 * Listens as a gateway that does not know the pre-shared key, and records what clients prove with it: that is all that
 * somebody on the way to a gateway needs to guess the key offline. Every client is refused; no device is made.
 * @param record takes one line of material (see `psk/audit`) and who proved it
 */
export async function collectPskProofs(
  options: ServerOptions,
  record: (line: string, identity: string) => void,
  context: TunnelContext,
): Promise<void> {
  const onPskProof = ({ prf, octets, auth, identity }: PskProof): void => {
    const name = formatIdentity(identity);
    record(formatIkev2Material({ prf, octets, auth, identity: name }), name);
  };
  const credentials = { ...options.credentials, onPskProof };
  const remoteTs = options.remoteTs ?? ['0.0.0.0/0', '::/0'];
  await runServer({ ...options, remoteTs, credentials }, { ...context, createPlane: createMemoryPlane });
}
