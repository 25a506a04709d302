import { Args } from '@oclif/core';
import { outputFlags } from '../../cli/profile/flags.js';
import { ProfileCommand } from '../../cli/profile/profile-command.js';

export default class ProfileRemove extends ProfileCommand {
  static override summary = 'Remove a saved profile.';

  static override description =
    'Removes the profile alone: keys and secrets that it names stay where they are.';

  static override examples = [
    { description: 'Forget a gateway', command: '<%= config.bin %> <%= command.id %> work' },
  ];

  static override args = {
    name: Args.string({ description: 'name of the profile', required: true }),
  };

  static override flags = { ...outputFlags };

  async run(): Promise<void> {
    const { flags, args } = await this.parse(ProfileRemove);
    await this.runProfile(flags, async () => {
      const { remove } = await import('../../cli/profile/run.js');
      return remove(args.name);
    });
  }
}
