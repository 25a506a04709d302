import * as Flags from '@oclif/core/flags';
import { serverAuthFlags } from '../cli/credentials-flags.js';
import { serverMethods } from '../cli/credentials-methods.js';
import { TunnelCommand } from '../cli/tunnel-command.js';
import { exportFlags, exportFormats } from '../cli/tunnel-export-flags.js';
import { tunnelFlags } from '../cli/tunnel-flags.js';
import { serverOptions } from '../cli/tunnel-options.js';
import type { ServerOptions } from '../lib/tunnel/types.js';

export default class Serve extends TunnelCommand {
  static override summary = 'Answer IKEv2 clients and carry their tunnels.';

  static override description = `\
Listens for IKEv2, authenticates clients, gives them addresses from --pool, and carries their traffic over one TUN \
device until it is interrupted or --duration is over. It needs root or the ambient capabilities CAP_NET_ADMIN, \
CAP_NET_BIND_SERVICE for ports below 1024, and CAP_NET_RAW for ESP without UDP (--no-encap).

It never changes the firewall of this host: what forwarding or NAT is missing is printed together with the commands \
that set it up.

Each side has its own way to prove who it is: --auth says it for this server, --client-auth for its clients. Left out, \
they follow from what is given: --cert, --ca and --users.`;

  static override examples = [
    {
      description: 'A gateway into 10.2.0.0/24 with addresses for its clients',
      command:
        'sudo <%= config.bin %> <%= command.id %> --local-id vpn.example.com --psk-file psk.txt --local-ts 10.2.0.0/24 --pool 10.9.0.0/24 --dns 10.2.0.53',
    },
    {
      description: 'Certificates for the server, and clients with a certificate or with name and password',
      command:
        'sudo <%= config.bin %> <%= command.id %> --cert vpn.example.com.crt --key vpn.example.com.key --ca ca.crt --users users.txt --pool 10.9.0.0/24',
    },
    {
      description: 'The same, with profiles for the phone and the laptop of a user',
      command:
        'sudo <%= config.bin %> <%= command.id %> --cert vpn.example.com.crt --key vpn.example.com.key --users users.txt --pool 10.9.0.0/24 --export apple,windows --export-identity alice',
    },
    {
      description: 'Both families, one outer address, events as JSON',
      command:
        'sudo <%= config.bin %> <%= command.id %> --listen 192.0.2.1 --psk-file psk.txt --pool 10.9.0.0/24 --pool fd09::/64 --format ndjson',
    },
  ];

  static override flags = {
    ...tunnelFlags,
    ...serverAuthFlags,
    ...exportFlags,
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
    await this.runTunnel<ServerOptions>(flags, async () => {
      const options = serverOptions(flags);
      if (flags['audit-psk'] !== undefined) {
        const { pskProofsPlan } = await import('../cli/psk-proofs.js');
        return pskProofsPlan(flags['audit-psk'], options, flags);
      }
      const methods = serverMethods(flags);
      const exports = exportFormats(flags).length > 0;
      const related = [flags['local-id'], flags['remote-id']].filter((word) => word !== undefined);
      return {
        options,
        credentials: async (log) => {
          const { loadServerCredentials } = await import('../cli/credentials.js');
          return loadServerCredentials(flags, methods, { log, related });
        },
        run: async (complete, context) => {
          if (exports) {
            const { exportProfiles } = await import('../cli/tunnel-export.js');
            await exportProfiles(flags, complete, context.onEvent);
          }
          const { runServer } = await import('../lib/tunnel/server.js');
          await runServer(complete, context);
        },
      };
    });
  }
}
