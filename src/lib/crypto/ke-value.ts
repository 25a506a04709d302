import { KitError } from '../core/errors.js';

/** The error for a public value that its group refuses. `problem` completes "the peer's key exchange value …". */
export function badKeValue(problem: string): KitError {
  return new KitError('protocol', 'E_KE_VALUE', `the peer's key exchange value ${problem}`, {
    hint: 'the peer is faulty, or somebody in between changes packets',
  });
}
