import * as Flags from '@oclif/core/flags';
import { PSK_VARIABLE } from '../../cli/psk.js';
import { PskCommand } from '../../cli/psk-strength-command.js';
import { pskOutputFlags } from '../../cli/psk-strength-flags.js';

export default class PskCheck extends PskCommand {
  static override summary = 'Estimate how long a pre-shared key withstands guessing.';

  static override description = `\
A client sends proof of the key to whoever answers in the gateway's place, and whoever gets that can try keys offline, as \
fast as hardware allows. The estimate looks for words, names, dates, keyboard runs and repetitions, as programs that guess \
passwords do, and says how long one graphics card needs (10^9 guesses a second) and how long a hundred (10^11). A weak \
key falls to one card within 30 days; a strong one holds a century against a hundred.

It knows English words, and common passwords everywhere; a phrase in another language may pass for better than it is. \
Keys in hexadecimal (0x...) and Base64 (0s...) are judged by their bytes. The key is neither shown nor kept.

The exit code is 3 when the verdict is at or below --fail-on.`;

  static override examples = [
    { description: 'A key file', command: '<%= config.bin %> <%= command.id %> --psk-file psk.txt' },
    {
      description: 'A key that is asked for, as an attacker of this gateway would guess it',
      command: '<%= config.bin %> <%= command.id %> --related vpn.example.com',
    },
  ];

  static override flags = {
    ...pskOutputFlags,
    'psk-file': Flags.string({
      description: 'read the key from a file that only you can read, as connect and serve do',
      helpValue: '<file>',
      helpGroup: 'KEY',
    }),
    'psk-stdin': Flags.boolean({
      description: `read the key from standard input; without any source: ${PSK_VARIABLE} from the environment, or a prompt on a terminal`,
      helpGroup: 'KEY',
    }),
    'insecure-permissions': Flags.boolean({
      description: 'accept a key file that other users can read',
      helpGroup: 'KEY',
    }),
    related: Flags.string({
      description:
        'name that an attacker would try first, such as the identity of either side, which serve and connect look at by themselves',
      helpValue: '<name>',
      multiple: true,
      multipleNonGreedy: true,
      helpGroup: 'KEY',
    }),
    'fail-on': Flags.option({
      description: 'verdict from which on the exit code is 3',
      options: ['weak', 'fair', 'never'] as const,
      default: 'weak' as const,
      helpGroup: 'OUTPUT',
    })(),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(PskCheck);
    await this.runPsk(async () => {
      const { checkPsk } = await import('../../cli/psk-strength-check.js');
      return checkPsk(flags);
    });
  }
}
