import { namer } from './name-table.js';

/*
 * Names from IANA's "Internet Key Exchange Version 2 (IKEv2) Parameters" registry. Numbers it leaves unassigned or for
 * private use are named PREFIX_number. Notify types are named in notify.ts, transforms in the algorithm registry.
 */

/** IKEv2 Exchange Types. */
export const exchangeName = namer('EXCHANGE', {
  34: 'IKE_SA_INIT',
  35: 'IKE_AUTH',
  36: 'CREATE_CHILD_SA',
  37: 'INFORMATIONAL',
  38: 'IKE_SESSION_RESUME',
  39: 'GSA_AUTH',
  40: 'GSA_REGISTRATION',
  41: 'GSA_REKEY',
  42: 'GSA_INBAND_REKEY',
  43: 'IKE_INTERMEDIATE',
  44: 'IKE_FOLLOWUP_KE',
});

/** IKEv2 Payload Types, in the notation of the RFCs. */
export const payloadName = namer('PAYLOAD', {
  0: 'NONE',
  33: 'SA',
  34: 'KE',
  35: 'IDi',
  36: 'IDr',
  37: 'CERT',
  38: 'CERTREQ',
  39: 'AUTH',
  40: 'NONCE',
  41: 'N',
  42: 'D',
  43: 'V',
  44: 'TSi',
  45: 'TSr',
  46: 'SK',
  47: 'CP',
  48: 'EAP',
  49: 'GSPM',
  50: 'IDg',
  51: 'GSA',
  52: 'KD',
  53: 'SKF',
  54: 'PS',
});

/** IKEv2 Security Protocol Identifiers. */
export const protocolName = namer('PROTOCOL', {
  0: 'NONE',
  1: 'IKE',
  2: 'AH',
  3: 'ESP',
  4: 'FC_ESP_HEADER',
  5: 'FC_CT_AUTHENTICATION',
  6: 'GIKE_UPDATE',
});

/** IKEv2 Identification Payload ID Types. */
export const idTypeName = namer('ID', {
  1: 'ID_IPV4_ADDR',
  2: 'ID_FQDN',
  3: 'ID_RFC822_ADDR',
  5: 'ID_IPV6_ADDR',
  9: 'ID_DER_ASN1_DN',
  10: 'ID_DER_ASN1_GN',
  11: 'ID_KEY_ID',
  12: 'ID_FC_NAME',
  13: 'ID_NULL',
});

/** IKEv2 Certificate Encodings. */
export const certEncodingName = namer('CERT', {
  1: 'PKCS #7 wrapped X.509 certificate',
  2: 'PGP Certificate',
  3: 'DNS Signed Key',
  4: 'X.509 Certificate - Signature',
  6: 'Kerberos Token',
  7: 'Certificate Revocation List (CRL)',
  8: 'Authority Revocation List (ARL)',
  9: 'SPKI Certificate',
  10: 'X.509 Certificate - Attribute',
  11: 'Raw RSA Key (deprecated)',
  12: 'Hash and URL of X.509 certificate',
  13: 'Hash and URL of X.509 bundle',
  14: 'OCSP Content',
  15: 'Raw Public Key',
});

/** IKEv2 Authentication Method. */
export const authMethodName = namer('AUTH', {
  1: 'RSA Digital Signature',
  2: 'Shared Key Message Integrity Code',
  3: 'DSS Digital Signature',
  9: 'ECDSA with SHA-256 on the P-256 curve',
  10: 'ECDSA with SHA-384 on the P-384 curve',
  11: 'ECDSA with SHA-512 on the P-521 curve',
  12: 'Generic Secure Password Authentication Method',
  13: 'NULL Authentication',
  14: 'Digital Signature',
});

/** IKEv2 Traffic Selector Types. */
export const tsTypeName = namer('TS', {
  7: 'TS_IPV4_ADDR_RANGE',
  8: 'TS_IPV6_ADDR_RANGE',
  9: 'TS_FC_ADDR_RANGE',
  10: 'TS_SECLABEL',
});

/** IKEv2 Configuration Payload CFG Types. */
export const cfgTypeName = namer('CFG', { 1: 'CFG_REQUEST', 2: 'CFG_REPLY', 3: 'CFG_SET', 4: 'CFG_ACK' });

