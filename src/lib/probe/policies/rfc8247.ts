/** Printed as it is by `probe --print-policy`, to be copied and changed. */
export const rfc8247 = `\
# RFC 8247: what implementations of IKEv2 must, should and must not have.
#
# The RFC speaks to implementers and leaves the choice among what is allowed to users (1.4), so this is no list of the
# best. What it names MUST NOT weighs high here, SHOULD NOT medium. What it does not name is MAY (2.5) and so allowed,
# 3DES included (MAY in 2.1). Its MUSTs make implementations meet; a gateway that is configured tighter is none the
# worse, so missing ones are for information.
#
# Edition: September 2017, updated by RFC 9395 (April 2023). All rules were compared with the text.

name: rfc8247
title: RFC 8247, algorithm implementation requirements for IKEv2
source: RFC 8247 (September 2017)
proposal: aes256gcm16-aes128gcm16-prfsha512-prfsha256-ecp256-modp2048,aes256-aes128-sha512-sha256-prfsha512-prfsha256-ecp256-modp2048

rules:
  - id: 1
    title: IKEv1 is deprecated
    severity: medium
    reference: RFC 8247 1.4, RFC 9395
    allow: { version: [IKEv2] }

  - id: 2
    title: Encryption that MUST NOT be
    severity: high
    reference: RFC 8247 2.1
    forbid: { encr: [ENCR_DES, ENCR_NULL] }

  - id: 3
    title: Pseudorandom functions that MUST NOT be
    severity: high
    reference: RFC 8247 2.2
    forbid: { prf: [PRF_HMAC_MD5] }

  - id: 4
    title: Integrity algorithms that MUST NOT be
    severity: high
    reference: RFC 8247 2.3
    forbid: { integ: [AUTH_HMAC_MD5_96, AUTH_DES_MAC, AUTH_KPDK_MD5] }

  # Groups 1 and 22.
  - id: 5
    title: Groups that MUST NOT be
    severity: high
    reference: RFC 8247 2.4
    forbid: { ke: [modp768, modp1024s160] }

  # Groups 2, 5, 23 and 24.
  - id: 6
    title: Groups that SHOULD NOT be
    severity: medium
    reference: RFC 8247 2.4
    forbid: { ke: [modp1024, modp1536, modp2048s224, modp2048s256] }

  - id: 7
    title: Signatures over SHA-1 MUST NOT be
    severity: high
    reference: RFC 8247 3.2
    forbid: { hash: [SHA1] }

  - id: 8
    title: RSA keys of less than 2048 bits SHOULD NOT be
    severity: medium
    reference: RFC 8247 3.1.1
    minimum: { rsaBits: 2048 }

  # 192-bit keys are at MAY.
  - id: 9
    title: The cipher that every implementation has
    severity: info
    reference: RFC 8247 2.1
    require: { encr: [aes128, aes256] }

  - id: 10
    title: The pseudorandom function that every implementation has
    severity: info
    reference: RFC 8247 2.2
    require: { prf: [PRF_HMAC_SHA2_256] }

  - id: 11
    title: The integrity algorithm that every implementation has
    severity: info
    reference: RFC 8247 2.3
    require: { integ: [AUTH_HMAC_SHA2_256_128] }

  # Group 14.
  - id: 12
    title: The group that every implementation has
    severity: info
    reference: RFC 8247 2.4
    require: { ke: [modp2048] }
`;
