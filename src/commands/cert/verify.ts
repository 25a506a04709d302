import { Args } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { CertCommand } from '../../cli/cert/cert-command.js';
import { certFlags, passphraseFile } from '../../cli/cert/flags.js';

export default class CertVerify extends CertCommand {
  static override summary = 'Verify a certificate and explain each failure.';

  static override description = `\
Follows the chain to a trusted CA and checks signatures, dates, CA rights, path lengths, name constraints, key usages, \
revocation, weak keys and hashes; with --host whether it covers what clients dial, with --for what that client asks for \
besides. Each failure is one sentence with its code; the exit code is then 6.`;

  static override examples = [
    {
      description: 'What an iPhone would say',
      command: '<%= config.bin %> <%= command.id %> vpn.example.com --host vpn.example.com --for ios',
    },
    {
      description: 'A certificate of somebody else',
      command: '<%= config.bin %> <%= command.id %> peer.pem --ca their-ca.pem --crl their.crl --require-crl',
    },
  ];

  static override args = {
    file: Args.string({
      description: 'file (PEM, DER, PKCS#12, PKCS#7), or name in the store',
      required: true,
    }),
  };

  static override flags = {
    ...certFlags,
    'passphrase-file': passphraseFile('passphrase of an encrypted file'),
    ca: Flags.string({
      description: 'file with trusted CAs; default: the CA of the store',
      helpValue: '<file>',
      multiple: true,
      helpGroup: 'FILES',
    }),
    crl: Flags.string({
      description:
        'revocation list, a file or an http address; default: that of the store, if its CA is used',
      helpValue: '<file|url>',
      multiple: true,
      helpGroup: 'FILES',
    }),
    'require-crl': Flags.boolean({
      description: 'fail when there is no current revocation list of a CA',
      helpGroup: 'CHECKS',
    }),
    host: Flags.string({
      description: 'name that it has to cover: domain name, address, user@domain or dn:…',
      helpValue: '<name>',
      helpGroup: 'CHECKS',
    }),
    for: Flags.option({
      description: 'client whose demands count too',
      options: ['ios', 'windows', 'android', 'strongswan'] as const,
      helpGroup: 'CHECKS',
    })(),
    server: Flags.boolean({ description: 'it has to be good for a gateway', helpGroup: 'CHECKS' }),
    client: Flags.boolean({
      description: 'it has to be good for a client',
      helpGroup: 'CHECKS',
      exclusive: ['server'],
    }),
    at: Flags.string({
      description: 'as of another time, such as 2027-03-01',
      helpValue: '<time>',
      helpGroup: 'CHECKS',
    }),
  };

  async run(): Promise<void> {
    const { flags, args } = await this.parse(CertVerify);
    await this.runCert(flags, async () => {
      const { verify } = await import('../../cli/cert/run.js');
      return verify(args.file, flags);
    });
  }
}
