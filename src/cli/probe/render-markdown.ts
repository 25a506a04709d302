import { printable } from '../../lib/core/printable.js';
import type { FindingView, SectionView, TableView, TargetView } from './view-model.js';

/** A report for a ticket, with a line end. Nothing that came from outside can become markup. */
export function renderMarkdown({ title, grade, facts, findings, sections }: TargetView): string {
  const parts = [
    `## ${literal(title)}`,
    ...(grade ? [`**Grade ${grade.letter}.** ${grade.reasons.map(literal).join(' ')}`.trim()] : []),
    factList(facts),
    ...(findings ? ['### Findings', findingList(findings)] : []),
    ...sections.flatMap(section),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** A table alone, as for many targets. */
export function renderMarkdownTable(title: string, table: TableView): string {
  return `## ${literal(title)}\n\n${tableText(table)}\n`;
}

function findingList(findings: readonly FindingView[]): string {
  if (findings.length === 0) return 'None.';
  return findings.map(finding).join('\n');
}

function finding({ id, severity, title, evidence, remediation, config, references }: FindingView): string {
  return [
    `- **${severity.toUpperCase()} ${literal(id)}**: ${literal(title)}`,
    ...evidence.map((sentence) => `  - ${literal(sentence)}`),
    ...(remediation === undefined ? [] : [`  - **What to do:** ${literal(remediation)}`]),
    ...(config === undefined ? [] : ['', codeBlock(config, '    '), '']),
    ...(references.length === 0 ? [] : [`  - ${references.map(reference).join(', ')}`]),
  ].join('\n');
}

function section({ title, facts, table, lines, code }: SectionView): string[] {
  return [
    `### ${literal(title)}`,
    ...(facts ? [factList(facts)] : []),
    ...(table ? [tableText(table)] : []),
    ...(lines && lines.length > 0 ? [lines.map(({ text }) => `- ${literal(text)}`).join('\n')] : []),
    ...(code === undefined ? [] : [codeBlock(code, '')]),
  ];
}

function factList(facts: readonly (readonly [string, string])[]): string {
  return facts.map(([name, value]) => `- ${literal(name)}: ${literal(value)}`).join('\n');
}

function tableText({ head, rows }: TableView): string {
  return [head, head.map(() => '---'), ...rows.map((row) => row.map(({ text }) => literal(text)))]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** The fence is longer than any run of backticks inside. */
function codeBlock(code: string, indent: string): string {
  const longest = Math.max(2, ...[...code.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return [fence, ...code.split('\n').map(printable), fence].map((line) => indent + line).join('\n');
}

/** References are our own; those that are addresses become links. */
function reference(text: string): string {
  return /^https:\/\/[\w./#?=&%-]+$/.test(text) ? `<${text}>` : literal(text);
}

/**
 * Text that Markdown shows as it is, on one line. Underscores inside words are no markup; `#7` and `@name` would become
 * links to somebody's ticket or account, `http://` a link.
 */
export function literal(text: string): string {
  return printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*{}[\]|~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, (character) => `\\${character}`)
    .replace(/^(\d*)([-+.)])(?=\s)/, '$1\\$2')
    .replace(/#(?=\d)/g, '&#35;')
    .replace(/@(?=\w)/g, '&#64;')
    .replace(/\b(https?|ftp):/gi, '$1&#58;')
    .replace(/\bwww\./gi, 'www&#46;');
}
