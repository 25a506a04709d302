import { Args } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { CertCommand } from '../../cli/cert/cert-command.js';
import { caPassphrase, certFlags, days } from '../../cli/cert/flags.js';

export default class CertRevoke extends CertCommand {
  static override summary = 'Revoke a certificate and write the revocation list anew.';

  static override description = `\
Names a certificate by its name in the store, its file or its serial number. Writes ca.crl; gateways accept the \
certificate until they have the new list.`;

  static override examples = [
    {
      description: 'A lost phone',
      command: '<%= config.bin %> <%= command.id %> alice@example.com --reason keyCompromise',
    },
  ];

  static override args = {
    target: Args.string({
      description: 'name in the store, file, or serial number in hexadecimal',
      required: true,
    }),
  };

  static override flags = {
    ...certFlags,
    ...caPassphrase,
    reason: Flags.option({
      description: 'why',
      options: [
        'unspecified',
        'keyCompromise',
        'cACompromise',
        'affiliationChanged',
        'superseded',
        'cessationOfOperation',
        'privilegeWithdrawn',
      ] as const,
      default: 'unspecified' as const,
      helpGroup: 'CONTENT',
    })(),
    days: days('until the next revocation list; default 30'),
  };

  async run(): Promise<void> {
    const { flags, args } = await this.parse(CertRevoke);
    await this.runCert(flags, async () => {
      const { CRL_DAYS, revoke } = await import('../../lib/pki/actions/revoke.js');
      const { revocationTarget, storeFolder } = await import('../../cli/cert/input.js');
      const { passphraseFrom } = await import('../../cli/cert/passphrase.js');
      const store = storeFolder(flags.store);
      return revoke({
        store,
        target: await revocationTarget(args.target, store),
        reason: flags.reason,
        days: flags.days ?? CRL_DAYS,
        now: Date.now(),
        askIssuer: passphraseFrom(flags['ca-passphrase-file'], 'Passphrase of the CA'),
      });
    });
  }
}
