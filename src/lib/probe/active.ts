import type { Milliseconds } from '../core/environment.js';
import type { Secret } from '../core/secret.js';
import type { Identity } from '../ike/identity.js';
import type { Transform } from '../ike/wire/types.js';
import type { SaOpener } from './oracle-sa.js';
import type { Asker } from './scheduler.js';
import type { ActiveFacts } from './types.js';

export interface ActiveOptions {
  /** A suite that the gateway accepts. */
  transforms: readonly Transform[];
  /** Groups that the gateway accepts, by IANA id. */
  groups: readonly number[];
  /** PSK guesses are made only with both. */
  pskGuesses: { identity: Identity; words: readonly Secret[] } | undefined;
  /** Waits; ends early when the run is interrupted. */
  pause(duration: Milliseconds): Promise<void>;
}

/** Checks that load a gateway or try to get in: only with the consent of whoever runs it. */
export async function runActiveChecks(
  _asker: Asker,
  _opener: SaOpener,
  _options: ActiveOptions,
): Promise<ActiveFacts> {
  return {};
}
