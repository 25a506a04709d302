import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parseProposals } from '../../../../src/lib/ike/proposals.js';
import { readP12 } from '../../../../src/lib/pki/p12/read.js';
import { androidText } from '../../../../src/lib/pki/profiles/android.js';
import { exportProfile } from '../../../../src/lib/pki/profiles/export.js';
import { certificateOfPem, exportInput } from '../../../../src/lib/pki/profiles/input.js';
import type { ClientProfile, ProfileSecrets } from '../../../../src/lib/pki/profiles/types.js';
import { hasOpenssl } from '../build.js';
import { openP12 } from './openssl.js';
import { caPem, eapSample, only, passphrase, pskSample, sample, textOf, withKey } from './samples.js';

const text = { type: 'string', minLength: 1 };
const base64 = { type: 'string', pattern: '^[A-Za-z0-9+/]+={0,2}$' };
const addresses = { type: 'array', items: text, minItems: 1 };

/** The keys that strongSwan documents for its app. */
const valid = new Ajv().compile({
  type: 'object',
  required: ['uuid', 'name', 'type', 'remote'],
  additionalProperties: false,
  properties: {
    uuid: { type: 'string', pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' },
    name: text,
    type: { enum: ['ikev2-eap', 'ikev2-cert', 'ikev2-cert-eap', 'ikev2-eap-tls', 'ikev2-byod-eap'] },
    remote: {
      type: 'object',
      required: ['addr'],
      additionalProperties: false,
      properties: {
        addr: text,
        port: { type: 'integer', minimum: 1, maximum: 65535 },
        id: text,
        cert: base64,
        certreq: { type: 'boolean' },
      },
    },
    local: {
      type: 'object',
      additionalProperties: false,
      properties: { id: text, eap_id: text, p12: base64, 'rsa-pss': { type: 'boolean' } },
    },
    'ike-proposal': { type: 'string', pattern: '^[a-z0-9-]+$' },
    'esp-proposal': { type: 'string', pattern: '^[a-z0-9-]+$' },
    'dns-servers': addresses,
    mtu: { type: 'integer', minimum: 1280, maximum: 1500 },
    'nat-keepalive': { type: 'integer' },
    'split-tunneling': {
      type: 'object',
      additionalProperties: false,
      properties: {
        subnets: addresses,
        excluded: addresses,
        'block-ipv4': { type: 'boolean' },
        'block-ipv6': { type: 'boolean' },
      },
    },
  },
});

interface Document {
  type: string;
  remote: { addr: string; port?: number; id?: string; cert?: string };
  local: { id?: string; eap_id?: string; p12?: string };
  'ike-proposal': string;
  'esp-proposal': string;
  mtu?: number;
}

function exported(profile: ClientProfile, secrets: ProfileSecrets = {}): Document {
  const document: Document = JSON.parse(textOf(only(exportProfile(profile, 'android', secrets))));
  expect(valid(document), JSON.stringify(valid.errors)).toBe(true);
  return document;
}

describe('profiles for Android', () => {
  it('have documented keys only, whatever is asked', () => {
    exported(sample({ remoteTs: ['10.2.0.0/24'], dns: ['10.2.0.53'], mtu: 1400, natPort: 4501 }), withKey);
    exported(sample({ mtu: 9000, remoteId: '@gw', localId: 'alice@example.com' }));
    exported(eapSample({ auth: 'eap-md5', ca: [] }));
  });

  it('are what the golden files say', async () => {
    const split = sample({ remoteTs: ['10.2.0.0/24'], dns: ['10.2.0.53'], mtu: 1400 });
    const document = exported(split, withKey);
    document.local.p12 = 'PKCS#12';
    await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot('golden/android-cert.sswan');
    await expect(textOf(only(exportProfile(eapSample(), 'android')))).toMatchFileSnapshot(
      'golden/android-eap.sswan',
    );
  });

  it('name the method as the app does', () => {
    expect(exported(sample()).type).toBe('ikev2-cert');
    expect(exported(eapSample()).type).toBe('ikev2-eap');
    expect(exported(sample({ auth: 'eap-tls' })).type).toBe('ikev2-eap-tls');
    const refused = expect.objectContaining({ code: 'E_PROFILE_AUTH' });
    expect(() => exported(pskSample())).toThrowError(refused);
    expect(() => exported(eapSample({ serverAuth: 'psk' }))).toThrowError(refused);
    expect(() => exported(eapSample({ serverAuth: 'eap-only' }))).toThrowError(refused);
  });

  it('say who is who', () => {
    expect(exported(sample()).local.id).toBe('alice@example.com');
    expect(exported(sample({ localId: '@alice' })).local.id).toBe('@alice');
    expect(exported(eapSample()).local).toEqual({ eap_id: 'alice' });
    expect(exported(sample()).remote.id).toBeUndefined();
    expect(exported(sample({ remoteId: 'gw.example.com' })).remote.id).toBe('gw.example.com');
  });

  it('carry the CA and the key', () => {
    const { remote, local } = exported(sample(), withKey);
    expect(Buffer.from(remote.cert ?? '', 'base64').equals(certificateOfPem(caPem).der)).toBe(true);
    const container = Uint8Array.from(Buffer.from(local.p12 ?? '', 'base64'));
    expect(readP12(container, passphrase).keys).toHaveLength(1);
    expect(only(exportProfile(sample(), 'android', withKey)).secret).toBe(true);
    expect(only(exportProfile(sample(), 'android')).secret).toBe(false);
    if (hasOpenssl) {
      expect(openP12(container, 'a passphrase for tests').output).toContain('TripleDES');
    }
  });

  it('bring one proposal, without what the app lacks', () => {
    const document = exported(eapSample());
    expect(document['ike-proposal']).not.toContain('x448');
    expect(parseProposals(document['ike-proposal'], 1)).toHaveLength(1);
    expect(parseProposals(document['esp-proposal'], 3)).toHaveLength(1);
    const second = exported(eapSample({ ike: 'aes256-sha256-x448,aes128-sha256-ecp256' }));
    expect(second['ike-proposal']).toBe('aes128-sha256-prfsha256-ecp256');
    expect(() => exported(eapSample({ ike: 'aes256-sha256-x448' }))).toThrowError(
      expect.objectContaining({ code: 'E_PROFILE_PROPOSAL' }),
    );
  });

  it('leave out an MTU that the app drops', () => {
    expect(exported(sample({ mtu: 1400 })).mtu).toBe(1400);
    expect(exported(sample({ mtu: 1279 })).mtu).toBeUndefined();
  });

  it('go into a QR code without the key', () => {
    const document: Document = JSON.parse(androidText(exportInput(sample(), withKey)));
    expect(valid(document)).toBe(true);
    expect(document.local.p12).toBeUndefined();
  });
});
