import { decodeMessageLenient, decodePayloadsLenient, findPayload } from '../../ike/wire/message.js';
import { ExchangeType, PayloadType, ProtocolId } from '../../ike/wire/types.js';
import { type DescribeOptions, describePayloads } from '../describe/describe.js';
import type { KeyRing } from '../keys/ring.js';
import type { DecodedIke, DecodedPacket, Icv, Unit } from '../types.js';
import { type Agreement, agreementOf, learnChild, type SeenChild } from './children.js';
import { EapFlights } from './eap-flights.js';
import { FragmentStore } from './fragments.js';
import { findSealed, type Opened, type SealedPart } from './ike-cipher.js';
import { type Half, hasAdditionalKe, IkeSa, ikeSuiteOf } from './ike-sa.js';
import { BoundedMap, LIMITS } from './limits.js';

/** What a decryptor has to tell besides packets. */
export interface Told {
  note(code: `N_${string}`, message: string, frame: number): void;
  child(child: SeenChild): void;
}

/** Opens IKEv2 messages, and learns from them what the keys of their child SAs and successors are made of. */
export class Ikev2Decryptor {
  readonly #sas = new BoundedMap<string, IkeSa>(LIMITS.ikeSas);
  /** IKE_SA_INIT requests by the initiator's SPI: their responder's is not known yet. */
  readonly #initRequests = new BoundedMap<string, Half>(LIMITS.ikeSas);
  readonly #fragments = new FragmentStore();
  readonly #flights = new EapFlights();

  constructor(
    readonly ring: KeyRing,
    readonly describe: DescribeOptions,
    readonly told: Told,
  ) {}

  /** Completes a packet whose message is described in `ike`, SK still closed. */
  take(unit: Unit, ike: DecodedIke, packet: DecodedPacket): void {
    const message = wholeMessage(unit.data);
    const sealed = findSealed(message);
    if (!sealed) {
      if (ike.exchangeNumber === ExchangeType.IKE_SA_INIT && this.ring.hasIkev2)
        this.#learnInit(message, unit, ike);
      return;
    }
    packet.icv = 'unchecked';
    const sa = this.ring.hasIkev2 ? this.#sa(ike) : undefined;
    if (!sa) return;
    const opened = this.#open(sa, message, sealed, ike.initiator === true);
    if (opened === undefined) return;
    packet.icv = opened.icv;
    if (opened.verdict === 'wrong') {
      packet.error = wrongKey(opened.icv, sa);
      return;
    }
    if (opened.verdict === 'malformed') {
      const { code, message: text } = opened.error;
      packet.error = { code, message: text, offset: sealed.bodyAt };
      return;
    }
    packet.decrypted = true;
    if (sealed.fragment) this.#takeFragment(sa, unit, ike, packet, sealed, opened.inner);
    else this.#show(sa, unit, ike, sealed.first, opened.inner);
  }

