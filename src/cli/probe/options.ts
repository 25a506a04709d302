import { KitError } from '../../lib/core/errors.js';
import { Secret } from '../../lib/core/secret.js';
import { type Identity, parseIdentity } from '../../lib/ike/identity.js';
import type { Certificate } from '../../lib/pki/certificate.js';
import { readIdentityFile } from '../../lib/pki/files.js';
import { bundledPolicy, bundledPolicyText, isBundledPolicy } from '../../lib/probe/policies/bundled.js';
import { parsePolicy } from '../../lib/probe/policies/parse.js';
import type { Policy } from '../../lib/probe/policies/policy.js';
import type { ProbeContext } from '../../lib/probe/probe-target.js';
import type { ProbeOptions } from '../../lib/probe/types.js';
import { MAX_BASELINE_BYTES, readBaseline } from '../../lib/report/probe-baseline.js';
import { Baseline } from '../../lib/report/probe-diff.js';
import { parseDuration } from '../duration.js';
import type { ProbeFlags } from './flags.js';
import { readInput } from './input.js';
import { type NamedTarget, parseTargets, targetLines } from './targets.js';

const QUICK_BUDGET = 5;
const FULL_BUDGET = 1000;
const CONCURRENCY = 8;
const LONGEST_TIMEOUT_MS = 60_000;
const MAX_TARGET_FILE = 16 << 20;
const MAX_CA_FILE = 4 << 20;
const MAX_POLICY_FILE = 1 << 20;
const MAX_WORDLIST = 1 << 20;

/** @throws KitError usage, which names the flag */
export async function readTargets(
  words: readonly string[],
  flags: ProbeFlags,
  signal: AbortSignal,
): Promise<NamedTarget[]> {
  const file = flags.targets;
  const listed =
    file === undefined
      ? []
      : targetLines((await readInput('--targets', file, MAX_TARGET_FILE, signal)).toString('utf8'));
  const targets = parseTargets([...words, ...listed]);
  if (targets.length > 0) return targets;
  throw new KitError('usage', 'E_USAGE', 'Name a target: a host, a range, or --targets with a file.', {
    hint: 'Add --help to see the flags and examples.',
  });
}

/** Refuses flags that contradict each other. @throws KitError usage, which names them */
export function checkFlags({ quick, full, suites, active, json, format }: ProbeFlags): void {
  const deeper = [full && '--full', suites && '--suites', active && '--active'].find(Boolean);
  if (quick && deeper) {
    throw new KitError('usage', 'E_USAGE', `--quick asks too little for ${deeper}.`, {
      hint: 'Leave one of them out.',
    });
  }
  if (json && format !== 'text' && format !== 'json') {
    throw new KitError('usage', 'E_USAGE', `--json is --format json, and not ${format}.`, {
      hint: 'Leave one of them out.',
    });
  }
}

/** How to ask. @throws KitError usage, which names the flag */
export function probeOptions(flags: ProbeFlags): ProbeOptions {
  const timeout = parseDuration(flags.timeout, '--timeout');
  if (timeout < 1 || timeout > LONGEST_TIMEOUT_MS) {
    throw new KitError('usage', 'E_DURATION', '--timeout: choose something from 1ms to 60s.');
  }
  return {
    port: flags.port,
    natPort: flags['nat-port'],
    sourcePort: flags['source-port'],
    depth: flags.quick ? 'quick' : 'full',
    suites: flags.suites ?? 'none',
    budget: budgetOf(flags),
    pps: flags.pps,
    timeout,
    retries: flags.retries,
    ikev1: flags.ikev1,
    active: flags.active,
  };
}

/** Who to say we are, whom to trust, what to guess. */
export type Credentials = Pick<ProbeContext, 'identity' | 'trust' | 'pskWords'>;

/** @throws KitError usage, which names the flag */
export async function readCredentials(flags: ProbeFlags): Promise<Credentials> {
  const identity = readIdentity(flags.id);
  const wordlist = flags['psk-wordlist'];
  if (wordlist !== undefined && identity === undefined) {
    throw new KitError('usage', 'E_USAGE', '--psk-wordlist needs an --id that is not %any.');
  }
  return {
    ...(identity && { identity }),
    ...(flags.ca && { trust: { anchors: await readAnchors(flags.ca) } }),
    ...(wordlist !== undefined && { pskWords: await readWords(wordlist) }),
  };
}

/** One source port can ask one target at a time. @throws KitError usage */
export function concurrencyOf(flags: ProbeFlags): number {
  if (flags['source-port'] === undefined) return flags.concurrency ?? CONCURRENCY;
  if (flags.concurrency === undefined || flags.concurrency === 1) return 1;
  throw new KitError('usage', 'E_USAGE', '--source-port goes with --concurrency 1 only.', {
    hint: 'Leave one of them out.',
  });
}

/** @throws KitError usage: `E_POLICY`, or a file that cannot be read */
export async function readPolicy(name: string): Promise<{ policy: Policy; text: string }> {
  if (isBundledPolicy(name)) return { policy: bundledPolicy(name), text: bundledPolicyText(name) };
  const text = (await readInput('--policy', name, MAX_POLICY_FILE)).toString('utf8');
  return { policy: parsePolicy(text, name), text };
}

/** @throws KitError usage `E_BASELINE`, or a file that cannot be read */
export async function readFormer(path: string): Promise<Baseline> {
  const text = (await readInput('--baseline', path, MAX_BASELINE_BYTES)).toString('utf8');
  return new Baseline(readBaseline(text, path));
}

function budgetOf({ budget, quick, suites }: ProbeFlags): number {
  if (quick) return Math.min(budget ?? QUICK_BUDGET, QUICK_BUDGET);
  return budget ?? (suites === 'exact' ? Number.MAX_SAFE_INTEGER : FULL_BUDGET);
}

function readIdentity(text: string | undefined): Identity | undefined {
  if (text === undefined) return undefined;
  try {
    return parseIdentity(text);
  } catch (error) {
    if (!(error instanceof KitError)) throw error;
    throw new KitError('usage', error.code, `--id: ${error.message}`, {
      ...(error.hint !== undefined && { hint: error.hint }),
      cause: error,
    });
  }
}

/** CAs as `cert verify --ca` takes them. */
async function readAnchors(files: readonly string[]): Promise<Certificate[]> {
  const read = await Promise.all(
    files.map(async (path) => readIdentityFile(await readInput('--ca', path, MAX_CA_FILE), noPassphrase)),
  );
  const anchors = read.flatMap(({ certificates }) => certificates);
  if (anchors.length > 0) return anchors;
  throw new KitError('usage', 'E_NO_CERTIFICATE', `--ca: there is no certificate in ${files.join(', ')}.`);
}

async function noPassphrase(): Promise<Secret> {
  throw new KitError('usage', 'E_CERT_FORMAT', '--ca: certificates of CAs are not encrypted.', {
    hint: 'Name a file with certificates alone: PEM or DER.',
  });
}

/** Line by line, blank lines included: a hit is reported by its line. */
async function readWords(path: string): Promise<Secret[]> {
  const bytes = await readInput('--psk-wordlist', path, MAX_WORDLIST);
  const words: Secret[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0x0a, start);
    const stop = end < 0 ? bytes.length : end;
    const hasReturn = stop > start && bytes[stop - 1] === 0x0d;
    words.push(new Secret(Uint8Array.from(bytes.subarray(start, hasReturn ? stop - 1 : stop))));
    start = stop + 1;
  }
  if (words.every((word) => word.length === 0)) {
    throw new KitError('usage', 'E_FILE', `--psk-wordlist: ${path} holds no word.`);
  }
  return words;
}
