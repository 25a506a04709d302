import { KitError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';

/**
 * A secret as text, for formats that hold text. It leaves the type {@link Secret} only into a file that was asked for.
 * @param what names it in the error: "password"
 * @throws KitError usage E_PROFILE_SECRET_TEXT for bytes that are no text, or text that no line can hold
 */
export function secretText(secret: Secret | undefined, what: string): string | undefined {
  if (secret === undefined) return undefined;
  const bytes = Buffer.from(secret.reveal());
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes) || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) {
    throw new KitError(
      'usage',
      'E_PROFILE_SECRET_TEXT',
      `The ${what} is not text, and this format holds only text.`,
      {
        hint: 'Use letters and digits: ipsec-kit psk generate makes such a key.',
      },
    );
  }
  return text;
}
