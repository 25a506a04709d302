import { ByteReader } from '../../core/bytes.js';
import { WireError } from '../../core/errors.js';
import {
  doiName,
  ikev1CertEncodingName,
  ikev1CfgTypeName,
  ikev1ConfigAttributeName,
  ikev1IdTypeName,
  ikev1NotifyName,
  ikev1ProtocolName,
} from '../../ike/v1/names.js';
import { decodeAttributes } from '../../ike/v1/sa.js';
import type {
  DataAttribute,
  Ikev1CertPayload,
  Ikev1IdPayload,
  Ikev1NotifyPayload,
  Ikev1Payload,
} from '../../ike/v1/types.js';
import { summarise } from './certificates.js';
import { describeConfigAttribute } from './configuration.js';
import {
  addressText,
  type Fields,
  hex,
  identityText,
  nameText,
  opaque,
  spiText,
  subnetText,
  uint,
} from './fields.js';
import { describeIkev1Attributes, describeIkev1Sa } from './ikev1-proposals.js';
import { describeVendor } from './ikev2.js';

const LAST_FRAGMENT = 0x01;

/** Notify types whose data has a form. */
const RESPONDER_LIFETIME = 24576;
const REPLAY_STATUS = 24577;
const R_U_THERE = 36136;
const R_U_THERE_ACK = 36137;
const UNITY_LOAD_BALANCE = 40501;

/** X.509 certificates for signatures and for key exchange. */
const x509: ReadonlySet<number> = new Set([4, 5]);

/** Fields of one IKEv1 payload. */
export function describeIkev1Payload(payload: Ikev1Payload, certificates: boolean): Fields {
  switch (payload.type) {
    case 1:
      return describeIkev1Sa(payload);
    case 5:
      return describeId(payload);
    case 6:
      return describeCert(payload, certificates);
    case 7:
      return describeCertRequest(payload);
    case 11:
      return describeNotify(payload);
    case 12:
      return {
        doi: doiName(payload.doi),
        doiNumber: payload.doi,
        protocol: ikev1ProtocolName(payload.protocolId),
        protocolNumber: payload.protocolId,
        spis: payload.spis.map(spiText),
      };
    case 13:
      return describeVendor(payload.data);
    case 14:
      return {
        cfgType: ikev1CfgTypeName(payload.cfgType),
        cfgTypeNumber: payload.cfgType,
        identifier: payload.identifier,
        attributes: payload.attributes.map(({ type, value }) =>
          describeConfigAttribute(1, ikev1ConfigAttributeName, type, bytesOf(value)),
        ),
      };
    case 21:
    case 131:
      return {
        idType: ikev1IdTypeName(payload.idType),
        idTypeNumber: payload.idType,
        address: addressText(payload.data),
      };
    case 132:
      return {
        fragmentId: payload.fragmentId,
        fragment: payload.fragmentNumber,
        last: (payload.flags & LAST_FRAGMENT) !== 0,
        bytes: payload.data.length,
      };
    case 'unknown':
      return opaque(payload.body);
    default:
      return opaque(payload.data);
  }
}

/** A value in TV form is two bytes. */
function bytesOf(value: DataAttribute['value']): Uint8Array {
  return typeof value === 'number' ? Uint8Array.of(value >> 8, value & 0xff) : value;
}

function describeId({ idType, ipProtocol, port, data }: Ikev1IdPayload): Fields {
  const fields: Fields = {
    idType: ikev1IdTypeName(idType),
    idTypeNumber: idType,
    identity: ikev1IdentityText(idType, data),
  };
  if (ipProtocol !== 0 || port !== 0) {
    fields.ipProtocol = ipProtocol;
    fields.port = port;
  }
  return fields;
}

/** Subnets (types 4 and 6) and ranges (7 and 8) are pairs of addresses; the other types are those of IKEv2. */
function ikev1IdentityText(idType: number, data: Uint8Array): string {
  const addressBytes = idType === 4 || idType === 7 ? 4 : 16;
  const isPair = idType === 4 || (idType >= 6 && idType <= 8);
  if (!isPair) return identityText({ idType, data });
  if (data.length !== 2 * addressBytes) return hex(data);
  const first = data.subarray(0, addressBytes);
  const second = data.subarray(addressBytes);
  return idType < 7 ? subnetText(first, second) : `${addressText(first)}-${addressText(second)}`;
}

function describeCert({ encoding, data }: Ikev1CertPayload, certificates: boolean): Fields {
  const fields: Fields = {
    encoding: ikev1CertEncodingName(encoding),
    encodingNumber: encoding,
    bytes: data.length,
  };
  if (x509.has(encoding) && certificates) fields.certificate = summarise(data);
  return fields;
}

/** For X.509, the distinguished name of one authority (RFC 2408 3.10). */
function describeCertRequest({ encoding, data }: Ikev1CertPayload): Fields {
  const fields: Fields = { encoding: ikev1CertEncodingName(encoding), encodingNumber: encoding };
  const authority = x509.has(encoding) ? nameText(data) : undefined;
  return authority === undefined ? { ...fields, ...opaque(data) } : { ...fields, authority };
}

function describeNotify(payload: Ikev1NotifyPayload): Fields {
  const { doi, protocolId, spi, notifyType, data } = payload;
  const fields: Fields = {
    notifyType: ikev1NotifyName(notifyType),
    notifyTypeNumber: notifyType,
    doi: doiName(doi),
    doiNumber: doi,
    protocol: ikev1ProtocolName(protocolId),
    protocolNumber: protocolId,
  };
  if (spi.length > 0) fields.spi = spiText(spi);
  return data.length === 0 ? fields : { ...fields, ...(notifyFields(payload) ?? opaque(data)) };
}

function notifyFields({ notifyType, protocolId, data }: Ikev1NotifyPayload): Fields | undefined {
  switch (notifyType) {
    case RESPONDER_LIFETIME:
      return lifetimes(protocolId, data);
    case REPLAY_STATUS:
      return data.length === 4 ? { replayDetection: uint(data) === 1 } : undefined;
    case R_U_THERE:
    case R_U_THERE_ACK:
      return data.length === 4 ? { sequence: uint(data) } : undefined;
    case UNITY_LOAD_BALANCE:
      return data.length === 4 ? { address: addressText(data) } : undefined;
    default:
      return undefined;
  }
}

/** RFC 2407 4.6.3.1: the attributes that the responder chose. */
function lifetimes(protocolId: number, data: Uint8Array): Fields | undefined {
  try {
    return { attributes: describeIkev1Attributes(protocolId, decodeAttributes(new ByteReader(data))) };
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
