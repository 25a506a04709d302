import * as Flags from '@oclif/core/flags';
import { TunnelCommand } from '../cli/tunnel-command.js';
import { tunnelFlags } from '../cli/tunnel-flags.js';
import { serverOptions } from '../cli/tunnel-options.js';

export default class Serve extends TunnelCommand {
  static override summary = 'Answer IKEv2 clients and carry their tunnels.';

  static override description = `\
Listens for IKEv2, authenticates clients by the pre-shared key, gives them addresses from --pool, and carries their \
traffic over one TUN device until it is interrupted or --duration is over. Listening on the ports below 1024 and opening \
the device need root or CAP_NET_ADMIN and CAP_NET_BIND_SERVICE.

It never changes the firewall of this host: what forwarding or NAT is missing is printed together with the commands \
that set it up.`;

  static override examples = [
    {
      description: 'A gateway into 10.2.0.0/24 with addresses for its clients',
      command:
        'sudo <%= config.bin %> <%= command.id %> --local-id vpn.example.com --psk-file psk.txt --local-ts 10.2.0.0/24 --pool 10.9.0.0/24 --dns 10.2.0.53',
    },
    {
      description: 'Both families, one outer address, events as JSON',
      command:
        'sudo <%= config.bin %> <%= command.id %> --listen 192.0.2.1 --psk-file psk.txt --pool 10.9.0.0/24 --pool fd09::/64 --format ndjson',
    },
  ];

  static override flags = {
    ...tunnelFlags,
    listen: Flags.string({
      description: 'address to listen on, repeatable; default: all addresses that this host has at the start',
      helpValue: '<address>',
      multiple: true,
      multipleNonGreedy: true,
      helpGroup: 'NETWORK',
    }),
    pool: Flags.string({
      description:
        'network to lend client addresses from, IPv4 or IPv6, repeatable; leases start at its first host address, nothing is reserved',
      helpValue: '<cidr>',
      multiple: true,
      multipleNonGreedy: true,
      helpGroup: 'NETWORK',
    }),
    dns: Flags.string({
      description: 'DNS server to tell clients, repeatable',
      helpValue: '<address>',
      multiple: true,
      multipleNonGreedy: true,
      helpGroup: 'NETWORK',
    }),
    'cookie-threshold': Flags.integer({
      description: 'half-open IKE SAs from which on a client must return a cookie first (RFC 7296 2.6)',
      helpValue: '<count>',
      min: 0,
      max: 1_000_000,
      default: 30,
      helpGroup: 'NETWORK',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Serve);
    await this.runTunnel(
      flags,
      () => serverOptions(flags),
      async (options, context) => {
        const { runServer } = await import('../lib/tunnel/server.js');
        await runServer(options, context);
      },
    );
  }
}
