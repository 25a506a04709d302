import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Secret } from '../../../../src/lib/core/secret.js';
import type { KeyKind } from '../../../../src/lib/pki/keys.js';
import { certificatePem } from '../../../../src/lib/pki/profiles/input.js';
import type { ClientProfile, ExportedFile, ProfileSecrets } from '../../../../src/lib/pki/profiles/types.js';
import { leaf, rootCa } from '../build.js';

const fixture = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');

/** In the middle of the fixtures' validity. */
export const NOW = Date.UTC(2026, 8, 1);

/** Throw-away certificates that never change, so that golden files do not. */
export const caPem = fixture('ca.crt');
export const serverPem = fixture('server.crt');
export const clientPem = fixture('client.crt');
export const clientKey = createPrivateKey(fixture('client.key'));

export const passphrase = Secret.fromText('a passphrase for tests');
export const withKey: ProfileSecrets = { key: clientKey, p12Passphrase: passphrase };

/** A client with a certificate of the fixtures, unless something else is said. */
export function sample(changes: Partial<ClientProfile> = {}): ClientProfile {
  return {
    schema: 'ipsec-kit/profile@1',
    name: 'Example VPN',
    gateway: 'vpn.example.com',
    auth: 'cert',
    serverAuth: 'cert',
    ca: [caPem],
    certificates: [clientPem],
    serverCertificate: serverPem,
    remoteTs: [],
    localTs: [],
    dns: [],
    ...changes,
  };
}

/** User and password. */
export function eapSample(changes: Partial<ClientProfile> = {}): ClientProfile {
  return sample({ auth: 'eap-mschapv2', eapUser: 'alice', certificates: [], ...changes });
}

export function pskSample(changes: Partial<ClientProfile> = {}): ClientProfile {
  const { serverCertificate: _, ...rest } = sample({
    auth: 'psk',
    serverAuth: 'psk',
    localId: 'alice@example.com',
    ca: [],
    certificates: [],
  });
  return { ...rest, ...changes };
}

/** A CA, a gateway and a client with keys of a kind. */
export async function freshSample(
  options: { kind?: KeyKind; days?: number; serverNames?: string[]; serverAuth?: boolean } = {},
): Promise<{ profile: ClientProfile; secrets: ProfileSecrets }> {
  const { kind = 'ecdsa-p256', days = 397, serverNames = ['vpn.example.com'] } = options;
  const ca = await rootCa();
  const server = await leaf(ca, { names: serverNames, kind, days, server: options.serverAuth ?? true });
  const client = await leaf(ca, { names: ['alice@example.com'], server: false, client: true, kind });
  const profile = sample({
    ca: [certificatePem(ca.certificate)],
    certificates: [certificatePem(client.certificate)],
    serverCertificate: certificatePem(server.certificate),
  });
  return { profile, secrets: { key: client.key, p12Passphrase: passphrase } };
}

export function textOf({ data }: ExportedFile): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
}

export function only(files: readonly ExportedFile[]): ExportedFile {
  const [file] = files;
  if (file === undefined || files.length !== 1) throw new Error(`${files.length} files instead of one`);
  return file;
}
