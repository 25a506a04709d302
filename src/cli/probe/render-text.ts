import type { ChalkInstance } from 'chalk';
import Table from 'cli-table3';
import { printable } from '../../lib/core/printable.js';
import { wrap } from '../wrap.js';
import type { FindingView, SectionView, TableView, TargetView, Tone, Toned } from './view-model.js';

/** Narrower terminals get this all the same: below it nothing can be read. */
const MIN_WIDTH = 60;
const MAX_WIDTH = 140;
const LABEL = 11;
/** Columns of tables are not made narrower than their longest word, unless that is longer than this. */
const LONGEST_WORD = 24;

export interface TextStyle {
  paint: ChalkInstance;
  columns: number;
}

/** A report as text, with a line end. Everything that came from outside is escaped. */
export function renderText(view: TargetView, style: TextStyle): string {
  const writer = new TextWriter(style);
  writer.target(view);
  return writer.finish();
}

/** A table alone, as for many targets. */
export function renderTable(title: string, table: TableView, style: TextStyle): string {
  const writer = new TextWriter(style);
  writer.section({ title, table });
  return writer.finish();
}

class TextWriter {
  readonly #paint: ChalkInstance;
  readonly #width: number;
  readonly #lines: string[] = [];

  constructor({ paint, columns }: TextStyle) {
    this.#paint = paint;
    this.#width = Math.min(Math.max(columns, MIN_WIDTH), MAX_WIDTH);
  }

  finish(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  target({ title, grade, facts, findings, sections }: TargetView): void {
    this.#lines.push(this.#paint.bold(printable(title)), '');
    if (grade) {
      const [reason = '', ...more] = grade.reasons;
      const letter = this.#paint.bold(this.#tone(grade.tone, grade.letter));
      const head = `  ${'grade'.padEnd(LABEL)} ${grade.letter}  `;
      const painted = `  ${this.#paint.dim('grade'.padEnd(LABEL))} ${letter}  `;
      this.#wrapped(head, ' '.repeat(head.length), reason, painted);
      for (const line of more) this.#wrapped(' '.repeat(head.length), ' '.repeat(head.length), line);
    }
    this.#facts(facts);
    if (findings) this.#findings(findings);
    for (const section of sections) this.section(section);
  }

  section({ title, facts, table, lines, code }: SectionView): void {
    this.#heading(title);
    if (facts && facts.length > 0) this.#facts(facts);
    if (table) this.#table(table);
    for (const { text, tone } of lines ?? []) this.#wrapped('  ', '    ', text, '  ', tone);
    if (code !== undefined) this.#code(code, '  ');
  }

  #heading(title: string): void {
    if (this.#lines.length > 0) this.#lines.push('');
    this.#lines.push(this.#paint.bold(printable(title)));
  }

  #findings(findings: readonly FindingView[]): void {
    this.#heading('Findings');
    if (findings.length === 0) this.#lines.push(`  ${this.#paint.green('None.')}`);
    for (const { id, severity, tone, title, evidence, remediation, config, references } of findings) {
      const label = severity.toUpperCase().padEnd(8);
      const head = `  ${label}  ${id}  `;
      this.#lines.push('');
      const painted = `  ${this.#tone(tone, label)}  ${this.#paint.bold(printable(id))}  `;
      this.#wrapped(head, ' '.repeat(head.length), title, painted);
      for (const sentence of evidence) this.#wrapped('    ', '    ', sentence);
      if (remediation !== undefined) {
        this.#wrapped('    → ', '      ', remediation, `    ${this.#paint.green('→')} `);
      }
      if (config !== undefined) this.#code(config, '        ');
      if (references.length > 0) {
        this.#wrapped('    ', '    ', references.join(', '), '    ', 'note');
      }
    }
  }

  #facts(facts: readonly (readonly [string, string])[]): void {
    const label = Math.max(LABEL, ...facts.map(([name]) => name.length));
    for (const [name, value] of facts) {
      const head = `  ${printable(name).padEnd(label)} `;
      this.#wrapped(head, ' '.repeat(head.length), value, this.#paint.dim(head));
    }
  }

  #table({ head, rows }: TableView): void {
    const widths = this.#widths(head, rows);
    if (widths === undefined) {
      for (const row of rows) this.#tableLine(row);
      return;
    }
    const table = new Table({
      head: head.map((text) => this.#paint.bold(text)),
      style: { head: [], border: [], compact: true },
      colWidths: widths.map((width) => width + 2),
    });
    // The table would count colours as text, so lines are made before they are painted.
    const cell = ({ text, tone }: Toned, at: number): string =>
      cellLines(printable(text), widths[at] ?? 1)
        .map((line) => this.#tone(tone, line))
        .join('\n');
    for (const row of rows) table.push(row.map(cell));
    for (const line of table.toString().split('\n')) this.#lines.push(`  ${line}`);
  }

  /** A row of a table that is too wide: its cells one after the other. */
  #tableLine(row: readonly Toned[]): void {
    const cells = row.filter(({ text }) => text !== '');
    const tone = cells.find((cell) => cell.tone !== 'note' && cell.tone !== 'plain')?.tone;
    const long = new RegExp(`\\S{${this.#width - 8}}`, 'gu');
    const text = cells.map((cell) => printable(cell.text).replace(long, '$& ')).join(', ');
    this.#wrapped('  ', '      ', text, '  ', tone);
  }

  /**
   * Of the text in each column; the widest one gives way until the table fits.
   * @returns undefined when it would have to cut words
   */
  #widths(head: readonly string[], rows: readonly (readonly Toned[])[]): number[] | undefined {
    const columns = head.map((title, at) => [title, ...rows.map((row) => printable(row[at]?.text ?? ''))]);
    const widths = columns.map((texts) => Math.max(1, ...texts.map(({ length }) => length)));
    const least = columns.map((texts) =>
      Math.max(1, ...texts.map((text) => Math.min(longestWord(text), LONGEST_WORD))),
    );
    const total = (): number => widths.reduce((sum, width) => sum + width + 3, 3);
    while (total() > this.#width) {
      const room = widths.map((width, at) => (width > (least[at] ?? 1) ? width : 0));
      const widest = Math.max(...room);
      if (widest === 0) return undefined;
      const at = room.indexOf(widest);
      widths[at] = Math.max(least[at] ?? 1, widest - (total() - this.#width));
    }
    return widths;
  }

  #code(code: string, indent: string): void {
    for (const line of code.split('\n')) this.#lines.push(indent + this.#paint.cyan(printable(line)));
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
    if (text === '') return text;
    switch (tone) {
      case 'good':
        return this.#paint.green(text);
      case 'bad':
        return this.#paint.red(text);
      case 'warn':
        return this.#paint.yellow(text);
      case 'note':
        return this.#paint.dim(text);
      case 'plain':
        return text;
    }
  }
}

function longestWord(text: string): number {
  return Math.max(...text.split(' ').map(({ length }) => length));
}

/** Lines of a cell: words that are longer than the column are cut, because the next column begins there. */
function cellLines(text: string, width: number): string[] {
  return wrap(text, width, width).flatMap((line) => line.match(new RegExp(`.{1,${width}}`, 'gu')) ?? ['']);
}
