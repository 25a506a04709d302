import { keTransform, transformName } from '../../crypto/registry.js';
import { TransformType } from '../../crypto/transform.js';
import { phase1AuthMethodName, phase1EncryptionName, phase1HashName } from '../../ike/v1/names.js';
import type { DataAttribute, Ikev1SaPayload, Ikev1Transform } from '../../ike/v1/types.js';
import type { Ikev1Suite } from '../types.js';

/** What one phase 1 transform negotiates, by the numbers of RFC 2409 appendix A; groups are those of IKEv2. */
export interface Phase1 {
  encr: number;
  /** Bits, where the cipher has a choice. */
  keyLength?: number;
  hash: number;
  auth: number;
  group: number;
}

/** A cipher with its key length. */
export type Cipher = Pick<Phase1, 'encr' | 'keyLength'>;

export const Attribute = {
  ENCRYPTION: 1,
  HASH: 2,
  AUTH: 3,
  GROUP: 4,
  LIFE_TYPE: 11,
  LIFE_DURATION: 12,
  KEY_LENGTH: 14,
} as const;

export const Encryption = {
  DES: 1,
  IDEA: 2,
  BLOWFISH: 3,
  RC5: 4,
  TRIPLE_DES: 5,
  CAST: 6,
  AES: 7,
  CAMELLIA: 8,
} as const;

export const Hash = { MD5: 1, SHA1: 2, SHA256: 4, SHA384: 5, SHA512: 6 } as const;

export const Auth = {
  PSK: 1,
  DSS: 2,
  RSA: 3,
  RSA_ENCRYPTION: 4,
  RSA_REVISED_ENCRYPTION: 5,
  ECDSA_256: 9,
  ECDSA_384: 10,
  ECDSA_521: 11,
  HYBRID_RSA: 64221,
  XAUTH_PSK: 65001,
  XAUTH_RSA: 65005,
} as const;

/** Stands for the authentication method where the gateway has not decided on one: a number that means nothing. */
export const UNDECIDED_AUTH = 0;

const SECONDS = 1;
/** Eight hours, what everybody offers; some gateways refuse transforms without a lifetime. */
const LIFETIME = 28_800;
const KEY_IKE = 1;
export const PROTO_ISAKMP = 1;
export const IPSEC_DOI = 1;
const SIT_IDENTITY_ONLY = Uint8Array.of(0, 0, 0, 1);

/** Bytes that one transform takes in a message, at most. */
export const TRANSFORM_BYTES = 36;

/** A key that is the same for the same algorithms. */
export function phase1Key({ encr, keyLength, hash, auth, group }: Phase1): string {
  return [encr, keyLength ?? '', hash, auth, group].join('/');
}

/** The SA payload that offers all of these, in one proposal, as RFC 2409 5 wants it. */
export function offerOf(candidates: readonly Phase1[]): Ikev1SaPayload {
  const transforms = candidates.map(
    (candidate, i): Ikev1Transform => ({
      number: i + 1,
      id: KEY_IKE,
      attributes: attributesOf(candidate),
    }),
  );
  const proposal = { number: 1, protocolId: PROTO_ISAKMP, spi: new Uint8Array(0), transforms };
  return { type: 1, doi: IPSEC_DOI, situation: SIT_IDENTITY_ONLY, proposals: [proposal] };
}

function attributesOf({ encr, keyLength, hash, auth, group }: Phase1): DataAttribute[] {
  return [
    { type: Attribute.ENCRYPTION, value: encr },
    ...(keyLength === undefined ? [] : [{ type: Attribute.KEY_LENGTH, value: keyLength }]),
    { type: Attribute.HASH, value: hash },
    { type: Attribute.AUTH, value: auth },
    { type: Attribute.GROUP, value: group },
    { type: Attribute.LIFE_TYPE, value: SECONDS },
    { type: Attribute.LIFE_DURATION, value: LIFETIME },
  ];
}

/** What a gateway chose, with the number of the transform, which is that of the offer (RFC 2408 4.2). */
export interface ChosenPhase1 extends Phase1 {
  number: number;
}

/** Undefined when the answer is not one complete transform. */
export function chosenOf({ proposals }: Ikev1SaPayload): ChosenPhase1 | undefined {
  const transforms = proposals.flatMap((proposal) => proposal.transforms);
  const [transform] = transforms;
  if (transform === undefined || transforms.length > 1) return undefined;
  const value = (type: number): number | undefined => numberOf(transform.attributes, type);
  const encr = value(Attribute.ENCRYPTION);
  const hash = value(Attribute.HASH);
  const auth = value(Attribute.AUTH);
  const group = value(Attribute.GROUP);
  const keyLength = value(Attribute.KEY_LENGTH);
  if (encr === undefined || hash === undefined || auth === undefined || group === undefined) return undefined;
  const { number } = transform;
  return { number, encr, hash, auth, group, ...(keyLength !== undefined && { keyLength }) };
}

/** Numbers that fit two bytes are also met in TLV form. */
function numberOf(attributes: readonly DataAttribute[], type: number): number | undefined {
  const found = attributes.find((attribute) => attribute.type === type)?.value;
  if (found === undefined || typeof found === 'number') return found;
  return found.length <= 4 ? found.reduce((sum, byte) => sum * 256 + byte, 0) : undefined;
}

/** Whether a gateway's choice is this candidate, whatever the method. A key length left out is that of the offer. */
function isChoice(candidate: Phase1, chosen: Phase1): boolean {
  return (
    candidate.encr === chosen.encr &&
    candidate.hash === chosen.hash &&
    candidate.group === chosen.group &&
    (chosen.keyLength === undefined || candidate.keyLength === chosen.keyLength)
  );
}

/**
 * The candidate that was chosen, of the method that was chosen where there are several. Where the key length was left out,
 * the number of the transform says which; undefined when that is no help either.
 */
export function matching(
  candidates: readonly Phase1[],
  chosen: ChosenPhase1 | undefined,
): Phase1 | undefined {
  if (chosen === undefined) return undefined;
  const equal = candidates.filter((candidate) => isChoice(candidate, chosen));
  const ofMethod = equal.filter(({ auth }) => auth === chosen.auth);
  const fitting = ofMethod.length > 0 ? ofMethod : equal;
  const lengths = new Set(fitting.map(({ keyLength }) => keyLength));
  if (lengths.size <= 1) return fitting[0];
  return fitting.find((candidate) => candidate === candidates[chosen.number - 1]);
}

/** The suite with its names. */
export function suiteOf({ encr, keyLength, hash, auth, group }: Phase1): Ikev1Suite {
  return {
    encr: { id: encr, name: phase1EncryptionName(encr), ...(keyLength !== undefined && { keyLength }) },
    hash: { id: hash, name: phase1HashName(hash) },
    auth: { id: auth, name: auth === UNDECIDED_AUTH ? 'not decided yet' : phase1AuthMethodName(auth) },
    group: { id: group, name: groupName(group) },
  };
}

function groupName(group: number): string {
  return keTransform(group)?.name ?? transformName(TransformType.KE, group);
}

/** A suite in a few words, e.g. `AES-CBC-256, SHA, pre-shared key, group 14`. */
export function phase1Text({ encr, keyLength, hash, auth, group }: Phase1): string {
  const cipher = [phase1EncryptionName(encr), ...(keyLength === undefined ? [] : [keyLength])].join('-');
  return `${cipher}, ${phase1HashName(hash)}, ${phase1AuthMethodName(auth)}, group ${group}`;
}
