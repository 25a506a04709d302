import { Args } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { CertCommand } from '../../cli/cert/cert-command.js';
import { caPassphrase, certFlags, crlUrl, days, force, nameFlags } from '../../cli/cert/flags.js';

export default class CertSign extends CertCommand {
  static override summary = 'Sign a request with the CA of the store.';

  static override description = `\
Checks that the request was made with its key, and takes its subject and, unless --san is given, its names. Whether \
the result is a CA is said here (--intermediate), never by the request.`;

  static override examples = [
    { description: 'Sign a request', command: '<%= config.bin %> <%= command.id %> vpn.example.com.csr' },
  ];

  static override args = {
    file: Args.string({ description: 'signing request, PEM or DER; - is standard input', required: true }),
  };

  static override flags = {
    ...certFlags,
    ...caPassphrase,
    san: nameFlags.san,
    server: nameFlags.server,
    client: nameFlags.client,
    'ip-as-dns': nameFlags['ip-as-dns'],
    intermediate: Flags.boolean({ description: 'make it a CA below this one', helpGroup: 'CONTENT' }),
    days: days('lifetime; default 397 for gateways, 825 for clients, 1825 for CAs'),
    'crl-url': crlUrl,
    out: Flags.string({
      description: 'where to write the certificate; default: the store',
      helpValue: '<file>',
      helpGroup: 'FILES',
    }),
    force,
  };

  async run(): Promise<void> {
    const { flags, args } = await this.parse(CertSign);
    await this.runCert(flags, async () => {
      const { sign } = await import('../../cli/cert/run.js');
      return sign(args.file, flags);
    });
  }
}
