import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const guest = new URL('live-guest.ts', import.meta.url).pathname;
const limits = { timeout: 45_000, killSignal: 'SIGKILL' } as const;

function command(action: string, wrapper: readonly string[] = []): [string, string[]] {
  return ['unshare', ['-Urn', ...wrapper, process.execPath, '--import', 'tsx', guest, action]];
}

/** What an action of the guest printed, run in namespaces of its own. */
async function inNamespace(action: string, wrapper?: readonly string[]): Promise<unknown> {
  const { stdout } = await run(...command(action, wrapper), limits);
  return JSON.parse(stdout);
}

function whyNot(): string | undefined {
  try {
    execFileSync(...command('probe'), { stdio: 'pipe', ...limits });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error);
  }
}

const reason = whyNot();
if (reason !== undefined) console.warn(`Skipped, this user gets no namespace with packet sockets: ${reason}`);

describe.skipIf(reason !== undefined)('live capture', () => {
  it('brings every packet of the loopback interface once, with time and headers', async () => {
    expect(await inNamespace('loopback')).toEqual({
      linkTypes: [276],
      numbers: [1, 2, 3, 4],
      whole: true,
      timely: true,
      units: ['ike 127.0.0.1:4501', 'keepalive 127.0.0.1:4501', 'ike ::1:4501', 'keepalive ::1:4501'],
    });
  });

  it('captures on all interfaces', async () => {
    expect(await inNamespace('any')).toEqual({ frames: 2 });
  });

  it('names an interface that is not there', async () => {
    expect(await inNamespace('no-interface')).toBe('E_INTERFACE');
  });

  it('says which privilege is missing', async () => {
    expect(await inNamespace('no-privilege', ['setpriv', '--bounding-set', '-net_raw'])).toBe('E_PRIVILEGE');
  });
});
