import { androidFiles } from './android.js';
import { appleFiles } from './apple.js';
import { checkProfile } from './check.js';
import { type ExportInput, exportInput } from './input.js';
import { ipsecKitFiles } from './ipsec-kit.js';
import { networkManagerFiles } from './networkmanager.js';
import { swanctlFiles } from './swanctl.js';
import type { ClientProfile, ExportedFile, ProfileFormat, ProfileSecrets } from './types.js';
import { windowsFiles } from './windows.js';

const renderers: Record<ProfileFormat, (input: ExportInput) => ExportedFile[]> = {
  apple: appleFiles,
  windows: windowsFiles,
  android: androidFiles,
  swanctl: swanctlFiles,
  networkmanager: networkManagerFiles,
  'ipsec-kit': ipsecKitFiles,
};

/**
 * The files of a profile for one kind of client; nothing is written.
 * @param secrets what goes into the files besides the profile's data
 * @throws KitError usage E_PROFILE_AUTH, E_PROFILE_PROPOSAL, E_PROFILE_PORT, E_PROFILE_IDENTITY,
 *   E_PROFILE_PASSPHRASE, E_PROFILE_SECRET_TEXT where the client or its format cannot do what the profile asks;
 *   E_PROFILE_NAME, E_PROFILE_VALUE, E_PROFILE_KEY, E_GATEWAY, E_PORT, E_IDENTITY, E_PROPOSAL, E_ADDRESS,
 *   E_CERT_FORMAT where the profile is wrong by itself
 */
export function exportProfile(
  profile: ClientProfile,
  format: ProfileFormat,
  secrets: ProfileSecrets = {},
): ExportedFile[] {
  checkProfile(profile);
  return renderers[format](exportInput(profile, secrets));
}
