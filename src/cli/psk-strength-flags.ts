import * as Flags from '@oclif/core/flags';
import { commonFlags } from './tunnel-flags.js';

/** What every `psk` command has. */
export const pskOutputFlags = {
  format: Flags.option({
    description: 'text, or one JSON document (schema ipsec-kit/psk@1), which never holds the key',
    options: ['text', 'json'] as const,
    default: 'text' as const,
    helpGroup: 'OUTPUT',
  })(),
  json: Flags.boolean({ description: 'short for --format json', helpGroup: 'OUTPUT' }),
  color: commonFlags.color,
};

/** The output flags as the parser yields them. */
export interface PskOutputFlags {
  format: 'text' | 'json';
  json: boolean;
  color: boolean;
}
