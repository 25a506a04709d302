import { printable } from '../../lib/core/printable.js';
import type { MessageDetails } from './render-text.js';
import type { Report, Section, Step } from './report.js';
import { frameList } from './words.js';

/** The whole report for a ticket, with a line end. Nothing that came from packets can become markup. */
export function renderMarkdown(report: Report, details: MessageDetails): string {
  const parts = [
    `# IPsec capture: ${literal(report.title)}`,
    facts(report.facts),
    '## Diagnosis',
    findings(report),
    ...report.sections.map((part) => section(part, 2, details)),
  ];
  if (report.hidden !== undefined) parts.push(literal(report.hidden));
  if (report.notes.length > 0) {
    parts.push('## About the capture', report.notes.map((note) => `- ${literal(note)}`).join('\n'));
  }
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function findings({ findings: list, verdict }: Report): string {
  if (list.length === 0) return literal(verdict);
  return list
    .map(({ severity, id, frames, title, advice }) => {
      const where = frames.length === 0 ? '' : ` (${literal(frameList(frames))})`;
      return `- **${severity.toUpperCase()} ${literal(id)}**${where}: ${literal(title)}\n  **What to do:** ${literal(advice)}`;
    })
    .join('\n');
}

function section(part: Section, level: number, details: MessageDetails): string {
  return [
    `${'#'.repeat(level)} ${literal(part.title)}: ${literal(part.state.text)}`,
    facts(part.facts),
    steps(part.steps),
    fields(part.steps, details),
    ...part.sections.map((child) => section(child, level + 1, details)),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}

function facts(list: readonly [string, string][]): string {
  return list.map(([name, value]) => `- ${literal(name)}: ${literal(value)}`).join('\n');
}

function steps(list: readonly Step[]): string {
  if (list.length === 0) return '';
  const rows = list.map(({ frames, at, arrow, name, roundTrip, story, details }) =>
    [frames.replaceAll('#', ''), at, `${arrow} ${name}`, roundTrip, [story, ...details].join('; ')]
      .map(literal)
      .join(' | '),
  );
  return ['| frames | time | exchange | round trip | what happened |', '|---|---|---|---|---|']
    .concat(rows.map((row) => `| ${row} |`))
    .join('\n');
}

/** Payload fields, folded away. */
function fields(list: readonly Step[], details: MessageDetails): string {
  const lines = list.flatMap(({ messages }) => messages.flatMap((frames) => details(frames)));
  if (lines.length === 0) return '';
  const code = lines.map((line) => `    ${printable(line)}`).join('\n');
  return `<details><summary>All payload fields</summary>\n\n${code}\n\n</details>`;
}

/**
 * Text that Markdown shows as it is, on one line. Underscores inside words are no markup; `#7` would become a link to
 * somebody's ticket, so frames are called frames.
 */
function literal(text: string): string {
  return printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*{}[\]|~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, (character) => `\\${character}`)
    .replace(/#(?=\d)/g, 'frame ')
    .replace(/\bhttp(s?):/gi, 'http$1&#58;');
}
