import type { ChalkInstance } from 'chalk';
import { printable } from '../../lib/core/printable.js';
import {
  PROBE_SCHEMA,
  type ProbeChanges,
  type ProbeDocument,
  type ProbeLine,
  type ProbeTargetReport,
} from '../../lib/report/probe-document.js';
import { type SarifCheck, sarifLog } from '../../lib/report/probe-sarif.js';
import { findingCounts, gradeTone, isReached, targetView } from './build-view.js';
import { missingLines } from './changes-view.js';
import { literal, renderMarkdown, renderMarkdownTable } from './render-markdown.js';
import { renderTable, renderText } from './render-text.js';
import { plain, type TableView } from './view-model.js';
import { countText, targetText } from './words.js';

/** Writes results: each target when it is done, and what comes after the last. */
export interface View {
  target(target: ProbeTargetReport, changes: ProbeChanges | undefined): void;
  finish(document: ProbeDocument): void;
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
  #count = 0;

  constructor(
    private readonly write: Write,
    private readonly options: TextViewOptions,
  ) {}

  target(target: ProbeTargetReport, changes: ProbeChanges | undefined): void {
    const view = targetView(target, { ...this.options, changes });
    this.write(`${this.#count === 0 ? '' : '\n\n'}${renderText(view, this.options)}`);
    this.#count += 1;
  }

  finish(document: ProbeDocument): void {
    const { targets, changes = [] } = document;
    if (targets.length > 1) this.write(`\n\n${renderTable('All targets', overview(targets), this.options)}`);
    const missing = missingLines(changes);
    if (missing.length > 0) this.write(`\n${missing.map(({ text }) => printable(text)).join('\n')}\n`);
    for (const text of endNotes(document)) this.write(`\n${text}\n`);
  }
}

/** Markdown for tickets. */
export class MarkdownView implements View {
  #count = 0;

  constructor(
    private readonly write: Write,
    private readonly options: { verbose: boolean; changesOnly: boolean },
  ) {}

  target(target: ProbeTargetReport, changes: ProbeChanges | undefined): void {
    const head = this.#count === 0 ? '# What IKE gateways accept\n\n' : '\n';
    this.write(`${head}${renderMarkdown(targetView(target, { ...this.options, changes }))}`);
    this.#count += 1;
  }

  finish(document: ProbeDocument): void {
    const { targets, changes = [] } = document;
    if (targets.length > 1) this.write(`\n${renderMarkdownTable('All targets', overview(targets))}`);
    const notes = [...missingLines(changes).map(({ text }) => text), ...endNotes(document)];
    if (notes.length > 0) this.write(`\n${notes.map((text) => `- ${literal(text)}`).join('\n')}\n`);
  }
}

/** One JSON document at the end. */
export class JsonView implements View {
  constructor(private readonly write: Write) {}

  target(): void {}

  finish(document: ProbeDocument): void {
    this.write(`${JSON.stringify(document, null, 2)}\n`);
  }
}

/** One line a target, as each is done. */
export class NdjsonView implements View {
  constructor(private readonly write: Write) {}

  target(target: ProbeTargetReport, changes: ProbeChanges | undefined): void {
    const line: ProbeLine = { schema: PROBE_SCHEMA, ...target, ...(changes && { changes }) };
    this.write(`${JSON.stringify(line)}\n`);
  }

  finish(): void {}
}

/** A SARIF log at the end. */
export class SarifView implements View {
  constructor(
    private readonly write: Write,
    private readonly checks: readonly SarifCheck[],
    private readonly version: string,
  ) {}

  target(): void {}

  finish(document: ProbeDocument): void {
    this.write(`${JSON.stringify(sarifLog(document, this.checks, this.version), null, 2)}\n`);
  }
}

function overview(targets: readonly ProbeTargetReport[]): TableView {
  const rows = targets.map((target) => {
    const { verdict, grade, findings } = target;
    const reached = isReached(verdict);
    return [
      plain(targetText(target)),
      { text: grade.letter, tone: reached ? gradeTone(grade.letter) : ('note' as const) },
      plain(verdict),
      plain(reached ? findingCounts(findings) : ''),
    ];
  });
  return { head: ['target', 'grade', 'verdict', 'findings'], rows };
}

function endNotes({ interrupted, notProbed }: ProbeDocument): string[] {
  const rest = countText(notProbed.length, 'target was', 'targets were');
  return [
    ...(interrupted ? ['Interrupted: this is what is known so far.'] : []),
    ...(notProbed.length > 0 ? [`${rest} not probed any more.`] : []),
  ];
}
