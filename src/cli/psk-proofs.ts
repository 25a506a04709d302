import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { KitError } from '../lib/core/errors.js';
import { printable } from '../lib/core/printable.js';
import { Secret } from '../lib/core/secret.js';
import { LARGEST_MATERIAL, MOST_TARGETS } from '../lib/psk/audit/material.js';
import { pskCredentials } from '../lib/tunnel/credentials.js';
import type { ServerOptions, TunnelContext } from '../lib/tunnel/types.js';
import type { TunnelPlan } from './tunnel-command.js';

/** Flags that mean nothing to a gateway that refuses everybody. */
const useless = ['auth', 'cert', 'client-auth', 'key', 'psk-file', 'users', 'pool'] as const;

/**
 * `serve --audit-psk FILE`: appends what clients prove to a file that only its owner reads, for `psk audit`.
 * @throws KitError usage `E_AUTH_UNUSED`; when it runs `E_PSK_PROOFS` where the file cannot be used
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

/** Proofs of one client that are kept: another one helps no guess, but a client comes again and again. */
const PROOFS_PER_CLIENT = 3;
/** Bytes of an identity, which the client chooses, that tell clients apart. */
const LONGEST_KEY = 256;

async function record(path: string, options: ServerOptions, context: TunnelContext): Promise<void> {
  const file = new ProofFile(path);
  try {
    const { collectPskProofs } = await import('../lib/tunnel/psk-proofs.js');
    const warn = (code: string, message: string): void =>
      context.onEvent({ event: 'warning', code, message: printable(message) });
    const append = (line: string, identity: string): void => {
      try {
        const outcome = file.append(line, identity);
        if (outcome === 'full') {
          warn(
            'W_PSK_PROOFS_FULL',
            `${path} holds ${MOST_TARGETS} proofs, which is what psk audit takes: no more are recorded`,
          );
        }
        if (outcome !== 'written') return;
        warn(
          'W_PSK_PROOF',
          `${identity} proved its pre-shared key to a gateway that it did not know; the proof is in ${path}: try ipsec-kit psk audit ${path}`,
        );
      } catch (error) {
        // Thrown inside the server, it would end the session of a client with a reason that is not the client's.
        warn('W_PSK_PROOFS_FILE', `${path} cannot be written: ${reasonOf(error)}`);
      }
    };
    await collectPskProofs(options, append, context);
  } finally {
    file.close();
  }
}

/** A file of proofs that only its owner reads, and that stays within what `psk audit` takes. */
export class ProofFile {
  readonly #file: number;
  readonly #seen = new Map<string, number>();
  #lines: number;
  #length: number;
  #toldFull = false;

  /** @throws KitError usage `E_PSK_PROOFS` for what cannot be written, is no regular file, or is open to others */
  constructor(path: string) {
    try {
      const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants;
      this.#file = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
    } catch (cause) {
      throw unusable(reasonOf(cause), cause);
    }
    try {
      const { mode, size } = fstatSync(this.#file);
      if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw unusable('it is no regular file');
      if (size > LARGEST_MATERIAL) throw unusable(`it is longer than ${LARGEST_MATERIAL} bytes`);
      if ((mode & 0o077) !== 0 && size > 0) {
        throw unusable(`others may read or write it (mode ${(mode & 0o777).toString(8)})`);
      }
      fchmodSync(this.#file, 0o600);
      this.#length = size;
      this.#lines = readFileSync(this.#file, 'utf8')
        .split('\n')
        .filter((line) => line.trim() !== '').length;
    } catch (error) {
      closeSync(this.#file);
      throw error;
    }
  }

  /**
   * @param line of material, with its line end
   * @returns `full` once, when there is no room; `known` for what is not wanted again
   * @throws the system's error, for example where the disk is full; the file is then as it was
   */
  append(line: string, identity: string): 'written' | 'known' | 'full' {
    const key = `${prfOf(line)} ${identity.slice(0, LONGEST_KEY)}`;
    const seen = this.#seen.get(key) ?? 0;
    if (seen >= PROOFS_PER_CLIENT) return 'known';
    const bytes = Buffer.from(line);
    if (this.#lines >= MOST_TARGETS || this.#length + bytes.length > LARGEST_MATERIAL) {
      if (this.#toldFull) return 'known';
      this.#toldFull = true;
      return 'full';
    }
    this.#write(bytes);
    this.#seen.set(key, seen + 1);
    this.#lines += 1;
    return 'written';
  }

  close(): void {
    closeSync(this.#file);
  }

  /** A part of a line would make the whole file useless. */
  #write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
      this.#length += bytes.length;
    } catch (error) {
      ftruncateSync(this.#file, this.#length);
      throw error;
    }
  }
}

function prfOf(line: string): unknown {
  return (JSON.parse(line) as { prf: unknown }).prf;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function unusable(reason: string, cause?: unknown): KitError {
  return new KitError('usage', 'E_PSK_PROOFS', `The file for proofs cannot be used: ${reason}.`, {
    hint: 'Name another file with --audit-psk.',
    cause,
  });
}
