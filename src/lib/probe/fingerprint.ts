import { KitError } from '../core/errors.js';
import { TransformType } from '../crypto/transform.js';
import { decodeMessageLenient, type LenientPayload } from '../ike/wire/message.js';
import { NotifyType } from '../ike/wire/notify.js';
import { PayloadType } from '../ike/wire/types.js';
import type { Fingerprint, Ikev1Facts, Ikev2Facts, VendorId } from './types.js';

/** What tells implementations apart. */
export interface FingerprintEvidence {
  vendorIds: readonly VendorId[];
  /** An IKE_SA_INIT response with a chosen suite, as it came; undefined: there was none. */
  initResponse: Uint8Array | undefined;
  /** An IKE_SA_INIT response that refuses, as it came. */
  initRefusal?: Uint8Array | undefined;
  /** The data of a COOKIE notify. */
  cookie?: Uint8Array | undefined;
  ikev2: Ikev2Facts | undefined;
  ikev1: Ikev1Facts | undefined;
}

/** Something that speaks for an implementation. `weight`: how certain it would be with nothing else, 0 to 1. */
interface Sign {
  implementation: string;
  weight: number;
  reason: string;
  version?: string;
}

/** Below this nothing is said. */
const LEAST_CONFIDENCE = 0.3;

const STRONGSWAN = 'strongSwan';
const LIBRESWAN = 'libreswan';
const OPENIKED = 'OpenIKED';

/** Products whose name is an implementation, by the beginning of what {@link VendorId} names. */
const products: readonly (readonly [name: string, implementation: string, weight: number])[] = [
  ['strongSwan', STRONGSWAN, 0.9],
  ['libreswan, Openswan or FreeS/WAN', LIBRESWAN, 0.5],
  ['libreswan', LIBRESWAN, 0.95],
  ['CAN-IKEv2 (libreswan, Openswan)', LIBRESWAN, 0.6],
  ['Opportunistic IPsec (libreswan)', LIBRESWAN, 0.8],
  ['Openswan', 'Openswan', 0.9],
  ['FreeS/WAN', 'FreeS/WAN', 0.9],
  ['OpenIKED', OPENIKED, 0.95],
  ['KAME/racoon', 'racoon', 0.8],
  ['IPSec-Tools', 'racoon', 0.9],
  ['Microsoft', 'Microsoft Windows', 0.9],
  ['MS-', 'Microsoft Windows', 0.8],
  ['Cisco VPN 3000', 'Cisco VPN 3000', 0.9],
  ['Cisco Unity', 'Cisco', 0.4],
  ['Cisco', 'Cisco', 0.9],
  ['Fortinet', 'Fortinet FortiGate', 0.9],
  ['Check Point', 'Check Point', 0.9],
  ['Juniper', 'Juniper NetScreen/ScreenOS/Junos', 0.9],
  ['SonicWall', 'SonicWall', 0.9],
  ['Sophos/Astaro', 'Sophos/Astaro', 0.8],
  ['ZyXEL', 'ZyXEL ZyWALL', 0.9],
  ['Netgear', 'Netgear', 0.8],
  ['Stonesoft', 'Stonesoft StoneGate', 0.9],
  ['Symantec Raptor', 'Symantec Raptor', 0.9],
  ['Nortel', 'Nortel Contivity', 0.9],
  ['Lucent', 'Lucent VPN Gateway', 0.9],
  ['Aruba', 'Aruba', 0.9],
  ['Sidewinder', 'Sidewinder', 0.8],
  ['CyberGuard', 'CyberGuard', 0.9],
  ['SSH', 'SSH toolkit', 0.6],
];

/** The most likely implementation, with what speaks for it; undefined: nothing does, or too little. */
export function fingerprintOf(evidence: FingerprintEvidence): Fingerprint | undefined {
  const signs = [
    ...vendorSigns(evidence.vendorIds),
    ...responseSigns(payloadsOf(evidence.initResponse)),
    ...refusalSigns(evidence.initRefusal),
    ...(evidence.cookie?.length === STRONGSWAN_COOKIE
      ? [sign(STRONGSWAN, 0.3, 'cookies of 24 bytes: a time and a SHA-1')]
      : []),
    ...ikev1Signs(evidence),
  ];
  const [best, second] = [...new Set(signs.map(({ implementation }) => implementation))]
    .map((implementation) => summary(implementation, signs))
    .sort((a, b) => b.score - a.score);
  if (best === undefined) return undefined;
  // What speaks for another one speaks against this one.
  const confidence = Math.round(best.score * (1 - (second?.score ?? 0) / 2) * 100) / 100;
  if (confidence < LEAST_CONFIDENCE) return undefined;
  const { implementation, version, reasons } = best;
  return { implementation, ...(version !== undefined && { version }), confidence, reasons };
}

function summary(implementation: string, signs: readonly Sign[]) {
  const own = signs.filter((each) => each.implementation === implementation);
  const doubt = own.reduce((rest, { weight }) => rest * (1 - weight), 1);
  return {
    implementation,
    score: 1 - doubt,
    version: own.find(({ version }) => version !== undefined)?.version,
    reasons: [...new Set(own.map(({ reason }) => reason))],
  };
}

function sign(implementation: string, weight: number, reason: string): Sign {
  return { implementation, weight, reason };
}

