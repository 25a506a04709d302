import { toHex } from '../../src/lib/core/bytes.js';
import type { Entropy, Milliseconds } from '../../src/lib/core/environment.js';
import { KitError } from '../../src/lib/core/errors.js';
import { Secret } from '../../src/lib/core/secret.js';
import { keTransform } from '../../src/lib/crypto/registry.js';
import { type KeyExchange, TransformType } from '../../src/lib/crypto/transform.js';
import { deriveIkeKeys } from '../../src/lib/ike/keys.js';
import { resolveIkeSuite } from '../../src/lib/ike/negotiate.js';
import { createSkProtection, openMessage, type SkProtection, sealMessage } from '../../src/lib/ike/sealed.js';
import { decodeHeader } from '../../src/lib/ike/wire/header.js';
import { decodeMessage, encodeMessage, findPayload } from '../../src/lib/ike/wire/message.js';
import { findNotify, NotifyType, notify } from '../../src/lib/ike/wire/notify.js';
import { ExchangeType, type IkeHeader, type Payload, PayloadType } from '../../src/lib/ike/wire/types.js';
import { type Configured, choose } from '../unit/probe/model-gateway.js';

/** How a gateway behaves; by default it answers everything at once and asks for no cookies. */
export interface Behaviour {
  proposals: readonly Configured[];
  /** Half-open SAs of one peer from which on cookies are asked; 0: always. */
  cookiesFrom?: number;
  /** Half-open SAs of one peer from which on everything but other versions is ignored (strongSwan: 5). */
  blindFrom?: number;
  /** Datagrams that are heard within one second. */
  heardPerSecond?: number;
  /** Groups it knows; a KE payload of another is answered with INVALID_SYNTAX. */
  knownGroups?: readonly number[];
  /** Says nothing instead of NO_PROPOSAL_CHOSEN. */
  silentRefusals?: boolean;
  /** Asks for this group whatever was offered, as gateways do that look at the KE payload first. */
  insistsOn?: number;
  /** Answers this instead of IKE. */
  garbage?: Uint8Array;
  /** Answers each message so many times. */
  repeats?: number;
  /** Refuses everything within this time. */
  refusesAll?: (now: Milliseconds) => boolean;
  /** Ignores everything but other versions within this time, as strongSwan does with too many half-open SAs. */
  blind?: (now: Milliseconds) => boolean;
  /** Hears nothing, not even other versions, within this time. */
  deaf?: (now: Milliseconds) => boolean;
  /** Sends these beside its answer to a whole offer. */
  announces?: readonly Payload[];
  /** Sends those elsewhere who can follow: the data of REDIRECT. */
  redirects?: Uint8Array;
  /** The same nonce and public value for everybody. */
  stale?: boolean;
  /** Answers an IKE_AUTH without content, as libreswan does. */
  answersClearing?: boolean;
}

interface HalfOpen {
  since: Milliseconds;
  incoming: SkProtection;
  outgoing: SkProtection;
}

/** How long strongSwan keeps a half-open SA. */
const HALF_OPEN_TIME = 24_000;
/** As long as strongSwan's. */
const COOKIE = new Uint8Array(24).fill(3);

/** A gateway as a function from datagrams to datagrams. */
export class SimulatedGateway {
  readonly halfOpen = new Map<string, HalfOpen>();
  /** Most half-open SAs that there were at one time. */
  most = 0;
  #heard: Milliseconds[] = [];
  /** What whole answers were, by the initiator's SPI: a retransmission gets the same one (RFC 7296 2.1). */
  readonly #responses = new Map<bigint, Uint8Array>();
  readonly #values = new Map<
    number,
    ReturnType<NonNullable<NonNullable<ReturnType<typeof keTransform>>['generate']>>
  >();

  constructor(
    private readonly behaviour: Behaviour,
    private readonly entropy: Entropy,
  ) {}

