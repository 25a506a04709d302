import type { Secret } from '../../core/secret.js';
import { TransformType } from '../../crypto/transform.js';
import { deriveChildKeys } from '../../ike/keys.js';
import type { ChildSuite } from '../../ike/suite.js';
import { findPayload, findPayloads } from '../../ike/wire/message.js';
import { NotifyType } from '../../ike/wire/notify.js';
import { PayloadType, type Proposal, ProtocolId } from '../../ike/wire/types.js';
import type { KeyRing } from '../keys/ring.js';
import type { IntegSpec, KeySource } from '../keys/types.js';
import { ciphersOf, type Half, hasAdditionalKe, type IkeSa, idOf } from './ike-sa.js';

/** A pair of child SAs as its exchange was seen. "Initiator" is who started that exchange. */
export interface SeenChild {
  /** The IKE SA, 16 hex digits each. */
  spiI: string;
  spiR: string;
  protocol: 'ESP' | 'AH';
  /** `0x` and 8 hex digits: the SPI of packets to the exchange's initiator, and to its responder. */
  initiatorSpi: string;
  responderSpi: string;
  /** Addresses without ports. */
  initiator: string;
  responder: string;
  pfs: boolean;
  /** The SPI that this pair replaces, as the REKEY_SA notify names it. */
  rekeys?: string;
  /** Where its keys come from, or what is missing. */
  keys: 'derived' | 'listed' | 'no SK_d' | 'no KE secret' | 'no nonces' | 'not implemented';
  /** The frame of the response. */
  frame: number;
}

/** The pair of proposals that an exchange settled on. */
export interface Agreement {
  offered: Proposal;
  chosen: Proposal;
}

/** What request and response agreed on; undefined when the response refuses or they do not fit. */
export function agreementOf(request: Half, response: Half): Agreement | undefined {
  const chosen = findPayload(response.payloads, PayloadType.SA)?.proposals[0];
  const offers = findPayload(request.payloads, PayloadType.SA)?.proposals ?? [];
  const fitting = offers.filter(({ protocolId }) => protocolId === chosen?.protocolId);
  const offered = fitting.find(({ number }) => number === chosen?.number) ?? fitting[0];
  return chosen && offered && { offered, chosen };
}

/**
 * Derives the keys of a pair of child SAs (RFC 7296 2.17) and puts them into the ring.
 * @param nonces those of the exchange; of the IKE SA for the child of IKE_AUTH
 * @returns undefined when the proposals are not those of a child
 */
export function learnChild(
  ring: KeyRing,
  ikeSa: IkeSa,
  exchange: { request: Half; response: Half; agreement: Agreement },
  nonces: { nonceI: Uint8Array; nonceR: Uint8Array } | undefined,
): SeenChild | undefined {
  const { request, response, agreement } = exchange;
  const { protocolId, transforms } = agreement.chosen;
  const initiatorSpi = spi32(agreement.offered.spi);
  const responderSpi = spi32(agreement.chosen.spi);
  if (initiatorSpi === undefined || responderSpi === undefined) return undefined;
  if (protocolId !== ProtocolId.ESP && protocolId !== ProtocolId.AH) return undefined;
  const pfs = findPayload(response.payloads, PayloadType.KE) !== undefined;
  const rekeys = findPayloads(request.payloads, PayloadType.NOTIFY).find(
    ({ notifyType }) => notifyType === NotifyType.REKEY_SA,
  );
  const replaced = rekeys && spi32(rekeys.spi);
  const child: SeenChild = {
    ...ikeSa.names,
    protocol: protocolId === ProtocolId.ESP ? 'ESP' : 'AH',
    initiatorSpi: formatSpi(initiatorSpi),
    responderSpi: formatSpi(responderSpi),
    initiator: request.src,
    responder: request.dst,
    pfs,
    ...(replaced !== undefined && { rekeys: formatSpi(replaced) }),
    keys: 'derived',
    frame: response.frame,
  };
  const lookUp = (spi: number, src: string, dst: string): boolean =>
    (child.protocol === 'ESP' ? ring.esp(spi, src, dst) : ring.ah(spi, src, dst)).some(
      (key) => key.spi === spi,
    );
  const listed =
    lookUp(responderSpi, request.src, request.dst) && lookUp(initiatorSpi, request.dst, request.src);

  const suite = childSuite(child.protocol, transforms);
  const { skD, prf } = ikeSa;
  const secret = ring.keSecret(initiatorSpi, responderSpi);
  const missing: SeenChild['keys'] | undefined = !skD
    ? 'no SK_d'
    : !suite || !prf || hasAdditionalKe(transforms)
      ? 'not implemented'
      : !nonces
        ? 'no nonces'
        : pfs && !secret
          ? 'no KE secret'
          : undefined;
  if (missing || !skD || !suite || !prf || !nonces) {
    child.keys = listed ? 'listed' : (missing ?? 'not implemented');
    return child;
  }
  const keSecret = pfs ? secret?.keSecret : undefined;
  const keys = deriveChildKeys({ suite, prf, skD, ...nonces, ...(keSecret && { keSecret }) });
  const source = ikeSa.keys()[0]!.key.source;
  addDirection(ring, child.protocol, suite, source, {
    spi: responderSpi,
    src: request.src,
    dst: request.dst,
    encrKey: keys.initiatorEncr,
    integKey: keys.initiatorInteg,
  });
  addDirection(ring, child.protocol, suite, source, {
    spi: initiatorSpi,
    src: request.dst,
    dst: request.src,
    encrKey: keys.responderEncr,
    integKey: keys.responderInteg,
  });
  return child;
}

function addDirection(
  ring: KeyRing,
  protocol: SeenChild['protocol'],
  { encr, integ, esn }: ChildSuite,
  source: KeySource,
  way: { spi: number; src: string; dst: string; encrKey: Secret; integKey: Secret },
): void {
  const { encrKey, ...match } = way;
  const spec: IntegSpec = {
    id: integ?.id ?? 0,
    icvBytes: integ?.icvBytes ?? 0,
    checked: integ !== undefined,
  };
  if (protocol === 'AH') ring.addDerived({ kind: 'ah', source, ...match, integ: spec, esn });
  else ring.addDerived({ kind: 'esp', source, ...match, encr: encr.id, encrKey, integ: spec, esn });
}

const ENCR_NULL = 11;

/** AH has no cipher: as if it encrypted with NULL, its KEYMAT is the integrity keys alone. */
function childSuite(
  protocol: SeenChild['protocol'],
  transforms: Proposal['transforms'],
): ChildSuite | undefined {
  const withCipher =
    protocol === 'AH' ? [{ type: TransformType.ENCR, id: ENCR_NULL }, ...transforms] : transforms;
  const ciphers = ciphersOf(withCipher);
  if (!ciphers || (protocol === 'AH' && !ciphers.integ)) return undefined;
  return { ...ciphers, ke: undefined, esn: idOf(transforms, TransformType.ESN) === 1 };
}

/** A 32-bit SPI of a payload; undefined for another length. */
export function spi32(bytes: Uint8Array): number | undefined {
  return bytes.length === 4 ? new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) : undefined;
}

let lastSpi = -1;
let lastText = '';

/** `0x` and eight digits. Packets of one SPI come in a row. */
export function formatSpi(spi: number): string {
  if (spi !== lastSpi) {
    lastSpi = spi;
    lastText = `0x${spi.toString(16).padStart(8, '0')}`;
  }
  return lastText;
}
