import type { Milliseconds } from '../core/environment.js';
import type { Secret } from '../core/secret.js';
import type { Identity } from '../ike/identity.js';
import type { Transform } from '../ike/wire/types.js';
import { loadForCookies } from './active/load.js';
import { guessPsk } from './active/psk-guesses.js';
import { tryPublicValues } from './active/public-values.js';
import type { Asker } from './asker.js';
import type { SaOpener } from './oracle-sa.js';
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

/**
 * Checks that load a gateway or try to get in: only with the consent of whoever runs it. What may leave a half-open SA
 * behind comes last.
 */
export async function runActiveChecks(
  asker: Asker,
  opener: SaOpener,
  { transforms, groups, pskGuesses, pause }: ActiveOptions,
): Promise<ActiveFacts> {
  const guesses = pskGuesses && (await guessPsk(asker, opener, transforms, pskGuesses, pause));
  const cookiesUnderLoad = await loadForCookies(asker, transforms);
  const invalidPublicValue = await tryPublicValues(asker, opener, transforms, groups);
  return { ...(guesses && { pskGuesses: guesses }), cookiesUnderLoad, invalidPublicValue };
}
