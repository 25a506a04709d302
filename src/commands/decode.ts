import { Args } from '@oclif/core';
import { DecodeCommand } from '../cli/decode/decode-command.js';
import { decodeFlags } from '../cli/decode/flags.js';

export default class Decode extends DecodeCommand {
  static override summary = 'Read, decrypt and explain a capture of IPsec traffic.';

  static override description = `\
Reads pcap and pcapng, gzipped or not, from a file, standard input ("-") or an interface (--interface), and shows each \
IKE SA as a conversation: who spoke, what was offered and refused, what came of it, the child SAs with their traffic, \
and a diagnosis that says what to change.

With --keys everything the keys open is decrypted and its integrity checked; child keys follow from the IKE SA's. Key \
formats are recognised by themselves: Wireshark's ikev2_decryption_table, ikev1_decryption_table and esp_sa, tcpdump's \
and libreswan's lines, "ip xfrm state", and keys.json of --keylog. Keys belong into files; they are never arguments.

--filter takes terms name=value separated by blanks and chooses what is shown; the analysis always sees everything. \
exchange=IKE_AUTH compares with the exchange's name, spi=0xc0ffee01 with the SPIs, address=10.0.0.1 or 10.0.0.0/8 with \
source and destination, finding=NO_PROPOSAL_CHOSEN (or finding=any) with the frames that a finding names. The same name \
twice means either, different names mean both.

The exit code is 5 when the capture is damaged or an integrity check failed; what could be read is shown all the same.`;

  static override examples = [
    {
      description: 'Why does this tunnel not come up?',
      command: '<%= config.bin %> <%= command.id %> capture.pcap',
    },
    {
      description: 'Everything decrypted with the key log of a tunnel, plaintext written to a capture',
      command:
        '<%= config.bin %> <%= command.id %> capture.pcapng --keys keylog --write-decrypted plain.pcapng',
    },
    {
      description: 'One packet, byte by byte',
      command: '<%= config.bin %> <%= command.id %> capture.pcap --keys keylog --frame 3',
    },
    {
      description: 'From another host, one JSON object a packet',
      command:
        'ssh gateway tcpdump -U -w - udp or esp | <%= config.bin %> <%= command.id %> - --format ndjson',
    },
    {
      description: 'The refusals only',
      command: '<%= config.bin %> <%= command.id %> capture.pcap --filter finding=NO_PROPOSAL_CHOSEN',
    },
  ];

  static override args = {
    file: Args.string({ description: 'capture file, or - for standard input', required: false }),
  };

  static override flags = decodeFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Decode);
    await this.runDecode(args.file, flags);
  }
}