  #takeFragment(
    sa: IkeSa,
    unit: Unit,
    ike: DecodedIke,
    packet: DecodedPacket,
    { first, fragment }: SealedPart,
    bytes: Uint8Array,
  ): void {
    if (!fragment) return;
    ike.fragment = fragment;
    const side = `${ike.initiator === true ? 'i' : 'r'}${ike.response ? 'r' : 'q'}`;
    const whole = this.#fragments.take(`${ike.spiI}${ike.spiR}${side}${ike.messageId}`, {
      ...fragment,
      first,
      bytes,
      frames: unit.frames ?? [unit.frame],
    });
    if (!whole) return;
    if (whole.frames.length > 1) packet.frames = whole.frames;
    this.#show(sa, unit, ike, whole.first, whole.bytes);
  }

  #show(sa: IkeSa, unit: Unit, ike: DecodedIke, first: number, inner: Uint8Array): void {
    const payloads = describePayloads(2, first, inner, { ...this.describe, inside: true });
    ike.payloads.push(...payloads);
    ike.inner = inner;
    this.#flights.complete(ike, payloads, inner, this.describe.certificates === true);
    const { exchangeNumber } = ike;
    if (exchangeNumber !== ExchangeType.IKE_AUTH && exchangeNumber !== ExchangeType.CREATE_CHILD_SA) return;
    const half = { ...endsOf(unit), payloads: decodePayloadsLenient(first, inner), frame: unit.frame };
    if (exchangeNumber === ExchangeType.IKE_AUTH) this.#learnAuth(sa, ike, half);
    else this.#learnCreateChild(sa, ike, half);
  }

  /** Tries the keys of the SA; undefined when there is none for this direction. */
  #open(sa: IkeSa, message: Uint8Array, sealed: SealedPart, fromInitiator: boolean): Opened | undefined {
    const ad = message.subarray(0, sealed.bodyAt);
    const body = message.subarray(sealed.bodyAt);
    const { fragment } = sealed;
    const first = fragment && (fragment.number > 1 || fragment.total > 1) ? undefined : sealed.first;
    let result: Opened | undefined;
    for (const keys of sa.keys()) {
      const opener = fromInitiator ? keys.fromInitiator : keys.fromResponder;
      if (!opener) continue;
      const opened = opener.open(ad, body, first);
      if (opened.verdict !== 'wrong') {
        sa.prefer(keys);
        return opened;
      }
      result ??= opened;
    }
    return result;
  }

  #sa(ike: DecodedIke): IkeSa | undefined {
    const name = ike.spiI + ike.spiR;
    const known = this.#sas.get(name);
    if (known) return known;
    const spiI = BigInt(`0x${ike.spiI}`);
    const spiR = BigInt(`0x${ike.spiR}`);
    // Without a key there is nothing to remember, unless the SA comes about in front of our eyes.
    return this.ring.ikev2(spiI, spiR).length > 0 ? this.#create(spiI, spiR, ike) : undefined;
  }

  #create(spiI: bigint, spiR: bigint, names: { spiI: string; spiR: string }): IkeSa {
    const sa = new IkeSa(spiI, spiR, { spiI: names.spiI, spiR: names.spiR }, this.ring);
    this.#sas.set(names.spiI + names.spiR, sa);
    return sa;
  }

  #learnInit(message: Uint8Array, unit: Unit, ike: DecodedIke): void {
    // A unit's bytes may be reused for the next one.
    const { payloads } = decodeMessageLenient(message.slice());
    if (!findPayload(payloads, PayloadType.SA)) return;
    const half: Half = { ...endsOf(unit), payloads, frame: unit.frame };
    if (!ike.response) {
      this.#initRequests.set(ike.spiI, half);
      return;
    }
    const request = this.#initRequests.get(ike.spiI);
    const agreement = request && agreementOf(request, half);
    const nonceI = request && findPayload(request.payloads, PayloadType.NONCE)?.data;
    const nonceR = findPayload(half.payloads, PayloadType.NONCE)?.data;
    if (!agreement || !nonceI || !nonceR || this.#sas.get(ike.spiI + ike.spiR)?.nonceI) return;
    const sa = this.#sa(ike);
    sa?.settle({ suite: this.#suiteOf(agreement), nonceI, nonceR, parent: undefined });
  }

  /** With the additional key exchanges of RFC 9370 the suite says too little to derive anything from it. */
  #suiteOf({ chosen }: Agreement): IkeSa['suite'] {
    const suite = ikeSuiteOf(chosen.transforms);
    return hasAdditionalKe(chosen.transforms) ? undefined : suite;
  }

  /** The child comes with the first request that has a proposal and the response that accepts it, EAP between. */
  #learnAuth(sa: IkeSa, ike: DecodedIke, half: Half): void {
    if (sa.isAuthenticated || !findPayload(half.payloads, PayloadType.SA)) return;
    if (!ike.response) {
      sa.authRequest = half;
      return;
    }
    const request = sa.authRequest;
    const agreement = request && agreementOf(request, half);
    if (!request || !agreement) return;
    sa.authRequest = undefined;
    sa.isAuthenticated = true;
    this.#learnChild(sa, { request, response: half, agreement }, sa.nonces);
  }

  #learnCreateChild(sa: IkeSa, ike: DecodedIke, half: Half): void {
    const byInitiator = (ike.initiator === true) !== ike.response;
    const name = `${byInitiator ? 'i' : 'r'}${ike.messageId}`;
    const halves = sa.halves.get(name) ?? {};
    const known = ike.response ? halves.response : halves.request;
    if (known && halves.request && halves.response) return;
    halves[ike.response ? 'response' : 'request'] = half;
    sa.halves.set(name, halves);
    const { request, response } = halves;
    const agreement = request && response && agreementOf(request, response);
    const nonceI = request && findPayload(request.payloads, PayloadType.NONCE)?.data;
    const nonceR = response && findPayload(response.payloads, PayloadType.NONCE)?.data;
    if (!agreement || !nonceI || !nonceR) return;
    const exchange = { request, response, agreement };
    if (agreement.chosen.protocolId === ProtocolId.IKE) this.#learnRekey(sa, exchange, { nonceI, nonceR });
    else this.#learnChild(sa, exchange, { nonceI, nonceR });
  }

  #learnChild(
    sa: IkeSa,
    exchange: Parameters<typeof learnChild>[2],
    nonces: Parameters<typeof learnChild>[3],
  ): void {
    const child = learnChild(this.ring, sa, exchange, nonces);
    if (!child) return;
    this.told.child(child);
    const { spiI, spiR } = sa.names;
    const pair = `${child.protocol} ${child.initiatorSpi}/${child.responderSpi}`;
    if (child.keys === 'no SK_d') {
      if (sa.told.has('SK_d')) return;
      sa.told.add('SK_d');
      const { file, line } = sa.keys()[0]!.key.source;
      this.told.note(
        'N_NO_SK_D',
        `${file}:${line} opens IKE SA ${spiI}/${spiR}, but does not hold its SK_d: the keys of its child SAs cannot be derived`,
        child.frame,
      );
    } else if (child.keys === 'no KE secret') {
      this.told.note(
        'N_NO_KE_SECRET',
        `the keys of ${pair} come from a key exchange of their own (PFS), whose secret is in no key file`,
        child.frame,
      );
    } else if (child.keys === 'no nonces') {
      this.told.note(
        'N_NO_NONCES',
        `the keys of ${pair} cannot be derived: the IKE_SA_INIT of IKE SA ${spiI}/${spiR} is not in the capture`,
        child.frame,
      );
    } else if (child.keys === 'not implemented') {
      this.told.note(
        'N_NOT_IMPLEMENTED',
        `no implementation to derive the keys of ${pair} with`,
        child.frame,
      );
    }
  }

  /** RFC 7296 2.18: the new SA's keys come from the old SK_d, a fresh key exchange and the new nonces and SPIs. */
  #learnRekey(
    old: IkeSa,
    { response, agreement }: { response: Half; agreement: Agreement },
    nonces: { nonceI: Uint8Array; nonceR: Uint8Array },
  ): void {
    const [spiI, spiR] = [spi64(agreement.offered.spi), spi64(agreement.chosen.spi)];
    if (spiI === undefined || spiR === undefined) return;
    const names = { spiI: hex64(spiI), spiR: hex64(spiR) };
    const { prf, skD } = old;
    const sa = this.#sas.get(names.spiI + names.spiR) ?? this.#create(spiI, spiR, names);
    sa.settle({ suite: this.#suiteOf(agreement), ...nonces, parent: prf && skD && { prf, skD } });
    const usable = sa.keys().some(({ fromInitiator, fromResponder }) => fromInitiator || fromResponder);
    if (usable) return;
    this.told.note(
      'N_IKE_REKEY_CLOSED',
      `no key file tells the keys of IKE SA ${names.spiI}/${names.spiR}, which replaced ${old.names.spiI}/${old.names.spiR}, or the secret of its key exchange`,
      response.frame,
    );
  }
}

function wrongKey(icv: Icv, sa: IkeSa): NonNullable<DecodedPacket['error']> {
  const { file, line } = sa.keys()[0]!.entry.source;
  const where = `${file}:${line}`;
  if (icv === 'bad')
    return {
      code: 'E_ICV',
      message: `the ICV is wrong: another key than that of ${where}, or a changed message`,
    };
  return { code: 'E_DECRYPT', message: `no sense in what the key of ${where} makes of it` };
}

/** What follows the message in the datagram is no part of it. */
function wholeMessage(data: Uint8Array): Uint8Array {
  if (data.length < 28) return data;
  const length = new DataView(data.buffer, data.byteOffset).getUint32(24);
  return length >= 28 && length < data.length ? data.subarray(0, length) : data;
}

function endsOf(unit: Unit): { src: string; dst: string } {
  return { src: unit.src.address, dst: unit.dst.address };
}

function spi64(bytes: Uint8Array): bigint | undefined {
  return bytes.length === 8 ? new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0) : undefined;
}

function hex64(spi: bigint): string {
  return spi.toString(16).padStart(16, '0');
}