  receive(data: Uint8Array, now: Milliseconds): Uint8Array[] {
    if (this.behaviour.deaf?.(now) === true || !this.#hears(now)) return [];
    if (this.behaviour.garbage !== undefined) return [this.behaviour.garbage];
    for (const [spi, { since }] of this.halfOpen) if (now - since > HALF_OPEN_TIME) this.halfOpen.delete(spi);
    const answer = this.#answer(data, now);
    this.most = Math.max(this.most, this.halfOpen.size);
    return answer === undefined ? [] : Array.from({ length: this.behaviour.repeats ?? 1 }, () => answer);
  }

  #hears(now: Milliseconds): boolean {
    const { heardPerSecond } = this.behaviour;
    if (heardPerSecond === undefined) return true;
    this.#heard = this.#heard.filter((at) => now - at < 1000);
    if (this.#heard.length >= heardPerSecond) return false;
    this.#heard.push(now);
    return true;
  }

  #answer(data: Uint8Array, now: Milliseconds): Uint8Array | undefined {
    const header = decodeHeader(data);
    if (header.majorVersion > 2) return respond(header, [notify(NotifyType.INVALID_MAJOR_VERSION)]);
    if (header.majorVersion !== 2) return undefined;
    if (header.exchangeType === ExchangeType.IKE_AUTH) return this.#auth(data, header);
    const before = this.#responses.get(header.initiatorSpi);
    if (before !== undefined) return before;
    if (this.behaviour.blind?.(now) === true) return undefined;
    if (this.halfOpen.size >= (this.behaviour.blindFrom ?? Number.POSITIVE_INFINITY)) return undefined;
    const { payloads } = decodeMessage(data);
    const cookiesWanted = this.halfOpen.size >= (this.behaviour.cookiesFrom ?? Number.POSITIVE_INFINITY);
    const [first] = payloads;
    const isCookie = first?.type === PayloadType.NOTIFY && first.notifyType === NotifyType.COOKIE;
    if (cookiesWanted && !(isCookie && toHex(first.data) === toHex(COOKIE))) {
      return respond(header, [notify(NotifyType.COOKIE, COOKIE)]);
    }
    const { redirects } = this.behaviour;
    if (redirects !== undefined && findNotify(payloads, NotifyType.REDIRECT_SUPPORTED) !== undefined) {
      return respond(header, [notify(NotifyType.REDIRECT, redirects)]);
    }
    return this.#init(header, payloads, now);
  }

