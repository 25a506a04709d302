import * as Args from '@oclif/core/args';
import { probeFlags, withSuitesValue } from '../cli/probe/flags.js';
import { ProbeCommand } from '../cli/probe/probe-command.js';

export default class Probe extends ProbeCommand {
  static override summary = 'Find out what gateways really accept, and what that risks.';

  static override description = `\
Asks IKE gateways, without credentials, which versions, exchanges and algorithms they accept, which suite they choose, \
what they announce and how they prove themselves, and judges it: a grade with its reasons, each finding with the \
packets that show it, references, and the configuration that mends it. It needs no privileges.

A target is a host name, an address or a range such as 192.0.2.0/24. Questions are put so that a refusal tells as much \
as consent and nothing stays half-open: at most two questions are in flight, at most two half-open IKEv2 SAs are left behind; \
how many of IKEv1 may expire at the gateway is told. What got no answer is reported as such, never as "not supported".

The worst finding caps the grade: critical F, high D, medium C, low B, none A, and A+ where the key exchange resists \
quantum computers. It is ? where an open check could make an A, B or C worse, with --quick, and where the run ended early. \
Findings of a policy do not change it.

What would load a gateway or try to get in needs --active, and your word that you may do it.

--fail-on decides which findings make the exit code 3; without it findings do not change the exit code. The exit code is \
4 when no target answers, 5 when what answers is not IKE, 8 when a gateway stopped answering or left questions open (with \
--fail-on: when a check that could fail stayed open), and 130 after Ctrl-C, which shows what is known so far. Of many \
targets some may be silent without changing the exit code: how many is said on standard error, and each has its verdict.`;

  static override examples = [
    {
      description: 'A report',
      command: '<%= config.bin %> <%= command.id %> vpn.example.com',
    },
    {
      description: 'Which algorithms go together, too',
      command: '<%= config.bin %> <%= command.id %> vpn.example.com --suites',
    },
    {
      description: 'In a pipeline: fail on what is high or critical, by a policy as well',
      command:
        '<%= config.bin %> <%= command.id %> vpn.example.com --policy cnsa2 --fail-on high --format sarif',
    },
    {
      description: 'Many gateways, one line each as it is done',
      command:
        "<%= config.bin %> <%= command.id %> --targets gateways.txt --format ndjson | jq -r '[.host, .grade.letter] | @tsv'",
    },
    {
      description: 'What changed since last week',
      command: '<%= config.bin %> <%= command.id %> vpn.example.com --baseline last-week.json --diff',
    },
    {
      description: 'A policy of your own, beginning with a bundled one',
      command: '<%= config.bin %> <%= command.id %> --policy bsi --print-policy > policy.yaml',
    },
  ];

  static override args = {
    host: Args.string({
      description: 'host name, address or range (CIDR); any number of them',
      required: false,
      multiple: true,
    }),
  };

  static override flags = probeFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Probe, withSuitesValue(this.argv));
    await this.runProbe(args.host ?? [], flags);
  }
}
