import { KitError } from '../../core/errors.js';
import type { ClientProfile, ExportedFile, ProfileFormat, ProfileSecrets } from './types.js';

/**
 * The files of a profile for one kind of client; nothing is written.
 * @throws KitError usage E_PROFILE_… where the client cannot do what the profile asks
 */
export function exportProfile(
  profile: ClientProfile,
  format: ProfileFormat,
  _secrets: ProfileSecrets = {},
): ExportedFile[] {
  throw new KitError('bug', 'E_PROFILE_FORMAT', `Profiles for ${format} (${profile.name}) are not written.`);
}
