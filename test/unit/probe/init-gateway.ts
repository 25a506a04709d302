import { randomBytes } from 'node:crypto';
import { equalBytes } from '../../../src/lib/core/bytes.js';
import { systemEntropy } from '../../../src/lib/core/environment.js';
import { KitError } from '../../../src/lib/core/errors.js';
import { Secret } from '../../../src/lib/core/secret.js';
import { keTransform } from '../../../src/lib/crypto/registry.js';
import { deriveIkeKeys, type IkeKeys } from '../../../src/lib/ike/keys.js';
import { resolveIkeSuite } from '../../../src/lib/ike/negotiate.js';
import {
  createSkProtection,
  openMessage,
  type SkProtection,
  sealMessage,
} from '../../../src/lib/ike/sealed.js';
import { decodeMessage, encodeMessage, findPayload } from '../../../src/lib/ike/wire/message.js';
import { findNotify, notify } from '../../../src/lib/ike/wire/notify.js';
import type { Payload, Transform } from '../../../src/lib/ike/wire/types.js';
import { invalidValues } from '../../../src/lib/probe/active/invalid-values.js';
import type { Gateway } from './direct-asker.js';

export interface InitGatewayOptions {
  groups: readonly number[];
  /**
   * What it does with invalid public values: refuses them in IKE_SA_INIT, in IKE_AUTH (in the clear, or with silence),
   * or takes them. `secret`: which of the secrets that may follow.
   */
  invalid?: 'refused at first' | 'refused later' | 'silent later' | 'accepted';
  secret?: 0 | 1;
  /** Half-open SAs beyond which it asks for cookies, and beyond which it says nothing. */
  cookiesFrom?: number;
  silentFrom?: number;
  /** Answers an IKE_AUTH that has something in it. */
  auth?: (request: readonly Payload[], sa: GatewaySa) => readonly Payload[];
}

export interface GatewaySa {
  keys: IkeKeys;
  request: Uint8Array;
  response: Uint8Array;
  nonceI: Uint8Array;
  nonceR: Uint8Array;
}

interface Kept extends GatewaySa {
  opens: SkProtection;
  seals: SkProtection;
  /** It has no keys: its public value was of no use. */
  broken: boolean;
}

export interface InitGateway {
  handle: Gateway;
  readonly halfOpen: Map<bigint, Kept>;
  /** Most half-open SAs at a time. */
  readonly most: () => number;
}

const COOKIE = Uint8Array.of(1, 2, 3, 4);

/** An IKEv2 responder with a suite of AES-GCM and PRF_HMAC_SHA2_256, and groups. */
export function initGateway(options: InitGatewayOptions): InitGateway {
  const { groups, invalid = 'refused at first', secret = 0, cookiesFrom = 1e9, silentFrom = 1e9 } = options;
  const halfOpen: InitGateway['halfOpen'] = new Map();
  let most = 0;

  const init = (request: Uint8Array): Uint8Array[] => {
    const { header, payloads } = decodeMessage(request);
    const { length: _, nextPayload: __, ...fields } = header;
    const respond = (spiR: bigint, answer: readonly Payload[]): Uint8Array[] => [
      encodeMessage({ ...fields, responderSpi: spiR, fromInitiator: false, isResponse: true }, answer),
    ];
    const cookie = findNotify(payloads, 16390);
    if (halfOpen.size >= silentFrom) return [];
    if (halfOpen.size >= cookiesFrom && !(cookie && equalBytes(cookie.data, COOKIE))) {
      return respond(0n, [notify(16390, COOKIE)]);
    }
    const sa = findPayload(payloads, 33)!;
    const ke = findPayload(payloads, 34)!;
    const nonceI = findPayload(payloads, 40)!.data;
    const chosen = sa.proposals.find(({ transforms }) => groups.includes(groupOf(transforms)));
    if (chosen === undefined) return respond(0n, [notify(14)]);
    const exchange = keTransform(ke.group)!.generate!();
    let keSecret: Uint8Array | undefined;
    try {
      keSecret = exchange.agree(ke.data);
    } catch (error) {
      if (!(error instanceof KitError)) throw error;
      if (invalid === 'refused at first') return respond(0n, [notify(7)]);
      const value = invalidValues(ke.group).find(({ publicValue }) => equalBytes(publicValue, ke.data));
      if (invalid === 'accepted') keSecret = value?.secrets[secret] ?? value?.secrets[0];
    }
    const suite = resolveIkeSuite(chosen.transforms);
    const nonceR = new Uint8Array(randomBytes(32));
    const spiR = randomBytes(8).readBigUInt64BE();
    const keys = deriveIkeKeys({
      suite,
      keSecret: new Secret(keSecret ?? new Uint8Array(randomBytes(32))),
      nonceI,
      nonceR,
      spiI: header.initiatorSpi,
      spiR,
    });
    const [response] = respond(spiR, [
      { type: 33, proposals: [chosen] },
      { type: 34, group: ke.group, data: exchange.publicValue },
      { type: 40, data: nonceR },
    ]) as [Uint8Array];
    halfOpen.set(spiR, {
      keys,
      request,
      response,
      nonceI,
      nonceR,
      opens: createSkProtection(suite, keys.skEi, keys.skAi),
      seals: createSkProtection(suite, keys.skEr, keys.skAr),
      broken: keSecret === undefined,
    });
    most = Math.max(most, halfOpen.size);
    return [response];
  };

  const handle: Gateway = (request) => {
    const { header } = decodeMessage(request);
    if (header.exchangeType === 34) return init(request);
    const sa = halfOpen.get(header.responderSpi);
    if (sa === undefined) return [];
    const { length: _, nextPayload: __, ...fields } = header;
    const answerTo = { ...fields, fromInitiator: false, isResponse: true };
    if (sa.broken) {
      if (invalid === 'silent later') return [];
      halfOpen.delete(header.responderSpi);
      return [encodeMessage(answerTo, [notify(7)])];
    }
    let payloads: Payload[];
    try {
      payloads = openMessage(request, sa.opens).payloads;
    } catch (error) {
      if (error instanceof KitError) return [];
      throw error;
    }
    halfOpen.delete(header.responderSpi);
    const answer = payloads.length === 0 ? [notify(7)] : (options.auth?.(payloads, sa) ?? [notify(24)]);
    if (answer.some(({ type }) => type === 39)) halfOpen.set(header.responderSpi, sa);
    return [sealMessage(answerTo, answer, sa.seals, systemEntropy)];
  };
  return { handle, halfOpen, most: () => most };
}

function groupOf(transforms: readonly Transform[]): number {
  return transforms.find(({ type }) => type === 4)?.id ?? 0;
}