/** IKEv2 Configuration Payload Attribute Types; the numbers RFC 7296 retired keep the names RFC 4306 gave them. */
export const configAttributeName = namer('ATTRIBUTE', {
  1: 'INTERNAL_IP4_ADDRESS',
  2: 'INTERNAL_IP4_NETMASK',
  3: 'INTERNAL_IP4_DNS',
  4: 'INTERNAL_IP4_NBNS',
  5: 'INTERNAL_ADDRESS_EXPIRY',
  6: 'INTERNAL_IP4_DHCP',
  7: 'APPLICATION_VERSION',
  8: 'INTERNAL_IP6_ADDRESS',
  10: 'INTERNAL_IP6_DNS',
  11: 'INTERNAL_IP6_NBNS',
  12: 'INTERNAL_IP6_DHCP',
  13: 'INTERNAL_IP4_SUBNET',
  14: 'SUPPORTED_ATTRIBUTES',
  15: 'INTERNAL_IP6_SUBNET',
  16: 'MIP6_HOME_PREFIX',
  17: 'INTERNAL_IP6_LINK',
  18: 'INTERNAL_IP6_PREFIX',
  19: 'HOME_AGENT_ADDRESS',
  20: 'P_CSCF_IP4_ADDRESS',
  21: 'P_CSCF_IP6_ADDRESS',
  22: 'FTT_KAT',
  23: 'EXTERNAL_SOURCE_IP4_NAT_INFO',
  24: 'TIMEOUT_PERIOD_FOR_LIVENESS_CHECK',
  25: 'INTERNAL_DNS_DOMAIN',
  26: 'INTERNAL_DNSSEC_TA',
  27: 'ENCDNS_IP4',
  28: 'ENCDNS_IP6',
  29: 'ENCDNS_DIGEST_INFO',
});

/** IKEv2 Transform Attribute Types. */
export const transformAttributeName = namer('ATTRIBUTE', {
  14: 'Key Length (in bits)',
  18: 'Signature Algorithm Identifier',
});

/** IKEv2 Notification IPCOMP Transform IDs (notify 16387). */
export const ipcompName = namer('IPCOMP', {
  1: 'IPCOMP_OUI',
  2: 'IPCOMP_DEFLATE',
  3: 'IPCOMP_LZS',
  4: 'IPCOMP_LZJH',
});

/** IKEv2 Gateway Identity Types (REDIRECT, RFC 5685). */
export const gatewayIdentityName = namer('GATEWAY', { 1: 'IPv4 address', 2: 'IPv6 address', 3: 'FQDN' });

/** ROHC Attribute Types (RFC 5857). */
export const rohcAttributeName = namer('ROHC', {
  1: 'MAX_CID',
  2: 'ROHC_PROFILE',
  3: 'ROHC_INTEG',
  4: 'ROHC_ICV_LEN',
  5: 'MRRU',
});

/** IKEv2 Secure Password Methods (RFC 6467). */
export const securePasswordMethodName = namer('METHOD', {
  1: 'PACE',
  2: 'AugPAKE',
  3: 'Secure PSK Authentication',
});

/** IKEv2 Hash Algorithms (notify 16431, RFC 7427). */
export const hashAlgorithmName = namer('HASH', {
  1: 'SHA1',
  2: 'SHA2-256',
  3: 'SHA2-384',
  4: 'SHA2-512',
  5: 'Identity',
  6: 'STREEBOG_256',
  7: 'STREEBOG_512',
});

/** IKEv2 Post-quantum Preshared Key ID Types (RFC 8784). */
export const ppkIdTypeName = namer('PPK_ID', { 1: 'PPK_ID_OPAQUE', 2: 'PPK_ID_FIXED' });

/** GSA Attributes, Group-wide Policy Attributes, Group Key Bag Attributes and Member Key Bag Attributes (G-IKEv2). */
export const gsaAttributeName = namer('ATTRIBUTE', {
  1: 'GSA_KEY_LIFETIME',
  2: 'GSA_INITIAL_MESSAGE_ID',
  3: 'GSA_NEXT_SPI',
});
export const groupPolicyAttributeName = namer('ATTRIBUTE', {
  1: 'GWP_ATD',
  2: 'GWP_DTD',
  3: 'GWP_SENDER_ID_BITS',
});
export const groupKeyBagAttributeName = namer('ATTRIBUTE', { 1: 'SA_KEY' });
export const memberKeyBagAttributeName = namer('ATTRIBUTE', {
  1: 'WRAP_KEY',
  2: 'AUTH_KEY',
  3: 'GM_SENDER_ID',
});

/** EAP codes (RFC 3748 4, RFC 6696 5.3). */
export const eapCodeName = namer('CODE', {
  1: 'Request',
  2: 'Response',
  3: 'Success',
  4: 'Failure',
  5: 'Initiate',
  6: 'Finish',
});

/** EAP method types of IANA's "EAP Registry" that are met in practice. */
export const eapTypeName = namer('EAP', {
  1: 'Identity',
  2: 'Notification',
  3: 'Legacy Nak',
  4: 'MD5-Challenge',
  5: 'One-Time Password',
  6: 'Generic Token Card',
  13: 'EAP-TLS',
  17: 'LEAP',
  18: 'EAP-SIM',
  21: 'EAP-TTLS',
  23: 'EAP-AKA',
  25: 'PEAP',
  26: 'MS-EAP-Authentication',
  29: 'EAP-MSCHAP-V2',
  43: 'EAP-FAST',
  46: 'EAP-PAX',
  47: 'EAP-PSK',
  48: 'EAP-SAKE',
  49: 'EAP-IKEv2',
  50: "EAP-AKA'",
  51: 'EAP-GPSK',
  52: 'EAP-pwd',
  53: 'EAP-EKE',
  55: 'TEAP',
  254: 'Expanded Type',
  255: 'Experimental',
});
