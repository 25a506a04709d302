import { Args } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { CertCommand } from '../../cli/cert/cert-command.js';
import { certFlags, passphraseFile } from '../../cli/cert/flags.js';

export default class CertShow extends CertCommand {
  static override summary = 'Show what is in a file of certificates or in a capture.';

  static override description = `\
Reads PEM, DER, PKCS#12 and PKCS#7: certificates, signing requests, revocation lists, and of private keys only their kind. In a \
capture (pcap, pcapng) it finds the certificates that the peers sent; IKEv2 encrypts them, so give --keys.`;

  static override examples = [
    {
      description: 'A certificate of the store',
      command: '<%= config.bin %> <%= command.id %> vpn.example.com',
    },
    {
      description: "A peer's certificates",
      command: '<%= config.bin %> <%= command.id %> capture.pcap --keys keylog',
    },
  ];

  static override args = {
    file: Args.string({
      description: 'file, capture, or name in the store; - is standard input',
      required: true,
    }),
  };

  static override flags = {
    ...certFlags,
    'passphrase-file': passphraseFile('passphrase of an encrypted file'),
    keys: Flags.string({
      description: 'key file or folder for a capture, in any form that "decode --keys" reads',
      helpValue: '<path>',
      multiple: true,
      helpGroup: 'FILES',
    }),
  };

  async run(): Promise<void> {
    const { flags, args } = await this.parse(CertShow);
    await this.runCert(flags, async () => {
      const { show } = await import('../../cli/cert/run.js');
      return show(args.file, flags);
    });
  }
}
