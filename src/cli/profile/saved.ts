import { homedir } from 'node:os';
import { join } from 'node:path';
import { SavedProfiles } from '../../lib/pki/profiles/saved.js';
import type { ClientProfile } from '../../lib/pki/profiles/types.js';

/** Where profiles are kept: by the XDG Base Directory Specification, which ignores relative paths. */
export function profilesFolder(): string {
  const config = process.env.XDG_CONFIG_HOME;
  const base = config?.startsWith('/') ? config : join(homedir(), '.config');
  return join(base, 'ipsec-kit', 'profiles');
}

export function savedProfiles(): SavedProfiles {
  return new SavedProfiles(profilesFolder());
}

/**
 * A saved profile; its paths are absolute.
 * @throws KitError usage E_NO_PROFILE, E_PROFILE_NAME, E_PROFILE_FORMAT and what its values are checked for
 */
export function loadProfile(name: string): Promise<ClientProfile> {
  return savedProfiles().load(name);
}

/** As {@link loadProfile}; undefined where there is no such profile or no profile could have that name. */
export function findProfile(name: string): Promise<ClientProfile | undefined> {
  return savedProfiles().find(name);
}
