import { capabilityNames } from './policy.js';

/** Comments that explain the format to whoever copies a policy. */
export const formatHelp = `\
# How to write one of your own: copy this file, change it, and give it to --policy FILE.
#
# name, title and source say what it is; name is what the ids of the findings begin with: POLICY-<NAME>-<id>. proposal, if
# it is there, is the line to paste that obeys the policy. Each rule has an id, which should never change, a title, a
# severity (critical, high, medium, low or info), a reference, and one of:
#
#   allow       what the gateway accepts has to be in the list of its kind, or in a forbid of another rule, which reports it
#   forbid      nothing in the lists may be accepted
#   require     at least one of all that is listed has to be accepted
#   everySuite  every combination that the gateway accepts has to have one of all that is listed
#   minimum     rsaBits: how long RSA keys of the gateway's certificates have to be
#
# Lists are of these kinds:
#
#   version     IKEv1, IKEv2
#   encr, prf, integ, ke, addke
#               algorithms of IKEv2 with strongSwan's keywords (aes256gcm16, prfsha384, sha384, ecp384, mlkem768) or IANA's
#               names (ENCR_AES_CBC for any key length, ENCR_AES_CBC-256 for one)
#   hash        signature hashes: SHA1, SHA2-256, SHA2-384, SHA2-512, Identity
#   capability  ${capabilityNames.slice(0, 5).join(', ')},
#               ${capabilityNames.slice(5).join(', ')}
#
# A rule that its author could not compare with its source says "unverified: true" and gives a reason.
`;
