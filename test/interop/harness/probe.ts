import type { ProbeDocument, ProbeSuite, ProbeTargetReport } from '../../../src/lib/report/probe-document.js';
import { command } from './kit.js';
import type { Host, Lab } from './lab.js';
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
  const env = { PATH: process.env.PATH, HOME: lab.tmp, TMPDIR: lab.tmp };
  const child = lab.spawn(host, [process.execPath, command, 'probe', ...args], { env });
  const { code } = await child.exited;
  return { stdout: child.stdout, stderr: child.stderr, exitCode: code };
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

/** strongSwan's names (its log) as IANA's numbers. */
const strongswanNames: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
  encr: {
    '3DES_CBC': '3',
    AES_CBC: '12',
    AES_CTR: '13',
    AES_CCM_8: '14',
    AES_CCM_12: '15',
    AES_CCM_16: '16',
    AES_GCM_8: '18',
    AES_GCM_12: '19',
    AES_GCM_16: '20',
    CAMELLIA_CBC: '23',
    CAMELLIA_CTR: '24',
    CAMELLIA_CCM_8: '25',
    CAMELLIA_CCM_12: '26',
    CAMELLIA_CCM_16: '27',
    CHACHA20_POLY1305: '28',
  },
  prf: {
    PRF_HMAC_MD5: '1',
    PRF_HMAC_SHA1: '2',
    PRF_AES128_XCBC: '4',
    PRF_HMAC_SHA2_256: '5',
    PRF_HMAC_SHA2_384: '6',
    PRF_HMAC_SHA2_512: '7',
    PRF_AES128_CMAC: '8',
  },
  integ: {
    HMAC_MD5_96: '1',
    HMAC_SHA1_96: '2',
    AES_XCBC_96: '5',
    AES_CMAC_96: '8',
    HMAC_SHA2_256_128: '12',
    HMAC_SHA2_384_192: '13',
    HMAC_SHA2_512_256: '14',
  },
  ke: {
    MODP_768: '1',
    MODP_1024: '2',
    MODP_1536: '5',
    MODP_2048: '14',
    MODP_3072: '15',
    MODP_4096: '16',
    MODP_6144: '17',
    MODP_8192: '18',
    ECP_256: '19',
    ECP_384: '20',
    ECP_521: '21',
    MODP_1024_160: '22',
    MODP_2048_224: '23',
    MODP_2048_256: '24',
    ECP_192: '25',
    ECP_224: '26',
    ECP_224_BP: '27',
    ECP_256_BP: '28',
    ECP_384_BP: '29',
    ECP_512_BP: '30',
    CURVE_25519: '31',
    CURVE_448: '32',
  },
};

/**
 * The proposals that charon itself says it has: it writes them into its log with every IKE_SA_INIT, so that something
 * must have asked it before.
 */
export function configuredProposals(peer: StrongSwan): Sets[] {
  const line = /configured proposals: (.+)$/m.exec(peer.log())?.[1];
  if (line === undefined) throw new Error('strongSwan has not said which proposals it has');
  return line.split(', ').map(proposalOf);
}

/** A proposal as charon writes it: `IKE:AES_CBC_256/HMAC_SHA2_256_128/...`, each type in the order of preference. */
function proposalOf(text: string): Sets {
  const proposal: Sets = { encr: [], prf: [], integ: [], ke: [] };
  for (const word of text.replace(/^IKE:/, '').split('/')) {
    const kind = kinds.find((kind) => numberOf(kind, word) !== undefined);
    if (kind === undefined)
      throw new Error(`strongSwan has an algorithm of which the number is not known: ${word}`);
    proposal[kind].push(numberOf(kind, word)!);
  }
  return proposal;
}

function numberOf(kind: Kind, word: string): string | undefined {
  const names = strongswanNames[kind];
  if (kind !== 'encr' || names[word] !== undefined) return names[word];
  const [, name = '', keyLength] = /^(.+)_(128|192|256)$/.exec(word) ?? [];
  return names[name] && `${names[name]}/${keyLength}`;
}

/** OpenIKED's names (iked.conf) as IANA's numbers. */
const openikedNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  enc: {
    '3des': '3',
    'aes-128': '12/128',
    'aes-192': '12/192',
    'aes-256': '12/256',
    'aes-128-gcm': '20/128',
    'aes-256-gcm': '20/256',
  },
  prf: { 'hmac-sha1': '2', 'hmac-sha2-256': '5', 'hmac-sha2-384': '6', 'hmac-sha2-512': '7' },
  auth: { 'hmac-sha1': '2', 'hmac-sha2-256': '12', 'hmac-sha2-384': '13', 'hmac-sha2-512': '14' },
  group: {
    modp1024: '2',
    modp1536: '5',
    modp2048: '14',
    modp3072: '15',
    modp4096: '16',
    ecp256: '19',
    ecp384: '20',
    ecp521: '21',
    curve25519: '31',
  },
};

const openikedKinds: Readonly<Record<string, Kind>> = { enc: 'encr', prf: 'prf', auth: 'integ', group: 'ke' };

/** The proposals of the policy that OpenIKED writes into its log when it starts. */
export function openikedProposals(log: string): Sets[] {
  const policy = /^ikev2 .*? (ikesa .+?) childsa /m.exec(log)?.[1];
  if (policy === undefined) throw new Error('OpenIKED has not said which proposals it has');
  return policy
    .split('ikesa ')
    .slice(1)
    .map((proposal) => {
      const found: Sets = { encr: [], prf: [], integ: [], ke: [] };
      for (const [, type = '', name = ''] of proposal.matchAll(/(\S+) (\S+)/g)) {
        const kind = openikedKinds[type];
        const number = openikedNames[type]?.[name];
        if (kind === undefined || number === undefined)
          throw new Error(`OpenIKED has an algorithm of which the number is not known: ${type} ${name}`);
        found[kind].push(number);
      }
      return found;
    });
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
