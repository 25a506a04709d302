import type { Milliseconds } from '../core/environment.js';
import type { Identity } from '../ike/identity.js';
import type { Transform } from '../ike/wire/types.js';
import type { Certificate } from '../pki/certificate.js';
import type { Crl } from '../pki/crl.js';
import type { GeneralName } from '../pki/general-name.js';
import type { SaOpener } from './oracle-sa.js';
import type { Asker } from './scheduler.js';
import type { AuthFacts } from './types.js';

/** What a gateway's certificate is checked against. */
export interface AuthTrust {
  anchors: readonly Certificate[];
  intermediates?: readonly Certificate[];
  crls?: readonly Crl[];
  /** The name that was dialled, which the certificate has to cover. */
  name?: GeneralName;
  /** Milliseconds since the epoch. */
  now: Milliseconds;
}

export interface AuthProbeOptions {
  /** A suite that the gateway accepts. */
  transforms: readonly Transform[];
  /** IDi; undefined: our address. */
  identity: Identity | undefined;
  /** undefined: the chain is collected and not checked. */
  trust: AuthTrust | undefined;
}

/**
 * Asks for EAP, as clients do, with an IKE_AUTH that has no AUTH, and reads how the gateway proves itself. Ends the
 * conversation so that nothing half-open stays. Never rejects for what the target does.
 */
export async function probeAuth(
  _asker: Asker,
  _opener: SaOpener,
  options: AuthProbeOptions,
): Promise<AuthFacts> {
  return {
    eap: { value: undefined, note: 'not asked', packets: [] },
    responderMethod: { value: undefined, packets: [] },
    identity: undefined,
    certificates: [],
    signature: { value: undefined, packets: [] },
    problems: options.trust && [],
  };
}
