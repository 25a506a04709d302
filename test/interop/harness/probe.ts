import type { ProbeDocument, ProbeSuite, ProbeTargetReport } from '../../../src/lib/report/probe-document.js';
import { command } from './kit.js';
import type { Host, Lab } from './lab.js';
import type { Child } from './process.js';
import { checkDocument } from './schemas.js';
import type { StrongSwan } from './strongswan.js';

/** Kinds of algorithms of which a gateway's configuration makes sets. */
export type Kind = 'encr' | 'prf' | 'integ' | 'ke';

export const kinds: readonly Kind[] = ['encr', 'prf', 'integ', 'ke'];

/** Algorithms of each kind as `id` or `id/key length`, IANA's numbers, sorted. */
export type Sets = Record<Kind, string[]>;

/** One combination: `encr prf integ ke` in IANA's numbers, `-` for no integrity algorithm. */
export type Combination = string;

export interface ProbeRun {
  document: ProbeDocument;
  /** The first target. */
  target: ProbeTargetReport;
  exitCode: number | null;
}

/** `ipsec-kit probe ... --json` to its end; its document is checked against the shipped schema. */
export async function probe(lab: Lab, host: Host, ...args: string[]): Promise<ProbeRun> {
  const { stdout, exitCode } = await runProbe(lab, host, [...args, '--json']);
  const document = JSON.parse(stdout) as ProbeDocument;
  checkDocument('probe', document);
  const [target] = document.targets;
  if (target === undefined) throw new Error('a report without targets');
  return { document, target, exitCode };
}

/** `ipsec-kit probe` with whatever flags, to its end. */
export async function runProbe(
  lab: Lab,
  host: Host,
  args: readonly string[],
): Promise<{ stdout: string; stderr: string; exitCode: number | null }> {
  const child = startProbe(lab, host, args);
  const { code } = await child.exited;
  return { stdout: child.stdout, stderr: child.stderr, exitCode: code };
}

/** A running `ipsec-kit probe`. */
export function startProbe(lab: Lab, host: Host, args: readonly string[]): Child {
  const env = { PATH: process.env.PATH, HOME: lab.tmp, TMPDIR: lab.tmp };
  return lab.spawn(host, [process.execPath, command, 'probe', ...args], { env });
}

/** What was reported as accepted. */
export function acceptedSets({ ikev2 }: ProbeTargetReport): Sets {
  return sets((kind) => ikev2?.accepted[kind].map(numbers) ?? []);
}

/** What was reported as neither accepted nor refused. */
export function openSets({ ikev2 }: ProbeTargetReport): Sets {
  return sets((kind) => ikev2?.inconclusive[kind].map(numbers) ?? []);
}

/** What was reported as confirmed combinations. */
export function confirmed({ ikev2 }: ProbeTargetReport): Combination[] {
  return (ikev2?.suites ?? []).map(combinationOf).sort();
}

/** What the gateway chose from an offer of everything. */
export function preferredOf({ ikev2 }: ProbeTargetReport): Combination | undefined {
  return ikev2?.preferred ? combinationOf(ikev2.preferred) : undefined;
}

/** All algorithms of some proposals. */
export function setsOf(proposals: readonly Sets[]): Sets {
  return sets((kind) => proposals.flatMap((proposal) => proposal[kind]));
}

/** Every combination of each proposal. */
export function combinationsOf(proposals: readonly Sets[]): Combination[] {
  const all = proposals.flatMap((proposal) =>
    kinds.reduce<string[][]>(
      (heads, kind) => {
        const choices = kind === 'integ' && proposal.integ.length === 0 ? ['-'] : proposal[kind];
        return heads.flatMap((head) => choices.map((choice) => [...head, choice]));
      },
      [[]],
    ),
  );
  return [...new Set(all.map((words) => words.join(' ')))].sort();
}

function combinationOf(suite: ProbeSuite): Combination {
  return kinds.map((kind) => (suite[kind] === undefined ? '-' : numbers(suite[kind]))).join(' ');
}

function sets(of: (kind: Kind) => string[]): Sets {
  const sorted = (kind: Kind): string[] => [...new Set(of(kind))].sort();
  return { encr: sorted('encr'), prf: sorted('prf'), integ: sorted('integ'), ke: sorted('ke') };
}

function numbers({ id, keyLength }: { id: number; keyLength?: number }): string {
  return keyLength === undefined ? `${id}` : `${id}/${keyLength}`;
}

/** Half-open IKE SAs that charon has. */
export async function halfOpen(peer: StrongSwan): Promise<number> {
  const count = /(\d+) half-open/.exec(await peer.swanctl('--stats'))?.[1];
  if (count === undefined) throw new Error('swanctl --stats without a count of half-open SAs');
  return Number(count);
}

/** Reads the count of half-open SAs over and over until `work` is done. @returns what it led to, and the highest count */
export async function watchHalfOpen<T>(
  peer: StrongSwan,
  work: Promise<T>,
): Promise<{ result: T; most: number; after: number }> {
  let done = false;
  let most = 0;
  const watch = async (): Promise<void> => {
    while (!done) most = Math.max(most, await halfOpen(peer));
  };
  const watching = watch();
  try {
    const result = await work;
    return { result, most, after: await halfOpen(peer) };
  } finally {
    done = true;
    await watching;
  }
}
