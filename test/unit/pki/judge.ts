import { expect } from 'vitest';
import { KitError } from '../../../src/lib/core/errors.js';
import { type Identity, parseIdentity } from '../../../src/lib/ike/identity.js';
import { type Certificate, parseCertificate } from '../../../src/lib/pki/certificate.js';
import { type PeerClaim, type PeerTrust, validatePeer } from '../../../src/lib/pki/peer.js';
import { NOW } from './build.js';

export const id = (text: string): Identity => parseIdentity(text)!;

export interface Outcome {
  code: string;
  message: string;
  hint: string | undefined;
}

/** `ok`, or why a peer that answers as a gateway is refused. */
export function judge(
  certificates: readonly (Certificate | Uint8Array)[],
  trust: Partial<PeerTrust> & Pick<PeerTrust, 'anchors'>,
  claim: Partial<PeerClaim> = {},
): Outcome {
  const ders = certificates.map((each) => ('der' in each ? each.der : each));
  const peer = { certificates: ders, identity: id('vpn.example.com'), role: 'responder' as const, ...claim };
  try {
    const key = validatePeer(peer, { now: NOW, ...trust });
    expect(key.export({ type: 'spki', format: 'der' }).equals(parseCertificate(ders[0]!).spki)).toBe(true);
    return { code: 'ok', message: '', hint: undefined };
  } catch (error) {
    if (!(error instanceof KitError)) throw error;
    const { kind, code, message, hint } = error;
    expect(kind).toBe(code === 'E_CERT_FORMAT' ? 'garbage' : 'refused');
    expect(message).toMatch(/^[^\n]+\.$/);
    return { code, message, hint };
  }
}
