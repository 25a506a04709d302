import { namer } from '../wire/name-table.js';

/*
 * Names from IANA's registries "Magic Numbers for ISAKMP Protocol" and "Internet Key Exchange (IKE) Attributes", both
 * closed by RFC 9395, and from the drafts that never reached them (Mode-Config, XAUTH, NAT-T). Numbers without a name
 * become PREFIX_number. Group numbers are those of IKEv2 and named by the algorithm registry.
 */

/** Exchange types. */
export const ikev1ExchangeName = namer('EXCHANGE', {
  0: 'NONE',
  1: 'Base',
  2: 'Identity Protection (Main Mode)',
  3: 'Authentication Only',
  4: 'Aggressive',
  5: 'Informational',
  6: 'Transaction (Config Mode)',
  32: 'Quick Mode',
  33: 'New Group Mode',
});

/** Payload types in the notation of the RFCs; 15 to 19 and 22 are GDOI's (RFC 6407), 130 to 132 private ones. */
export const ikev1PayloadName = namer('PAYLOAD', {
  0: 'NONE',
  1: 'SA',
  2: 'P',
  3: 'T',
  4: 'KE',
  5: 'ID',
  6: 'CERT',
  7: 'CR',
  8: 'HASH',
  9: 'SIG',
  10: 'NONCE',
  11: 'N',
  12: 'D',
  13: 'VID',
  14: 'ATTR',
  15: 'SAK',
  16: 'SAT',
  17: 'KD',
  18: 'SEQ',
  19: 'POP',
  20: 'NAT-D',
  21: 'NAT-OA',
  22: 'GAP',
  130: 'NAT-D',
  131: 'NAT-OA',
  132: 'FRAGMENT',
});

/** Domains of interpretation. */
export const doiName = namer('DOI', { 0: 'ISAKMP', 1: 'IPSEC', 2: 'GDOI' });

/** Security protocol identifiers. */
export const ikev1ProtocolName = namer('PROTO', {
  0: 'RESERVED',
  1: 'PROTO_ISAKMP',
  2: 'PROTO_IPSEC_AH',
  3: 'PROTO_IPSEC_ESP',
  4: 'PROTO_IPCOMP',
  5: 'PROTO_GIGABEAM_RADIO',
});

const ahTransformName = namer('AH', {
  2: 'AH_MD5',
  3: 'AH_SHA',
  4: 'AH_DES',
  5: 'AH_SHA2-256',
  6: 'AH_SHA2-384',
  7: 'AH_SHA2-512',
  8: 'AH_RIPEMD',
  9: 'AH_AES-XCBC-MAC',
  10: 'AH_RSA',
  11: 'AH_AES-128-GMAC',
  12: 'AH_AES-192-GMAC',
  13: 'AH_AES-256-GMAC',
});

const espTransformName = namer('ESP', {
  1: 'ESP_DES_IV64',
  2: 'ESP_DES',
  3: 'ESP_3DES',
  4: 'ESP_RC5',
  5: 'ESP_IDEA',
  6: 'ESP_CAST',
  7: 'ESP_BLOWFISH',
  8: 'ESP_3IDEA',
  9: 'ESP_DES_IV32',
  10: 'ESP_RC4',
  11: 'ESP_NULL',
  12: 'ESP_AES-CBC',
  13: 'ESP_AES-CTR',
  14: 'ESP_AES-CCM_8',
  15: 'ESP_AES-CCM_12',
  16: 'ESP_AES-CCM_16',
  18: 'ESP_AES-GCM_8',
  19: 'ESP_AES-GCM_12',
  20: 'ESP_AES-GCM_16',
  21: 'ESP_SEED_CBC',
  22: 'ESP_CAMELLIA',
  23: 'ESP_NULL_AUTH_AES-GMAC',
});

const ipcompTransformName = namer('IPCOMP', {
  1: 'IPCOMP_OUI',
  2: 'IPCOMP_DEFLATE',
  3: 'IPCOMP_LZS',
  4: 'IPCOMP_LZJH',
});

