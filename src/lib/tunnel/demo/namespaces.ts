import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { KitError } from '../../core/errors.js';
import type { DemoObstacle, DemoReport } from '../../report/demo.schema.js';
import { roleFlag, type SelfCommand } from './inside.js';
import type { InsideMessage } from './messages.js';
import type { DemoStep } from './recorder.js';

/**
 * Runs the demonstration in user and network namespaces of its own.
 * @returns the report, or what stands in the way
 * @throws KitError bug E_DEMO when the inner process dies; E_INTERRUPTED through `signal` is the caller's
 */
export async function runInNamespaces(
  self: SelfCommand,
  onStep: (step: DemoStep) => void,
  signal: AbortSignal,
): Promise<{ report: DemoReport } | { obstacle: DemoObstacle }> {
  if (process.platform !== 'linux') {
    return {
      obstacle: {
        code: 'E_NOT_LINUX',
        message: `Network namespaces and TUN devices are Linux's; this is ${process.platform}.`,
        remedy: 'Run the demonstration on Linux to see it with real processes and devices.',
      },
    };
  }
  // A process group of its own: Ctrl-C reaches us only, and we end the inner process in good order.
  const inner = spawn('unshare', ['--user', '--map-root-user', '--net', ...self, ...roleFlag('inside')], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    detached: true,
  });
  let complaint = '';
  inner.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  // Losing the channel makes the inner process end everything it started.
  const leave = (): void => {
    if (inner.connected) inner.disconnect();
  };
  signal.addEventListener('abort', leave, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      let alive = false;
      let result: { report: DemoReport } | { obstacle: DemoObstacle } | undefined;
      inner.on('message', (message: InsideMessage) => {
        alive = true;
        if (message.type === 'step') onStep(message.step);
        else if (message.type === 'report') result = { report: message.report };
        else result = { obstacle: { code: message.code, ...explain(message.message, message.hint) } };
      });
      inner.once('error', (cause: NodeJS.ErrnoException) => resolve({ obstacle: cannotStart(cause) }));
      inner.once('close', () => {
        if (result !== undefined) resolve(result);
        else if (alive || signal.aborted)
          reject(new KitError('bug', 'E_DEMO', 'The demonstration broke off.'));
        else
          resolve({
            obstacle: { code: 'E_NO_USERNS', ...explain(userNamespaceRefused(complaint), undefined) },
          });
      });
    });
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

function cannotStart(cause: NodeJS.ErrnoException): DemoObstacle {
  if (cause.code === 'ENOENT') {
    return {
      code: 'E_NO_UNSHARE',
      message: 'The program unshare is missing.',
      remedy: 'Install util-linux (Debian and Ubuntu: apt install util-linux).',
    };
  }
  return { code: 'E_NO_USERNS', ...explain(`unshare cannot be started: ${cause.message}.`, undefined) };
}

function userNamespaceRefused(complaint: string): string {
  const [first] = complaint.trim().split('\n');
  return `User namespaces are not available${first ? ` (${first})` : ''}.`;
}

/** A refusal has often a switch behind it that the refusing call does not name. */
function explain(message: string, hint: string | undefined): { message: string; remedy: string } {
  if (setting('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return {
      message,
      remedy:
        'AppArmor takes the rights away inside user namespaces here (Ubuntu 23.10 and later). Until the next boot: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    };
  }
  if (setting('kernel/unprivileged_userns_clone') === '0') {
    return { message, remedy: 'Allow user namespaces: sudo sysctl -w kernel.unprivileged_userns_clone=1' };
  }
  if (setting('user/max_user_namespaces') === '0') {
    return { message, remedy: 'Allow user namespaces: sudo sysctl -w user.max_user_namespaces=15000' };
  }
  return {
    message,
    remedy:
      hint ??
      'In a container, its runtime forbids it: run on the host, or allow user namespaces and /dev/net/tun (Docker: --security-opt seccomp=unconfined --device /dev/net/tun).',
  };
}

function setting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
