import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { KitError } from '../core/errors.js';
import { TOOL_PATH } from './ip-command.js';

/** Commands that put the host back, kept where a crash of this process cannot lose them. */
export interface Undo {
  /**
   * Remembers a command; say it before doing what it undoes, so that no moment is unguarded.
   * @param argv program and arguments, no line breaks, never a secret
   * @returns takes the command back, for a caller that undid the thing itself
   */
  add(argv: readonly string[]): () => void;
  /** Runs what is left, newest first, and resolves when that is through. */
  done(): Promise<void>;
}

/**
 * Reads `add N COMMAND` and `del N` and, when its input ends, runs what is left from the highest N down. A line cut
 * short by a crash is never run: `read` fails on it.
 */
const GUARDIAN = `
trap '' INT TERM HUP QUIT TSTP
last=0
while IFS=' ' read -r verb id command; do
  case $verb in
    add) eval "undo_$id=\\$command"; last=$id ;;
    del) unset "undo_$id" ;;
  esac
done
while [ "$last" -gt 0 ]; do
  eval "command=\\\${undo_$last-}"
  [ -z "$command" ] || eval "$command"
  last=$((last - 1))
done
`;

/**
 * Starts the guardian: a small shell in a session of its own that outlives this process, also when it is killed.
 * @throws {KitError} `E_NO_SHELL` (environment)
 */
export function openUndo(): Undo {
  const child = spawn('/bin/sh', ['-c', GUARDIAN, 'ipsec-kit-undo'], {
    cwd: '/',
    detached: true,
    // Nothing of our environment: it may hold the pre-shared key.
    env: { PATH: TOOL_PATH, LC_ALL: 'C' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  if (child.pid === undefined) {
    throw new KitError('environment', 'E_NO_SHELL', 'The shell /bin/sh cannot be started', {
      hint: 'It is needed to take routes back after a crash; install a POSIX shell.',
    });
  }
  const input = child.stdin as Socket;
  // Should somebody have killed the guardian, writing to it fails; that must not end the tunnel.
  input.on('error', () => {});
  child.unref();
  input.unref();
  let last = 0;
  return {
    add(argv) {
      const command = argv.map(quote).join(' ');
      last += 1;
      const id = last;
      input.write(`add ${id} ${command}\n`);
      return () => {
        input.write(`del ${id}\n`);
      };
    },
    async done() {
      child.ref();
      input.end();
      await ended;
    },
  };
}

/** One shell word. */
function quote(word: string): string {
  for (const char of word) {
    if (char < ' ' || char === '\x7f') {
      throw new KitError('bug', 'E_UNDO_ARGUMENT', 'A command to undo something holds a control character');
    }
  }
  return `'${word.replaceAll("'", "'\\''")}'`;
}
