import { KitError } from '../../lib/core/errors.js';
import { printable } from '../../lib/core/printable.js';
import type { NamedTarget } from './targets.js';
import { countText, listText } from './words.js';

/** Targets that the question names. */
const MOST_NAMED = 8;

/**
 * Asks whether active checks may be run against the targets.
 * @throws KitError usage `E_CONFIRM` without a terminal, or when the answer is no
 */
export async function confirmActive(targets: readonly NamedTarget[]): Promise<void> {
  const names = namesOf(targets);
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new KitError(
      'usage',
      'E_CONFIRM',
      `--active wants your word that you may load ${names} and try to get in.`,
      { hint: 'There is no terminal to ask on: add --yes.' },
    );
  }
  const { confirm } = await import('@inquirer/prompts');
  const agreed = await confirm(
    { message: `Active checks load ${names} and try to get in. May you do that?`, default: false },
    { output: process.stderr },
  );
  if (!agreed) {
    throw new KitError('usage', 'E_CONFIRM', 'Nothing was sent: active checks were not confirmed.', {
      hint: 'Leave --active out for a probe without them.',
    });
  }
}

function namesOf(targets: readonly NamedTarget[]): string {
  const named = targets.slice(0, MOST_NAMED).map(({ host }) => printable(host));
  const more = targets.length - named.length;
  return listText(more > 0 ? [...named, countText(more, 'other')] : named);
}
