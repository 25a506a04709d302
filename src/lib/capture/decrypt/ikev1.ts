import { createHash } from 'node:crypto';
import { equalBytes } from '../../core/bytes.js';
import { KitError } from '../../core/errors.js';
import { type Ikev1Suite, IvChain, ikev1Suite } from '../../ike/v1/keys.js';
import { Ikev1PayloadType } from '../../ike/v1/types.js';
import {
  decodeIkev1MessageLenient,
  decodeIkev1PayloadsLenient,
  type LenientIkev1Payload,
} from '../../ike/v1/wire.js';
import { type DescribeOptions, describePayloads } from '../describe/describe.js';
import type { KeyRing } from '../keys/ring.js';
import type { Ikev1Key } from '../keys/types.js';
import type { DecodedIke, DecodedPacket, Unit } from '../types.js';
import { BoundedMap, LIMITS } from './limits.js';

/** Messages of an exchange that are told from their retransmissions. */
const REMEMBERED = 8;
const REMEMBERED_EXCHANGES = 64;

interface Seen {
  encrypted: Uint8Array;
  plain: Uint8Array;
}

interface Ikev1Sa {
  suite?: Ikev1Suite;
  /** Bodies of the KE payloads in the order they came; the initiator's is first. */
  ke: Uint8Array[];
  chains?: { key: Ikev1Key; chain: IvChain }[];
  seen: BoundedMap<number, Seen[]>;
}

/**
 * Opens IKEv1 messages. There is no ICV: what tells a right key from a wrong one is that payloads come out. The IVs
 * depend on every message before, from the first one on (RFC 2409 appendix B).
 */
export class Ikev1Decryptor {
  readonly #sas = new BoundedMap<string, Ikev1Sa>(LIMITS.ikeSas);

  constructor(
    readonly ring: KeyRing,
    readonly describe: DescribeOptions,
  ) {}

  /** Completes a packet whose message is described in `ike`. */
  take(unit: Unit, ike: DecodedIke, packet: DecodedPacket): void {
    if (unit.data.length < 28) return;
    const { header, payloads, encrypted } = decodeIkev1MessageLenient(unit.data);
    if (encrypted !== undefined) packet.icv = 'none';
    if (!this.ring.hasIkev1) return;
    const keys = this.ring.ikev1(header.initiatorSpi);
    if (keys.length === 0) return;
    let sa = this.#sas.get(ike.spiI);
    if (!sa) {
      sa = { ke: [], seen: new BoundedMap(REMEMBERED_EXCHANGES) };
      this.#sas.set(ike.spiI, sa);
    }
    if (encrypted === undefined) {
      learn(sa, payloads, header.responderSpi !== 0n);
      return;
    }
    const plain = this.#open(sa, keys, header.messageId, header.nextPayload, encrypted);
    if (plain instanceof Uint8Array) {
      packet.decrypted = true;
      ike.payloads.push(
        ...describePayloads(1, header.nextPayload, plain, { ...this.describe, inside: true }),
      );
      ike.inner = plain;
    } else packet.error = plain;
  }

  #open(
    sa: Ikev1Sa,
    keys: readonly Ikev1Key[],
    messageId: number,
    first: number,
    encrypted: Uint8Array,
  ): Uint8Array | { code: string; message: string } {
    const seen = sa.seen.get(messageId) ?? [];
    const again = seen.find((message) => equalBytes(message.encrypted, encrypted));
    if (again) return again.plain;
    const chains = chainsOf(sa, keys);
    if (chains.length === 0) {
      return {
        code: 'E_IKEV1_PHASE1',
        message:
          'there is a key, but phase 1, on which the IV depends, is not in the capture or not implemented',
      };
    }
    for (const entry of chains) {
      const plain = entry.chain.open(messageId, encrypted);
      if (!plain || !makesSense(first, plain, messageId, entry.chain.suite)) continue;
      sa.chains = [entry, ...chains.filter((other) => other !== entry)];
      sa.seen.set(messageId, [...seen, { encrypted: encrypted.slice(), plain }].slice(-REMEMBERED));
      return plain;
    }
    const { file, line } = chains[0]!.key.source;
    return {
      code: 'E_DECRYPT',
      message: `no sense in what the key of ${file}:${line} makes of it: another key, or a message before is missing`,
    };
  }
}

/** Takes what the chosen transform and the public values of phase 1 tell. */
function learn(sa: Ikev1Sa, payloads: readonly LenientIkev1Payload[], fromResponderOrLater: boolean): void {
  for (const payload of payloads) {
    if (payload.type === Ikev1PayloadType.SA && fromResponderOrLater && !sa.suite) {
      const suite = ikev1Suite(payload.proposals[0]?.transforms[0]?.attributes ?? []);
      if (suite) sa.suite = suite;
    }
    if (payload.type !== Ikev1PayloadType.KE || sa.ke.length === 2) continue;
    if (!sa.ke.some((known) => equalBytes(known, payload.data))) sa.ke.push(payload.data.slice());
  }
}

function chainsOf(sa: Ikev1Sa, keys: readonly Ikev1Key[]): NonNullable<Ikev1Sa['chains']> {
  const { suite } = sa;
  const [keI, keR] = sa.ke;
  if (sa.chains || !suite || !keI || !keR) return sa.chains ?? [];
  sa.chains = keys.flatMap((key) => {
    try {
      return [{ key, chain: new IvChain(suite, key.encryption, keI, keR) }];
    } catch (error) {
      if (error instanceof KitError) return [];
      throw error;
    }
  });
  return sa.chains;
}

/** Messages after phase 1 begin with a HASH of known length; those of phase 1 must be payloads to their end. */
function makesSense(first: number, plain: Uint8Array, messageId: number, suite: Ikev1Suite): boolean {
  const payloads = decodeIkev1PayloadsLenient(first, plain, { padded: true });
  const [begin] = payloads;
  if (messageId !== 0 && first === Ikev1PayloadType.HASH) {
    const length = createHash(suite.hash).digest().length;
    return begin?.type === Ikev1PayloadType.HASH && begin.data.length === length;
  }
  return payloads.length > 0 && payloads.every((payload) => payload.type !== 'malformed');
}
