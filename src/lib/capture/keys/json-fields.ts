import type { Secret } from '../../core/secret.js';
import { hexField, secretField } from './fields.js';
import { KeyLineError } from './types.js';

/** A JSON object of unknown content. */
export type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(entry: Json, name: string): string {
  const value = entry[name];
  if (typeof value !== 'string') throw new KeyLineError(`"${name}" is missing or no text`);
  return value;
}

/** A secret in hex; undefined when the field is absent, null or empty. */
export function optionalSecret(entry: Json, name: string): Secret | undefined {
  const value = entry[name];
  if (value === undefined || value === null || value === '') return undefined;
  return secretField(textOf(entry, name), `"${name}"`);
}

export function optionalBytes(entry: Json, name: string): Uint8Array | undefined {
  return entry[name] === undefined ? undefined : hexField(textOf(entry, name), `"${name}"`);
}

export function numberOf(entry: Json, name: string): number {
  const value = entry[name];
  if (!Number.isInteger(value)) throw new KeyLineError(`"${name}" is missing or no number`);
  return value as number;
}

export function objectOf(entry: Json, name: string): Json {
  const value = entry[name];
  if (!isObject(value)) throw new KeyLineError(`"${name}" is missing`);
  return value;
}

/** Undefined when the field is absent or null. */
export function optionalObject(entry: Json, name: string): Json | undefined {
  const value = entry[name];
  return value === undefined || value === null ? undefined : objectOf(entry, name);
}

/** A record without its undefined fields. */
export function present<T extends object>(record: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
}
