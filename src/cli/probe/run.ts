import { systemClock, systemEntropy } from '../../lib/core/environment.js';
import { ExitCode } from '../../lib/core/errors.js';
import type { Log } from '../../lib/core/log.js';
import { printable } from '../../lib/core/printable.js';
import { describeChecks, reportTarget } from '../../lib/probe/judge.js';
import type { Policy } from '../../lib/probe/policies/policy.js';
import { probeTarget } from '../../lib/probe/probe-target.js';
import type { ProbeOptions, TargetFacts } from '../../lib/probe/types.js';
import type { Baseline } from '../../lib/report/probe-diff.js';
import type { ProbeChanges, ProbeTargetReport } from '../../lib/report/probe-document.js';
import { paintFor } from '../paint.js';
import { columnsOf } from '../wrap.js';
import { confirmActive } from './confirm.js';
import { targetDocument } from './document.js';
import { ExitTally } from './exit.js';
import type { ProbeFlags } from './flags.js';
import { checkHashFile, saveHashes } from './hash-file.js';
import { InOrder } from './in-order.js';
import {
  type Credentials,
  checkFlags,
  concurrencyOf,
  probeOptions,
  readCredentials,
  readFormer,
  readPolicy,
  readTargets,
} from './options.js';
import { runPool, Turns } from './pool.js';
import { LiveProgress, type Progress, silentProgress, VerboseProgress } from './progress.js';
import { type ResolvedTarget, resolveTarget } from './resolve.js';
import type { NamedTarget } from './targets.js';
import {
  JsonView,
  MarkdownView,
  MOST_HELD,
  NdjsonView,
  type RunEnd,
  SarifView,
  TextView,
  type View,
} from './views.js';
import { targetText } from './words.js';

/** Width of text that goes into a file or a pipe. */
const COLUMNS = 100;

/**
 * Runs `probe` until all targets are done or the signal.
 * @param words of the command line that are no flags
 * @param version of this package
 * @returns the exit code, if nobody interrupted
 * @throws {KitError} usage errors before anything was sent; environment errors after what is known was shown
 */
export async function runProbe(
  words: readonly string[],
  flags: ProbeFlags,
  version: string,
  signal: AbortSignal,
): Promise<ExitCode> {
  checkFlags(flags);
  const policy = flags.policy === undefined ? undefined : await readPolicy(flags.policy);
  if (flags['print-policy']) {
    process.stdout.write(policy?.text ?? '');
    return ExitCode.ok;
  }
  const concurrency = concurrencyOf(flags);
  const options = probeOptions(flags);
  const credentials = await readCredentials(flags);
  const former = flags.baseline === undefined ? undefined : await readFormer(flags.baseline);
  const hashFile = flags['save-hash'];
  if (hashFile !== undefined) await checkHashFile(hashFile);
  const named = await readTargets(words, flags, signal);
  if (flags.active && !flags.yes) await confirmActive(named);
  const run = new ProbeRun({ flags, options, credentials, policy: policy?.policy, former, version, named });
  return run.go(concurrency, signal);
}

interface Plan {
  flags: ProbeFlags;
  options: ProbeOptions;
  credentials: Credentials;
  policy: Policy | undefined;
  former: Baseline | undefined;
  version: string;
  named: readonly NamedTarget[];
}

