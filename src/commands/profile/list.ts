import { outputFlags } from '../../cli/profile/flags.js';
import { ProfileCommand } from '../../cli/profile/profile-command.js';

export default class ProfileList extends ProfileCommand {
  static override summary = 'List the saved profiles.';

  static override description =
    'Names, gateways and methods of what "profile save" saved, in alphabetical order.';

  static override examples = [
    { description: 'For a script', command: '<%= config.bin %> <%= command.id %> --json' },
  ];

  static override flags = { ...outputFlags };

  async run(): Promise<void> {
    const { flags } = await this.parse(ProfileList);
    await this.runProfile(flags, async () => {
      const { list } = await import('../../cli/profile/run.js');
      return list();
    });
  }
}
