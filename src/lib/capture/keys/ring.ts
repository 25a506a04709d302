import { equalBytes } from '../../core/bytes.js';
import { isIpIn } from './address-match.js';
import type { AhKey, ChildKeSecret, EspKey, Ikev1Key, Ikev2Key, KeyEntry, SaMatch } from './types.js';

/** Keys derived while reading, per kind: so many SAs at a time, then the oldest are forgotten. */
const MAX_DERIVED = 16_384;
/** More keys for one SPI than any tie has. */
const MAX_CANDIDATES = 16;

/**
 * All keys known so far: those of the key files, and those derived while reading. Looked up by SPI first; addresses
 * decide between keys of one SPI only, since NAT, MOBIKE and several vantage points change them.
 */
export class KeyRing {
  /** Told every entry that is added, so that copies in other threads keep up. */
  onAdded: ((entry: KeyEntry) => void) | undefined;
  /** Changes whenever a key is added. */
  revision = 0;
  /** Keys from files, and whether one of them was asked for: an SA or SPI of the capture is theirs. */
  given = 0;
  matched = false;
  readonly #ikev2 = new Map<string, Ikev2Key[]>();
  readonly #ikev1 = new Map<bigint, Ikev1Key[]>();
  readonly #esp = new SaTable<EspKey>();
  readonly #ah = new SaTable<AhKey>();
  readonly #keSecrets = new Map<number, ChildKeSecret>();
  readonly #derived: KeyEntry[] = [];

  constructor(entries: Iterable<KeyEntry> = []) {
    for (const entry of entries) {
      this.add(entry);
      this.given += 1;
    }
  }

  /** Whether there are keys for messages of a version of IKE at all. */
  get hasIkev2(): boolean {
    return this.#ikev2.size > 0;
  }

  get hasIkev1(): boolean {
    return this.#ikev1.size > 0;
  }

  add(entry: KeyEntry): void {
    if (entry.kind === 'ikev2') this.addIkev2(entry);
    else if (entry.kind === 'ikev1') this.addIkev1(entry);
    else if (entry.kind === 'esp') this.addEsp(entry);
    else if (entry.kind === 'ah') this.addAh(entry);
    else this.addKeSecret(entry);
  }

  /** As {@link add}, for a key that was computed from others: only so many of these are remembered. */
  addDerived(entry: KeyEntry): void {
    this.add(entry);
    this.#derived.push(entry);
    if (this.#derived.length <= 2 * MAX_DERIVED) return;
    for (const old of this.#derived.splice(0, MAX_DERIVED)) this.#remove(old);
  }

  /** Entries of the same SA that do not contradict each other become one: a table and a JSON file add up. */
  addIkev2(key: Ikev2Key): void {
    const name = ikeName(key.spiI, key.spiR);
    const keys = this.#ikev2.get(name) ?? [];
    const at = keys.findIndex((other) => agree(other, key));
    if (at >= 0) keys[at] = { ...keys[at]!, ...key, source: richer(keys[at]!, key) };
    else if (keys.length < MAX_CANDIDATES) keys.push(key);
    this.#ikev2.set(name, keys);
    this.#added(key);
  }

  addIkev1(key: Ikev1Key): void {
    const keys = this.#ikev1.get(key.spiI) ?? [];
    if (keys.length < MAX_CANDIDATES) keys.push(key);
    this.#ikev1.set(key.spiI, keys);
    this.#added(key);
  }

  addEsp(key: EspKey): void {
    this.#esp.add(key, sameEspKey);
    this.#added(key);
  }

  addAh(key: AhKey): void {
    this.#ah.add(
      key,
      (a, b) => equalBytes(a.integKey.reveal(), b.integKey.reveal()) && a.integ.id === b.integ.id,
    );
    this.#added(key);
  }

  addKeSecret(key: ChildKeSecret): void {
    for (const spi of key.spis) this.#keSecrets.set(spi, key);
    this.#added(key);
  }

  /** Keys of an IKE SA, those to be tried first in front; several when files contradict each other. */
  ikev2(spiI: bigint, spiR: bigint): readonly Ikev2Key[] {
    return this.#found(this.#ikev2.get(ikeName(spiI, spiR)) ?? []);
  }

  ikev1(spiI: bigint): readonly Ikev1Key[] {
    return this.#found(this.#ikev1.get(spiI) ?? []);
  }

  /** Keys that a packet may have been protected with, those to be tried first in front. Addresses without ports. */
  esp(spi: number, src: string, dst: string): EspKey[] {
    return this.#found(this.#esp.find(spi, src, dst));
  }

  ah(spi: number, src: string, dst: string): AhKey[] {
    return this.#found(this.#ah.find(spi, src, dst));
  }

  /** The secret of the key exchange that made this pair of child SAs. */
  keSecret(...spis: readonly number[]): ChildKeSecret | undefined {
    return spis.map((spi) => this.#keSecrets.get(spi)).find((found) => found !== undefined);
  }

  #found<K extends readonly KeyEntry[]>(keys: K): K {
    this.matched ||= keys.length > 0;
    return keys;
  }

  #added(entry: KeyEntry): void {
    this.revision += 1;
    this.onAdded?.(entry);
  }

