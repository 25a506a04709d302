import { constants } from 'node:fs';
import { access, chmod, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KitError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { syncFolder, writeFileSafely } from '../atomic-file.js';
import { checkProfile } from './check.js';
import { profileText } from './ipsec-kit.js';
import { parseProfile, withAbsolutePaths } from './parse.js';
import type { ClientProfile } from './types.js';

const EXTENSION = '.json';
const LARGEST = 1 << 20;

/** Saved profiles: a folder with one JSON file each, all for their owner only. */
export class SavedProfiles {
  /** @param owners user ids whose files are believed, if nobody else may write them; undefined: every file is */
  constructor(
    readonly folder: string,
    readonly owners?: readonly number[],
  ) {}

  /** @throws KitError usage E_PROFILE_NAME */
  path(name: string): string {
    return join(this.folder, `${checkedName(name)}${EXTENSION}`);
  }

  /** @throws KitError usage E_NO_PROFILE, E_PROFILE_FORMAT, and what {@link checkProfile} throws */
  async load(name: string): Promise<ClientProfile> {
    const profile = await this.find(name);
    if (profile !== undefined) return profile;
    const names = await this.names();
    throw new KitError('usage', 'E_NO_PROFILE', `There is no profile "${printable(name)}".`, {
      hint:
        names.length === 0
          ? 'There is none at all yet; make one with: ipsec-kit profile save NAME --gateway HOST …'
          : `There is: ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`,
    });
  }

  /** The profile of a name; undefined where there is none, also for what cannot be a name. */
  async find(name: string): Promise<ClientProfile | undefined> {
    if (!isProfileName(name)) return undefined;
    const path = this.path(name);
    const text = await readText(path, this.owners);
    return text === undefined ? undefined : parseProfile(text, path, this.folder);
  }

  /** In alphabetical order. */
  async names(): Promise<string[]> {
    const files = await readdir(this.folder).catch(() => [] as string[]);
    return files
      .filter((file) => file.endsWith(EXTENSION))
      .map((file) => file.slice(0, -EXTENSION.length))
      .filter(isProfileName)
      .sort();
  }

  /**
   * @returns the path of the file
   * @throws KitError usage E_PROFILE_NAME, E_FILE_EXISTS, what {@link checkProfile} throws; environment E_FILE_WRITE
   */
  async save(name: string, profile: ClientProfile, { replace }: { replace: boolean }): Promise<string> {
    const path = this.path(name);
    checkProfile(profile);
    await this.#makeFolder();
    const text = profileText(withAbsolutePaths(profile, process.cwd()));
    await writeFileSafely(path, text, { mode: 0o600, replace });
    return path;
  }

  async #makeFolder(): Promise<void> {
    try {
      const made = await mkdir(this.folder, { recursive: true, mode: 0o700 });
      if (made !== undefined) await chmod(this.folder, 0o700);
    } catch (cause) {
      throw new KitError('environment', 'E_FILE_WRITE', `The folder ${this.folder} cannot be made.`, {
        cause,
      });
    }
  }

  /** Removes a profile, also one that cannot be read any more; the files it names stay. @throws KitError as {@link load} */
  async remove(name: string): Promise<string> {
    const path = this.path(name);
    try {
      await unlink(path);
    } catch {
      await this.load(name);
      throw new KitError('environment', 'E_FILE_WRITE', `${path} cannot be removed.`);
    }
    await syncFolder(this.folder);
    return path;
  }
}

/** Letters, digits and what never leads out of a folder or into an option. */
export function isProfileName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name);
}

function checkedName(name: string): string {
  if (isProfileName(name)) return name;
  throw new KitError('usage', 'E_PROFILE_NAME', `"${printable(name)}" cannot name a saved profile.`, {
    hint: 'Use up to 64 letters, digits, dots, dashes and underscores; begin with a letter or a digit.',
  });
}

/** undefined when there is no such file. @throws KitError usage E_PROFILE_FORMAT */
async function readText(path: string, owners?: readonly number[]): Promise<string | undefined> {
  const file = await open(path, 'r').catch(async (cause: unknown) => {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    // Who may not enter the folder, as with the HOME of another, has no profiles there.
    if (code === 'ENOENT' || (code === 'EACCES' && !(await mayEnter(dirname(path))))) return undefined;
    throw new KitError('usage', 'E_PROFILE_FORMAT', `${path} cannot be opened.`, { cause });
  });
  if (file === undefined) return undefined;
  try {
    const { size, uid, mode } = await file.stat();
    if (owners !== undefined && (!owners.includes(uid) || (mode & 0o022) !== 0)) {
      throw new KitError('usage', 'E_PROFILE_FORMAT', `${path} can be written by other users.`, {
        hint: `Look at what it says, and if it is yours: chmod 600 ${path}`,
      });
    }
    if (size > LARGEST) throw new KitError('usage', 'E_PROFILE_FORMAT', `${path} is too big for a profile.`);
    return await file.readFile('utf8');
  } catch (cause) {
    if (cause instanceof KitError) throw cause;
    throw new KitError('usage', 'E_PROFILE_FORMAT', `${path} cannot be read.`, { cause });
  } finally {
    await file.close();
  }
}

function mayEnter(folder: string): Promise<boolean> {
  return access(folder, constants.X_OK).then(
    () => true,
    () => false,
  );
}
