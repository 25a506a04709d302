import * as Flags from '@oclif/core/flags';
import { KitError } from '../lib/core/errors.js';
import { printable } from '../lib/core/printable.js';
import { type ProfileFormat, profileFormats } from '../lib/pki/profiles/types.js';

const helpGroup = 'CLIENT PROFILES';

/** Flags of `serve` about profiles for its clients. */
export const exportFlags = {
  export: Flags.string({
    description:
      'at the start write profiles that clients import: apple, windows, android, swanctl, networkmanager, ipsec-kit; comma-separated or repeated',
    helpValue: '<client,...>',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup,
  }),
  'export-dir': Flags.string({
    description:
      'folder for them, with a folder for each kind of client in it; what was exported there before is replaced',
    helpValue: '<folder>',
    default: 'profiles',
    helpGroup,
  }),
  'export-identity': Flags.string({
    description:
      'whom they are for: a user of --users, or a name in the store of "cert" whose certificate and key go into them; default: nobody, devices ask or have a certificate',
    helpValue: '<name>',
    helpGroup,
  }),
  'export-gateway': Flags.string({
    description:
      "host name or address that the clients dial; default: the first domain name or address of this server's certificate, or --local-id",
    helpValue: '<host>',
    helpGroup,
  }),
  'export-store': Flags.string({
    description: 'folder with that identity and the CA, as "cert" makes it; default: that of "cert"',
    helpValue: '<folder>',
    helpGroup,
  }),
  'export-passphrase-file': Flags.string({
    description: "new passphrase for the client's key in them; default: a prompt on a terminal",
    helpValue: '<file>',
    helpGroup,
  }),
};

/** {@link exportFlags} as the parser yields them. */
export interface ExportFlagValues {
  export?: string[] | undefined;
  'export-dir': string;
  'export-identity'?: string | undefined;
  'export-gateway'?: string | undefined;
  'export-store'?: string | undefined;
  'export-passphrase-file'?: string | undefined;
}

/**
 * The kinds of clients that profiles are wanted for; none without `--export`.
 * @throws KitError usage E_PROFILE_FOR, E_EXPORT_UNUSED
 */
export function exportFormats(flags: ExportFlagValues): ProfileFormat[] {
  const names = (flags.export ?? [])
    .flatMap((list) => list.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const details = ['identity', 'gateway', 'store', 'passphrase-file'] as const;
  const unused = details.find((detail) => flags[`export-${detail}`] !== undefined);
  if (names.length === 0 && unused !== undefined) {
    throw new KitError('usage', 'E_EXPORT_UNUSED', `--export-${unused} says nothing without --export.`, {
      hint: `Say for whom: --export ${profileFormats.join(',')}`,
    });
  }
  const formats = names.map((name) => {
    const format = profileFormats.find((each) => each === name);
    if (format !== undefined) return format;
    throw new KitError('usage', 'E_PROFILE_FOR', `There are no profiles for "${printable(name)}".`, {
      hint: `Choose among ${profileFormats.join(', ')}.`,
    });
  });
  return [...new Set(formats)];
}
