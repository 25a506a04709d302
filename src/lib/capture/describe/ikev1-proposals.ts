import { formatKeyword } from '../../crypto/keywords.js';
import { transformName } from '../../crypto/registry.js';
import { TransformType } from '../../crypto/transform.js';
import {
  authAlgorithmName,
  doiName,
  ecnTunnelName,
  encapsulationModeName,
  groupTypeName,
  ikev1ProtocolName,
  ikev1TransformName,
  lifeTypeName,
  phase1AttributeName,
  phase1AuthMethodName,
  phase1EncryptionName,
  phase1HashName,
  phase2AttributeName,
} from '../../ike/v1/names.js';
import type { DataAttribute, Ikev1Proposal, Ikev1SaPayload, Ikev1Transform } from '../../ike/v1/types.js';
import { type Fields, hex, spiText, uint } from './fields.js';

const PROTO_ISAKMP = 1;
const PROTO_ESP = 3;

/** Groups 3 and 4 exist in IKEv1 only (RFC 2409 6.3, 6.4); the other numbers are those of IKEv2. */
function groupName(group: number): string {
  if (group === 3) return 'EC2N group on GP[2^155]';
  if (group === 4) return 'EC2N group on GP[2^185]';
  return transformName(TransformType.KE, group);
}

type Namer = (value: number) => string;

const phase1Values: Readonly<Record<number, Namer>> = {
  1: phase1EncryptionName,
  2: phase1HashName,
  3: phase1AuthMethodName,
  4: groupName,
  5: groupTypeName,
  11: lifeTypeName,
};

const phase2Values: Readonly<Record<number, Namer>> = {
  1: lifeTypeName,
  3: groupName,
  4: encapsulationModeName,
  5: authAlgorithmName,
  10: ecnTunnelName,
};

/** Fields of an SA payload (RFC 2408 3.4, RFC 2407 4.6.1). */
export function describeIkev1Sa({ doi, situation, proposals }: Ikev1SaPayload): Fields {
  return {
    doi: doiName(doi),
    doiNumber: doi,
    situation: situationText(doi, situation),
    proposals: proposals.map(describeProposal),
  };
}

function situationText(doi: number, situation: Uint8Array): string {
  if (doi !== 1) return hex(situation);
  const bits = uint(situation.subarray(0, 4));
  const names = ['SIT_IDENTITY_ONLY', 'SIT_SECRECY', 'SIT_INTEGRITY'].filter(
    (_, i) => (bits & (1 << i)) !== 0,
  );
  return names.length > 0 ? names.join(' | ') : hex(situation);
}

function describeProposal({ number, protocolId, spi, transforms }: Ikev1Proposal): Fields {
  const described = transforms.map((transform) => describeTransform(protocolId, transform));
  const fields: Fields = { number, protocol: ikev1ProtocolName(protocolId), protocolNumber: protocolId };
  if (spi.length > 0) fields.spi = spiText(spi);
  fields.transforms = described;
  fields.text = described.map((transform) => transform.text).join(', ');
  return fields;
}

function describeTransform(protocolId: number, { number, id, attributes }: Ikev1Transform) {
  return {
    number,
    name: ikev1TransformName(protocolId, id),
    id,
    attributes: describeIkev1Attributes(protocolId, attributes),
    text: protocolId === PROTO_ISAKMP ? phase1Text(attributes) : phase2Text(protocolId, id, attributes),
  };
}

/** SA attributes by name, each with its number and, where the number stands for something, the `name` of the value. */
export function describeIkev1Attributes(protocolId: number, attributes: readonly DataAttribute[]): Fields[] {
  const isPhase1 = protocolId === PROTO_ISAKMP;
  return attributes.map(({ type, value }) => {
    const number = numeric(value);
    const fields: Fields = {
      type: isPhase1 ? phase1AttributeName(type) : phase2AttributeName(type),
      typeNumber: type,
      value: number ?? (typeof value === 'number' ? value : hex(value)),
    };
    const nameOf = (isPhase1 ? phase1Values : phase2Values)[type];
    if (nameOf !== undefined && number !== undefined) fields.name = nameOf(number);
    return fields;
  });
}

/** Lifetimes often, and short values sometimes, come in TLV form. */
function numeric(value: number | Uint8Array): number | undefined {
  if (typeof value === 'number') return value;
  return value.length > 0 && value.length <= 4 ? uint(value) : undefined;
}

function numberOf(attributes: readonly DataAttribute[], type: number): number | undefined {
  const found = attributes.find((attribute) => attribute.type === type);
  return found && numeric(found.value);
}

/** Encryption algorithms of phase 1, and hashes, as the transforms of IKEv2 that share their keyword. */
const phase1Encr: Readonly<Record<number, number>> = { 1: 2, 2: 5, 3: 7, 4: 4, 5: 3, 6: 6, 7: 12, 8: 23 };
const phase1Integ: Readonly<Record<number, number>> = { 1: 1, 2: 2, 4: 12, 5: 13, 6: 14 };

/** `aes256-sha256-modp2048 (pre-shared key)`. */
function phase1Text(attributes: readonly DataAttribute[]): string {
  const encryption = numberOf(attributes, 1);
  const hash = numberOf(attributes, 2);
  const method = numberOf(attributes, 3);
  const words = [
    encryption &&
      cipherWord(phase1Encr[encryption], numberOf(attributes, 14), phase1EncryptionName(encryption)),
    hash && word(TransformType.INTEG, phase1Integ[hash], phase1HashName(hash)),
    groupWord(numberOf(attributes, 4)),
  ].filter(Boolean);
  return `${words.join('-')}${method === undefined ? '' : ` (${phase1AuthMethodName(method)})`}`;
}

/** ESP transform ids are those of IKEv2 up to AES-GCM; authentication algorithms have numbers of their own. */
const phase2Encr: Readonly<Record<number, number>> = { 22: 23, 23: 21 };
const phase2Integ: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 3, 4: 4, 5: 12, 6: 13, 7: 14, 9: 5 };

/** `aes256-sha1-modp1024 (Tunnel)`. */
function phase2Text(protocolId: number, id: number, attributes: readonly DataAttribute[]): string {
  const authentication = numberOf(attributes, 5);
  const mode = numberOf(attributes, 4);
  const name = ikev1TransformName(protocolId, id);
  const words = [
    protocolId === PROTO_ESP
      ? cipherWord(phase2Encr[id] ?? id, numberOf(attributes, 6), name)
      : name.toLowerCase(),
    authentication &&
      word(TransformType.INTEG, phase2Integ[authentication], authAlgorithmName(authentication)),
    groupWord(numberOf(attributes, 3)),
  ].filter(Boolean);
  return `${words.join('-')}${mode === undefined ? '' : ` (${encapsulationModeName(mode)})`}`;
}

function cipherWord(id: number | undefined, keyLength: number | undefined, name: string): string {
  if (id === undefined) return name.toLowerCase();
  return formatKeyword({ type: TransformType.ENCR, id, ...(keyLength !== undefined && { keyLength }) });
}

function groupWord(group: number | undefined): string | undefined {
  return group === undefined ? undefined : word(TransformType.KE, group, groupName(group));
}

function word(type: 3 | 4, id: number | undefined, name: string): string {
  return id === undefined ? name.toLowerCase() : formatKeyword({ type, id });
}