const isakmpTransformName = namer('ISAKMP', { 1: 'KEY_IKE' });
const unknownTransformName = namer('TRANSFORM', {});

/** Transform identifiers of a protocol. */
export function ikev1TransformName(protocolId: number, id: number): string {
  switch (protocolId) {
    case 1:
      return isakmpTransformName(id);
    case 2:
      return ahTransformName(id);
    case 3:
      return espTransformName(id);
    case 4:
      return ipcompTransformName(id);
    default:
      return unknownTransformName(id);
  }
}

/** Attribute classes of phase 1 (RFC 2409 appendix A). */
export const phase1AttributeName = namer('ATTRIBUTE', {
  1: 'Encryption Algorithm',
  2: 'Hash Algorithm',
  3: 'Authentication Method',
  4: 'Group Description',
  5: 'Group Type',
  6: 'Group Prime/Irreducible Polynomial',
  7: 'Group Generator One',
  8: 'Group Generator Two',
  9: 'Group Curve A',
  10: 'Group Curve B',
  11: 'Life Type',
  12: 'Life Duration',
  13: 'PRF',
  14: 'Key Length',
  15: 'Field Size',
  16: 'Group Order',
});

/** Attribute classes of phase 2 (RFC 2407 4.5). */
export const phase2AttributeName = namer('ATTRIBUTE', {
  1: 'SA Life Type',
  2: 'SA Life Duration',
  3: 'Group Description',
  4: 'Encapsulation Mode',
  5: 'Authentication Algorithm',
  6: 'Key Length',
  7: 'Key Rounds',
  8: 'Compress Dictionary Size',
  9: 'Compress Private Algorithm',
  10: 'ECN Tunnel',
  11: 'Extended (64-bit) Sequence Number',
  12: 'Authentication Key Length',
  13: 'Signature Encoding Algorithm',
  14: 'Address Preservation',
  15: 'SA Direction',
});

export const phase1EncryptionName = namer('ENCR', {
  1: 'DES-CBC',
  2: 'IDEA-CBC',
  3: 'Blowfish-CBC',
  4: 'RC5-R16-B64-CBC',
  5: '3DES-CBC',
  6: 'CAST-CBC',
  7: 'AES-CBC',
  8: 'CAMELLIA-CBC',
});

export const phase1HashName = namer('HASH', {
  1: 'MD5',
  2: 'SHA',
  3: 'Tiger',
  4: 'SHA2-256',
  5: 'SHA2-384',
  6: 'SHA2-512',
});

/** IPsec authentication methods; those above 64000 are of draft-ietf-ipsec-isakmp-hybrid-auth and -xauth. */
export const phase1AuthMethodName = namer('AUTH', {
  1: 'pre-shared key',
  2: 'DSS signatures',
  3: 'RSA signatures',
  4: 'Encryption with RSA',
  5: 'Revised encryption with RSA',
  9: 'ECDSA with SHA-256 on the P-256 curve',
  10: 'ECDSA with SHA-384 on the P-384 curve',
  11: 'ECDSA with SHA-512 on the P-521 curve',
  64221: 'HybridInitRSA',
  64222: 'HybridRespRSA',
  64223: 'HybridInitDSS',
  64224: 'HybridRespDSS',
  65001: 'XAUTHInitPreShared',
  65002: 'XAUTHRespPreShared',
  65003: 'XAUTHInitDSS',
  65004: 'XAUTHRespDSS',
  65005: 'XAUTHInitRSA',
  65006: 'XAUTHRespRSA',
  65007: 'XAUTHInitRSAEncryption',
  65008: 'XAUTHRespRSAEncryption',
  65009: 'XAUTHInitRSARevisedEncryption',
  65010: 'XAUTHRespRSARevisedEncryption',
});