/** Vendor ids are copied from one another to be understood: none is proof. */
function vendorSigns(vendorIds: readonly VendorId[]): Sign[] {
  return vendorIds.flatMap(({ name, version }) => {
    const found = products.find(([prefix]) => name?.startsWith(prefix));
    if (name === undefined || found === undefined) return [];
    const [, implementation, weight] = found;
    const reason = `vendor id of ${[name, version].filter((part) => part !== undefined).join(' ')}`;
    return [{ ...sign(implementation, weight, reason), ...(version !== undefined && { version }) }];
  });
}

function payloadsOf(datagram: Uint8Array | undefined): LenientPayload[] {
  if (datagram === undefined) return [];
  try {
    return decodeMessageLenient(datagram).payloads;
  } catch (error) {
    if (error instanceof KitError) return [];
    throw error;
  }
}

/** The order in which payloads and transforms are written; seen of strongSwan 5.9, libreswan 4.10 and OpenIKED 7.2. */
function responseSigns(payloads: readonly LenientPayload[]): Sign[] {
  const notifies = payloads.flatMap((each) => (each.type === PayloadType.NOTIFY ? [each.notifyType] : []));
  const at = (type: number): number => notifies.indexOf(type);
  const natAt = at(NotifyType.NAT_DETECTION_SOURCE_IP);
  const fragmentsAt = at(NotifyType.IKEV2_FRAGMENTATION_SUPPORTED);
  const multipleAt = at(NotifyType.MULTIPLE_AUTH_SUPPORTED);
  const signs: Sign[] = [];
  if (transformOrder(payloads) === 'ENCR INTEG PRF KE') {
    signs.push(sign(STRONGSWAN, 0.6, 'integrity algorithm before PRF in the chosen proposal'));
  }
  if (multipleAt >= 0 && multipleAt === notifies.length - 1 && natAt === 0) {
    signs.push(sign(STRONGSWAN, 0.6, 'MULTIPLE_AUTH_SUPPORTED behind all other notifies'));
  }
  if (fragmentsAt === 0 && natAt > 0) {
    signs.push(sign(LIBRESWAN, 0.6, 'IKEV2_FRAGMENTATION_SUPPORTED before NAT detection'));
    if (at(NotifyType.CHILDLESS_IKEV2_SUPPORTED) === notifies.length - 1) {
      signs.push(sign(LIBRESWAN, 0.3, 'CHILDLESS_IKEV2_SUPPORTED behind all other notifies'));
    }
  }
  const types = payloads.map(({ type }) => type);
  const vendorAt = types.indexOf(PayloadType.VENDOR);
  if (vendorAt >= 0 && vendorAt === types.indexOf(PayloadType.NONCE) + 1 && natAt === 0) {
    signs.push(sign(OPENIKED, 0.3, 'vendor id between nonce and NAT detection'));
  }
  return signs;
}

const typeNames: Readonly<Record<number, string>> = {
  [TransformType.ENCR]: 'ENCR',
  [TransformType.PRF]: 'PRF',
  [TransformType.INTEG]: 'INTEG',
  [TransformType.KE]: 'KE',
};

function transformOrder(payloads: readonly LenientPayload[]): string {
  const sa = payloads.find(({ type }) => type === PayloadType.SA);
  const [proposal] = sa?.type === PayloadType.SA ? sa.proposals : [];
  return (proposal?.transforms ?? []).map(({ type }) => typeNames[type] ?? type).join(' ');
}

const SPI_R_AT = 8;
/** strongSwan's cookie: four bytes of time and a SHA-1. */
const STRONGSWAN_COOKIE = 24;

/** RFC 7296 2.6 wants a responder SPI of zero where no SA comes to be, and has initiators put up with another. */
function refusalSigns(refusal: Uint8Array | undefined): Sign[] {
  const spi = refusal?.subarray(SPI_R_AT, SPI_R_AT + 8) ?? new Uint8Array(0);
  if (spi.length < 8) return [];
  return spi.every((byte) => byte === 0)
    ? [sign(STRONGSWAN, 0.15, 'refusals without responder SPI')]
    : [
        sign(LIBRESWAN, 0.15, 'refusals with a responder SPI'),
        sign(OPENIKED, 0.15, 'refusals with a responder SPI'),
      ];
}

/** Fragmentation as strongSwan writes it, with Cisco's four bytes of capabilities, and as libreswan does, without. */
const FRAGMENTATION = '4048b7d56ebce88525e7de7f00d6c2d3';

function ikev1Signs({ vendorIds, ikev1 }: FingerprintEvidence): Sign[] {
  const has = (hex: string): boolean => vendorIds.some((vendorId) => vendorId.hex === hex);
  const undecided = ikev1?.mainMode.some(({ auth }) => auth.id === 0) ?? false;
  return [
    ...(has(`${FRAGMENTATION}80000000`)
      ? [sign(STRONGSWAN, 0.3, 'IKEv1 fragmentation announced with capabilities 80000000')]
      : []),
    ...(has(FRAGMENTATION)
      ? [sign(LIBRESWAN, 0.3, 'IKEv1 fragmentation announced without capabilities')]
      : []),
    ...(undecided
      ? [sign(STRONGSWAN, 0.4, 'Main Mode takes any authentication method in its first exchange')]
      : []),
  ];
}
