import { transformName } from '../../crypto/registry.js';
import { TransformType } from '../../crypto/transform.js';
import {
  authMethodName,
  gatewayIdentityName,
  hashAlgorithmName,
  ipcompName,
  payloadName,
  ppkIdTypeName,
  rohcAttributeName,
  securePasswordMethodName,
} from '../../ike/wire/names.js';
import { NotifyType } from '../../ike/wire/notify.js';
import { signatureAlgorithmName } from './algorithm-identifiers.js';
import { addressText, type Fields, hex, opaque, text, uint, uint16List } from './fields.js';

/** Reads the data of one notify type; undefined when it does not have the form its RFC gives it. */
type Reader = (data: Uint8Array) => Fields | undefined;

const readers: Readonly<Record<number, Reader>> = {
  [NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD]: (data) =>
    data.length === 1 ? { payload: payloadName(data[0]!), payloadNumber: data[0] } : undefined,
  [NotifyType.INVALID_MAJOR_VERSION]: number('highestVersion', 1),
  [NotifyType.INVALID_MESSAGE_ID]: number('messageId', 4),
  [NotifyType.INVALID_KE_PAYLOAD]: (data) =>
    data.length === 2
      ? { group: transformName(TransformType.KE, uint(data)), groupNumber: uint(data) }
      : undefined,
  [NotifyType.SET_WINDOW_SIZE]: number('windowSize', 4),
  [NotifyType.IPCOMP_SUPPORTED]: (data) =>
    data.length >= 3
      ? { cpi: uint(data.subarray(0, 2)), transform: ipcompName(data[2]!), transformNumber: data[2] }
      : undefined,
  [NotifyType.ADDITIONAL_IP4_ADDRESS]: address,
  [NotifyType.ADDITIONAL_IP6_ADDRESS]: address,
  [NotifyType.AUTH_LIFETIME]: number('seconds', 4),
  [NotifyType.REDIRECT]: gateway,
  [NotifyType.REDIRECTED_FROM]: gateway,
  [NotifyType.TICKET_LT_OPAQUE]: (data) =>
    data.length >= 4 ? { seconds: uint(data.subarray(0, 4)), ...opaque(data.subarray(4)) } : undefined,
  [NotifyType.ROHC_SUPPORTED]: rohc,
  [NotifyType.IKEV2_MESSAGE_ID_SYNC]: (data) =>
    data.length === 12
      ? {
          nonce: hex(data.subarray(0, 4)),
          expectedSend: uint(data.subarray(4, 8)),
          expectedReceive: uint(data.subarray(8)),
        }
      : undefined,
  [NotifyType.IPSEC_REPLAY_COUNTER_SYNC]: (data) =>
    data.length === 4 || data.length === 8 ? { delta: `0x${hex(data)}` } : undefined,
  [NotifyType.SECURE_PASSWORD_METHODS]: names('methods', securePasswordMethodName),
  [NotifyType.SIGNATURE_HASH_ALGORITHMS]: names('hashes', hashAlgorithmName),
  [NotifyType.PUZZLE]: (data) =>
    data.length >= 3
      ? { prf: transformName(TransformType.PRF, uint(data.subarray(0, 2))), difficulty: data[2] }
      : undefined,
  [NotifyType.PPK_IDENTITY]: (data) =>
    data.length >= 1
      ? { idType: ppkIdTypeName(data[0]!), idTypeNumber: data[0], identity: text(data.subarray(1)) }
      : undefined,
  [NotifyType.USE_AGGFRAG]: (data) =>
    data.length === 1
      ? { congestionControl: (data[0]! & 2) !== 0, dontFragment: (data[0]! & 1) !== 0 }
      : undefined,
  [NotifyType.SUPPORTED_AUTH_METHODS]: authMethods,
};

/** Fields of the data of a notify: decoded where its type is known to have a form, else its size and hex. */
export function describeNotifyData(notifyType: number, data: Uint8Array): Fields {
  if (data.length === 0) return {};
  return readers[notifyType]?.(data) ?? opaque(data);
}

function number(name: string, bytes: number): Reader {
  return (data) => (data.length === bytes ? { [name]: uint(data) } : undefined);
}

function names(name: string, nameOf: (value: number) => string): Reader {
  return (data) => ({ [name]: uint16List(data).map(nameOf) });
}

function address(data: Uint8Array): Fields | undefined {
  return data.length === 4 || data.length === 16 ? { address: addressText(data) } : undefined;
}

/** RFC 5685 3.2: gateway identity type, length, identity, and the nonce of the request where there is one. */
function gateway(data: Uint8Array): Fields | undefined {
  const [type = 0, size = 0] = data;
  if (data.length < 2 + size) return undefined;
  const id = data.subarray(2, 2 + size);
  const fields: Fields = {
    gatewayType: gatewayIdentityName(type),
    gatewayTypeNumber: type,
    gateway: type === 3 ? text(id) : addressText(id),
  };
  if (data.length > 2 + size) fields.nonce = hex(data.subarray(2 + size));
  return fields;
}

/** RFC 5857 3.1: attributes in TV or TLV form, as in transforms. */
function rohc(data: Uint8Array): Fields | undefined {
  const attributes: Fields[] = [];
  for (let at = 0; at < data.length; ) {
    if (at + 4 > data.length) return undefined;
    const head = uint(data.subarray(at, at + 2));
    const field = uint(data.subarray(at + 2, at + 4));
    const isShort = (head & 0x8000) !== 0;
    const type = head & 0x7fff;
    const value = isShort ? field : hex(data.subarray(at + 4, at + 4 + field));
    attributes.push({ type: rohcAttributeName(type), typeNumber: type, value });
    at += isShort ? 4 : 4 + field;
  }
  return { attributes };
}

/** RFC 9593 3.2: announcements of two bytes, of three with a link to a CERTREQ, or with an AlgorithmIdentifier. */
function authMethods(data: Uint8Array): Fields | undefined {
  const methods: Fields[] = [];
  for (let at = 0; at < data.length; ) {
    const [size = 0, method = 0, certificateLink] = data.subarray(at);
    if (size < 2 || at + size > data.length) return undefined;
    const fields: Fields = { method: authMethodName(method), methodNumber: method };
    if (size > 2) fields.certificateLink = certificateLink;
    const algorithm = size > 3 ? signatureAlgorithmName(data.subarray(at + 3, at + size)) : undefined;
    if (algorithm !== undefined) fields.signatureAlgorithm = algorithm;
    methods.push(fields);
    at += size;
  }
  return { methods };
}
