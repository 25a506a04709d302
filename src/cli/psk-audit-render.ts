import { printable } from '../lib/core/printable.js';
import { formatIdentity } from '../lib/ike/identity.js';
import type { AuditResult, FoundKey } from '../lib/psk/audit/audit.js';
import type { AuditTarget } from '../lib/psk/audit/material.js';
import {
  PSK_AUDIT_SCHEMA,
  type PskAuditReport,
  type PskAuditTargetReport,
} from '../lib/report/psk-audit.schema.js';
import { paintFor } from './paint.js';
import { countText, durationText, wordsText } from './psk-audit-progress.js';

const REDACTED = '[redacted]';

export interface AuditFacts {
  file: string;
  wordlist: string;
  targets: readonly AuditTarget[];
  result: AuditResult;
  /** Words tried in this run. */
  triedNow: number;
  seconds: number;
  threads: number;
  show: boolean;
  resume: string | undefined;
}

/** The result as data. A key is in it only with `show`. */
export function auditReport(facts: AuditFacts): PskAuditReport {
  const { file, wordlist, targets, result, triedNow, seconds, threads, show, resume } = facts;
  const { position, complete } = result;
  const reports = targets.map((target, index): PskAuditTargetReport => {
    const found = position.found.find((each) => each.target === index);
    const { line, kind, hash } = target;
    const common = { line, kind, hash, identity: identityText(target) };
    if (found) return { ...common, status: 'found', wordLine: found.line, ...keyReport(found, show) };
    return { ...common, status: complete ? 'not found' : 'open' };
  });
  return {
    schema: PSK_AUDIT_SCHEMA,
    file,
    wordlist,
    ok: position.found.length === 0,
    complete,
    targets: reports,
    words: { tried: position.tried, skipped: position.skipped },
    seconds: Number(seconds.toFixed(3)),
    wordsPerSecond: Math.round(triedNow / Math.max(seconds, 1e-3)),
    threads,
    ...(resume !== undefined && { resume }),
  };
}

/** A key that was found before an interruption is known by its line alone. */
function keyReport({ word }: FoundKey, show: boolean): { psk?: string; pskHex?: string } {
  if (!show) return { psk: REDACTED };
  if (word === undefined) return {};
  const bytes = Buffer.from(word);
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(bytes);
  return { ...(isText && { psk: text }), pskHex: bytes.toString('hex') };
}

/** An IKEv1 ID body has type, protocol and port before the data (RFC 2407 4.6.2). */
function identityText({ identity }: AuditTarget): string {
  if (typeof identity === 'string') return identity;
  return formatIdentity({ idType: identity[0]!, data: identity.subarray(4) });
}

const kindWords = { 'ikev1-aggressive': 'IKEv1 Aggressive Mode', 'ikev2-auth': 'IKEv2 AUTH' } as const;
const hashWords = {
  md5: 'MD5',
  sha1: 'SHA-1',
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
} as const;

/** The result for people. */
export function renderAudit(report: PskAuditReport, color: boolean): string {
  const paint = paintFor(process.stdout, color);
  const list = report.wordlist === '-' ? 'standard input' : printable(report.wordlist);
  const lines = report.targets.flatMap((target) => {
    const { line, kind, hash, identity, status, wordLine } = target;
    const what = `line ${line}: ${kindWords[kind]}, ${hashWords[hash]}, ${printable(identity)}`;
    if (status === 'open') return [`${what}: ${paint.yellow('not found yet')}`];
    if (status === 'not found') return [`${what}: ${paint.green('not found')}`];
    return [`${what}: ${paint.red('found')} on line ${wordLine} of ${list}`, `  PSK ${keyText(target)}`];
  });
  const { tried, skipped } = report.words;
  const rate = `${countText(report.wordsPerSecond)} a second`;
  const summary = `${wordsText(tried)}, ${durationText(report.seconds)}, ${rate}, threads: ${report.threads}`;
  const passedOver =
    skipped === 0
      ? []
      : [`${countText(skipped)} ${skipped === 1 ? 'line' : 'lines'} passed over: too long for a key`];
  return `${[...lines, '', summary, ...passedOver].join('\n')}\n`;
}

function keyText({ psk, pskHex }: PskAuditTargetReport): string {
  if (psk === REDACTED && pskHex === undefined) return `${REDACTED} (--show shows it)`;
  if (psk !== undefined) return printable(psk);
  if (pskHex !== undefined) return `0x${pskHex}`;
  return 'found before the interruption; it is the word on that line';
}
