/**
 * The error taxonomy: a stable code, a kind, a sentence, and what to do next.
 * Kinds decide the exit code; codes are the contract with scripts.
 */

/** Exit codes of every command; documented in the man pages. */
export const ExitCode = {
  ok: 0,
  bug: 1,
  usage: 2,
  findings: 3,
  network: 4,
  protocol: 5,
  refused: 6,
  environment: 7,
  inconclusive: 8,
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/**
 * - `garbage`: the peer sent bytes that do not parse
 * - `protocol`: the peer broke the protocol
 * - `refused`: peer and we do not fit together (authentication, proposal, selectors)
 * - `network`: no answer
 * - `environment`: privilege, device or tool missing on this host
 * - `usage`: the caller asked for something impossible
 * - `bug`: our own mistake
 */
export type ErrorKind = 'garbage' | 'protocol' | 'refused' | 'network' | 'environment' | 'usage' | 'bug';

export const exitCodeOf: Readonly<Record<ErrorKind, ExitCode>> = {
  garbage: ExitCode.protocol,
  protocol: ExitCode.protocol,
  refused: ExitCode.refused,
  network: ExitCode.network,
  environment: ExitCode.environment,
  usage: ExitCode.usage,
  bug: ExitCode.bug,
};

export interface KitErrorOptions {
  /** What the user can do next, one sentence. */
  hint?: string;
  cause?: unknown;
}

/** Every error this package throws on purpose. `code` is stable (`E_…`); `message` is one sentence. */
export class KitError extends Error {
  override readonly name: string = 'KitError';
  readonly hint: string | undefined;

  constructor(
    readonly kind: ErrorKind,
    readonly code: `E_${string}`,
    message: string,
    options: KitErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
  }

  get exitCode(): ExitCode {
    return exitCodeOf[this.kind];
  }
}

/** Bytes from outside that do not parse. `offset` counts bytes from the start of the parsed unit. */
export class WireError extends KitError {
  override readonly name: string = 'WireError';

  constructor(
    code: `E_${string}`,
    message: string,
    readonly offset: number,
  ) {
    super('garbage', code, message);
  }
}
