import * as Flags from '@oclif/core/flags';
import { force, passphraseFile } from '../../cli/cert/flags.js';
import { contentFlags, outputFlags } from '../../cli/profile/flags.js';
import { ProfileCommand } from '../../cli/profile/profile-command.js';

export default class ProfileExport extends ProfileCommand {
  static override summary = 'Write a ready profile for a phone, a laptop or another IKEv2 client.';

  static override description = `\
From what a gateway accepts and the identity of a client it makes what that client imports: a configuration profile for \
Apple's systems, a PowerShell script for Windows, a profile for the strongSwan app on Android, swanctl.conf, a connection \
for NetworkManager, or our own form for another host. Says what each file is and how to install it.

Known quirks of the client are looked for and told on stderr; with an error among them, which is when the client would \
refuse the gateway, the files are written and the exit code is 3. Secrets are only in the files when that is asked for.`;

  static override examples = [
    {
      description: 'For an iPhone, with the certificate that "cert issue alice@example.com" made',
      command:
        '<%= config.bin %> <%= command.id %> --for apple --gateway vpn.example.com --identity alice@example.com --p12-passphrase-file pass.txt',
    },
    {
      description: 'For Windows and Android, with user name and password',
      command:
        '<%= config.bin %> <%= command.id %> --for windows,android --gateway vpn.example.com --ca ca.crt --eap-user alice --out profiles',
    },
    {
      description: 'A saved profile for strongSwan, with the pre-shared key in it',
      command:
        '<%= config.bin %> <%= command.id %> --for swanctl --profile work --include-psk --out etc-swanctl',
    },
  ];

  static override flags = {
    ...outputFlags,
    for: Flags.string({
      description:
        'kind of client: apple, windows, android, swanctl, networkmanager, ipsec-kit; comma-separated or repeated, each then gets a folder of its own',
      helpValue: '<client,...>',
      multiple: true,
      multipleNonGreedy: true,
      required: true,
      helpGroup: 'CONTENT',
    }),
    profile: Flags.string({
      description: 'take a saved profile; other flags change it',
      helpValue: '<name>',
      helpGroup: 'CONTENT',
    }),
    name: Flags.string({
      description: 'what the device shows; default: the gateway',
      helpValue: '<text>',
      helpGroup: 'CONTENT',
    }),
    ...contentFlags,
    out: Flags.string({
      description: 'folder to write into; - writes a single file to standard output',
      helpValue: '<folder>',
      default: '.',
      helpGroup: 'FILES',
    }),
    force,
    'p12-passphrase-file': passphraseFile("new passphrase for the client's key, in PKCS#12 or as a file"),
    'include-key': Flags.boolean({
      description: "write the client's key unencrypted where the format has a file of its own for it",
      helpGroup: 'FILES',
    }),
    'include-psk': Flags.boolean({
      description: 'write the pre-shared key into the profile',
      helpGroup: 'FILES',
    }),
    'include-password': Flags.boolean({
      description: 'write the password of the user into the profile',
      helpGroup: 'FILES',
    }),
    qr: Flags.boolean({
      description: 'show the profile for Android, without the key, as a QR code, if it fits',
      helpGroup: 'OUTPUT',
    }),
    'qr-url': Flags.string({
      description: 'show this address as a QR code: where the device will find the file',
      helpValue: '<url>',
      helpGroup: 'OUTPUT',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(ProfileExport);
    await this.runProfile(flags, async () => {
      const { exportTo } = await import('../../cli/profile/run.js');
      return exportTo(flags);
    });
  }
}
