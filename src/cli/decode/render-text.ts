import type { ChalkInstance } from 'chalk';
import { printable } from '../../lib/core/printable.js';
import { wrap } from '../wrap.js';
import type { Report, Section, Step, Tone } from './report.js';
import { frameList } from './words.js';

/** Narrower terminals get this all the same: below it nothing can be read. */
const MIN_WIDTH = 60;
const MAX_WIDTH = 160;
const LABEL = 12;
/** Columns that a story needs beside its exchange. */
const STORY = 64;

/** Lines of payload fields below a message, by its frames. */
export type MessageDetails = (frames: readonly number[]) => string[];

/** The whole report as text, with a line end. Everything that came from packets is escaped. */
export function renderText(
  report: Report,
  options: { paint: ChalkInstance; columns: number; details: MessageDetails },
): string {
  return new TextRenderer(options).render(report);
}

class TextRenderer {
  readonly #paint: ChalkInstance;
  readonly #width: number;
  readonly #details: MessageDetails;
  readonly #lines: string[] = [];

  constructor({
    paint,
    columns,
    details,
  }: { paint: ChalkInstance; columns: number; details: MessageDetails }) {
    this.#paint = paint;
    this.#width = Math.min(Math.max(columns, MIN_WIDTH), MAX_WIDTH);
    this.#details = details;
  }

  render(report: Report): string {
    this.#lines.push(this.#paint.bold(printable(report.title)));
    this.#facts(report.facts, '  ');
    for (const section of report.sections) this.#section(section, '');
    if (report.hidden !== undefined) {
      this.#lines.push('', this.#paint.dim(printable(report.hidden)));
    }
    this.#diagnosis(report);
    if (report.notes.length > 0) {
      this.#lines.push('', this.#paint.bold('About the capture'));
      for (const note of report.notes) this.#wrapped('  ', '  ', note);
    }
    return `${this.#lines.join('\n')}\n`;
  }

  #section(section: Section, indent: string): void {
    const title = this.#paint.bold(printable(section.title));
    this.#lines.push(
      '',
      `${indent}${title}  ${this.#tone(section.state.tone, printable(section.state.text))}`,
    );
    this.#facts(section.facts, `${indent}  `);
    if (section.steps.length > 0) this.#lines.push('');
    this.#steps(section.steps, `${indent}  `);
    for (const child of section.sections) this.#section(child, `${indent}  `);
  }

  #facts(facts: readonly [string, string][], indent: string): void {
    const label = Math.max(...facts.map(([name]) => name.length), LABEL - 1) + 1;
    for (const [name, value] of facts) {
      const head = `${indent}${name.padEnd(label)}`;
      const painted = indent + this.#paint.dim(name.padEnd(label));
      this.#wrapped(head, ' '.repeat(head.length), value, painted);
    }
  }

  #steps(steps: readonly Step[], indent: string): void {
    const widths = {
      frames: Math.max(0, ...steps.map(({ frames }) => frames.length)),
      at: Math.max(0, ...steps.map(({ at }) => at.length)),
      name: Math.max(0, ...steps.map(({ name }) => name.length)),
      trip: Math.max(0, ...steps.map(({ roundTrip }) => roundTrip.length)),
    };
    for (const { frames, at, arrow, name, roundTrip, story, tone, details, messages } of steps) {
      const frame = frames.padEnd(widths.frames);
      const when = at.padStart(widths.at);
      const trip = roundTrip.padStart(widths.trip);
      const what = printable(name).padEnd(widths.name);
      const head = `${indent}${frame}  ${when}  ${arrow} ${what}  ${trip}  `;
      const { dim } = this.#paint;
      const painted = `${indent}${dim(frame)}  ${dim(when)}  ${arrow} ${what}  ${dim(trip)}  `;
      this.#story(head, painted, story, tone);
      for (const detail of details)
        this.#wrapped(`${indent}    `, `${indent}      `, detail, undefined, tone);
      for (const line of messages.flatMap((numbers) => this.#details(numbers))) {
        this.#lines.push(`${indent}    ${printable(line)}`);
      }
    }
  }

  /** One clause a line; the last one tells how it ended. */
  #story(head: string, painted: string, story: string, tone: Tone): void {
    const clauses = story.split(/(?<=;) /);
    const indent = ' '.repeat(storyColumn(head, this.#width));
    for (const [at, clause] of clauses.entries()) {
      const ending = at === clauses.length - 1 ? tone : 'plain';
      if (at === 0) this.#wrapped(head, indent, clause, painted, ending);
      else this.#wrapped(indent, indent, clause, indent, ending);
    }
  }

  #diagnosis({ findings, verdict }: Report): void {
    this.#lines.push('', this.#paint.bold('Diagnosis'));
    const [grave, notable] = [
      findings.filter(({ severity }) => severity !== 'info'),
      findings.filter(({ severity }) => severity === 'info'),
    ];
    if (grave.length === 0) this.#wrapped('  ', '  ', verdict);
    for (const { severity, id, frames, title, advice, tone } of grave) {
      const where = frames.length === 0 ? '' : `  ${frameList(frames)}`;
      const label = this.#tone(tone, severity.toUpperCase());
      this.#lines.push('', `  ${label}  ${this.#paint.bold(printable(id))}${where}`);
      this.#wrapped('    ', '    ', title);
      this.#wrapped('    → ', '      ', advice);
    }
    if (notable.length > 0) this.#lines.push('', this.#paint.bold('Also worth knowing'));
    for (const { id, frames, title } of notable) {
      this.#wrapped('  ', '    ', `${id}  ${frameList(frames)}  ${title}`);
    }
  }

  /** @param painted the head as it is to be printed, when it has colours */
  #wrapped(head: string, indent: string, text: string, painted = head, tone: Tone = 'plain'): void {
    const [first = '', ...rest] = wrap(
      printable(text),
      this.#width - head.length,
      this.#width - indent.length,
    );
    this.#lines.push((painted + this.#tone(tone, first)).trimEnd());
    for (const line of rest) this.#lines.push(indent + this.#tone(tone, line));
  }

  #tone(tone: Tone, text: string): string {
    if (tone === 'good') return this.#paint.green(text);
    if (tone === 'bad') return this.#paint.red(text);
    return tone === 'warn' ? this.#paint.yellow(text) : text;
  }
}

/** Stories go on under themselves while that leaves them room to read. */
function storyColumn(head: string, width: number): number {
  return width - head.length >= STORY ? head.length : 8;
}
