import type { Position } from '../lib/psk/audit/audit.js';

/** How often progress is shown on a terminal, and elsewhere. */
const TERMINAL_MS = 500;
const LOG_MS = 30_000;

/** Rate and estimate of an audit: one line that changes on a terminal, now and then a line in a log. */
export class AuditProgress {
  readonly #stream: NodeJS.WritableStream & { isTTY?: boolean };
  readonly #start: { time: number; tried: number; offset: number };
  readonly #size: number | undefined;
  #last: number;

  /** @param size bytes of the word list, if they are known */
  constructor(
    stream: NodeJS.WritableStream & { isTTY?: boolean },
    { tried, offset }: Readonly<Position>,
    size: number | undefined,
  ) {
    this.#stream = stream;
    this.#start = { time: performance.now(), tried, offset };
    this.#size = size;
    this.#last = this.#start.time;
  }

  /** Since the audit began. */
  get seconds(): number {
    return (performance.now() - this.#start.time) / 1000;
  }

  show(position: Readonly<Position>): void {
    const now = performance.now();
    if (now - this.#last < (this.#stream.isTTY ? TERMINAL_MS : LOG_MS)) return;
    this.#last = now;
    const line = this.#line(position);
    this.#stream.write(this.#stream.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  }

  clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K');
  }

  #line({ tried, offset }: Readonly<Position>): string {
    const { seconds } = this;
    const parts = [wordsText(tried), `${countText((tried - this.#start.tried) / seconds)} a second`];
    if (this.#size !== undefined && this.#size > 0) {
      const bytesPerSecond = (offset - this.#start.offset) / seconds;
      const left = Math.max(0, this.#size - offset) / bytesPerSecond;
      parts.push(`${Math.floor((100 * Math.min(offset, this.#size)) / this.#size)} % of the list`);
      if (Number.isFinite(left)) parts.push(`about ${durationText(left)} left`);
    }
    return parts.join(', ');
  }
}

/** A number of words, with two or three digits that count. */
export function countText(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} billion`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(2)} million`;
  if (count >= 1e4) return `${Math.round(count / 1e3)} thousand`;
  return String(Math.round(count));
}

/** `1 word tried`. */
export function wordsText(tried: number): string {
  return `${countText(tried)} ${tried === 1 ? 'word' : 'words'} tried`;
}

/** A duration in its two largest units; one below ten seconds with what comes after the point. */
export function durationText(seconds: number): string {
  if (seconds < 9.95) return `${seconds < 0.095 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
  const whole = Math.ceil(seconds);
  const units: readonly [size: number, name: string][] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const first = units.findIndex(([size]) => whole >= size);
  let rest = whole;
  const words = units.slice(first, first + 2).flatMap(([size, name]) => {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    return amount > 0 ? [`${amount} ${name}`] : [];
  });
  return words.join(' ');
}
