import * as Flags from '@oclif/core/flags';
import { clientAuthMethods, serverAuthMethods } from '../../lib/report/profile.schema.js';
import { passphraseFile } from '../cert/flags.js';
import { commonFlags } from '../tunnel-flags.js';

/** What every `profile` command has. */
export const outputFlags = {
  format: Flags.option({
    description: 'text, or one JSON document (schema ipsec-kit/profiles@1)',
    options: ['text', 'json'] as const,
    default: 'text' as const,
    helpGroup: 'OUTPUT',
  })(),
  json: Flags.boolean({ description: 'short for --format json', helpGroup: 'OUTPUT' }),
  color: commonFlags.color,
};

const text = (description: string, helpValue: string, helpGroup: string) =>
  Flags.string({ description, helpValue, helpGroup });
const list = (description: string, helpValue: string, helpGroup: string) =>
  Flags.string({ description, helpValue, helpGroup, multiple: true, multipleNonGreedy: true });

/** What a profile says; `save` and `export` share it. */
export const contentFlags = {
  gateway: text('host name or address that the client dials', '<host>', 'GATEWAY'),
  'remote-id': text('identity the gateway proves; default: what is dialled', '<id>', 'GATEWAY'),
  'server-auth': Flags.option({
    description:
      'how the gateway proves itself; eap-only: inside the EAP method of the client; default: psk against psk, else cert',
    options: serverAuthMethods,
    helpGroup: 'GATEWAY',
  })(),
  ca: list('file with CAs that the gateway is verified with; default: those of --store', '<file>', 'GATEWAY'),
  'gateway-cert': text(
    "the gateway's own certificate, to tell beforehand what devices will say about it; default: that of the gateway's name in --store",
    '<file>',
    'GATEWAY',
  ),
  port: Flags.integer({
    description: 'UDP port of IKE, if it is not 500',
    helpValue: '<port>',
    min: 1,
    max: 65_535,
    helpGroup: 'GATEWAY',
  }),
  'nat-port': Flags.integer({
    description: 'UDP port of IKE and ESP behind NAT, if it is not 4500',
    helpValue: '<port>',
    min: 1,
    max: 65_535,
    helpGroup: 'GATEWAY',
  }),
  auth: Flags.option({
    description: 'how the client proves itself; default: what was given for it',
    options: clientAuthMethods,
    helpGroup: 'CLIENT',
  })(),
  'local-id': text(
    'identity of the client; default: the first name of its certificate, or its user name',
    '<id>',
    'CLIENT',
  ),
  store: text(
    'folder of a CA as "cert" makes it: CAs, and with --identity certificate and key; default: that of "cert"',
    '<folder>',
    'CLIENT',
  ),
  identity: text('name in the store whose certificate and key the client gets', '<name>', 'CLIENT'),
  cert: text(
    "file with the client's certificate (PEM, DER, PKCS#12), and CAs between it and its root",
    '<file>',
    'CLIENT',
  ),
  key: text("file with the client's private key, unless --cert has it", '<file>', 'CLIENT'),
  'key-passphrase-file': passphraseFile("passphrase of the client's key or PKCS#12"),
  'psk-file': text('file with the pre-shared key, as for connect', '<file>', 'CLIENT'),
  'eap-user': text('user name for EAP', '<name>', 'CLIENT'),
  'eap-password-file': text('file with the password of the user', '<file>', 'CLIENT'),
  ike: text(
    'proposals that the gateway accepts for the IKE SA; default: our own list',
    '<proposals>',
    'TUNNEL',
  ),
  esp: text(
    'proposals that the gateway accepts for child SAs; default: our own list',
    '<proposals>',
    'TUNNEL',
  ),
  'remote-ts': list(
    'networks behind the gateway, CIDR, comma-separated or repeated; default: everything goes through the tunnel',
    '<cidr,...>',
    'TUNNEL',
  ),
  'local-ts': list(
    "networks on the client's side; default: the gateway lends an address",
    '<cidr,...>',
    'TUNNEL',
  ),
  dns: list('DNS server, where the gateway assigns none; repeatable', '<address>', 'TUNNEL'),
  mtu: Flags.integer({
    description: 'largest packet inside the tunnel, bytes',
    helpValue: '<bytes>',
    min: 576,
    max: 65_535,
    helpGroup: 'TUNNEL',
  }),
  'on-demand': Flags.boolean({
    description: 'bring the tunnel up whenever there is a network, where the client can',
    helpGroup: 'TUNNEL',
  }),
};

type Optional<T> = T | undefined;

/** {@link contentFlags} as the parser yields them. */
export interface ContentFlags {
  gateway?: Optional<string>;
  'remote-id'?: Optional<string>;
  'server-auth'?: Optional<(typeof serverAuthMethods)[number]>;
  ca?: Optional<string[]>;
  'gateway-cert'?: Optional<string>;
  port?: Optional<number>;
  'nat-port'?: Optional<number>;
  auth?: Optional<(typeof clientAuthMethods)[number]>;
  'local-id'?: Optional<string>;
  store?: Optional<string>;
  identity?: Optional<string>;
  cert?: Optional<string>;
  key?: Optional<string>;
  'key-passphrase-file'?: Optional<string>;
  'psk-file'?: Optional<string>;
  'eap-user'?: Optional<string>;
  'eap-password-file'?: Optional<string>;
  ike?: Optional<string>;
  esp?: Optional<string>;
  'remote-ts'?: Optional<string[]>;
  'local-ts'?: Optional<string[]>;
  dns?: Optional<string[]>;
  mtu?: Optional<number>;
  'on-demand'?: Optional<boolean>;
}

/** {@link outputFlags} as the parser yields them. */
export interface OutputFlags {
  format: 'text' | 'json';
  json: boolean;
  color: boolean;
}
