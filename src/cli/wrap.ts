/**
 * Columns of the terminal, or of what reads our output, as `COLUMNS` in the environment says.
 * @param fallback for a file or a pipe
 */
export function columnsOf(stream: { columns?: number }, fallback: number): number {
  return stream.columns || Number.parseInt(process.env.COLUMNS ?? '', 10) || fallback;
}

/** Breaks between words; a word longer than a line stays whole, so that it can be copied. */
export function wrap(text: string, firstWidth: number, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  let limit = firstWidth;
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > limit) {
      lines.push(line);
      line = word;
      limit = width;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
