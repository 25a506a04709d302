import { CertCommand } from '../../cli/cert/cert-command.js';
import { identityArgs, identityFlags } from '../../cli/cert/flags.js';

export default class CertCsr extends CertCommand {
  static override summary = 'Make a key and a signing request for another CA.';

  static override description = `\
Writes NAME.key and NAME.csr into the store; the key never leaves it. Names and flags are those of "cert issue".`;

  static override examples = [
    {
      description: 'A request',
      command: '<%= config.bin %> <%= command.id %> vpn.example.com --key-type rsa-3072',
    },
  ];

  static override strict = false;

  static override args = identityArgs;

  static override flags = identityFlags;

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(CertCsr);
    await this.runCert(flags, async () => {
      const { makeRequest } = await import('../../lib/pki/actions/issue.js');
      const { identityOptions } = await import('../../cli/cert/identity-options.js');
      return makeRequest(identityOptions(argv.map(String), flags));
    });
  }
}
