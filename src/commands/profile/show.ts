import { Args } from '@oclif/core';
import { outputFlags } from '../../cli/profile/flags.js';
import { ProfileCommand } from '../../cli/profile/profile-command.js';

export default class ProfileShow extends ProfileCommand {
  static override summary = 'Show a saved profile.';

  static override description =
    'What "connect NAME" would do, with the paths of the files it takes keys from.';

  static override examples = [
    { description: 'As it is stored', command: '<%= config.bin %> <%= command.id %> work --json' },
  ];

  static override args = {
    name: Args.string({ description: 'name of the profile', required: true }),
  };

  static override flags = { ...outputFlags };

  async run(): Promise<void> {
    const { flags, args } = await this.parse(ProfileShow);
    await this.runProfile(flags, async () => {
      const { show } = await import('../../cli/profile/run.js');
      return show(args.name);
    });
  }
}
