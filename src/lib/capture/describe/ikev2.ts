import { transformName } from '../../crypto/registry.js';
import { TransformType } from '../../crypto/transform.js';
import { formatSelector } from '../../ike/traffic-selectors.js';
import {
  authMethodName,
  certEncodingName,
  cfgTypeName,
  configAttributeName,
  idTypeName,
  payloadName,
  protocolName,
  tsTypeName,
} from '../../ike/wire/names.js';
import { notifyName } from '../../ike/wire/notify.js';
import type {
  AuthPayload,
  CertPayload,
  CertReqPayload,
  NotifyPayload,
  Payload,
  TrafficSelector,
  UnknownTrafficSelector,
} from '../../ike/wire/types.js';
import { signatureAlgorithmName } from './algorithm-identifiers.js';
import { summarise } from './certificates.js';
import { describeConfigAttribute } from './configuration.js';
import { describeEap } from './eap.js';
import { addressText, type Fields, hex, identityText, opaque, spiText, text } from './fields.js';
import { describeNotifyData } from './notify-data.js';
import { describeSa } from './proposals.js';
import { vendorName } from './vendor-ids.js';

const DIGITAL_SIGNATURE = 14;
const X509_SIGNATURE = 4;
const HASH_AND_URL = 12;
const HASH_AND_URL_BUNDLE = 13;
const SHA1_BYTES = 20;

/** Fields of one IKEv2 payload. */
export function describeIkev2Payload(payload: Payload, certificates: boolean): Fields {
  switch (payload.type) {
    case 33:
      return describeSa(payload);
    case 34:
      return {
        group: transformName(TransformType.KE, payload.group),
        groupNumber: payload.group,
        ...opaque(payload.data),
      };
    case 35:
    case 36:
      return {
        idType: idTypeName(payload.idType),
        idTypeNumber: payload.idType,
        identity: identityText(payload),
      };
    case 37:
      return describeCert(payload, certificates);
    case 38:
      return describeCertReq(payload);
    case 39:
      return describeAuth(payload);
    case 40:
      return opaque(payload.data);
    case 41:
      return describeNotify(payload);
    case 42:
      return {
        protocol: protocolName(payload.protocolId),
        protocolNumber: payload.protocolId,
        spis: payload.spis.map(spiText),
      };
    case 43:
      return describeVendor(payload.data);
    case 44:
    case 45:
      return { selectors: payload.selectors.map(describeSelector) };
    case 46:
      return sealed(payload.nextPayload, payload.body);
    case 53:
      return {
        fragment: payload.fragmentNumber,
        totalFragments: payload.totalFragments,
        ...sealed(payload.nextPayload, payload.body),
      };
    case 47:
      return {
        cfgType: cfgTypeName(payload.cfgType),
        cfgTypeNumber: payload.cfgType,
        attributes: payload.attributes.map(({ type, value }) =>
          describeConfigAttribute(2, configAttributeName, type, value),
        ),
      };
    case 48:
      return describeEap(payload.message);
    case 'unknown':
      return opaque(payload.body);
  }
}

/** Name, where it is known, and the bytes of a vendor id. */
export function describeVendor(data: Uint8Array): Fields {
  const name = vendorName(data);
  return name === undefined ? opaque(data) : { name, ...opaque(data) };
}

/** What can be told of a closed payload without its keys. */
function sealed(nextPayload: number, body: Uint8Array): Fields {
  return { firstPayload: payloadName(nextPayload), firstPayloadNumber: nextPayload, bytes: body.length };
}

function describeCert({ encoding, data }: CertPayload, certificates: boolean): Fields {
  const fields: Fields = {
    encoding: certEncodingName(encoding),
    encodingNumber: encoding,
    bytes: data.length,
  };
  if (encoding === X509_SIGNATURE && certificates) fields.certificate = summarise(data);
  if (encoding === HASH_AND_URL || encoding === HASH_AND_URL_BUNDLE) {
    fields.sha1 = hex(data.subarray(0, SHA1_BYTES));
    fields.url = text(data.subarray(SHA1_BYTES));
  }
  return fields;
}

/** For X.509, the SHA-1 of the public key of each trusted authority (RFC 7296 3.7). */
function describeCertReq({ encoding, data }: CertReqPayload): Fields {
  const fields: Fields = { encoding: certEncodingName(encoding), encodingNumber: encoding };
  if (encoding !== X509_SIGNATURE || data.length % SHA1_BYTES !== 0) return { ...fields, ...opaque(data) };
  const authorities: string[] = [];
  for (let at = 0; at < data.length; at += SHA1_BYTES)
    authorities.push(hex(data.subarray(at, at + SHA1_BYTES)));
  return { ...fields, authorities };
}

/** With method 14, the length of an AlgorithmIdentifier and that itself come first (RFC 7427 3). */
function describeAuth({ method, data }: AuthPayload): Fields {
  const fields: Fields = { method: authMethodName(method), methodNumber: method };
  if (method === DIGITAL_SIGNATURE && data.length > 1) {
    fields.signatureAlgorithm = signatureAlgorithmName(data.subarray(1)) ?? 'unknown';
  }
  return { ...fields, ...opaque(data) };
}

function describeNotify({ protocolId, spi, notifyType, data }: NotifyPayload): Fields {
  const fields: Fields = { notifyType: notifyName(notifyType), notifyTypeNumber: notifyType };
  if (protocolId !== 0) {
    fields.protocol = protocolName(protocolId);
    fields.protocolNumber = protocolId;
  }
  if (spi.length > 0) fields.spi = spiText(spi);
  return data.length === 0 ? fields : Object.assign(fields, describeNotifyData(notifyType, data));
}

function describeSelector(selector: TrafficSelector | UnknownTrafficSelector): Fields {
  if (selector.type === 'unknown') {
    return {
      text: tsTypeName(selector.selectorType),
      type: tsTypeName(selector.selectorType),
      typeNumber: selector.selectorType,
      ipProtocol: selector.ipProtocol,
      ...opaque(selector.raw),
    };
  }
  return {
    text: selectorText(selector),
    type: tsTypeName(selector.type),
    typeNumber: selector.type,
    ipProtocol: selector.ipProtocol,
    startPort: selector.startPort,
    endPort: selector.endPort,
    startAddress: addressText(selector.startAddress),
    endAddress: addressText(selector.endAddress),
  };
}

/**
 * As `formatSelector`, which splits a range into CIDRs to see whether it is one; a message full of crooked ranges would
 * take seconds that way, so they are written as ranges at once.
 */
function selectorText(selector: TrafficSelector): string {
  if (isCidr(selector)) return formatSelector(selector);
  const { startAddress, endAddress } = selector;
  const scope = formatSelector({ ...selector, endAddress: startAddress }).replace(/^[^[]*/, '');
  return `${addressText(startAddress)}-${addressText(endAddress)}${scope}`;
}

/** Whether a range is a network: equal leading bits, then all zeros at its start and all ones at its end. */
function isCidr({ startAddress, endAddress }: TrafficSelector): boolean {
  let isHost = false;
  for (let i = 0; i < startAddress.length; i++) {
    const start = startAddress[i]!;
    const end = endAddress[i]!;
    const difference = start ^ end;
    if (isHost) {
      if (start !== 0 || end !== 0xff) return false;
    } else if (difference !== 0) {
      if ((difference & (difference + 1)) !== 0 || (start & difference) !== 0) return false;
      isHost = true;
    }
  }
  return true;
}
