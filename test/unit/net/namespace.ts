import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const guest = new URL('guest.ts', import.meta.url).pathname;

function command(action: string, wrapper: readonly string[] = []): [string, string[]] {
  return ['unshare', ['-Urn', ...wrapper, process.execPath, '--import', 'tsx', guest, action]];
}

/**
 * Runs an action of guest.ts in namespaces of its own, which go when it ends. The action has to end by itself.
 * @returns what it printed
 */
export async function inNamespace(action: string, wrapper?: readonly string[]): Promise<unknown> {
  const { stdout } = await run(...command(action, wrapper), { timeout: 45_000, killSignal: 'SIGKILL' });
  return JSON.parse(stdout);
}

/** Why there are no namespaces with a TUN device for this user, or undefined when there are. */
export function whyNoNamespace(): string | undefined {
  try {
    execFileSync(...command('probe'), { stdio: 'pipe', timeout: 45_000 });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error);
  }
}
