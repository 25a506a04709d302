import { spawn } from 'node:child_process';
import { once } from 'node:events';
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
  let alive = false;
  let outcome: { report: DemoReport } | { obstacle: DemoObstacle } | undefined;
  inner.on('message', (message: InsideMessage) => {
    alive = true;
    if (message.type === 'step') onStep(message.step);
    else if (message.type === 'report') outcome = { report: message.report };
    else outcome = { obstacle: explain(message.code, message.message, message.hint) };
  });
  try {
    // The event `close` does not come after a disconnect of ours, so its parts are awaited.
    await Promise.all([once(inner, 'exit'), once(inner, 'disconnect'), once(inner.stderr!, 'close')]);
  } catch (cause) {
    return { obstacle: cannotStart(cause as NodeJS.ErrnoException) };
  } finally {
    signal.removeEventListener('abort', leave);
  }
  if (outcome !== undefined) return outcome;
  if (alive || signal.aborted) throw new KitError('bug', 'E_DEMO', 'The demonstration broke off.');
  const [first] = complaint.trim().split('\n');
  const message = `User namespaces are not available${first ? ` (${first})` : ''}.`;
  return { obstacle: explain('E_NO_USERNS', message, undefined) };
}

function cannotStart(cause: NodeJS.ErrnoException): DemoObstacle {
  if (cause.code === 'ENOENT') {
    return {
      code: 'E_NO_UNSHARE',
      message: 'The program unshare is missing.',
      remedy: 'Install util-linux (Debian and Ubuntu: apt install util-linux).',
    };
  }
  return explain('E_NO_USERNS', `unshare cannot be started: ${cause.message}.`, undefined);
}

/** Refusals; they often have a switch behind them that the refusing call does not name. */
const refusals = ['E_NO_USERNS', 'E_PRIVILEGE', 'E_PROGRAM'];

const switches = [
  {
    setting: 'kernel/apparmor_restrict_unprivileged_userns',
    forbids: '1',
    remedy:
      'AppArmor takes the rights away inside user namespaces here (Ubuntu 23.10 and later). Until the next boot: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  },
  {
    setting: 'kernel/unprivileged_userns_clone',
    forbids: '0',
    remedy: 'Allow user namespaces: sudo sysctl -w kernel.unprivileged_userns_clone=1',
  },
  {
    setting: 'user/max_user_namespaces',
    forbids: '0',
    remedy: 'Allow user namespaces: sudo sysctl -w user.max_user_namespaces=15000',
  },
];

function explain(code: string, message: string, hint: string | undefined): DemoObstacle {
  const found = switches.find((row) => setting(row.setting) === row.forbids);
  if (found !== undefined && refusals.includes(code)) return { code, message, remedy: found.remedy };
  const remedy =
    hint ??
    'In a container, its runtime forbids it: run on the host, or allow user namespaces and /dev/net/tun (Docker: --security-opt seccomp=unconfined --device /dev/net/tun).';
  return { code, message, remedy };
}

function setting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
