import { spawnSync } from 'node:child_process';
import type { KeyObject } from 'node:crypto';
import { encodeDistinguishedName } from '../../../src/lib/ike/distinguished-name.js';
import type { Certificate } from '../../../src/lib/pki/certificate.js';
import { parseConstraint, parseGeneralName } from '../../../src/lib/pki/general-name.js';
import {
  type Issuer,
  intermediateCa,
  issueEndEntity,
  selfSignedCa,
  validityOf,
} from '../../../src/lib/pki/issue.js';
import { generateKey, type KeyKind, spkiOf } from '../../../src/lib/pki/keys.js';

export const NOW = Date.UTC(2026, 5, 1);

export const subject = (text: string): Uint8Array => encodeDistinguishedName(text)!;

export async function rootCa(
  options: { kind?: KeyKind; pathLength?: number; permit?: string[]; rsaPss?: boolean } = {},
): Promise<Issuer> {
  const key = await generateKey(options.kind ?? 'ecdsa-p256');
  const permitted = options.permit?.map(parseConstraint);
  const certificate = selfSignedCa({
    subject: subject('O=Test, CN=Root'),
    validity: validityOf(3650, NOW),
    key,
    pathLength: options.pathLength,
    rsaPss: options.rsaPss,
    ...(permitted && { nameConstraints: { permitted, excluded: [] } }),
  });
  return { certificate, key };
}

export async function below(
  issuer: Issuer,
  name = 'CN=Intermediate',
  kind: KeyKind = 'ecdsa-p256',
): Promise<Issuer> {
  const key = await generateKey(kind);
  const request = {
    subject: subject(name),
    validity: validityOf(1000, NOW),
    spki: spkiOf(key),
    pathLength: undefined,
  };
  return { certificate: intermediateCa(request, issuer), key };
}

export async function leaf(
  issuer: Issuer,
  options: { names?: string[]; server?: boolean; client?: boolean; kind?: KeyKind; days?: number } = {},
): Promise<{ certificate: Certificate; key: KeyObject }> {
  const {
    names = ['vpn.example.com'],
    server = true,
    client = false,
    kind = 'ecdsa-p256',
    days = 397,
  } = options;
  const key = await generateKey(kind);
  const certificate = issueEndEntity(
    {
      subject: subject(`CN=${names[0]}`),
      validity: validityOf(days, NOW),
      spki: spkiOf(key),
      subjectAltNames: names.map(parseGeneralName),
      server,
      client,
    },
    issuer,
  );
  return { certificate, key };
}

/** The openssl command, the second opinion on everything here. */
export function openssl(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  return { status, output: `${stdout}${stderr}` };
}

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
