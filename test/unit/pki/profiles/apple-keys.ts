/**
 * What Apple documents of the payloads used here (device management, profile-specific payload keys; as of iOS 26): for
 * each key its type, whether it is required, and the values it may have.
 */

export interface Documented {
  type: 'string' | 'integer' | 'data' | 'array' | 'dictionary';
  required?: boolean;
  values?: readonly (string | number)[];
  range?: readonly [least: number, most: number];
  /** Of a dictionary, or of each dictionary of an array. */
  keys?: Readonly<Record<string, Documented>>;
}

const yesNo = { type: 'integer', values: [0, 1] } as const;
const text = { type: 'string' } as const;

const securityAssociation: Readonly<Record<string, Documented>> = {
  EncryptionAlgorithm: {
    type: 'string',
    // DES and 3DES are documented as gone from iOS 26 and macOS 26 on.
    values: ['AES-128', 'AES-256', 'AES-128-GCM', 'AES-256-GCM', 'ChaCha20Poly1305'],
  },
  // SHA1-96 and SHA1-160 likewise, and the groups 1, 2 and 5.
  IntegrityAlgorithm: { type: 'string', values: ['SHA2-256', 'SHA2-384', 'SHA2-512'] },
  DiffieHellmanGroup: { type: 'integer', values: [14, 15, 16, 17, 18, 19, 20, 21, 31, 32] },
  LifeTimeInMinutes: { type: 'integer', range: [10, 1440] },
};

const ikev2: Readonly<Record<string, Documented>> = {
  RemoteAddress: { ...text, required: true },
  LocalIdentifier: { ...text, required: true },
  RemoteIdentifier: { ...text, required: true },
  AuthenticationMethod: { type: 'string', required: true, values: ['None', 'SharedSecret', 'Certificate'] },
  CertificateType: { type: 'string', values: ['RSA', 'ECDSA256', 'ECDSA384', 'ECDSA521', 'RSA-PSS'] },
  PayloadCertificateUUID: text,
  SharedSecret: text,
  ExtendedAuthEnabled: yesNo,
  AuthName: text,
  AuthPassword: text,
  OnDemandEnabled: yesNo,
  OnDemandRules: {
    type: 'array',
    keys: {
      Action: {
        type: 'string',
        required: true,
        values: ['Allow', 'Connect', 'Disconnect', 'EvaluateConnection', 'Ignore'],
      },
    },
  },
  DeadPeerDetectionRate: { type: 'string', values: ['None', 'Low', 'Medium', 'High'] },
  ServerCertificateIssuerCommonName: text,
  ServerCertificateCommonName: text,
  TLSMinimumVersion: { type: 'string', values: ['1.0', '1.1', '1.2'] },
  TLSMaximumVersion: { type: 'string', values: ['1.0', '1.1', '1.2'] },
  UseConfigurationAttributeInternalIPSubnet: yesNo,
  DisableMOBIKE: yesNo,
  DisableRedirect: yesNo,
  DisconnectOnIdle: yesNo,
  DisconnectOnIdleTimer: { type: 'integer' },
  NATKeepAliveOffloadEnable: yesNo,
  NATKeepAliveInterval: { type: 'integer', range: [20, 86_400] },
  EnablePFS: yesNo,
  EnableCertificateRevocationCheck: yesNo,
  EnableFallback: yesNo,
  MTU: { type: 'integer', range: [1280, 1400] },
  IncludeAllNetworks: yesNo,
  EnforceRoutes: yesNo,
  ExcludeLocalNetworks: yesNo,
  EnforceStrictAlgorithmSelection: yesNo,
  IKESecurityAssociationParameters: { type: 'dictionary', keys: securityAssociation },
  ChildSecurityAssociationParameters: { type: 'dictionary', keys: securityAssociation },
};

const common: Readonly<Record<string, Documented>> = {
  PayloadIdentifier: { ...text, required: true },
  PayloadUUID: { ...text, required: true },
  PayloadType: { ...text, required: true },
  PayloadVersion: { type: 'integer', required: true, values: [1] },
  PayloadDescription: text,
  PayloadDisplayName: text,
  PayloadOrganization: text,
};

const certificate: Readonly<Record<string, Documented>> = {
  ...common,
  PayloadCertificateFileName: text,
  PayloadContent: { type: 'data', required: true },
};

/** Keys by payload type. */
export const payloads: Readonly<Record<string, Readonly<Record<string, Documented>>>> = {
  'com.apple.vpn.managed': {
    ...common,
    VPNType: {
      type: 'string',
      required: true,
      values: ['VPN', 'L2TP', 'IPSec', 'IKEv2', 'AlwaysOn', 'TransparentProxy'],
    },
    UserDefinedName: { ...text, required: true },
    IKEv2: { type: 'dictionary', keys: ikev2 },
    DNS: {
      type: 'dictionary',
      keys: {
        DNSProtocol: { type: 'string', required: true, values: ['Cleartext', 'HTTPS', 'TLS'] },
        ServerAddresses: { type: 'array', required: true },
        SearchDomains: { type: 'array' },
        DomainName: text,
        SupplementalMatchDomains: { type: 'array' },
        SupplementalMatchDomainsNoSearch: yesNo,
      },
    },
  },
  'com.apple.security.root': certificate,
  'com.apple.security.pkcs1': certificate,
  'com.apple.security.pkcs12': { ...certificate, Password: text },
};

export const topLevel: Readonly<Record<string, Documented>> = {
  ...common,
  PayloadType: { type: 'string', required: true, values: ['Configuration'] },
  PayloadContent: { type: 'array', required: true },
  PayloadScope: { type: 'string', values: ['System', 'User'] },
};

function typeOf(value: unknown): string {
  if (value instanceof Uint8Array) return 'data';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'real';
  return typeof value === 'object' ? 'dictionary' : typeof value;
}

/** Everything in a dictionary that is not as documented, as `key: what`. */
export function undocumented(
  dictionary: Record<string, unknown>,
  keys: Readonly<Record<string, Documented>>,
): string[] {
  const missing = Object.entries(keys)
    .filter(([name, { required }]) => required && !(name in dictionary))
    .map(([name]) => `${name}: missing`);
  return [
    ...missing,
    ...Object.entries(dictionary).flatMap(([name, value]) => wrong(name, value, keys[name])),
  ];
}

function wrong(name: string, value: unknown, documented: Documented | undefined): string[] {
  if (documented === undefined) return [`${name}: not documented`];
  const { type, values, range, keys } = documented;
  if (typeOf(value) !== type) return [`${name}: ${typeOf(value)} instead of ${type}`];
  if (values && !values.includes(value as string | number))
    return [`${name}: ${value} is none of its values`];
  if (range && !(Number(value) >= range[0] && Number(value) <= range[1]))
    return [`${name}: ${value} is out of range`];
  if (keys === undefined) return [];
  const inside = (Array.isArray(value) ? value : [value]) as Record<string, unknown>[];
  return inside.flatMap((each) => undocumented(each, keys).map((text) => `${name}.${text}`));
}
