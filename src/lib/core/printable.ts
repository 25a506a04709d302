/**
 * Text from outside made safe for terminals and logs: control characters, ANSI escapes, invisible and bidirectional
 * formatting characters become `\xNN` for each byte of their UTF-8 form, as do bytes that are no UTF-8.
 */
export function printable(value: string | Uint8Array): string {
  if (typeof value === 'string') return escapeUnsafe(value);
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes)) return escapeUnsafe(text);
  return escapeUnsafe(bytes.toString('latin1').replace(/[\x80-\xff]/g, escapeByte));
}

/** Categories C (control, format, surrogate, private, unassigned), Zl and Zp (line and paragraph separators). */
function escapeUnsafe(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Buffer.from(character, 'utf8')].map((byte) => escapeByte(String.fromCharCode(byte))).join(''),
  );
}

function escapeByte(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
