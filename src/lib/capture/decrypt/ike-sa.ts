import type { Secret } from '../../core/secret.js';
import { integTransform, keTransform } from '../../crypto/registry.js';
import type { PrfTransform } from '../../crypto/transform.js';
import { TransformType } from '../../crypto/transform.js';
import { deriveIkeKeys } from '../../ike/keys.js';
import type { IkeSuite } from '../../ike/suite.js';
import type { LenientPayload } from '../../ike/wire/message.js';
import type { Transform } from '../../ike/wire/types.js';
import type { KeyRing } from '../keys/ring.js';
import type { Ikev2Key } from '../keys/types.js';
import { encrForDecoding, integForDecoding, prfForDecoding } from './algorithms.js';
import { type IkeOpener, ikeOpener } from './ike-cipher.js';
import { BoundedMap, LIMITS } from './limits.js';

/** One message of an exchange, as far as keys depend on it. */
export interface Half {
  payloads: LenientPayload[];
  /** Addresses without ports. */
  src: string;
  dst: string;
  frame: number;
}

/** The keys of one entry, bound in both directions. */
export interface BoundKeys {
  /** As the ring has it. */
  entry: Ikev2Key;
  /** With what could be derived for it. */
  key: Ikev2Key;
  fromInitiator: IkeOpener | undefined;
  fromResponder: IkeOpener | undefined;
}

/** What is known of an IKE SA. */
export class IkeSa {
  /** What IKE_SA_INIT or the rekey settled. */
  suite: IkeSuite | undefined;
  nonceI: Uint8Array | undefined;
  nonceR: Uint8Array | undefined;
  /** PRF and SK_d of the SA that this one replaced (RFC 7296 2.18). */
  parent: { prf: PrfTransform; skD: Secret } | undefined;
  /** The IKE_AUTH request that offered the first child; a retransmission after the answer is no new one. */
  authRequest: Half | undefined;
  isAuthenticated = false;
  /** Other halves of exchanges, by who began them and message id. */
  readonly halves = new BoundedMap<string, { request?: Half; response?: Half }>(LIMITS.exchanges);
  /** Notes already made. */
  readonly told = new Set<string>();
  #bound: BoundKeys[] = [];
  #revision = -1;

  constructor(
    readonly spiI: bigint,
    readonly spiR: bigint,
    /** 16 hex digits each. */
    readonly names: { spiI: string; spiR: string },
    readonly ring: KeyRing,
  ) {}

  /** Keys to try, those that were right before in front. */
  keys(): readonly BoundKeys[] {
    if (this.#revision !== this.ring.revision) {
      this.#revision = this.ring.revision;
      const known = this.ring.ikev2(this.spiI, this.spiR);
      const kept = this.#bound.filter(({ entry }) => known.includes(entry));
      const fresh = known.filter((key) => !kept.some(({ entry }) => entry === key));
      this.#bound = [...kept, ...fresh.map((key) => this.#bind(key))];
    }
    return this.#bound;
  }

  /** Takes what the exchange that makes this SA settled; keys that follow from it are bound anew. */
  settle(made: Pick<IkeSa, 'suite' | 'nonceI' | 'nonceR' | 'parent'>): void {
    this.suite = made.suite;
    this.nonceI = made.nonceI;
    this.nonceR = made.nonceR;
    this.parent = made.parent;
    this.#revision = -1;
    this.#bound = [];
  }

  /** These keys opened a message. */
  prefer(keys: BoundKeys): void {
    if (this.#bound[0] !== keys) this.#bound = [keys, ...this.#bound.filter((other) => other !== keys)];
  }

  /** What children are derived from; undefined when no file tells it. */
  get skD(): Secret | undefined {
    return this.keys()
      .map(({ key }) => key.skD)
      .find((secret) => secret !== undefined);
  }

  get prf(): PrfTransform | undefined {
    const id = this.keys()
      .map(({ key }) => key.prf)
      .find((prf) => prf !== undefined);
    return this.suite?.prf ?? (id === undefined ? undefined : prfForDecoding(id));
  }

  /** Nonces of the exchange that made this SA: the first child has no others (RFC 7296 2.17). */
  get nonces(): { nonceI: Uint8Array; nonceR: Uint8Array } | undefined {
    const told = this.keys().find(({ key }) => key.nonceI && key.nonceR)?.key;
    const nonceI = this.nonceI ?? told?.nonceI;
    const nonceR = this.nonceR ?? told?.nonceR;
    return nonceI && nonceR ? { nonceI, nonceR } : undefined;
  }

  #bind(key: Ikev2Key): BoundKeys {
    const whole = this.#completed(key);
    return {
      entry: key,
      key: whole,
      fromInitiator: ikeOpener(whole, whole.skEi, whole.skAi),
      fromResponder: ikeOpener(whole, whole.skEr, whole.skAr),
    };
  }

  /** Derives what an entry with only the secret of the key exchange leaves out. */
  #completed(key: Ikev2Key): Ikev2Key {
    const { suite, nonceI, nonceR } = this;
    if (key.skEi || key.skEr || !key.keSecret || !suite || !nonceI || !nonceR) return key;
    const keys = deriveIkeKeys({
      suite,
      keSecret: key.keSecret,
      nonceI,
      nonceR,
      spiI: this.spiI,
      spiR: this.spiR,
      ...(this.parent && { rekeyOf: this.parent }),
    });
    const { skEi, skEr, skAi, skAr, skD } = keys;
    const { integ } = suite;
    const spec = { id: integ?.id ?? 0, icvBytes: integ?.icvBytes ?? 0, checked: integ !== undefined };
    return { ...key, encr: suite.encr.id, integ: spec, prf: suite.prf.id, skEi, skEr, skAi, skAr, skD };
  }
}

/** The suite that an answer chose; undefined when a part of it has no implementation. */
export function ikeSuiteOf(transforms: readonly Transform[]): IkeSuite | undefined {
  const chosen = ciphersOf(transforms);
  const prf = prfForDecoding(idOf(transforms, TransformType.PRF));
  const ke = keTransform(idOf(transforms, TransformType.KE));
  return chosen && prf && ke && { ...chosen, prf, ke };
}

/** Cipher, key length and integrity algorithm of a chosen proposal. */
export function ciphersOf(
  transforms: readonly Transform[],
): Pick<IkeSuite, 'encr' | 'keyLength' | 'integ'> | undefined {
  const chosen = transforms.find(({ type }) => type === TransformType.ENCR);
  const encr = chosen && encrForDecoding(chosen.id);
  if (!encr?.bind) return undefined;
  const keyLength = chosen?.keyLength ?? encr.fixedKeyLength ?? 0;
  const integId = idOf(transforms, TransformType.INTEG);
  if (encr.kind === 'aead' || integId === 0) return { encr, keyLength, integ: undefined };
  const icvBytes = integTransform(integId)?.icvBytes ?? 0;
  const integ = integForDecoding({ id: integId, icvBytes, checked: true });
  return integ && { encr, keyLength, integ };
}

/** The id of the transform of a type, 0 without one. */
export function idOf(transforms: readonly Transform[], type: number): number {
  return transforms.find((transform) => transform.type === type)?.id ?? 0;
}

/** Whether RFC 9370 mixes more key exchanges into the keys than the one KE payload shows. */
export function hasAdditionalKe(transforms: readonly Transform[]): boolean {
  return transforms.some(
    ({ type, id }) => type >= TransformType.ADDKE1 && type <= TransformType.ADDKE7 && id !== 0,
  );
}
