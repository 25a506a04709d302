import type { AhKey, ChildKeSecret, EspKey, Ikev1Key, Ikev2Key, KeyEntry } from './types.js';

/** All keys known so far: those of the key files, and those derived while reading. */
export class KeyRing {
  constructor(entries: Iterable<KeyEntry> = []) {
    for (const entry of entries) this.add(entry);
  }

  add(_entry: KeyEntry): void {}
  addIkev2(_key: Ikev2Key): void {}
  addIkev1(_key: Ikev1Key): void {}
  addEsp(_key: EspKey): void {}
  addAh(_key: AhKey): void {}
  addKeSecret(_key: ChildKeSecret): void {}
}
