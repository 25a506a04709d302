import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { clientAuthFlags } from '../cli/credentials-flags.js';
import { clientMethods } from '../cli/credentials-methods.js';
import { TunnelCommand } from '../cli/tunnel-command.js';
import { tunnelFlags } from '../cli/tunnel-flags.js';
import { clientOptions } from '../cli/tunnel-options.js';
import { profileOrGateway } from '../cli/tunnel-profile.js';
import type { ClientOptions } from '../lib/tunnel/types.js';

export default class Connect extends TunnelCommand {
  static override summary = 'Bring up a tunnel to an IKEv2 gateway.';

  static override description = `\
Negotiates IKEv2 with the gateway, opens a TUN device, sets addresses and routes, and stays until it is interrupted or \
--duration is over. A first attempt that fails ends the command; a tunnel that was up and is lost is made anew; \
until it is, traffic takes the routes of this host, not the tunnel. \
Everything it set up is taken down again, also when the process is killed. It needs root or the ambient capability \
CAP_NET_ADMIN, for ESP without UDP (--no-encap) CAP_NET_RAW as well.

Without --local-ts it asks the gateway for a virtual address. Without --remote-ts it asks for everything (0.0.0.0/0 and \
::/0); the path to the gateway itself stays outside the tunnel.

Each side has its own way to prove who it is: --auth says it for this side, --server-auth for the gateway. Left out, \
they follow from what is given: --eap-user, --cert and --ca. A gateway that proves itself with a certificate has to be \
the one that was dialled, or the one that --remote-id names.`;

  static override examples = [
    {
      description: 'A road warrior: virtual address and everything through the gateway',
      command:
        'sudo <%= config.bin %> <%= command.id %> vpn.example.com --local-id alice@example.com --psk-file psk.txt',
    },
    {
      description: 'A gateway with a certificate of a public CA, a user with a password',
      command:
        'sudo <%= config.bin %> <%= command.id %> vpn.example.com --ca system --eap-user alice --eap-password-file password.txt',
    },
    {
      description: 'Certificates both ways',
      command:
        'sudo <%= config.bin %> <%= command.id %> vpn.example.com --ca ca.crt --cert alice.crt --key alice.key',
    },
    {
      description: 'Two networks, named algorithms, for an hour',
      command:
        'sudo <%= config.bin %> <%= command.id %> 192.0.2.1 --psk-file psk.txt --local-ts 10.1.0.0/24 --remote-ts 10.2.0.0/24 --ike aes256gcm16-prfsha256-x25519 --esp aes256gcm16-x25519 --duration 1h',
    },
    {
      description: 'For a script: events as JSON, the key from a password manager',
      command:
        'pass show vpn | sudo <%= config.bin %> <%= command.id %> vpn.example.com --psk-stdin --format ndjson',
    },
  ];

  static override args = {
    gateway: Args.string({
      description: 'host name or address of the gateway, or the name of a saved profile',
      required: true,
    }),
  };

  static override flags = {
    ...tunnelFlags,
    ...clientAuthFlags,
    'dns-mode': Flags.option({
      description:
        'what to do with DNS servers the gateway assigns: nothing, or hand them to systemd-resolved and take them back on exit',
      options: ['none', 'resolvectl'] as const,
      default: 'none',
      helpGroup: 'NETWORK',
    })(),
  };

  async run(): Promise<void> {
    const parsed = await this.parse(Connect);
    await this.runTunnel<ClientOptions>(parsed.flags, async () => {
      const { gateway, flags, saved } = await profileOrGateway(parsed);
      const options = clientOptions(gateway, flags);
      const methods = clientMethods(flags);
      const related = [gateway, flags['local-id'], flags['remote-id']].filter((word) => word !== undefined);
      return {
        options,
        credentials: async (log) => {
          if (saved) log('info', `saved profile ${parsed.args.gateway}: the gateway is ${gateway}`);
          const { loadClientCredentials } = await import('../cli/credentials.js');
          return loadClientCredentials(flags, methods, { log, related });
        },
        run: async (complete, context) => {
          const { runClient } = await import('../lib/tunnel/client.js');
          await runClient(complete, context);
        },
      };
    });
  }
}