export const groupTypeName = namer('GROUP_TYPE', { 1: 'MODP', 2: 'ECP', 3: 'EC2N' });
export const lifeTypeName = namer('LIFE_TYPE', { 1: 'seconds', 2: 'kilobytes' });
/** 61440 and up come from vendors and from the NAT-T drafts before RFC 3947. */
export const encapsulationModeName = namer('MODE', {
  1: 'Tunnel',
  2: 'Transport',
  3: 'UDP-Encapsulated-Tunnel',
  4: 'UDP-Encapsulated-Transport',
  61440: 'Check Point UDP-Encapsulated-Tunnel',
  61443: 'UDP-Encapsulated-Tunnel (draft)',
  61444: 'UDP-Encapsulated-Transport (draft)',
});
export const authAlgorithmName = namer('AUTH', {
  1: 'HMAC-MD5',
  2: 'HMAC-SHA',
  3: 'DES-MAC',
  4: 'KPDK',
  5: 'HMAC-SHA2-256',
  6: 'HMAC-SHA2-384',
  7: 'HMAC-SHA2-512',
  8: 'HMAC-RIPEMD',
  9: 'AES-XCBC-MAC',
  10: 'SIG-RSA',
  11: 'AES-128-GMAC',
  12: 'AES-192-GMAC',
  13: 'AES-256-GMAC',
});
export const ecnTunnelName = namer('ECN', { 1: 'Allowed', 2: 'Forbidden' });

/** Identification types (RFC 2407 4.6.2.1). */
export const ikev1IdTypeName = namer('ID', {
  1: 'ID_IPV4_ADDR',
  2: 'ID_FQDN',
  3: 'ID_USER_FQDN',
  4: 'ID_IPV4_ADDR_SUBNET',
  5: 'ID_IPV6_ADDR',
  6: 'ID_IPV6_ADDR_SUBNET',
  7: 'ID_IPV4_ADDR_RANGE',
  8: 'ID_IPV6_ADDR_RANGE',
  9: 'ID_DER_ASN1_DN',
  10: 'ID_DER_ASN1_GN',
  11: 'ID_KEY_ID',
  12: 'ID_LIST',
});

/** Certificate encodings (RFC 2408 3.9). */
export const ikev1CertEncodingName = namer('CERT', {
  0: 'NONE',
  1: 'PKCS #7 wrapped X.509 certificate',
  2: 'PGP Certificate',
  3: 'DNS Signed Key',
  4: 'X.509 Certificate - Signature',
  5: 'X.509 Certificate - Key Exchange',
  6: 'Kerberos Tokens',
  7: 'Certificate Revocation List (CRL)',
  8: 'Authority Revocation List (ARL)',
  9: 'SPKI Certificate',
  10: 'X.509 Certificate - Attribute',
});

/** Notify message types (RFC 2408 3.14.1, RFC 2407 4.6.3, RFC 3706) and Cisco's private ones. */
export const ikev1NotifyName = namer('NOTIFY', {
  1: 'INVALID-PAYLOAD-TYPE',
  2: 'DOI-NOT-SUPPORTED',
  3: 'SITUATION-NOT-SUPPORTED',
  4: 'INVALID-COOKIE',
  5: 'INVALID-MAJOR-VERSION',
  6: 'INVALID-MINOR-VERSION',
  7: 'INVALID-EXCHANGE-TYPE',
  8: 'INVALID-FLAGS',
  9: 'INVALID-MESSAGE-ID',
  10: 'INVALID-PROTOCOL-ID',
  11: 'INVALID-SPI',
  12: 'INVALID-TRANSFORM-ID',
  13: 'ATTRIBUTES-NOT-SUPPORTED',
  14: 'NO-PROPOSAL-CHOSEN',
  15: 'BAD-PROPOSAL-SYNTAX',
  16: 'PAYLOAD-MALFORMED',
  17: 'INVALID-KEY-INFORMATION',
  18: 'INVALID-ID-INFORMATION',
  19: 'INVALID-CERT-ENCODING',
  20: 'INVALID-CERTIFICATE',
  21: 'CERT-TYPE-UNSUPPORTED',
  22: 'INVALID-CERT-AUTHORITY',
  23: 'INVALID-HASH-INFORMATION',
  24: 'AUTHENTICATION-FAILED',
  25: 'INVALID-SIGNATURE',
  26: 'ADDRESS-NOTIFICATION',
  27: 'NOTIFY-SA-LIFETIME',
  28: 'CERTIFICATE-UNAVAILABLE',
  29: 'UNSUPPORTED-EXCHANGE-TYPE',
  30: 'UNEQUAL-PAYLOAD-LENGTHS',
  16384: 'CONNECTED',
  24576: 'RESPONDER-LIFETIME',
  24577: 'REPLAY-STATUS',
  24578: 'INITIAL-CONTACT',
  36136: 'R-U-THERE',
  36137: 'R-U-THERE-ACK',
  40501: 'UNITY-LOAD-BALANCE',
  40503: 'UNITY-GROUP-HASH',
});

