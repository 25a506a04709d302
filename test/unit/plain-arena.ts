import { type Address, Arena } from '../../src/lib/core/arena.js';

/** An arena of which C is given nothing. */
export function plainArena(size: number): Arena {
  return new Arena(size, () => 0 as Address);
}
