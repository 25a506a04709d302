import * as Flags from '@oclif/core/flags';
import { PskCommand } from '../../cli/psk-strength-command.js';
import { pskOutputFlags } from '../../cli/psk-strength-flags.js';

export default class PskGenerate extends PskCommand {
  static override summary = 'Make a pre-shared key that nobody guesses.';

  static override description = `\
Draws small letters and digits, five bits each, that every gateway and phone accepts without quoting and nobody \
misreads: there is no 0, o, 1 and l, and no key is longer than 64 characters. With --words the key is made of \
pronounceable words of five letters, 16 bits each, for people who have to type it: eight words are 128 bits.

The key goes to standard output, alone on its line; what it is made of to standard error. With --out it goes into a \
file that only you can read.`;

  static override examples = [
    {
      description: 'A key file for serve and connect',
      command: '<%= config.bin %> <%= command.id %> --out psk.txt',
    },
    {
      description: 'A key to be typed into a phone',
      command: '<%= config.bin %> <%= command.id %> --words 8',
    },
  ];

  static override flags = {
    ...pskOutputFlags,
    bits: Flags.integer({
      description: 'bits to draw, 128 to 320; default 256',
      helpValue: '<bits>',
      helpGroup: 'KEY',
      exclusive: ['words'],
    }),
    words: Flags.integer({
      description: 'so many words instead of letters and digits, 5 to 10',
      helpValue: '<count>',
      helpGroup: 'KEY',
    }),
    out: Flags.string({
      description: 'file to write the key into; -: standard output',
      helpValue: '<file>',
      default: '-',
      helpGroup: 'FILES',
    }),
    force: Flags.boolean({ description: 'replace a file that is there', helpGroup: 'FILES' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(PskGenerate);
    await this.runPsk(async () => {
      const { generatePsk } = await import('../../cli/psk-strength-generate.js');
      return generatePsk(flags);
    });
  }
}
