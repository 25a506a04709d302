/** The longest pause that a timer of Node.js can make; a longer one fires at once. */
const longest = 2 ** 31 - 1;

/**
 * Calls `action` once, after any number of milliseconds.
 * @returns takes it back
 */
export function runAfter(milliseconds: number, action: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (left: number) => {
    timer = setTimeout(() => (left > longest ? wait(left - longest) : action()), Math.min(left, longest));
  };
  wait(milliseconds);
  return () => clearTimeout(timer);
}
