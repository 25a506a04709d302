import { Args } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { CertCommand } from '../../cli/cert/cert-command.js';
import { certFlags, force, passphraseFile } from '../../cli/cert/flags.js';

export default class CertExport extends CertCommand {
  static override summary = 'Export a key with its certificate and CAs as one file.';

  static override description = `\
Phones, Windows and macOS import keys as PKCS#12 (--p12, the default). It is encrypted with AES-256; Apple's systems \
and older ones read only 3DES (--legacy), and call the passphrase wrong otherwise. Where text is wanted, --pem writes \
the encrypted key (PKCS#8), the certificate and the CAs, one after the other.`;

  static override examples = [
    {
      description: 'For an iPhone',
      command:
        '<%= config.bin %> <%= command.id %> alice@example.com --p12 --legacy --passphrase-file pass.txt',
    },
  ];

  static override args = {
    name: Args.string({ description: 'name in the store', required: true }),
  };

  static override flags = {
    ...certFlags,
    p12: Flags.boolean({
      description: 'as PKCS#12, which devices import; the default',
      helpGroup: 'CONTENT',
      exclusive: ['pem'],
    }),
    pem: Flags.boolean({
      description: 'as PEM text, for OpenSSL, strongSwan and the like',
      helpGroup: 'CONTENT',
      exclusive: ['p12', 'legacy'],
    }),
    legacy: Flags.boolean({
      description: 'PKCS#12 with 3DES and SHA-1, for Apple and old systems',
      helpGroup: 'CONTENT',
    }),
    out: Flags.string({
      description: 'where to write it; default: NAME.p12 or NAME.pem in the current folder',
      helpValue: '<file>',
      helpGroup: 'FILES',
    }),
    'passphrase-file': passphraseFile('new passphrase of the file'),
    'key-passphrase-file': passphraseFile("passphrase of the store's key, if it has one"),
    force,
  };

  async run(): Promise<void> {
    const { flags, args } = await this.parse(CertExport);
    await this.runCert(flags, async () => {
      const { exportIdentity } = await import('../../cli/cert/run.js');
      return exportIdentity(args.name, flags);
    });
  }
}