  #remove(entry: KeyEntry): void {
    if (entry.kind === 'esp') this.#esp.remove(entry);
    else if (entry.kind === 'ah') this.#ah.remove(entry);
    else if (entry.kind === 'ikev2') this.#ikev2.delete(ikeName(entry.spiI, entry.spiR));
  }
}

/** Keys of SAs by SPI; those with a wildcard SPI apart. */
class SaTable<K extends SaMatch> {
  readonly #exact = new Map<number, K[]>();
  readonly #patterns: K[] = [];

  /** The newest goes in front: SPIs are used again in time. A twin of an older entry replaces it. */
  add(key: K, same: (a: K, b: K) => boolean): void {
    if (key.spi === undefined) {
      this.#patterns.push(key);
      return;
    }
    const others = (this.#exact.get(key.spi) ?? []).filter((other) => !same(other, key));
    this.#exact.set(key.spi, [key, ...others].slice(0, MAX_CANDIDATES));
  }

  remove(key: K): void {
    const left = (this.#exact.get(key.spi ?? 0) ?? []).filter((other) => other !== key);
    if (left.length > 0) this.#exact.set(key.spi ?? 0, left);
    else this.#exact.delete(key.spi ?? 0);
  }

  find(spi: number, src: string, dst: string): K[] {
    const exact = this.#exact.get(spi) ?? [];
    if (exact.length > 1) return ranked(exact, src, dst);
    if (exact.length === 1) return exact;
    if (this.#patterns.length === 0) return [];
    const digits = spi.toString(16).padStart(8, '0');
    const fitting = this.#patterns.filter(
      (key) => fits(key.spiPattern ?? '', digits) && isIpIn(src, key.src) && isIpIn(dst, key.dst),
    );
    return ranked(fitting, src, dst).slice(0, MAX_CANDIDATES);
  }
}

/** Nibble by nibble, `*` for any. */
function fits(pattern: string, digits: string): boolean {
  for (let i = 0; i < 8; i++) if (pattern[i] !== '*' && pattern[i] !== digits[i]) return false;
  return true;
}

/** Best match of addresses first; the order of the rest stays. */
function ranked<K extends SaMatch>(keys: readonly K[], src: string, dst: string): K[] {
  const score = (text: string, pattern: string): number =>
    pattern === text ? 2 : isIpIn(text, pattern) ? 1 : 0;
  return keys
    .map((key) => ({ key, points: score(src, key.src) + score(dst, key.dst) }))
    .sort((a, b) => b.points - a.points)
    .map(({ key }) => key);
}

function ikeName(spiI: bigint, spiR: bigint): string {
  return `${spiI}-${spiR}`;
}

function agree(a: Ikev2Key, b: Ikev2Key): boolean {
  const secrets = ['skEi', 'skEr', 'skAi', 'skAr', 'skD', 'keSecret'] as const;
  const same = secrets.every((name) => !a[name] || !b[name] || a[name].equals(b[name]));
  return same && (a.encr === undefined || b.encr === undefined || a.encr === b.encr);
}

/** Messages name the source that tells more. */
function richer(a: Ikev2Key, b: Ikev2Key): Ikev2Key['source'] {
  return b.skD || !a.skD ? b.source : a.source;
}

/** The newer one tells more when it was derived: the exchange says whether sequence numbers are extended. */
function sameEspKey(older: EspKey, newer: EspKey): boolean {
  return (
    older.encr === newer.encr &&
    equalBytes(older.encrKey.reveal(), newer.encrKey.reveal()) &&
    (newer.integ.checked || !older.integ.checked) &&
    (newer.esn !== undefined || older.esn === undefined)
  );
}
