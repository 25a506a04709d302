import { certificateName } from '../lib/pki/certificate.js';
import { validateChain } from '../lib/pki/chain.js';
import type { Purpose } from '../lib/pki/usage.js';
import type { Credentials, OwnCertificate, TrustSettings } from '../lib/tunnel/credentials.js';
import type { Warning } from './credentials-methods.js';

/**
 * What will make the other side refuse us, or us refuse everybody, though all files could be read.
 * @param purpose what our own certificate is for
 * @param now milliseconds since the epoch
 */
export function credentialWarnings({ own, trust }: Credentials, purpose: Purpose, now: number): Warning[] {
  return [...(own ? ownWarnings(own, purpose, now) : []), ...(trust ? trustWarnings(trust) : [])];
}

/** Our chain as far as we have it; whether the other side trusts its end is not for us to say. */
function ownWarnings({ certificates }: OwnCertificate, purpose: Purpose, now: number): Warning[] {
  const [own] = certificates;
  const { problems } = validateChain(own, {
    anchors: certificates.slice(-1),
    intermediates: certificates.slice(1),
    now,
    purpose,
  });
  return problems.map(({ code, message, hint }) => ({
    code: `W_${code.slice(2)}`,
    message: `${message} The other side will refuse it.${hint === undefined ? '' : ` ${hint}`}`,
  }));
}

function trustWarnings({ anchors, crls, crlPolicy }: TrustSettings): Warning[] {
  const noCas = anchors.filter(({ ca }) => !ca);
  return [
    ...noCas.map((anchor) => ({
      code: 'W_CA_NOT_CA' as const,
      message: `${certificateName(anchor)}, named with --ca, is no CA: this very certificate is accepted, and none that another issued.`,
    })),
    ...(crlPolicy === 'hard' && crls === undefined
      ? [
          {
            code: 'W_CRL_HARD' as const,
            message:
              'Every certificate needs word about its revocation (--crl-policy hard), and there is no --crl: whoever sends no OCSP response is refused.',
          },
        ]
      : []),
  ];
}
