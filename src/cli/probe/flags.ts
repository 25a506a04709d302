import * as Flags from '@oclif/core/flags';
import { commonFlags } from '../tunnel-flags.js';

const port = (description: string, fallback: number) =>
  Flags.integer({
    description,
    helpValue: '<port>',
    min: 1,
    max: 65_535,
    default: fallback,
    helpGroup: 'NETWORK',
  });

export const probeFlags = {
  targets: Flags.string({
    description: 'read targets from this file (- is standard input), one a line; # starts a comment',
    helpValue: '<file>',
    helpGroup: 'TARGETS',
  }),
  concurrency: Flags.integer({
    description: 'targets that are asked at the same time; default: 8, with --source-port 1',
    helpValue: '<number>',
    min: 1,
    max: 256,
    helpGroup: 'TARGETS',
  }),
  'ip-version': Flags.option({
    description: 'of a name ask only its IPv4 or its IPv6 address; default: one of each',
    options: ['4', '6'] as const,
    helpGroup: 'TARGETS',
  })(),
  port: port('UDP port for IKE', 500),
  'nat-port': port('UDP port for IKE behind NAT (RFC 3948)', 4500),
  'source-port': Flags.integer({
    description: 'UDP port to ask from, such as 500 for gateways that want it; default: any free one',
    helpValue: '<port>',
    min: 1,
    max: 65_535,
    helpGroup: 'NETWORK',
  }),
  pps: Flags.integer({
    description: 'packets a second to one target; default: as fast as two open questions allow',
    helpValue: '<number>',
    min: 1,
    max: 10_000,
    helpGroup: 'NETWORK',
  }),
  timeout: Flags.string({
    description: 'how long the first answer may take; later ones are measured by those before',
    helpValue: '<duration>',
    default: '1s',
    helpGroup: 'NETWORK',
  }),
  retries: Flags.integer({
    description: 'how often an unanswered question is asked again',
    helpValue: '<number>',
    min: 0,
    max: 20,
    default: 3,
    helpGroup: 'NETWORK',
  }),
  budget: Flags.integer({
    description:
      'packets that may be sent to one target; default: 1000, with --quick 5, with --suites=exact no limit',
    helpValue: '<packets>',
    min: 1,
    max: 10_000_000,
    helpGroup: 'QUESTIONS',
  }),
  quick: Flags.boolean({
    description: 'only what at most 5 packets find out: what answers, and what it prefers',
    helpGroup: 'QUESTIONS',
  }),
  full: Flags.boolean({ description: 'everything (the default)', helpGroup: 'QUESTIONS' }),
  suites: Flags.option({
    description:
      'which algorithms go together; without a value: pairwise. exact asks for every combination, which takes long where there are many',
    options: ['pairwise', 'exact'] as const,
    helpGroup: 'QUESTIONS',
  })(),
  ikev1: Flags.boolean({
    description: 'ask for IKEv1 too',
    allowNo: true,
    default: true,
    helpGroup: 'QUESTIONS',
  }),
  id: Flags.string({
    description:
      'who to say we are, in IKEv1 Aggressive Mode and before EAP, as strongSwan writes it; default: our address',
    helpValue: '<id>',
    helpGroup: 'QUESTIONS',
  }),
  ca: Flags.string({
    description: 'file with CAs that certificates of EAP gateways are checked against',
    helpValue: '<file>',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'QUESTIONS',
  }),
  active: Flags.boolean({
    description:
      'also checks that load the gateway or try to get in: invalid public values, half-open SAs until it asks for cookies, guesses at the pre-shared key; asks first',
    helpGroup: 'ACTIVE CHECKS',
  }),
  yes: Flags.boolean({
    char: 'y',
    description: 'you may do that to the targets: --active does not ask',
    helpGroup: 'ACTIVE CHECKS',
    dependsOn: ['active'],
  }),
  'psk-wordlist': Flags.string({
    description: 'with --active and --id: guesses at the pre-shared key, one a line; few and slow',
    helpValue: '<file>',
    helpGroup: 'ACTIVE CHECKS',
    dependsOn: ['active', 'id'],
  }),
  policy: Flags.string({
    description: 'judge by a policy as well: rfc8247, cnsa2, bsi, nist-800-77, or a file',
    helpValue: '<policy>',
    helpGroup: 'JUDGEMENT',
  }),
  'print-policy': Flags.boolean({
    description: 'write the policy and end: a start for your own',
    helpGroup: 'JUDGEMENT',
    dependsOn: ['policy'],
  }),
  'fail-on': Flags.option({
    description: 'end with exit code 3 when there is a finding of this severity or above',
    options: ['critical', 'high', 'medium', 'low', 'info', 'never'] as const,
    default: 'never' as const,
    helpGroup: 'JUDGEMENT',
  })(),
  baseline: Flags.string({
    description: 'compare with a former result: a file that --format json or ndjson wrote',
    helpValue: '<file>',
    helpGroup: 'JUDGEMENT',
  }),
  diff: Flags.boolean({
    description:
      'with --baseline: show what changed and nothing else; only what is new, perhaps new or worse counts for --fail-on',
    helpGroup: 'JUDGEMENT',
    dependsOn: ['baseline'],
  }),
  'save-hash': Flags.string({
    description:
      'write hashes of pre-shared keys that IKEv1 Aggressive Mode gave away to this file, readable by you only, for psk audit, psk-crack and hashcat; no file of that name may be there',
    helpValue: '<file>',
    helpGroup: 'OUTPUT',
  }),
  format: Flags.option({
    description:
      'text; markdown: the same for a ticket; json: one document (schema ipsec-kit/probe@1); ndjson: one target a line, as each is done; sarif: SARIF 2.1.0',
    options: ['text', 'json', 'ndjson', 'markdown', 'sarif'] as const,
    default: 'text' as const,
    helpGroup: 'OUTPUT',
  })(),
  json: Flags.boolean({ description: 'short for --format json', helpGroup: 'OUTPUT' }),
  verbose: Flags.boolean({
    char: 'v',
    description: 'also show passed and skipped checks and every packet; packets as they go, on stderr',
    helpGroup: 'OUTPUT',
  }),
  color: commonFlags.color,
};

/** The flags as the parser yields them. */
export interface ProbeFlags {
  targets?: string | undefined;
  concurrency?: number | undefined;
  'ip-version'?: '4' | '6' | undefined;
  port: number;
  'nat-port': number;
  'source-port'?: number | undefined;
  pps?: number | undefined;
  timeout: string;
  retries: number;
  budget?: number | undefined;
  quick: boolean;
  full: boolean;
  suites?: 'pairwise' | 'exact' | undefined;
  ikev1: boolean;
  id?: string | undefined;
  ca?: string[] | undefined;
  active: boolean;
  yes: boolean;
  'psk-wordlist'?: string | undefined;
  policy?: string | undefined;
  'print-policy': boolean;
  'fail-on': 'critical' | 'high' | 'medium' | 'low' | 'info' | 'never';
  baseline?: string | undefined;
  diff: boolean;
  'save-hash'?: string | undefined;
  format: 'text' | 'json' | 'ndjson' | 'markdown' | 'sarif';
  json: boolean;
  verbose: boolean;
  color: boolean;
}

/**
 * `--suites` alone means `--suites=pairwise`; the parser knows no values that may be left out.
 * @param argv words of the command line
 */
export function withSuitesValue(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  return argv.map((word, at) => {
    const isFlag = word === '--suites' && (end < 0 || at < end);
    const hasValue = argv[at + 1] === 'pairwise' || argv[at + 1] === 'exact';
    return isFlag && !hasValue ? '--suites=pairwise' : word;
  });
}
