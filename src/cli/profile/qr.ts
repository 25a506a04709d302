import { encode, renderUnicodeCompact } from 'uqr';
import { KitError } from '../../lib/core/errors.js';

/** Light cells around the code; scanners want some, terminals have few. */
const BORDER = 2;

/**
 * A QR code for a terminal with light letters on dark ground.
 * @param columns width of the terminal
 * @returns undefined when it does not fit: too much text, or too few columns
 */
export function qrCode(text: string, columns: number): string | undefined {
  try {
    const options = { ecc: 'L', border: BORDER } as const;
    return encode(text, options).size > columns ? undefined : `${renderUnicodeCompact(text, options)}\n`;
  } catch {
    return undefined;
  }
}

/** @throws KitError usage E_PROFILE_URL */
export function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url.href;
  throw new KitError('usage', 'E_PROFILE_URL', 'A device opens http and https addresses only.', {
    hint: 'Write --qr-url https://vpn.example.com/alice.mobileconfig',
  });
}
