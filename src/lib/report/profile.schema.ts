/** Name and version of a client profile, as `profile save` stores and `profile export --for ipsec-kit` writes it. */
export const PROFILE_SCHEMA = 'ipsec-kit/profile@1';
/** Name and version of the document that `profile … --format json` writes. */
export const PROFILES_SCHEMA = 'ipsec-kit/profiles@1';

/** How a client proves who it is; the words of `connect --auth`. */
export const clientAuthMethods = ['psk', 'cert', 'eap-mschapv2', 'eap-tls', 'eap-md5', 'null'] as const;
export type ClientAuthMethod = (typeof clientAuthMethods)[number];

/** How the gateway proves who it is. `eap-only`: inside the client's EAP method (RFC 5998). */
export const serverAuthMethods = ['cert', 'psk', 'eap-only', 'null'] as const;
export type ServerAuthMethod = (typeof serverAuthMethods)[number];

/**
 * A client's way to a gateway, as data. Certificates are inside, as PEM; keys and secrets are not: they are named by
 * the paths of their files.
 */
export interface ClientProfile {
  schema: typeof PROFILE_SCHEMA;
  /** What a device shows. */
  name: string;
  /** Host name or address that the client dials. */
  gateway: string;
  /** UDP ports, where they are not 500 and 4500. */
  port?: number;
  natPort?: number;
  /** Identities in strongSwan's notation; without a `remoteId` the gateway has to prove what was dialled. */
  remoteId?: string;
  localId?: string;
  auth: ClientAuthMethod;
  serverAuth: ServerAuthMethod;
  /** PEM, one certificate each: the CAs that the gateway's certificate is verified with. */
  ca: string[];
  /** PEM, one certificate each: the client's own first, then the CAs above it that the gateway may lack. */
  certificates: string[];
  /** PEM: the gateway's own certificate, where it is known: what devices will say about it can be told beforehand. */
  serverCertificate?: string;
  /** Paths: of the client's private key (PEM, DER, PKCS#12), of its passphrase, of the secrets. */
  keyFile?: string;
  keyPassphraseFile?: string;
  pskFile?: string;
  eapUser?: string;
  eapPasswordFile?: string;
  /** Proposals that the gateway accepts, in strongSwan's keywords, comma-separated; undefined: our defaults. */
  ike?: string;
  esp?: string;
  /** CIDRs behind the gateway; empty: everything goes through the tunnel. */
  remoteTs: string[];
  /** CIDRs on the client's side; empty: the gateway lends an address. */
  localTs: string[];
  /** Addresses of DNS servers, where the gateway does not assign them. */
  dns: string[];
  /** Largest packet inside the tunnel, bytes. */
  mtu?: number;
  /** Bring the tunnel up whenever there is a network, where the system can. */
  onDemand?: boolean;
}
