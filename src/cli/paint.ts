import { Chalk, type ChalkInstance } from 'chalk';

/**
 * Colours for one stream: none unless it is a terminal, never with NO_COLOR (any non-empty value) or `--no-color`.
 * @param color false when the user asked for none
 */
export function paintFor(stream: { isTTY?: boolean }, color: boolean): ChalkInstance {
  const wanted = color && stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  return new Chalk({ level: wanted ? 1 : 0 });
}
