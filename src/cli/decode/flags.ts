import { Flags } from '@oclif/core';
import { commonFlags } from '../tunnel-flags.js';

const port = Flags.integer({
  description: 'also look for IKE and ESP on this UDP port, besides 500 and 4500',
  helpValue: '<port>',
  min: 1,
  max: 65_535,
  multiple: true,
  multipleNonGreedy: true,
  helpGroup: 'INPUT',
});

export const decodeFlags = {
  interface: Flags.string({
    char: 'i',
    description: 'read from this network interface ("any": all) until interrupted; needs root or CAP_NET_RAW',
    helpValue: '<name>',
    helpGroup: 'INPUT',
  }),
  follow: Flags.boolean({
    description: 'go on when the file grows, until interrupted',
    helpGroup: 'INPUT',
  }),
  port,
  keys: Flags.string({
    description: 'file with keys, or a folder of such files',
    helpValue: '<path>',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'KEYS',
  }),
  'strict-keys': Flags.boolean({
    description: 'end with an error when a line of a key file cannot be read',
    helpGroup: 'KEYS',
  }),
  'write-decrypted': Flags.string({
    description:
      'write decrypted packets to this pcapng file, readable by you only; a file of that name is replaced',
    helpValue: '<file>',
    helpGroup: 'OUTPUT',
  }),
  format: Flags.option({
    description:
      'text: a conversation; markdown: the same for a ticket; json: one document (schema ipsec-kit/decode@1); ndjson: one packet a line, as it is read',
    options: ['text', 'json', 'ndjson', 'markdown'] as const,
    default: 'text',
    helpGroup: 'OUTPUT',
  })(),
  json: Flags.boolean({ description: 'short for --format json', helpGroup: 'OUTPUT' }),
  filter: Flags.string({
    description: 'show only what matches, see above',
    helpValue: '<terms>',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'OUTPUT',
  }),
  frame: Flags.integer({
    description: 'show one packet with offsets, bytes and fields',
    helpValue: '<number>',
    min: 1,
    helpGroup: 'OUTPUT',
  }),
  verbose: Flags.boolean({
    char: 'v',
    description: 'show every field of every payload',
    helpGroup: 'OUTPUT',
  }),
  color: commonFlags.color,
};

/** The flags as the parser yields them. */
export interface DecodeFlags {
  interface?: string | undefined;
  follow: boolean;
  port?: number[] | undefined;
  keys?: string[] | undefined;
  'strict-keys': boolean;
  'write-decrypted'?: string | undefined;
  format: 'text' | 'json' | 'ndjson' | 'markdown';
  json: boolean;
  filter?: string[] | undefined;
  frame?: number | undefined;
  verbose: boolean;
  color: boolean;
}
