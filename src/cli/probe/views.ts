import type { ChalkInstance } from 'chalk';
import { printable } from '../../lib/core/printable.js';
import {
  PROBE_SCHEMA,
  type ProbeChanges,
  type ProbeDocument,
  type ProbeLine,
  type ProbeTargetReport,
} from '../../lib/report/probe-document.js';
import { type SarifCheck, SarifRunWriter, sarifHead } from '../../lib/report/probe-sarif.js';
import { findingCounts, gradeTone, isReached, targetView } from './build-view.js';
import { missingLines } from './changes-view.js';
import { indented, jsonText } from './json.js';
import { literal, renderMarkdown, renderMarkdownTable } from './render-markdown.js';
import { renderTable, renderText } from './render-text.js';
import { plain, type TableView, type Toned } from './view-model.js';
import { countText, targetText } from './words.js';

/** Results that wait in memory for one that was named before them. */
export const MOST_HELD = 256;

/** Rows of a table that somebody may still read. */
const MOST_ROWS = 500;

/** What is known of a run at its end. */
export interface RunEnd extends Omit<ProbeDocument, 'schema' | 'targets' | 'changes'> {
  /** With `--baseline`: targets that only the former result has. */
  missing?: readonly ProbeChanges[];
}

/**
 * Writes results: each target when it is done, and what comes after the last. No view keeps more of a target than a
 * line, because there may be tens of thousands.
 */
export interface View {
  /** Targets come in the order they were named rather than as they are done. */
  readonly inOrder: boolean;
  /** @param place of the target among those that were named */
  target(target: ProbeTargetReport, changes: ProbeChanges | undefined, place: number): void;
  finish(end: RunEnd): void;
}

export type Write = (text: string) => void;

export interface TextViewOptions {
  verbose: boolean;
  changesOnly: boolean;
  paint: ChalkInstance;
  columns: number;
}

/** Text for people. */
export class TextView implements View {
  readonly inOrder = false;
  readonly #overview = new Overview();

  constructor(
    private readonly write: Write,
    private readonly options: TextViewOptions,
  ) {}

  target(target: ProbeTargetReport, changes: ProbeChanges | undefined, place: number): void {
    const view = targetView(target, { ...this.options, changes });
    this.write(`${this.#overview.total === 0 ? '' : '\n\n'}${renderText(view, this.options)}`);
    this.#overview.add(target, place);
  }

