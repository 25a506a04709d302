/** Printed as it is by `probe --print-policy`, to be copied and changed. */
export const bsi = `\
# BSI TR-02102-3, Cryptographic Mechanisms: Recommendations and Key Lengths, part 3: IPsec and IKEv2.
#
# The guideline recommends mechanisms with 120 bits of security and more. It appears every January; where an edition
# recommends something up to a year, that is not looked at here.
#
# Edition: version 2022-01 (24 January 2022), which is no longer the newest: there is one each year (2026-01 is of 27 January
# 2026), and later ones were not at hand. The rules 2, 4, 6, 8 and 9 were compared with the history of changes in that
# version. Its tables were not at hand: the rules 1, 3, 5, 7 and 10 are unverified and say why, so compare them before you
# rely on them.

name: bsi
title: BSI TR-02102-3, recommendations for IPsec and IKEv2
source: BSI TR-02102-3, version 2022-01
proposal: aes256gcm16-aes128gcm16-prfsha512-prfsha384-prfsha256-ecp384bp-ecp256bp-ecp384-ecp256-modp3072,aes256-aes128-sha512-sha384-sha256-prfsha512-prfsha384-prfsha256-ecp384bp-ecp256bp-ecp384-ecp256-modp3072

rules:
  - id: 1
    title: IKEv2 only
    severity: medium
    reference: BSI TR-02102-3
    unverified: true
    reason: follows from the guideline's subject, which is IKEv2; the sentence was not at hand
    allow: { version: [IKEv2] }

  # "Abkündigung von HMAC-SHA-1" (version 2020-01).
  - id: 2
    title: No HMAC with SHA-1 as pseudorandom function
    severity: medium
    reference: BSI TR-02102-3, changes of version 2020-01
    forbid: { prf: [PRF_HMAC_SHA1] }

  - id: 3
    title: Recommended pseudorandom functions
    severity: medium
    reference: BSI TR-02102-3 3.2.2
    unverified: true
    reason: the table was not at hand; a transcription by others lists the same functions
    allow: { prf: [prfsha256, prfsha384, prfsha512, prfaesxcbc, prfaescmac] }

  - id: 4
    title: No HMAC with SHA-1 for integrity
    severity: medium
    reference: BSI TR-02102-3, changes of version 2020-01
    forbid: { integ: [AUTH_HMAC_SHA1_96, AUTH_HMAC_SHA1_160] }

  - id: 5
    title: Recommended integrity algorithms
    severity: medium
    reference: BSI TR-02102-3 3.2.3
    unverified: true
    reason: the table was not at hand; others list these too, and some AES-CMAC as well
    allow: { integ: [sha256, sha384, sha512, aesxcbc] }

  # Keys of 3000 bits for DH from 2023 on (version 2017-01).
  - id: 6
    title: No finite field groups of less than 3000 bits
    severity: medium
    reference: BSI TR-02102-3, changes of version 2017-01
    forbid: { ke: [modp768, modp1024, modp1536, modp2048, modp1024s160, modp2048s224, modp2048s256] }

  - id: 7
    title: Recommended groups
    severity: medium
    reference: BSI TR-02102-3 3.2.4
    unverified: true
    reason: the table was not at hand; lists by others have groups of 3000 bits and more up to 18, and of later editions Curve25519 and Curve448
    allow: { ke: [modp3072, modp4096, ecp256, ecp384, ecp521, ecp256bp, ecp384bp, ecp512bp] }

  # Curves of 224 bits were given up with version 2016-01; 120 bits of security are wanted from 2023 on (version 2017-01).
  - id: 8
    title: No curves of 224 bits or less
    severity: medium
    reference: BSI TR-02102-3, changes of version 2016-01
    forbid: { ke: [ecp192, ecp224, ecp224bp] }

  # Keys of 3000 bits for RSA from 2023 on (version 2017-01).
  - id: 9
    title: RSA keys of at least 3000 bits
    severity: medium
    reference: BSI TR-02102-3, changes of version 2017-01
    minimum: { rsaBits: 3000 }

  # CCM is recommended since version 2019-01.
  - id: 10
    title: Recommended encryption
    severity: medium
    reference: BSI TR-02102-3 3.2.1
    unverified: true
    reason: the table was not at hand; a transcription by others lists the same ciphers, another for later editions ChaCha20-Poly1305 as well
    allow:
      encr:
        - ENCR_AES_GCM_16
        - ENCR_AES_GCM_12
        - ENCR_AES_CCM_16
        - ENCR_AES_CCM_12
        - ENCR_AES_CBC
        - ENCR_AES_CTR
`;
