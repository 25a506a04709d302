import { createHmac, randomBytes } from 'node:crypto';
import { ByteWriter, concatBytes, fromHex, utf8 } from '../../../src/lib/core/bytes.js';
import { keTransform } from '../../../src/lib/crypto/registry.js';
import { encodePayloadBody } from '../../../src/lib/ike/v1/payloads.js';
import type { Ikev1KnownPayload, Ikev1Payload, Ikev1Transform } from '../../../src/lib/ike/v1/types.js';
import { decodeIkev1Message, encodeIkev1Message } from '../../../src/lib/ike/v1/wire.js';
import { chosenOf, type Phase1 } from '../../../src/lib/probe/v1/phase1.js';
import type { Gateway } from './direct-asker.js';

export interface Ikev1GatewayOptions {
  mainMode?: readonly Phase1[];
  aggressiveMode?: readonly Phase1[];
  psk?: string;
  /** What it answers about authentication methods in Main Mode: all alike, or with silence where none is configured. */
  methods?: 'checked' | 'silent' | 'any';
  vendorIds?: readonly string[];
  /** Its answers do not repeat the key length; nor, perhaps, the number of the transform. */
  omits?: 'key length' | 'key length and number';
  /** What it says in Aggressive Mode to whom it does not know: everybody. */
  refusesUs?: number;
}

export interface Ikev1Gateway {
  handle: Gateway;
  /** SAs that were begun and not ended, by responder SPI. */
  readonly halfOpen: Map<bigint, 'main' | 'aggressive'>;
}

const hashes: Readonly<Record<number, string>> = {
  1: 'md5',
  2: 'sha1',
  4: 'sha256',
  5: 'sha384',
  6: 'sha512',
};
const PROTOCOL_OF_NOBODY = 0;

/** An IKEv1 responder that chooses the first transform it knows, as the real ones do. */
export function ikev1Gateway(options: Ikev1GatewayOptions): Ikev1Gateway {
  const {
    mainMode = [],
    aggressiveMode = [],
    methods = 'checked',
    psk = 'secret',
    vendorIds = [],
    refusesUs,
    omits,
  } = options;
  const halfOpen: Ikev1Gateway['halfOpen'] = new Map();

  const answer = (
    request: Uint8Array,
    exchangeType: number,
    spiR: bigint,
    payloads: Ikev1Payload[],
  ): Uint8Array[] => {
    const { header } = decodeIkev1Message(request);
    const { length: _, nextPayload: __, ...fields } = header;
    return [encodeIkev1Message({ ...fields, exchangeType, responderSpi: spiR }, payloads)];
  };
  const notify = (request: Uint8Array, notifyType: number): Uint8Array[] =>
    answer(request, 5, 0n, [
      {
        type: 11,
        doi: 1,
        protocolId: PROTOCOL_OF_NOBODY,
        spi: new Uint8Array(0),
        notifyType,
        data: new Uint8Array(0),
      },
    ]);

  const handle: Gateway = (request) => {
    const { header, payloads } = decodeIkev1Message(request);
    const isAggressive = header.exchangeType === 4;
    if (header.responderSpi !== 0n) {
      const kind = halfOpen.get(header.responderSpi);
      if (header.exchangeType === 5 && kind === 'main') halfOpen.delete(header.responderSpi);
      if (!isAggressive || kind !== 'aggressive') return [];
      halfOpen.delete(header.responderSpi);
      return notify(request, 23);
    }
    const sa = payloads.find((payload) => payload.type === 1);
    if (sa?.type !== 1) throw new Error('no SA in a first message');
    const offered = sa.proposals.flatMap((proposal) => proposal.transforms);
    const configured = isAggressive ? aggressiveMode : mainMode;
    const ofOffer = (transform: Ikev1Transform) => chosenOf(withTransforms(sa, [transform]))!;
    const isSame = (a: Phase1, b: Phase1): boolean =>
      a.encr === b.encr && a.keyLength === b.keyLength && a.hash === b.hash && a.group === b.group;
    const takesAny = methods === 'any' && !isAggressive;
    const isMethod = (a: Phase1, b: Phase1): boolean => takesAny || a.auth === b.auth;
    if (methods !== 'any' && !offered.some((t) => configured.some((c) => isMethod(ofOffer(t), c)))) {
      return methods === 'silent' ? [] : notify(request, 14);
    }
    const found = offered.find((t) =>
      configured.some((c) => isSame(ofOffer(t), c) && isMethod(ofOffer(t), c)),
    );
    if (found === undefined)
      return configured.length === 0 && methods === 'silent' ? [] : notify(request, 14);
    if (isAggressive && refusesUs !== undefined) return notify(request, refusesUs);
    const spiR = randomBytes(8).readBigUInt64BE();
    halfOpen.set(spiR, isAggressive ? 'aggressive' : 'main');
    const vendors: Ikev1Payload[] = vendorIds.map((hex) => ({ type: 13, data: fromHex(hex) }));
    const shown =
      omits === undefined
        ? found
        : {
            ...found,
            number: omits === 'key length' ? found.number : 0,
            attributes: found.attributes.filter(({ type }) => type !== 14),
          };
    if (!isAggressive) return answer(request, 2, spiR, [withTransforms(sa, [shown]), ...vendors]);

    const suite = ofOffer(found);
    const exchange = keTransform(suite.group)!.generate!();
    const nonceR = new Uint8Array(randomBytes(32));
    const id = { type: 5, idType: 2, ipProtocol: 17, port: 500, data: utf8('gw.example.com') } as const;
    const dataOf = (type: number): Uint8Array => {
      const payload = payloads.find((each) => each.type === type);
      return payload !== undefined && 'data' in payload ? payload.data : new Uint8Array(0);
    };
    const mac = (key: Uint8Array, ...data: Uint8Array[]): Uint8Array =>
      new Uint8Array(
        createHmac(hashes[suite.hash]!, key)
          .update(concatBytes(...data))
          .digest(),
      );
    // RFC 2409 5 and 5.4
    const skeyid = mac(utf8(psk), dataOf(10), nonceR);
    const spis = new ByteWriter().u64(spiR).u64(header.initiatorSpi).finish();
    const hashR = mac(skeyid, exchange.publicValue, dataOf(4), spis, bodyOf(sa), bodyOf(id));
    return answer(request, 4, spiR, [
      withTransforms(sa, [found]),
      { type: 4, data: exchange.publicValue },
      { type: 10, data: nonceR },
      id,
      { type: 8, data: hashR },
      ...vendors,
    ]);
  };
  return { handle, halfOpen };
}

function withTransforms<Sa extends Ikev1Payload & { type: 1 }>(sa: Sa, transforms: Ikev1Transform[]): Sa {
  return { ...sa, proposals: sa.proposals.map((proposal) => ({ ...proposal, transforms })) };
}

function bodyOf(payload: Ikev1KnownPayload): Uint8Array {
  const writer = new ByteWriter();
  encodePayloadBody(payload, writer);
  return writer.finish();
}
