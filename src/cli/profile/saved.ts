import { readFile } from 'node:fs/promises';
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

/** Where profiles are looked for, in order: in the own folder, and under sudo in that of the user who called it. */
async function sources(): Promise<SavedProfiles[]> {
  const caller = await sudoCaller();
  const theirs = caller && join(caller.home, '.config', 'ipsec-kit', 'profiles');
  if (caller === undefined || theirs === undefined || theirs === profilesFolder()) return [savedProfiles()];
  return [savedProfiles(), new SavedProfiles(theirs, [0, caller.uid])];
}

/** Who called sudo, when this process runs as root for somebody: sudo sets HOME to that of root. */
export async function sudoCaller(
  user = process.env.SUDO_USER,
  own = process.getuid?.(),
  users = '/etc/passwd',
): Promise<{ uid: number; home: string } | undefined> {
  if (own !== 0 || user === undefined || user === 'root') return undefined;
  const text = await readFile(users, 'utf8').catch(() => '');
  const [, , uid, , , home] =
    text
      .split('\n')
      .map((line) => line.split(':'))
      .find(([name]) => name === user) ?? [];
  return uid !== undefined && home?.startsWith('/') ? { uid: Number(uid), home } : undefined;
}

/**
 * A saved profile; its paths are absolute.
 * @throws KitError usage E_NO_PROFILE, E_PROFILE_NAME, E_PROFILE_FORMAT and what its values are checked for
 */
export async function loadProfile(name: string): Promise<ClientProfile> {
  return (await findProfile(name)) ?? savedProfiles().load(name);
}

/** As {@link loadProfile}; undefined where there is no such profile or no profile could have that name. */
export async function findProfile(name: string): Promise<ClientProfile | undefined> {
  for (const saved of await sources()) {
    const profile = await saved.find(name);
    if (profile !== undefined) return profile;
  }
  return undefined;
}

/** The names that {@link findProfile} knows, in alphabetical order. */
export async function profileNames(): Promise<string[]> {
  const names = await Promise.all((await sources()).map((saved) => saved.names()));
  return [...new Set(names.flat())].sort();
}
