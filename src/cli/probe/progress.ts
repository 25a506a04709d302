import type { ChalkInstance } from 'chalk';
import { printable } from '../../lib/core/printable.js';
import { weaknessOf } from '../../lib/probe/checks/weaknesses.js';
import type { ProbeEvent, ProbePhase } from '../../lib/probe/probe-target.js';
import { algorithmText, countText } from './words.js';

/** What shows how a run goes on. */
export interface Progress {
  event(target: string, event: ProbeEvent): void;
  /** The target is done. */
  end(target: string): void;
  /** Takes the live lines away while something else is written. */
  aside(write: () => void): void;
  close(): void;
}

export const silentProgress: Progress = {
  event: () => {},
  end: () => {},
  aside: (write) => write(),
  close: () => {},
};

interface Stream {
  write(text: string): unknown;
  columns?: number;
  rows?: number;
}

const phaseTexts: Readonly<Record<ProbePhase, string>> = {
  reach: 'is it there',
  contact: 'first contact',
  algorithms: 'algorithms',
  suites: 'suites',
  ikev1: 'IKEv1',
  authentication: 'authentication',
  active: 'active checks',
};

const REDRAW_MS = 100;
const MOST_LINES = 10;
const COLUMNS = 100;
/** Erases from the cursor to the end of the screen (ECMA-48 ED). */
const ERASE = '\x1b[J';

interface State {
  phase: string;
  asking: string;
  sent: number;
  budget: number;
  accepted: number;
  weak: Set<string>;
}

/** A line a target on a terminal, drawn anew as things happen. */
export class LiveProgress implements Progress {
  readonly #states = new Map<string, State>();
  #drawn = 0;
  #ended = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly stream: Stream,
    private readonly paint: ChalkInstance,
    private readonly total: number,
  ) {}

  event(target: string, event: ProbeEvent): void {
    const state = this.#states.get(target) ?? {
      phase: '',
      asking: '',
      sent: 0,
      budget: 0,
      accepted: 0,
      weak: new Set<string>(),
    };
    this.#states.set(target, state);
    switch (event.type) {
      case 'phase':
        state.phase = phaseTexts[event.phase];
        break;
      case 'packet':
        state.sent = event.sent;
        state.budget = event.budget;
        if (event.packet.direction === 'sent') state.asking = event.packet.summary;
        break;
      case 'accepted':
        state.accepted += 1;
        if (isWeak(event)) state.weak.add(algorithmText(event.algorithm));
        break;
      case 'pause':
        state.asking = `waits ${Math.round(event.for / 1000)} s: ${event.reason}`;
        break;
    }
    this.#redrawSoon();
  }

  end(target: string): void {
    this.#states.delete(target);
    this.#ended += 1;
    this.#redrawSoon();
  }

  aside(write: () => void): void {
    this.#erase();
    write();
    this.#redrawSoon();
  }

  close(): void {
    this.#states.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#erase();
  }

  #redrawSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#draw();
    }, REDRAW_MS).unref();
  }

  #draw(): void {
    this.#erase();
    const most = Math.min(MOST_LINES, Math.max(1, (this.stream.rows || 24) - 2));
    const width = (this.stream.columns || COLUMNS) - 1;
    const lines = [...this.#states].slice(0, most).map(([target, state]) => this.#line(target, state, width));
    if (this.total > 1)
      lines.push(`${this.#ended} of ${countText(this.total, 'target')} done`.slice(0, width));
    if (lines.length === 0) return;
    this.stream.write(lines.map((line) => `${line}\n`).join(''));
    this.#drawn = lines.length;
  }

  #line(target: string, { phase, asking, sent, budget, accepted, weak }: State, width: number): string {
    const of = budget < 1e6 ? `/${budget}` : '';
    const found = `${accepted} accepted${weak.size === 0 ? '' : `, weak: ${[...weak].join(', ')}`}`;
    const text = `${target}  ${phase}  ${sent}${of} packets  ${found}  ${asking}`;
    const shown = printable(text);
    const cut = shown.length > width ? `${shown.slice(0, width - 1)}…` : shown;
    return weak.size > 0 ? this.paint.yellow(cut) : this.paint.dim(cut);
  }

  #erase(): void {
    if (this.#drawn === 0) return;
    this.stream.write(`\x1b[${this.#drawn}F${ERASE}`);
    this.#drawn = 0;
  }
}

/** A line an event, for `--verbose`. */
export class VerboseProgress implements Progress {
  constructor(
    private readonly stream: Stream,
    private readonly paint: ChalkInstance,
  ) {}

  event(target: string, event: ProbeEvent): void {
    this.stream.write(`${this.paint.dim(printable(`${target}: ${eventText(event)}`))}\n`);
  }

  end(): void {}

  aside(write: () => void): void {
    write();
  }

  close(): void {}
}

function eventText(event: ProbeEvent): string {
  switch (event.type) {
    case 'phase':
      return phaseTexts[event.phase];
    case 'packet': {
      const { number, at, direction, bytes, summary } = event.packet;
      const arrow = direction === 'sent' ? '→' : '←';
      return `packet ${number} at ${(at / 1000).toFixed(3)} s  ${arrow} ${bytes} bytes  ${summary}`;
    }
    case 'accepted':
      return `accepts ${algorithmText(event.algorithm)}`;
    case 'pause':
      return `waits ${Math.round(event.for / 1000)} s: ${event.reason}`;
  }
}

function isWeak({ kind, algorithm }: ProbeEvent & { type: 'accepted' }): boolean {
  const severity = weaknessOf(kind, algorithm.id);
  return severity !== undefined && severity !== 'low' && severity !== 'info';
}