/** Configuration message types (draft-dukes-ike-mode-cfg-02 3.4). */
export const ikev1CfgTypeName = namer('CFG', {
  1: 'ISAKMP_CFG_REQUEST',
  2: 'ISAKMP_CFG_REPLY',
  3: 'ISAKMP_CFG_SET',
  4: 'ISAKMP_CFG_ACK',
});

/** Attributes of Mode-Config, of XAUTH (draft-beaulieu-ike-xauth-02) and of Check Point's and Cisco's extensions. */
export const ikev1ConfigAttributeName = namer('ATTRIBUTE', {
  1: 'INTERNAL_IP4_ADDRESS',
  2: 'INTERNAL_IP4_NETMASK',
  3: 'INTERNAL_IP4_DNS',
  4: 'INTERNAL_IP4_NBNS',
  5: 'INTERNAL_ADDRESS_EXPIRY',
  6: 'INTERNAL_IP4_DHCP',
  7: 'APPLICATION_VERSION',
  8: 'INTERNAL_IP6_ADDRESS',
  9: 'INTERNAL_IP6_NETMASK',
  10: 'INTERNAL_IP6_DNS',
  11: 'INTERNAL_IP6_NBNS',
  12: 'INTERNAL_IP6_DHCP',
  13: 'INTERNAL_IP4_SUBNET',
  14: 'SUPPORTED_ATTRIBUTES',
  15: 'INTERNAL_IP6_SUBNET',
  16387: 'CHKPT_DEF_DOMAIN',
  16388: 'CHKPT_MAC_ADDRESS',
  16389: 'CHKPT_MARCIPAN_REASON_CODE',
  16520: 'XAUTH_TYPE',
  16521: 'XAUTH_USER_NAME',
  16522: 'XAUTH_USER_PASSWORD',
  16523: 'XAUTH_PASSCODE',
  16524: 'XAUTH_MESSAGE',
  16525: 'XAUTH_CHALLENGE',
  16526: 'XAUTH_DOMAIN',
  16527: 'XAUTH_STATUS',
  16528: 'XAUTH_NEXT_PIN',
  16529: 'XAUTH_ANSWER',
  28672: 'UNITY_BANNER',
  28673: 'UNITY_SAVE_PASSWD',
  28674: 'UNITY_DEF_DOMAIN',
  28675: 'UNITY_SPLIT_DOMAIN',
  28676: 'UNITY_SPLIT_INCLUDE',
  28677: 'UNITY_NATT_PORT',
  28678: 'UNITY_SPLIT_EXCLUDE',
  28679: 'UNITY_PFS',
  28680: 'UNITY_FW_TYPE',
  28681: 'UNITY_BACKUP_SERVERS',
  28682: 'UNITY_DDNS_HOSTNAME',
});

export const xauthTypeName = namer('XAUTH', { 0: 'Generic', 1: 'RADIUS-CHAP', 2: 'OTP', 3: 'S/KEY' });
export const xauthStatusName = namer('STATUS', { 0: 'FAIL', 1: 'OK' });
