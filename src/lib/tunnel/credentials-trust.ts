import { KitError } from '../core/errors.js';
import { printable } from '../core/printable.js';
import type { CertificateTrust } from '../ike/auth/types.js';
import { type Identity, parseIdentity } from '../ike/identity.js';
import { parseCertificate } from '../pki/certificate.js';
import type { GeneralName } from '../pki/general-name.js';
import { caKeyHash, validatePeer } from '../pki/peer.js';
import type { TrustSettings } from './credentials.js';
import { assertDialled, certificateIdentity, identityOfName } from './credentials-identity.js';

/** Which side a policy is for. */
export type AuthSide =
  | {
      role: 'initiator';
      /** What the gateway's certificate has to cover besides the identity that the gateway claims. */
      dialled: GeneralName | undefined;
      /** Whom the gateway has to be; undefined: anyone. */
      remoteId: Identity | undefined;
    }
  | { role: 'responder' };

/** Trust as the session asks for it: the chain, and what was dialled. */
export function certificateTrust(settings: TrustSettings, side: AuthSide): CertificateTrust {
  const { anchors, unnamedAnchors = [], crls, crlPolicy = 'soft', allowSha1 = false, skewMs } = settings;
  return {
    authorities: anchors.map(caKeyHash),
    allowSha1,
    requestOcsp: crlPolicy === 'hard',
    validate: async (peer) => {
      const now = Date.now();
      const key = validatePeer(peer, {
        anchors: [...anchors, ...unnamedAnchors],
        crls: (await crls?.lists(now)) ?? [],
        crlPolicy,
        now,
        skewMs,
      });
      const [own] = peer.certificates;
      if (side.role === 'initiator' && side.dialled && own)
        assertDialled(parseCertificate(own), side.dialled);
      return key;
    },
  };
}

/**
 * The same for the other side of EAP-TLS, where identities are no payloads: a server has to be whom we expect, a client
 * whom it said to be.
 * @param user what a client said in its Identity
 * @throws KitError refused `E_CERT_…`
 */
export async function validateInsideTls(
  trust: CertificateTrust,
  certificates: readonly Uint8Array[],
  side: AuthSide,
  user?: string,
): Promise<void> {
  const [own] = certificates;
  if (own === undefined) {
    throw new KitError('refused', 'E_CERT_MISSING', 'The other side of EAP-TLS sent no certificate.');
  }
  const role = side.role === 'initiator' ? 'responder' : 'initiator';
  const identity =
    side.role === 'responder'
      ? userIdentity(user ?? '')
      : (side.remoteId ??
        (side.dialled && identityOfName(side.dialled)) ??
        certificateIdentity(parseCertificate(own), role));
  await trust.validate({ certificates, ocspResponses: [], identity, role });
}

/** @throws KitError refused `E_CERT_NAME` for a text that stands for anyone, which no certificate can prove */
function userIdentity(user: string): Identity {
  const identity = user === '' ? undefined : parseIdentity(user);
  if (identity !== undefined) return identity;
  throw new KitError('refused', 'E_CERT_NAME', `The user name "${printable(user)}" stands for nobody.`);
}
