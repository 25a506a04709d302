import * as Flags from '@oclif/core/flags';
import { DemoCommand } from '../cli/demo-command.js';
import { commonFlags } from '../cli/tunnel-flags.js';

export default class Demo extends DemoCommand {
  static override summary = 'Show a whole tunnel on this machine, without root.';

  static override description = `\
Makes two hosts out of network namespaces, starts "serve" on one and "connect" on the other with a generated key, pings \
and sends 10 MB over TCP through the tunnel while both kinds of keys are renewed, compares checksums, measures the \
throughput of one TCP stream each way, and takes everything down again. It needs no privileges and leaves nothing \
behind.

Where namespaces or TUN devices are forbidden it says what is missing and what to do about it, and runs client and \
server in one process over loopback instead, with generated packets; the throughput is that of those packets in memory \
then.`;

  static override examples = [
    { description: 'The timeline', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'The same as data (schema ipsec-kit/demo@1)',
      command: '<%= config.bin %> <%= command.id %> --json',
    },
  ];

  static override flags = {
    color: commonFlags.color,
    json: Flags.boolean({
      description: 'write one JSON document (schema ipsec-kit/demo@1) instead of the timeline',
      helpGroup: 'OUTPUT',
    }),
    role: Flags.option({ options: ['inside', 'peer'] as const, hidden: true })(),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Demo);
    if (flags.role === undefined) await this.runDemo(flags);
    else await this.runRole(flags.role);
  }
}
