import { Args } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { force } from '../../cli/cert/flags.js';
import { contentFlags, outputFlags } from '../../cli/profile/flags.js';
import { ProfileCommand } from '../../cli/profile/profile-command.js';

export default class ProfileSave extends ProfileCommand {
  static override summary = 'Save a way to a gateway under a name, for "connect NAME".';

  static override description = `\
Writes a profile to ipsec-kit/profiles in $XDG_CONFIG_HOME or ~/.config, for its owner only. Certificates are stored in \
it; keys and secrets are not, but the paths of their files.`;

  static override examples = [
    {
      description: 'With a certificate of the store of "cert"',
      command:
        '<%= config.bin %> <%= command.id %> work --gateway vpn.example.com --identity alice@example.com',
    },
    {
      description: 'What "profile export --for ipsec-kit" wrote on another host',
      command: '<%= config.bin %> <%= command.id %> work --from work.json',
    },
  ];

  static override args = {
    name: Args.string({ description: 'name to save it under', required: true }),
  };

  static override flags = {
    ...outputFlags,
    name: Flags.string({
      description: 'what devices show when it is exported; default: the name it is saved under',
      helpValue: '<text>',
      helpGroup: 'CONTENT',
    }),
    from: Flags.string({
      description: 'take a profile from a file (schema ipsec-kit/profile@1); other flags change it',
      helpValue: '<file>',
      helpGroup: 'CONTENT',
    }),
    ...contentFlags,
    force,
  };

  async run(): Promise<void> {
    const { flags, args } = await this.parse(ProfileSave);
    await this.runProfile(flags, async () => {
      const { save } = await import('../../cli/profile/run.js');
      return save(args.name, flags);
    });
  }
}
