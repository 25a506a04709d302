import type { ChalkInstance } from 'chalk';
import { printable } from '../lib/core/printable.js';
import type { DemoObstacle, DemoReport, DemoThroughput } from '../lib/report/demo.schema.js';
import type { DemoStep } from '../lib/tunnel/demo/recorder.js';

/** One line of the timeline, without line end. */
export function renderStep({ at, kind, text }: DemoStep, paint: ChalkInstance): string {
  const time = paint.dim(`${(at / 1000).toFixed(3).padStart(7)} s`);
  const clean = printable(text);
  switch (kind) {
    case 'stage':
      return `${time}  ${paint.bold(clean)}`;
    case 'exchange':
      return `${time}    ${clean}`;
    case 'fact':
      return `${time}      ${paint.dim(clean)}`;
    case 'problem':
      return `${time}  ${paint.red(`✗ ${clean}`)}`;
  }
}

/** Why there are no namespaces, and what to do about it. */
export function renderObstacle({ code, message, remedy }: DemoObstacle, paint: ChalkInstance): string {
  return [
    paint.yellow(`Not in namespaces: ${printable(message)} (${code})`),
    `To see it with real processes and devices: ${printable(remedy)}`,
    'Instead, client and server now run in this process, over loopback, with packets kept in memory.',
  ].join('\n');
}

/** The sum, a few lines. */
export function renderReport(report: DemoReport, paint: ChalkInstance): string {
  const { ok, mode, suites, pingsSent, pingsLost, rekeys, bytes, checksumsEqual, problems, durationMs } =
    report;
  const rows: [string, string][] = [
    ['mode', mode],
    ['IKE SA', suites?.ike ?? 'none'],
    ['child SA', suites?.child ?? 'none'],
    ['pings', `${pingsSent} sent, ${pingsLost} lost`],
    ['rekeys', `${rekeys.child} of the child SA, ${rekeys.ike} of the IKE SA`],
    ['data', `${bytes} bytes each way, checksums ${checksumsEqual ? 'equal' : 'different'}`],
    ['throughput', report.throughput === undefined ? 'not measured' : throughputText(report.throughput)],
  ];
  const verdict = ok
    ? paint.green(`✓ all as it should be, ${(durationMs / 1000).toFixed(1)} s`)
    : paint.red(`✗ ${problems.map(printable).join(' ')}`);
  return ['', ...rows.map(([name, value]) => `  ${name.padEnd(10)} ${printable(value)}`), '', verdict].join(
    '\n',
  );
}

function throughputText({ plane, traffic, up, down }: DemoThroughput): string {
  const rate = (bits: number): string => `${Math.round(bits / 1e6).toLocaleString('en')} Mbit/s`;
  const how =
    traffic === 'tcp'
      ? `one TCP stream at a time, ${plane} plane`
      : 'at the same time, UDP packets in memory, both ends in one process';
  return `${rate(up)} up, ${rate(down)} down (${how})`;
}
