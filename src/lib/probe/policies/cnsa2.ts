/** Printed as it is by `probe --print-policy`, to be copied and changed. */
export const cnsa2 = `\
# CNSA 2.0: the Commercial National Security Algorithm Suite 2.0 of the NSA, for IPsec.
#
# The suite asks for AES with 256-bit keys, SHA-384 or SHA-512, ML-KEM-1024 for key establishment and ML-DSA-87 for
# signatures. How IPsec has to use them is in draft-guthrie-cnsa2-ipsec-profile, which is to replace RFC 9206 (CNSA 1.0),
# and may still change. Signatures with ML-DSA cannot be seen without credentials: no rule is about them.
#
# Edition: NSA advisory of September 2022 with its FAQ 2.1 of December 2024; draft-guthrie-cnsa2-ipsec-profile-04 (July
# 2026); RFC 9206 (February 2022). Of the draft only section 3 and the abstract, of the RFC only the
# abstract and what it says of its suites were at hand: the rules 1, 3 and 7 could not be compared, are unverified and say
# why. The others were compared.

name: cnsa2
title: NSA CNSA 2.0 for IPsec
source: NSA CNSA 2.0 (September 2022), draft-guthrie-cnsa2-ipsec-profile-04, RFC 9206 (February 2022)
proposal: aes256gcm16-prfsha384-ecp384-ke1_mlkem1024

rules:
  - id: 1
    title: IKEv2 only
    severity: high
    reference: RFC 9206
    unverified: true
    reason: the RFC's section was not at hand; the suite cannot be negotiated in IKEv1 in any case
    allow: { version: [IKEv2] }

  - id: 2
    title: AES with 256-bit keys
    severity: high
    reference: NSA CNSA 2.0, symmetric-key algorithms
    allow:
      encr:
        - ENCR_AES_GCM_16-256
        - ENCR_AES_GCM_12-256
        - ENCR_AES_GCM_8-256
        - ENCR_AES_CCM_16-256
        - ENCR_AES_CCM_12-256
        - ENCR_AES_CCM_8-256
        - ENCR_AES_CBC-256
        - ENCR_AES_CTR-256

  - id: 3
    title: AES-GCM with a tag of 16 octets
    severity: medium
    reference: draft-guthrie-cnsa2-ipsec-profile-04, RFC 9206
    unverified: true
    reason: the section was not at hand; descriptions of the profile by others agree on AES-256-GCM with ICVs of 16 octets
    allow: { encr: [aes256gcm16] }

  # RFC 9206 on its suites: nothing but SHA-384 and SHA-512 for PRF and integrity.
  - id: 4
    title: SHA-384 or SHA-512 in the pseudorandom function
    severity: high
    reference: NSA CNSA 2.0, RFC 9206
    allow: { prf: [prfsha384, prfsha512] }

  - id: 5
    title: SHA-384 or SHA-512 for integrity
    severity: high
    reference: NSA CNSA 2.0, RFC 9206
    allow: { integ: [sha384, sha512] }

  # "NSA has selected two: ML-DSA-87 for signing and ML-KEM-1024 for key establishment" (section 3 of the draft).
  - id: 6
    title: ML-KEM-1024 in every key exchange
    severity: high
    reference: draft-guthrie-cnsa2-ipsec-profile-04 3
    everySuite:
      ke: [mlkem1024]
      addke: [mlkem1024]

  - id: 7
    title: P-384 or ML-KEM-1024 in the first key exchange
    severity: medium
    reference: draft-guthrie-cnsa2-ipsec-profile-04
    unverified: true
    reason: the section was not at hand; descriptions of the profile by others name P-384, none was seen that names ML-KEM-1024
    allow: { ke: [ecp384, mlkem1024] }

  - id: 8
    title: No other additional key exchange
    severity: medium
    reference: draft-guthrie-cnsa2-ipsec-profile-04 3
    allow: { addke: [mlkem1024] }

  # ML-DSA signs with the hash "Identity".
  - id: 9
    title: SHA-384 or SHA-512 in signatures
    severity: medium
    reference: NSA CNSA 2.0
    allow: { hash: [SHA2-384, SHA2-512, Identity] }
`;
