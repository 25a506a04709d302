import { CertCommand } from '../../cli/cert/cert-command.js';
import { caPassphrase, crlUrl, days, identityArgs, identityFlags } from '../../cli/cert/flags.js';

export default class CertIssue extends CertCommand {
  static override summary = 'Make a key and a certificate for a gateway or a client.';

  static override description = `\
One certificate for all NAMEs: domain names, addresses, user@domain. The first one names the files. In an empty store \
the CA is made too. Names that look like users make a client's certificate, others a gateway's; --server and --client \
say it.

All names go into the subjectAltName, because clients compare nothing else. Gateways get the extended key usages that \
Windows and Apple ask for. By default gateways' certificates are valid for 397 days, clients' for 825: Apple refuses \
gateways with more than 825 days.`;

  static override examples = [
    { description: 'A gateway', command: '<%= config.bin %> <%= command.id %> vpn.example.com' },
    {
      description: 'A gateway that Windows clients dial by address',
      command: '<%= config.bin %> <%= command.id %> vpn.example.com 192.0.2.1 --ip-as-dns',
    },
    { description: 'A client', command: '<%= config.bin %> <%= command.id %> alice@example.com' },
  ];

  static override strict = false;

  static override args = identityArgs;

  static override flags = {
    ...identityFlags,
    ...caPassphrase,
    days: days('lifetime; default 397 for gateways, 825 for clients'),
    'crl-url': crlUrl,
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(CertIssue);
    await this.runCert(flags, async () => {
      const { issueCertificate } = await import('../../lib/pki/actions/issue.js');
      const { identityOptions } = await import('../../cli/cert/identity-options.js');
      const { passphraseFrom } = await import('../../cli/cert/passphrase.js');
      return issueCertificate({
        ...identityOptions(argv.map(String), flags),
        days: flags.days,
        crlUrl: flags['crl-url'],
        askIssuer: passphraseFrom(flags['ca-passphrase-file'], 'Passphrase of the CA'),
      });
    });
  }
}
