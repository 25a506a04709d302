import * as Flags from '@oclif/core/flags';
import { CertCommand } from '../../cli/cert/cert-command.js';
import { caPassphrase, certFlags, days } from '../../cli/cert/flags.js';

export default class CertCrl extends CertCommand {
  static override summary = 'Write the revocation list of the CA anew.';

  static override description = `\
A list is good until the next one is due; peers that insist on it refuse everybody from then on. Run this before.`;

  static override examples = [
    { description: 'From a timer', command: '<%= config.bin %> <%= command.id %> --days 30' },
  ];

  static override flags = {
    ...certFlags,
    ...caPassphrase,
    days: days('until the next list; default 30'),
    out: Flags.string({
      description: 'where to write it; default: ca.crl in the store',
      helpValue: '<file>',
      helpGroup: 'FILES',
    }),
    der: Flags.boolean({ description: 'DER instead of PEM, as web servers give it', helpGroup: 'FILES' }),
    force: Flags.boolean({
      description: 'replace a file that is there even if it is no revocation list',
      helpGroup: 'FILES',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(CertCrl);
    await this.runCert(flags, async () => {
      const { CRL_DAYS, writeCrl } = await import('../../lib/pki/actions/revoke.js');
      const { storeFolder } = await import('../../cli/cert/input.js');
      const { passphraseFrom } = await import('../../cli/cert/passphrase.js');
      return writeCrl({
        store: storeFolder(flags.store),
        days: flags.days ?? CRL_DAYS,
        out: flags.out,
        der: flags.der,
        force: flags.force,
        now: Date.now(),
        askIssuer: passphraseFrom(flags['ca-passphrase-file'], 'Passphrase of the CA'),
      });
    });
  }
}
