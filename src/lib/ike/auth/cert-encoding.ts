/** What a CERT or CERTREQ payload holds (RFC 7296 3.6, RFC 4806 3). */
export const CertEncoding = {
  X509_SIGNATURE: 4,
  HASH_AND_URL: 12,
  HASH_AND_URL_BUNDLE: 13,
  OCSP: 14,
} as const;
