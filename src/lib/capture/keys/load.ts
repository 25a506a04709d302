import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { KitError } from '../../core/errors.js';
import { parseKeyFile } from './parse.js';
import type { ParsedKeys } from './types.js';

export interface LoadedKeys extends ParsedKeys {
  /** Files that keys were read from. */
  files: string[];
  /** Files of a folder that hold no keys. */
  skipped: string[];
}

/** A key takes some 300 bytes: more than this is something else. */
const MAX_FILE_BYTES = 256 * 2 ** 20;
/** Folders also hold captures and reports: what is not called like a key file is only tried when it is small. */
const MAX_UNKNOWN_BYTES = 4 * 2 ** 20;
const MAX_FOLDER_FILES = 10_000;
const KEY_FILE_NAME = /^(esp_sa|ikev[12]_decryption_table|keys\.json)$|\.keys$/;

/**
 * Reads key files and folders; of a folder its files and those of its subfolders. In a folder, a file without a single
 * key is passed over and listed as such, unless its name says that it is a key file.
 * @throws KitError `E_KEY_FILE` (usage) when a path does not exist or cannot be read
 */
export async function loadKeys(paths: readonly string[]): Promise<LoadedKeys> {
  const loaded: LoadedKeys = { keys: [], problems: [], files: [], skipped: [] };
  for (const path of paths) {
    if (await isFolder(path)) {
      for (const file of await filesOf(path, true)) await takeFromFolder(file, loaded);
    } else {
      take(parseKeyFile(await readText(path), path), path, loaded);
    }
  }
  return loaded;
}

async function takeFromFolder(file: string, loaded: LoadedKeys): Promise<void> {
  const named = KEY_FILE_NAME.test(basename(file));
  const { size } = await stat(file).catch((cause: unknown) => unreadable(file, cause));
  if (!named && size > MAX_UNKNOWN_BYTES) {
    loaded.skipped.push(file);
    return;
  }
  const text = await readText(file);
  const parsed = named || !text.includes('\0') ? parseKeyFile(text, file) : undefined;
  if (parsed && (named || parsed.keys.length > 0)) take(parsed, file, loaded);
  else loaded.skipped.push(file);
}

function take(parsed: ParsedKeys, file: string, loaded: LoadedKeys): void {
  loaded.files.push(file);
  for (const key of parsed.keys) loaded.keys.push(key);
  for (const problem of parsed.problems) loaded.problems.push(problem);
}

/** The files of a folder in the order of their names, and those one level down. */
async function filesOf(folder: string, descend: boolean): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) =>
    unreadable(folder, cause),
  );
  const files: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isFile()) files.push(path);
    else if (descend && entry.isDirectory()) files.push(...(await filesOf(path, false)));
    if (files.length > MAX_FOLDER_FILES) {
      throw new KitError('usage', 'E_KEY_FILE', `${folder} holds more than ${MAX_FOLDER_FILES} files`, {
        hint: 'Name the key files themselves with --keys.',
      });
    }
  }
  return files;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch((cause: unknown) => unreadable(path, cause))).isDirectory();
}

async function readText(path: string): Promise<string> {
  const { size } = await stat(path).catch((cause: unknown) => unreadable(path, cause));
  if (size > MAX_FILE_BYTES) {
    throw new KitError('usage', 'E_KEY_FILE', `${path} is too big to be a key file`);
  }
  return readFile(path, 'utf8').catch((cause: unknown) => unreadable(path, cause));
}

function unreadable(path: string, cause: unknown): never {
  throw new KitError('usage', 'E_KEY_FILE', `${path} cannot be read`, {
    hint: 'Give --keys a key file, or a folder with key files, that you may read.',
    cause,
  });
}
