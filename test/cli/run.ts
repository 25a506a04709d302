import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The package's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The built command, as a user's shell finds it. */
export const bin = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** The environment without what could change the command's output. */
export function cleanEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { IPSEC_KIT_PSK, IPSEC_KIT_DEBUG, DEBUG, NO_COLOR, FORCE_COLOR, NODE_OPTIONS, ...rest } = process.env;
  return { ...rest, ...extra };
}

export interface RunOptions {
  input?: string;
  env?: NodeJS.ProcessEnv;
}

/** Runs the built command to its end. */
export function run(
  args: readonly string[],
  { input = '', env = {} }: RunOptions = {},
): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [bin, ...args], {
    encoding: 'utf8',
    input,
    env: cleanEnvironment(env),
    timeout: 50_000,
  });
}