  finish(end: RunEnd): void {
    if (this.#overview.total > 1) {
      this.write(`\n\n${renderTable('All targets', this.#overview.table, this.options)}`);
    }
    const missing = missingLines(end.missing ?? []);
    if (missing.length > 0) this.write(`\n${missing.map(({ text }) => printable(text)).join('\n')}\n`);
    for (const text of [...this.#overview.notes, ...endNotes(end)]) this.write(`\n${text}\n`);
  }
}

/** Markdown for tickets. */
export class MarkdownView implements View {
  readonly inOrder = false;
  readonly #overview = new Overview();

  constructor(
    private readonly write: Write,
    private readonly options: { verbose: boolean; changesOnly: boolean },
  ) {}

  target(target: ProbeTargetReport, changes: ProbeChanges | undefined, place: number): void {
    const head = this.#overview.total === 0 ? '# What IKE gateways accept\n\n' : '\n';
    this.write(`${head}${renderMarkdown(targetView(target, { ...this.options, changes }))}`);
    this.#overview.add(target, place);
  }

  finish(end: RunEnd): void {
    if (this.#overview.total > 1) {
      this.write(`\n${renderMarkdownTable('All targets', this.#overview.table)}`);
    }
    const notes = [
      ...missingLines(end.missing ?? []).map(({ text }) => text),
      ...this.#overview.notes,
      ...endNotes(end),
    ];
    if (notes.length > 0) this.write(`\n${notes.map((text) => `- ${literal(text)}`).join('\n')}\n`);
  }
}

/** One JSON document, written target by target. */
export class JsonView implements View {
  readonly inOrder = true;
  readonly #targets: ListWriter;
  readonly #changes: ProbeChanges[] = [];

  constructor(private readonly write: Write) {
    this.#targets = new ListWriter(write, `{\n  "schema": "${PROBE_SCHEMA}",\n  "targets": [`, 2);
  }

  target(target: ProbeTargetReport, changes: ProbeChanges | undefined): void {
    this.#targets.add(target);
    if (changes) this.#changes.push(changes);
  }

  finish({ missing, ...end }: RunEnd): void {
    this.#targets.end();
    for (const [name, value] of Object.entries(end)) this.write(`,\n  "${name}": ${indented(value, 1)}`);
    if (missing) {
      const changes = new ListWriter(this.write, ',\n  "changes": [', 2);
      for (const each of [...this.#changes, ...missing]) changes.add(each);
      changes.end();
    }
    this.write('\n}\n');
  }
}

/** One line a target, as each is done. */
export class NdjsonView implements View {
  readonly inOrder = false;

  constructor(private readonly write: Write) {}

  target(target: ProbeTargetReport, changes: ProbeChanges | undefined): void {
    const line: ProbeLine = { schema: PROBE_SCHEMA, ...target, ...(changes && { changes }) };
    this.write(`${jsonText(line)}\n`);
  }

  finish(): void {}
}

/** A SARIF log, written result by result. */
export class SarifView implements View {
  readonly inOrder = true;
  readonly #results: ListWriter;
  readonly #run: SarifRunWriter;

  constructor(
    private readonly write: Write,
    checks: readonly SarifCheck[],
    version: string,
  ) {
    const head = Object.entries(sarifHead).map(([name, value]) => `  "${name}": ${jsonText(value)},\n`);
    this.#results = new ListWriter(write, `{\n${head.join('')}  "runs": [\n    {\n      "results": [`, 4);
    this.#run = new SarifRunWriter(checks, version);
  }

  target(target: ProbeTargetReport, changes: ProbeChanges | undefined): void {
    for (const result of this.#run.results(target, changes)) this.#results.add(result);
  }

  finish(end: RunEnd): void {
    this.#results.end();
    for (const [name, value] of Object.entries(this.#run.end(end))) {
      this.write(`,\n      "${name}": ${indented(value, 3)}`);
    }
    this.write('\n    }\n  ]\n}\n');
  }
}

/** A JSON list whose items are written one by one, with what stands before it. */
class ListWriter {
  #count = 0;

  constructor(
    private readonly write: Write,
    private readonly head: string,
    private readonly steps: number,
  ) {}

  add(item: object): void {
    const indent = '  '.repeat(this.steps);
    this.write(`${this.#count === 0 ? this.head : ','}\n${indent}${indented(item, this.steps)}`);
    this.#count += 1;
  }

  end(): void {
    this.write(this.#count === 0 ? `${this.head}]` : `\n${'  '.repeat(this.steps - 1)}]`);
  }
}

interface PlacedRow {
  place: number;
  cells: Toned[];
}

/** All targets of a run in one table, in the order they were named; of very many, those that answer. */
class Overview {
  #total = 0;
  readonly #rows: PlacedRow[] = [];
  readonly #reached: PlacedRow[] = [];

  get total(): number {
    return this.#total;
  }

  add(target: ProbeTargetReport, place: number): void {
    this.#total += 1;
    const row = { place, cells: overviewRow(target) };
    if (this.#rows.length < MOST_ROWS) this.#rows.push(row);
    if (isReached(target.verdict) && this.#reached.length < MOST_ROWS) this.#reached.push(row);
  }

  get table(): TableView {
    const rows = this.#shown.toSorted((a, b) => a.place - b.place).map(({ cells }) => cells);
    return { head: ['target', 'grade', 'verdict', 'findings'], rows };
  }

  get notes(): string[] {
    const hidden = this.#total - this.#shown.length;
    return hidden === 0 ? [] : [`The table leaves out ${countText(hidden, 'target')} of ${this.#total}.`];
  }

  get #shown(): readonly PlacedRow[] {
    return this.#total > MOST_ROWS ? this.#reached : this.#rows;
  }
}

function overviewRow(target: ProbeTargetReport): Toned[] {
  const { verdict, grade, findings } = target;
  const reached = isReached(verdict);
  return [
    plain(targetText(target)),
    { text: grade.letter, tone: reached ? gradeTone(grade.letter) : 'note' },
    plain(verdict),
    plain(reached ? findingCounts(findings) : ''),
  ];
}

function endNotes({ interrupted, notProbed }: RunEnd): string[] {
  const rest = countText(notProbed.length, 'target was', 'targets were');
  return [
    ...(interrupted ? ['Interrupted: this is what is known so far.'] : []),
    ...(notProbed.length > 0 ? [`${rest} not probed any more.`] : []),
  ];
}
