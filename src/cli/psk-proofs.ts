import { randomBytes } from 'node:crypto';
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { KitError } from '../lib/core/errors.js';
import { Secret } from '../lib/core/secret.js';
import { pskCredentials } from '../lib/tunnel/credentials.js';
import type { ServerOptions, TunnelContext } from '../lib/tunnel/types.js';
import type { TunnelPlan } from './tunnel-command.js';

/** Flags that mean nothing to a gateway that refuses everybody. */
const useless = ['auth', 'cert', 'client-auth', 'key', 'psk-file', 'users', 'pool'] as const;

/**
 * `serve --audit-psk FILE`: appends what clients prove to a file that only its owner reads, for `psk audit`.
 * @throws KitError usage `E_AUTH_UNUSED`; when it runs `E_PSK_PROOFS` where the file cannot be written
 */
export function pskProofsPlan(
  path: string,
  options: Omit<ServerOptions, 'credentials'>,
  flags: Partial<Record<(typeof useless)[number], unknown>>,
): TunnelPlan<ServerOptions> {
  const given = useless.find((name) => flags[name] !== undefined);
  if (given !== undefined) {
    throw new KitError(
      'usage',
      'E_AUTH_UNUSED',
      `--${given} has no use beside --audit-psk, which refuses every client.`,
      {
        hint: 'Leave one of them out.',
      },
    );
  }
  // The key is never proved to anybody: what clients offer cannot be right.
  const unknown = new Secret(randomBytes(32));
  return {
    options,
    credentials: async () => ({ credentials: pskCredentials(unknown), warnings: [] }),
    run: (complete, context) => record(path, complete, context),
  };
}

async function record(path: string, options: ServerOptions, context: TunnelContext): Promise<void> {
  const file = open(path);
  try {
    const { collectPskProofs } = await import('../lib/tunnel/psk-proofs.js');
    const append = (line: string, identity: string): void => {
      appendFileSync(file, line);
      context.onEvent({
        event: 'warning',
        code: 'W_PSK_PROOF',
        message: `${identity} proved its pre-shared key to a gateway that it did not know; the proof is in ${path}: try ipsec-kit psk audit ${path}`,
      });
    };
    await collectPskProofs(options, append, context);
  } finally {
    closeSync(file);
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new KitError('usage', 'E_PSK_PROOFS', `The file for proofs cannot be written: ${reason}`, {
      hint: 'Name another file with --audit-psk.',
      cause,
    });
  }
}