class ProbeRun {
  readonly #plan: Plan;
  readonly #progress: Progress;
  readonly #view: View;
  /** Writes reports; those of a target that was named later may wait for others. */
  readonly #shown: InOrder<{
    report: ProbeTargetReport;
    changes: ProbeChanges | undefined;
    place: number;
  }>;
  readonly #tally: ExitTally;
  /** Lines for `--save-hash`. */
  readonly #hashes: string[] = [];
  readonly #turns = new Turns();
  readonly #started = new Date();

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#progress = makeProgress(plan.flags, plan.named.length);
    this.#view = makeView(plan.flags, plan.version, (text) =>
      this.#progress.aside(() => process.stdout.write(text)),
    );
    this.#shown = new InOrder(
      ({ report, changes, place }) => this.#view.target(report, changes, place),
      this.#view.inOrder ? MOST_HELD : 0,
    );
    const { flags, options } = plan;
    this.#tally = new ExitTally({
      failOn: flags['fail-on'],
      depth: options.depth,
      changesOnly: flags.diff,
    });
  }

  async go(concurrency: number, signal: AbortSignal): Promise<ExitCode> {
    const { flags, named } = this.#plan;
    // An error of this host ends the probes of the other targets too.
    const failed = new AbortController();
    const ended = AbortSignal.any([signal, failed.signal]);
    // Nobody waits for a name server after Ctrl-C.
    const nothing = new Promise<ResolvedTarget[]>((resolve) => {
      ended.addEventListener('abort', () => resolve([]), { once: true });
    });
    let failure: unknown;
    const rest = await runPool(named, concurrency, ended, async (target, index) => {
      try {
        const resolved = await Promise.race([resolveTarget(target, this.#ipVersion), nothing]);
        for (const each of resolved) await this.#probe(each, index, ended);
        this.#shown.end(index);
      } catch (error) {
        failure ??= error;
        failed.abort();
      }
    });
    this.#progress.close();
    if (failure !== undefined && this.#tally.counts.total === 0) throw failure;
    const path = flags['save-hash'];
    try {
      // Before the rest is written: nobody gets a hash twice, and what reads the result may have gone.
      const saved = path === undefined ? undefined : await saveHashes(path, this.#hashes);
      if (saved !== undefined) process.stderr.write(`note: ${saved}\n`);
    } catch (error) {
      failure ??= error;
    }
    this.#shown.flush();
    this.#view.finish(this.#end(rest, signal.aborted));
    this.#tellSilent();
    if (failure !== undefined) throw failure;
    return this.#tally.code;
  }

  get #ipVersion(): 4 | 6 | undefined {
    const version = this.#plan.flags['ip-version'];
    return version === undefined ? undefined : version === '4' ? 4 : 6;
  }

  async #probe(target: ResolvedTarget, index: number, signal: AbortSignal): Promise<void> {
    const { flags, options, policy, former } = this.#plan;
    const label = targetText({ host: target.host, address: target.address ?? null });
    const facts = await this.#turns.take(target.address ?? target.host, () =>
      this.#ask(target, label, signal),
    );
    const found = facts.ikev1?.aggressiveHash;
    if (found) this.#hashes.push(found.line);
    const report = targetDocument(
      reportTarget(facts, {
        active: flags.active,
        depth: options.depth,
        ikev1: options.ikev1,
        now: Date.now(),
        ...(policy && { policy }),
      }),
    );
    const changes = former?.compare(report);
    this.#tally.add(report, changes, facts);
    this.#progress.end(label);
    this.#shown.add(index, { report, changes, place: index });
  }

  async #ask(target: ResolvedTarget, label: string, signal: AbortSignal): Promise<TargetFacts> {
    const { options, credentials } = this.#plan;
    const log: Log = (level, message) => {
      if (this.#plan.flags.verbose) process.stderr.write(`${level}: ${printable(`${label}: ${message}`)}\n`);
    };
    const facts = await probeTarget(target, options, {
      ...credentials,
      onProgress: (event) => this.#progress.event(label, event),
      signal,
      clock: systemClock,
      entropy: systemEntropy,
      log,
    });
    return target.problem === undefined ? facts : { ...facts, limits: [...facts.limits, target.problem] };
  }

  #end(rest: readonly NamedTarget[], interrupted: boolean): RunEnd {
    const { former } = this.#plan;
    return {
      started: this.#started.toISOString(),
      ended: new Date().toISOString(),
      interrupted,
      notProbed: rest.map(({ host }) => host),
      // What an interrupted run did not come to is not missing.
      ...(former && { missing: rest.length === 0 ? former.missing() : [] }),
    };
  }

  /** Targets that say nothing change no exit code as long as one answers, so it is said. */
  #tellSilent(): void {
    const { total, reached } = this.#tally.counts;
    if (total < 2 || reached === total) return;
    process.stderr.write(`note: ${total - reached} of ${total} targets did not answer IKE\n`);
  }
}

function makeProgress({ verbose, color }: ProbeFlags, total: number): Progress {
  const paint = paintFor(process.stderr, color);
  if (verbose) return new VerboseProgress(process.stderr, paint);
  const isLive = process.stderr.isTTY && process.env.TERM !== 'dumb';
  return isLive ? new LiveProgress(process.stderr, paint, total) : silentProgress;
}

function makeView(flags: ProbeFlags, version: string, write: (text: string) => void): View {
  const options = { verbose: flags.verbose, changesOnly: flags.diff };
  switch (flags.json ? 'json' : flags.format) {
    case 'json':
      return new JsonView(write);
    case 'ndjson':
      return new NdjsonView(write);
    case 'sarif':
      return new SarifView(write, describeChecks(), version);
    case 'markdown':
      return new MarkdownView(write, options);
    case 'text': {
      const columns = columnsOf(process.stdout, COLUMNS);
      return new TextView(write, { ...options, columns, paint: paintFor(process.stdout, flags.color) });
    }
  }
}
