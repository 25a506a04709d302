import * as Flags from '@oclif/core/flags';
import { CertCommand } from '../../cli/cert/cert-command.js';
import {
  caPassphrase,
  certFlags,
  crlUrl,
  days,
  force,
  keyFlags,
  passphraseFile,
} from '../../cli/cert/flags.js';

export default class CertCa extends CertCommand {
  static override summary = 'Make a certification authority in a folder.';

  static override description = `\
Writes ca.crt and ca.key into the store. With --issuer-store the new CA is an intermediate one, signed by the CA of \
another store, and chain.crt holds the CAs above it.

Name constraints (--permit, --exclude) bind whoever gets hold of the key: peers refuse what lies outside.`;

  static override examples = [
    {
      description: 'A CA for one domain',
      command: '<%= config.bin %> <%= command.id %> --permit dns:example.com',
    },
    {
      description: 'An intermediate CA',
      command: '<%= config.bin %> <%= command.id %> --store site --issuer-store root',
    },
  ];

  static override flags = {
    ...certFlags,
    ...keyFlags,
    ...caPassphrase,
    'passphrase-file': passphraseFile('new passphrase for --encrypt'),
    force,
    subject: Flags.string({
      description: 'distinguished name; default: CN with a name of its own',
      helpValue: '<dn>',
      helpGroup: 'CONTENT',
    }),
    days: days('lifetime; default 3650'),
    'path-length': Flags.integer({
      description: 'how many CAs may stand below this one; default: any number, for an intermediate CA none',
      helpValue: '<count>',
      min: 0,
      max: 6,
      helpGroup: 'CONTENT',
    }),
    permit: Flags.string({
      description:
        'only names like these may be issued: dns:example.com, email:example.com, ip:10.0.0.0/8, dn:O=Example',
      helpValue: '<names>',
      multiple: true,
      helpGroup: 'CONTENT',
    }),
    exclude: Flags.string({
      description: 'names like these may not be issued; written as for --permit',
      helpValue: '<names>',
      multiple: true,
      helpGroup: 'CONTENT',
    }),
    'crl-url': crlUrl,
    'rsa-pss': Flags.boolean({
      description: 'with an RSA key: sign with RSASSA-PSS, which not every client reads',
      exclusive: ['issuer-store'],
      helpGroup: 'KEY',
    }),
    'issuer-store': Flags.string({
      description: 'folder of the CA that signs this one',
      helpValue: '<folder>',
      helpGroup: 'FILES',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(CertCa);
    await this.runCert(flags, async () => {
      const { CA_DAYS, makeCa } = await import('../../lib/pki/actions/ca.js');
      const { storeFlag, storeFolder } = await import('../../cli/cert/input.js');
      const { passphraseFrom } = await import('../../cli/cert/passphrase.js');
      return makeCa({
        store: storeFolder(flags.store),
        storeFlag: storeFlag(flags.store),
        keyKind: flags['key-type'],
        days: flags.days ?? CA_DAYS,
        now: Date.now(),
        force: flags.force,
        subject: flags.subject,
        pathLength: flags['path-length'],
        permit: flags.permit ?? [],
        exclude: flags.exclude ?? [],
        crlUrl: flags['crl-url'],
        rsaPss: flags['rsa-pss'],
        encrypt: flags.encrypt
          ? passphraseFrom(flags['passphrase-file'], 'New passphrase for ca.key', true)
          : undefined,
        ask: passphraseFrom(flags['passphrase-file'], 'Passphrase of ca.key'),
        issuerStore: flags['issuer-store'],
        askIssuer: passphraseFrom(flags['ca-passphrase-file'], 'Passphrase of the signing CA'),
      });
    });
  }
}
