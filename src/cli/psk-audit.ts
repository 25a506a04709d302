import { availableParallelism } from 'node:os';
import { ExitCode, KitError } from '../lib/core/errors.js';
import { printable } from '../lib/core/printable.js';
import { type AuditResult, beginning, type Position, runAudit } from '../lib/psk/audit/audit.js';
import { cutBatches } from '../lib/psk/audit/batches.js';
import { headOf, materialDigest } from '../lib/psk/audit/state.js';
import type { Interruption } from './interruption.js';
import { openWords, readMaterial, StateFile, type WordSource } from './psk-audit-files.js';
import { AuditProgress } from './psk-audit-progress.js';
import { auditReport, renderAudit } from './psk-audit-render.js';

/** Flags of `psk audit` as the parser yields them. */
export interface PskAuditFlags {
  wordlist: string;
  resume?: string | undefined;
  threads?: number | undefined;
  show: boolean;
  format: 'text' | 'json';
  json: boolean;
  color: boolean;
}

const SAVE_EVERY_MS = 10_000;

/**
 * Tries the words of a list against the hashes of a file, shows the result, and keeps its place while it works.
 * @returns the exit code: findings when a key was found
 * @throws KitError usage E_PSK_MATERIAL_FILE, E_PSK_MATERIAL, E_WORDLIST, E_PSK_AUDIT_STATE, environment E_FILE_WRITE
 */
export async function auditPsk(
  file: string,
  flags: PskAuditFlags,
  interruption: Pick<Interruption, 'signal' | 'exitCode'>,
): Promise<ExitCode> {
  const { signal } = interruption;
  if (file === '-' && flags.wordlist === '-') {
    throw new KitError('usage', 'E_USAGE', 'Standard input can be the hashes or the words, not both.', {
      hint: 'Put one of them into a file.',
    });
  }
  const { targets, leftOut, rest } = await readMaterial(file);
  const name = file === '-' ? 'standard input' : printable(file);
  if (rest > 0) {
    const read = targets.length + leftOut.length;
    process.stderr.write(`note: ${name} holds ${read + rest} hashes; the first ${read} are audited\n`);
  }
  for (const { line, prf } of leftOut) {
    process.stderr.write(`note: line ${line} of ${name} is left out: ${prf} is no HMAC\n`);
  }
  const material = materialDigest(targets);
  const stateFile = StateFile.of(flags.resume, material, flags.wordlist);
  const saved = await stateFile.read(targets);
  const start = saved?.position ?? beginning;
  const source = await openWords(flags.wordlist, saved, signal);
  // A file that cannot be written is better known now than when its place is needed.
  if (!stateFile.automatic && !saved) {
    await stateFile.save({ material, head: headOf(new Uint8Array(0)), position: start });
  }
  const threads = flags.threads ?? availableParallelism();
  const progress = new AuditProgress(process.stderr, start, source.size);
  const saver = new Saver((position) =>
    stateFile.save({ material, head: headOf(readHead(source, position)), position }),
  );
  let result: AuditResult;
  try {
    result = await runAudit({
      targets,
      batches: cutBatches(source.chunks),
      start,
      threads,
      signal,
      onProgress(position) {
        progress.show(position);
        saver.offer(position);
      },
    });
  } finally {
    progress.clear();
  }
  const kept = await saver.end(result.complete ? undefined : result.position);
  if (result.complete) await stateFile.remove();
  const report = auditReport({
    file,
    wordlist: flags.wordlist,
    targets,
    result,
    triedNow: result.position.tried - start.tried,
    seconds: progress.seconds,
    threads,
    show: flags.show,
    resume: kept && !result.complete ? stateFile.path : undefined,
  });
  const json = flags.json || flags.format === 'json';
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : renderAudit(report, flags.color));
  if (report.resume !== undefined) {
    process.stderr.write(`saved: go on with the same command and --resume ${printable(report.resume)}\n`);
  }
  if (signal.aborted && !result.complete) return interruption.exitCode;
  return report.ok ? ExitCode.ok : ExitCode.findings;
}

const readHead = (source: WordSource, { offset }: Position): Uint8Array => source.head().subarray(0, offset);

/** Saves a place now and then, one at a time. */
class Saver {
  readonly #save: (position: Position) => Promise<boolean>;
  #running: Promise<unknown> = Promise.resolve();
  #last = performance.now();

  constructor(save: (position: Position) => Promise<boolean>) {
    this.#save = save;
  }

  /** Saves the place if the last time is long ago. Where that fails, the next time may be better. */
  offer(position: Position): void {
    const now = performance.now();
    if (now - this.#last < SAVE_EVERY_MS) return;
    this.#last = now;
    const copy = { ...position, found: [...position.found] };
    this.#running = this.#running.then(() => this.#save(copy)).catch(() => undefined);
  }

  /** Waits for what is being saved, and saves the last place if there is one. */
  async end(position: Position | undefined): Promise<boolean> {
    await this.#running;
    return position !== undefined && this.#save(position);
  }
}
