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

/** Something that a client will dislike, or that its user should know. */
export interface ProfileFinding {
  /** Stable: `E_…` errors, `W_…` warnings, `I_…` information. */
  id: string;
  severity: 'error' | 'warning' | 'info';
  /** Which kind of client it is about; absent: all. */
  for?: string;
  /** One sentence. */
  message: string;
  /** What to do about it. */
  remedy?: string;
}

/** A file that was written; `secret`: it is open to its owner only. */
export interface ProfileFile {
  path: string;
  for: string;
  secret: boolean;
  /** What it is and how it gets onto the device. */
  note: string;
}

export type ProfileAction = 'export' | 'save' | 'list' | 'show' | 'remove';

/** What a `profile` command did or found. */
export interface ProfilesReport {
  schema: typeof PROFILES_SCHEMA;
  command: ProfileAction;
  /** False when there are findings of the severity error. */
  ok: boolean;
  /** The profiles it is about, with the name they are saved under, where they are. */
  profiles: { saved?: string; profile: ClientProfile }[];
  /** Saved profiles that cannot be read. */
  unreadable: { saved: string; code: string; message: string }[];
  files: ProfileFile[];
  findings: ProfileFinding[];
  /** What to do next, one sentence or command each. */
  next: string[];
}

const text = { type: 'string' } as const;
const texts = { type: 'array', items: text } as const;
const flag = { type: 'boolean' } as const;
const port = { type: 'integer', minimum: 1, maximum: 65_535 } as const;
const list = (items: object): object => ({ type: 'array', items });

function object(properties: Record<string, object>, optional: string[] = []): object {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
    additionalProperties: false,
  };
}

const requiredFields = {
  schema: { const: PROFILE_SCHEMA },
  name: { ...text, minLength: 1 },
  gateway: { ...text, pattern: '^[\\w.:%-]{1,255}$' },
  auth: { enum: clientAuthMethods },
  serverAuth: { enum: serverAuthMethods },
  ca: texts,
  certificates: texts,
  remoteTs: texts,
  localTs: texts,
  dns: texts,
} as const;
const optionalFields = {
  port,
  natPort: port,
  remoteId: text,
  localId: text,
  serverCertificate: text,
  keyFile: text,
  keyPassphraseFile: text,
  pskFile: text,
  eapUser: text,
  eapPasswordFile: text,
  ike: text,
  esp: text,
  mtu: { type: 'integer', minimum: 576, maximum: 65_535 },
  onDemand: flag,
} as const;

const optionalNames = Object.keys(optionalFields) as (keyof ClientProfile)[];

/** All fields of a {@link ClientProfile}, in the order in which they are written. */
export const profileFields = [...(Object.keys(requiredFields) as (keyof ClientProfile)[]), ...optionalNames];

const profileObject = object({ ...requiredFields, ...optionalFields }, optionalNames);

/** JSON Schema (draft-07) of a {@link ClientProfile}. */
export const profileSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: PROFILE_SCHEMA,
  title: "A client's way to an IKEv2 gateway",
  ...profileObject,
};

/** JSON Schema (draft-07) of a {@link ProfilesReport}. */
export const profilesSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: PROFILES_SCHEMA,
  title: 'Result of ipsec-kit profile',
  ...object({
    schema: { const: PROFILES_SCHEMA },
    command: { enum: ['export', 'save', 'list', 'show', 'remove'] },
    ok: flag,
    profiles: list(object({ saved: text, profile: profileObject }, ['saved'])),
    unreadable: list(object({ saved: text, code: text, message: text })),
    files: list(object({ path: text, for: text, secret: flag, note: text })),
    findings: list(
      object(
        {
          id: { type: 'string', pattern: '^[EWI]_[A-Z0-9_]+$' },
          severity: { enum: ['error', 'warning', 'info'] },
          for: text,
          message: text,
          remedy: text,
        },
        ['for', 'remedy'],
      ),
    ),
    next: texts,
  }),
};