  #init(header: IkeHeader, payloads: readonly Payload[], now: Milliseconds): Uint8Array | undefined {
    const { behaviour } = this;
    const sa = findPayload(payloads, PayloadType.SA);
    const ke = findPayload(payloads, PayloadType.KE);
    const nonce = findPayload(payloads, PayloadType.NONCE);
    if (!sa || !ke || !nonce || behaviour.knownGroups?.includes(ke.group) === false) {
      return respond(header, [notify(NotifyType.INVALID_SYNTAX)]);
    }
    if (behaviour.insistsOn !== undefined && ke.group !== behaviour.insistsOn) {
      return respond(header, [notify(NotifyType.INVALID_KE_PAYLOAD, Uint8Array.of(0, behaviour.insistsOn))]);
    }
    const refused = behaviour.refusesAll?.(now) === true;
    const chosen = refused
      ? undefined
      : choose(
          behaviour.proposals,
          sa.proposals.map(({ transforms }) => transforms),
        );
    if (chosen === undefined) {
      if (behaviour.silentRefusals === true) return undefined;
      return respond(header, [notify(NotifyType.NO_PROPOSAL_CHOSEN)]);
    }
    const group = chosen.find(({ type }) => type === TransformType.KE)!.id;
    if (group !== ke.group) {
      return respond(header, [
        notify(NotifyType.INVALID_KE_PAYLOAD, Uint8Array.of(group >> 8, group & 0xff)),
      ]);
    }
    const exchange = this.#exchange(group);
    const nonceR = behaviour.stale === true ? new Uint8Array(32).fill(7) : this.entropy.bytes(32);
    const spiR = Buffer.from(this.entropy.bytes(8)).readBigUInt64BE() || 1n;
    const chosenNumber = sa.proposals.find(({ transforms }) =>
      chosen.every(
        (a) =>
          transforms.some((b) => a.type === b.type && a.id === b.id && a.keyLength === b.keyLength) ||
          a.id === 0,
      ),
    )!.number;
    const secret = agreed(exchange, ke.data);
    if (secret === undefined) return respond(header, [notify(NotifyType.INVALID_SYNTAX)]);
    this.#keep(header, spiR, chosen, secret, nonce.data, nonceR, now);
    const wantsFragments = findNotify(payloads, NotifyType.IKEV2_FRAGMENTATION_SUPPORTED) !== undefined;
    const response = respond({ ...header, responderSpi: spiR }, [
      {
        type: PayloadType.SA,
        proposals: [{ number: chosenNumber, protocolId: 1, spi: new Uint8Array(0), transforms: chosen }],
      },
      { type: PayloadType.KE, group, data: exchange.publicValue },
      { type: PayloadType.NONCE, data: nonceR },
      ...(wantsFragments ? [notify(NotifyType.IKEV2_FRAGMENTATION_SUPPORTED)] : []),
      ...(behaviour.announces ?? []),
    ]);
    this.#responses.set(header.initiatorSpi, response);
    return response;
  }

  #exchange(group: number) {
    const generate = keTransform(group)!.generate!;
    if (this.behaviour.stale !== true) return generate();
    const known = this.#values.get(group) ?? generate();
    this.#values.set(group, known);
    return known;
  }

  #keep(
    header: IkeHeader,
    spiR: bigint,
    chosen: Configured,
    secret: Uint8Array,
    nonceI: Uint8Array,
    nonceR: Uint8Array,
    since: Milliseconds,
  ): void {
    let incoming: SkProtection | undefined;
    let outgoing: SkProtection | undefined;
    try {
      const suite = resolveIkeSuite(chosen);
      const spis = { spiI: header.initiatorSpi, spiR };
      const keys = deriveIkeKeys({
        suite,
        keSecret: new Secret(secret),
        nonceI: nonceI.slice(),
        nonceR,
        ...spis,
      });
      incoming = createSkProtection(suite, keys.skEi, keys.skAi);
      outgoing = createSkProtection(suite, keys.skEr, keys.skAr);
    } catch (error) {
      // A real gateway has algorithms that we have not: nobody can clear that SA.
      if (!(error instanceof KitError)) throw error;
    }
    const none: SkProtection = {
      bodyLength: () => 0,
      seal: () => new Uint8Array(0),
      open: () => {
        throw new KitError('garbage', 'E_ICV', 'no keys');
      },
    };
    this.halfOpen.set(spiR.toString(16), { since, incoming: incoming ?? none, outgoing: outgoing ?? none });
  }

  /** Whatever is authentic ends the SA: nobody has credentials here. Answered only when something was in it. */
  #auth(data: Uint8Array, header: IkeHeader): Uint8Array | undefined {
    const key = header.responderSpi.toString(16);
    const sa = this.halfOpen.get(key);
    if (sa === undefined) return undefined;
    try {
      const { payloads } = openMessage(data, sa.incoming);
      this.halfOpen.delete(key);
      if (payloads.length === 0 && this.behaviour.answersClearing !== true) return undefined;
      const answer = { ...header, fromInitiator: false, isResponse: true };
      return sealMessage(answer, [notify(NotifyType.AUTHENTICATION_FAILED)], sa.outgoing, this.entropy);
    } catch (error) {
      if (error instanceof KitError) return undefined;
      throw error;
    }
  }
}

function respond(header: IkeHeader, payloads: Payload[]): Uint8Array {
  return encodeMessage(
    {
      ...header,
      majorVersion: 2,
      minorVersion: 0,
      fromInitiator: false,
      isResponse: true,
      higherVersion: false,
    },
    payloads,
  );
}

/** undefined: the public value is not one. */
function agreed(exchange: KeyExchange, publicValue: Uint8Array): Uint8Array | undefined {
  try {
    return exchange.agree(publicValue);
  } catch (error) {
    if (error instanceof KitError) return undefined;
    throw error;
  }
}
