/** Printed as it is by `probe --print-policy`, to be copied and changed. */
export const nist80077 = `\
# NIST SP 800-77 Rev. 1, Guide to IPsec VPNs: the column "Recommended" of its Table 1.
#
# What the table calls Legacy is not allowed here; neither are Curve25519 and Curve448 (groups 31 and 32), which it lists
# as Expected. The publication is older than ML-KEM and says nothing about additional key exchanges. "shall not" and "not
# approved" weigh high, what is outside the recommended column medium.
#
# Edition: June 2020. The rules were compared with verbatim quotations of the publication that are named by page.

name: nist-800-77
title: NIST SP 800-77 Rev. 1, recommended algorithms for IKE
source: NIST SP 800-77 Rev. 1 (June 2020)
proposal: aes256gcm16-aes128gcm16-prfsha384-prfsha256-ecp384-ecp256,aes256-aes128-sha384-sha256-prfsha384-prfsha256-ecp384-ecp256

rules:
  # "IKEv1 should not be used for new deployments" (page 35).
  - id: 1
    title: IKEv2 only
    severity: medium
    reference: NIST SP 800-77 Rev. 1, Table 1 and 3.11
    allow: { version: [IKEv2] }

  # "AES-GCM, AES-CTR, AES-CBC, AES-CCM (128, 192, 256-bit keys)" (page vii).
  - id: 2
    title: AES only
    severity: medium
    reference: NIST SP 800-77 Rev. 1, Table 1
    allow:
      encr:
        - ENCR_AES_GCM_16
        - ENCR_AES_GCM_12
        - ENCR_AES_GCM_8
        - ENCR_AES_CCM_16
        - ENCR_AES_CCM_12
        - ENCR_AES_CCM_8
        - ENCR_AES_CBC
        - ENCR_AES_CTR

  # "HMAC-SHA256, HMAC-SHA384, HMAC-SHA512" (page vii); HMAC-SHA-1 is Legacy.
  - id: 3
    title: HMAC with SHA-2 as pseudorandom function
    severity: medium
    reference: NIST SP 800-77 Rev. 1, Table 1 and 7.2.3
    allow: { prf: [prfsha256, prfsha384, prfsha512] }

  - id: 4
    title: HMAC with SHA-2 for integrity
    severity: medium
    reference: NIST SP 800-77 Rev. 1, Table 1 and 7.2.3
    allow: { integ: [sha256, sha384, sha512] }

  # "HMAC-MD5 has never been a NIST-approved algorithm and shall not be used" (page 70).
  - id: 5
    title: No HMAC-MD5
    severity: high
    reference: NIST SP 800-77 Rev. 1, 7.2.3
    forbid:
      prf: [PRF_HMAC_MD5]
      integ: [AUTH_HMAC_MD5_96, AUTH_HMAC_MD5_128]

  # "DH groups 1, 2, 5, and 22 are not NIST-approved because these groups do not supply the minimum of 112 bits" (page 72).
  - id: 6
    title: No group of less than 112 bits of strength
    severity: high
    reference: NIST SP 800-77 Rev. 1, 7.2.4.2
    forbid: { ke: [modp768, modp1024, modp1536, modp1024s160] }

  # "DH 14 to DH 21" (page vii), "14, 15, 16, 17, 18, 19, 20, and 21 are NIST-approved groups" (page 76).
  - id: 7
    title: Groups 14 to 21 only
    severity: medium
    reference: NIST SP 800-77 Rev. 1, Table 1 and 7.2.6
    allow: { ke: [modp2048, modp3072, modp4096, modp6144, modp8192, ecp256, ecp384, ecp521] }

  # "RSA, DSA, and ECDSA with 128-bit security strength (for example, RSA with 3072-bit or larger key)" (page vii).
  - id: 8
    title: RSA keys of 128 bits of strength
    severity: medium
    reference: NIST SP 800-77 Rev. 1, Table 1
    minimum: { rsaBits: 3072 }
`;
