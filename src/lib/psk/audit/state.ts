import { createHash } from 'node:crypto';
import { toHex } from '../../core/bytes.js';
import { KitError } from '../../core/errors.js';
import type { FoundKey, Position } from './audit.js';
import type { AuditTarget } from './material.js';

const STATE_SCHEMA = 'ipsec-kit/psk-audit-state@1';

/** So many bytes at the beginning of a word list tell it from others. */
export const HEAD_BYTES = 65536;

/** Where an audit stopped, and of what it was. No word is in it. */
export interface AuditState {
  /** Digest of the targets. */
  material: string;
  /** SHA-256 of the word list's first bytes: {@link HEAD_BYTES}, or as many as were read. */
  head: { bytes: number; sha256: string };
  position: Position;
}

/** Tells whether a state belongs to the same targets, in the same order. */
export function materialDigest(targets: readonly AuditTarget[]): string {
  const hash = createHash('sha256');
  for (const { kind, salt, message, proof } of targets) {
    hash.update(JSON.stringify([kind, toHex(salt), toHex(message), toHex(proof)]));
  }
  return hash.digest('hex');
}

/** The state as the content of a file. */
export function formatState({ material, head, position }: AuditState): string {
  const found = position.found.map(({ target, line }) => ({ target, line }));
  return `${JSON.stringify({ schema: STATE_SCHEMA, material, head, ...position, found }, null, 2)}\n`;
}

/** @throws KitError usage E_PSK_AUDIT_STATE */
export function parseState(text: string, targets: readonly AuditTarget[]): AuditState {
  const { schema, material, head, offset, lines, tried, skipped, found } = objectIn(text);
  const { bytes, sha256 } = (head ?? {}) as Record<string, unknown>;
  if (
    schema !== STATE_SCHEMA ||
    typeof material !== 'string' ||
    typeof sha256 !== 'string' ||
    !isCount(bytes) ||
    bytes > HEAD_BYTES ||
    !isCount(offset) ||
    bytes > offset ||
    !isCount(lines) ||
    !isCount(tried) ||
    !isCount(skipped) ||
    !Array.isArray(found)
  ) {
    throw unusable('is no saved audit');
  }
  if (material !== materialDigest(targets)) throw unusable('is of an audit of other hashes');
  const keys = found.map((each): FoundKey => {
    const { target, line } = (each ?? {}) as Record<string, unknown>;
    if (!isCount(target) || target >= targets.length || !isCount(line)) throw unusable('is no saved audit');
    return { target, line };
  });
  return {
    material,
    head: { bytes, sha256 },
    position: { offset, lines, tried, skipped, found: keys },
  };
}

/** @throws KitError usage E_PSK_AUDIT_STATE when the word list does not begin as it did */
export function assertSameList(state: AuditState, head: Uint8Array): void {
  if (headOf(head.subarray(0, state.head.bytes)).sha256 === state.head.sha256) return;
  throw unusable('is of an audit with another word list');
}

/** @param first the word list's first bytes */
export function headOf(first: Uint8Array): AuditState['head'] {
  return { bytes: first.length, sha256: createHash('sha256').update(first).digest('hex') };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw unusable('is no saved audit');
}

function unusable(what: string): KitError {
  return new KitError('usage', 'E_PSK_AUDIT_STATE', `The file of --resume ${what}.`, {
    hint: 'Name the file that belongs to this audit, or one that does not exist yet.',
  });
}
