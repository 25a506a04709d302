import { Args } from '@oclif/core';
import { CertCommand } from '../../cli/cert/cert-command.js';
import { certFlags, force, keyFlags, nameFlags, passphraseFile } from '../../cli/cert/flags.js';

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

  static override args = {
    names: Args.string({
      description: 'domain name, address or user@domain; several are allowed',
      required: true,
    }),
  };

  static override flags = {
    ...certFlags,
    ...keyFlags,
    ...nameFlags,
    'passphrase-file': passphraseFile('new passphrase for --encrypt'),
    force,
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(CertCsr);
    await this.runCert(flags, async () => {
      const { makeRequest } = await import('../../lib/pki/actions/issue.js');
      const { identityOptions } = await import('../../cli/cert/identity-options.js');
      return makeRequest(identityOptions(argv.map(String), flags));
    });
  }
}
