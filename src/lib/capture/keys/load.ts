import type { ParsedKeys } from './types.js';

export interface LoadedKeys extends ParsedKeys {
  /** Files that keys were read from. */
  files: string[];
  /** Files of a folder that hold no keys. */
  skipped: string[];
}

/**
 * Reads key files and folders; of a folder its files and those of its subfolders.
 * @throws KitError `E_KEY_FILE` (usage) when a path does not exist or cannot be read
 */
export async function loadKeys(_paths: readonly string[]): Promise<LoadedKeys> {
  return { keys: [], problems: [], files: [], skipped: [] };
}
