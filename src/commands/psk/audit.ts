import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { PskAuditCommand } from '../../cli/psk-audit-command.js';
import { commonFlags } from '../../cli/tunnel-flags.js';

export default class PskAudit extends PskAuditCommand {
  static override summary =
    'Try a list of words against what a gateway or client of yours proved with its pre-shared key.';

  static override description = `\
Offline, for keys that you are responsible for. The file has one hash a line: of an IKEv1 gateway in Aggressive Mode, as \
ipsec-kit probe --save-hash and ike-scan --pskcrack write it (HMAC with MD5, SHA-1 or SHA-2, told by its length), or of an \
IKEv2 client that proved itself to ipsec-kit serve --audit-psk; of those, proofs made with AES-XCBC or AES-CMAC are \
left out, and said. Every word is tried against all of them; the audit ends \
when all keys are found or the words come to an end.

Words are lines of bytes, taken as they stand in any encoding; a carriage return at their end is dropped, and lines above \
4096 bytes are counted and passed over. The result names the line of the word list, never the key, also on a terminal, \
unless --show is given. Rate and estimate go to standard error.

An audit that is interrupted finishes what it has begun and saves its place: --resume goes on there, with no word left out \
and none tried twice. Places are also saved every ten seconds, in case the process is killed. Without --resume that file \
is in ~/.local/state/ipsec-kit (XDG_STATE_HOME), and its name is shown.

The exit code is 3 when a key was found, and 0 when none was.`;

  static override examples = [
    {
      description: 'A hash of an IKEv1 gateway and a word list',
      command: '<%= config.bin %> <%= command.id %> gateway.hash --wordlist words.txt',
    },
    {
      description: 'Words of another program, the key in the JSON document',
      command:
        'hashcat --stdout words.txt -r best64.rule | <%= config.bin %> <%= command.id %> gateway.hash --wordlist - --json --show',
    },
    {
      description: 'An audit that may take days',
      command: '<%= config.bin %> <%= command.id %> gateway.hash --wordlist huge.txt --resume audit.state',
    },
  ];

  static override args = {
    file: Args.string({ description: 'file with hashes, one a line; -: standard input', required: true }),
  };

  static override flags = {
    wordlist: Flags.string({
      description: 'file with one word a line; -: standard input',
      helpValue: '<file>',
      required: true,
      helpGroup: 'AUDIT',
    }),
    resume: Flags.string({
      description:
        'go on where this file says, which need not exist yet, and keep the place in it; removed at the end',
      helpValue: '<file>',
      helpGroup: 'AUDIT',
    }),
    threads: Flags.integer({
      description: 'threads to work on; default: one for each processor',
      helpValue: '<count>',
      min: 1,
      max: 256,
      helpGroup: 'AUDIT',
    }),
    show: Flags.boolean({ description: 'show the keys that were found', helpGroup: 'OUTPUT' }),
    format: Flags.option({
      description: 'text, or one JSON document (schema ipsec-kit/psk-audit@1)',
      options: ['text', 'json'] as const,
      default: 'text' as const,
      helpGroup: 'OUTPUT',
    })(),
    json: Flags.boolean({ description: 'short for --format json', helpGroup: 'OUTPUT' }),
    color: commonFlags.color,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(PskAudit);
    await this.runAudit(args.file, flags);
  }
}
