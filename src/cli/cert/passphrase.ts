import { open } from 'node:fs/promises';
import { KitError } from '../../lib/core/errors.js';
import { Secret } from '../../lib/core/secret.js';

/** Longer than any passphrase; a wrong file name must not become one. */
const LONGEST = 1024;

/**
 * Something that gets a passphrase when it is needed: from a file, or by asking on a terminal.
 * @param what names it in the prompt: "Passphrase of ca.key"
 * @param confirm ask twice, for a new passphrase
 * @throws KitError usage E_PASSPHRASE_FILE, E_PASSPHRASE_PERMISSIONS, E_PASSPHRASE_EMPTY, E_NO_PASSPHRASE
 */
export function passphraseFrom(
  file: string | undefined,
  what: string,
  confirm = false,
): () => Promise<Secret> {
  return () => (file === undefined ? prompt(what, confirm) : fromFile(file));
}

/** Asks the first time only: what is new together is protected alike. */
export function once(ask: () => Promise<Secret>): () => Promise<Secret> {
  let answer: Promise<Secret> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}

async function fromFile(path: string): Promise<Secret> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw new KitError('usage', 'E_PASSPHRASE_FILE', `The passphrase file ${path} cannot be opened.`, {
      cause,
    });
  });
  try {
    const { mode } = await handle.stat();
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new KitError(
        'usage',
        'E_PASSPHRASE_PERMISSIONS',
        `The passphrase file ${path} is open to other users.`,
        {
          hint: `Run: chmod 600 ${path}`,
        },
      );
    }
    const buffer = Buffer.alloc(LONGEST + 2);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length);
    const text = buffer.toString('utf8', 0, bytesRead).replace(/\r?\n$/, '');
    return checked(text, path);
  } catch (cause) {
    if (cause instanceof KitError) throw cause;
    throw new KitError('usage', 'E_PASSPHRASE_FILE', `The passphrase file ${path} cannot be read.`, {
      cause,
    });
  } finally {
    await handle.close();
  }
}

function checked(text: string, where: string): Secret {
  if (text === '') throw new KitError('usage', 'E_PASSPHRASE_EMPTY', `The passphrase (${where}) is empty.`);
  if (Buffer.byteLength(text) > LONGEST) {
    throw new KitError(
      'usage',
      'E_PASSPHRASE_FILE',
      `The passphrase (${where}) is longer than ${LONGEST} bytes.`,
    );
  }
  return Secret.fromText(text);
}

async function prompt(what: string, confirm: boolean): Promise<Secret> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new KitError('usage', 'E_NO_PASSPHRASE', `A passphrase is needed: ${what}.`, {
      hint: 'Put it into a file that only you can read and name that; --help tells the flag.',
    });
  }
  const { password } = await import('@inquirer/prompts');
  const context = { output: process.stderr };
  const answer = await password({ message: `${what}:`, mask: true }, context);
  if (confirm && (await password({ message: 'Once more:', mask: true }, context)) !== answer) {
    throw new KitError('usage', 'E_PASSPHRASE_DIFFERS', 'The two passphrases differ.');
  }
  return checked(answer, 'typed');
}
