import { describe, expect, test } from 'vitest';
import { type Kit, planeOfTests } from './harness/kit.js';
import { openLab } from './harness/lab.js';
import { installedChildren, type StrongSwan } from './harness/strongswan.js';
import { connectToStrongSwan, expectTraffic, serveStrongSwan } from './harness/tunnels.js';

interface Suite {
  name: string;
  ike: string;
  esp: string;
  /** What strongSwan calls what was negotiated. */
  ikeSa: Record<string, string>;
  childSa: Record<string, string>;
  family?: 4 | 6;
}

const aes = (algorithm: string) => ({ 'encr-alg': algorithm, 'encr-keysize': '256' });

const suites: Suite[] = [
  {
    name: 'AES-256-GCM and X25519',
    ike: 'aes256gcm16-prfsha256-x25519',
    esp: 'aes256gcm16',
    ikeSa: { ...aes('AES_GCM_16'), 'prf-alg': 'PRF_HMAC_SHA2_256', 'dh-group': 'CURVE_25519' },
    childSa: aes('AES_GCM_16'),
  },
  {
    name: 'AES-256-GCM and X25519, IPv6 outside',
    ike: 'aes256gcm16-prfsha256-x25519',
    esp: 'aes256gcm16',
    ikeSa: { ...aes('AES_GCM_16'), 'dh-group': 'CURVE_25519' },
    childSa: aes('AES_GCM_16'),
    family: 6,
  },
  {
    name: 'ChaCha20-Poly1305 and X25519',
    ike: 'chacha20poly1305-prfsha256-x25519',
    esp: 'chacha20poly1305',
    ikeSa: { 'encr-alg': 'CHACHA20_POLY1305', 'prf-alg': 'PRF_HMAC_SHA2_256', 'dh-group': 'CURVE_25519' },
    childSa: { 'encr-alg': 'CHACHA20_POLY1305' },
  },
  {
    name: 'AES-256-CBC, SHA2-256 and MODP2048',
    ike: 'aes256-sha256-prfsha256-modp2048',
    esp: 'aes256-sha256',
    ikeSa: { ...aes('AES_CBC'), 'integ-alg': 'HMAC_SHA2_256_128', 'dh-group': 'MODP_2048' },
    childSa: { ...aes('AES_CBC'), 'integ-alg': 'HMAC_SHA2_256_128' },
  },
  {
    name: 'AES-256-CTR, SHA2-384 and ECP384',
    ike: 'aes256ctr-sha384-prfsha384-ecp384',
    esp: 'aes256ctr-sha384',
    ikeSa: { ...aes('AES_CTR'), 'integ-alg': 'HMAC_SHA2_384_192', 'dh-group': 'ECP_384' },
    childSa: { ...aes('AES_CTR'), 'integ-alg': 'HMAC_SHA2_384_192' },
  },
  {
    name: 'AES-256-CCM and ECP521',
    ike: 'aes256ccm16-prfsha512-ecp521',
    esp: 'aes256ccm16',
    ikeSa: { ...aes('AES_CCM_16'), 'prf-alg': 'PRF_HMAC_SHA2_512', 'dh-group': 'ECP_521' },
    childSa: aes('AES_CCM_16'),
  },
  {
    name: 'X448',
    ike: 'aes256gcm16-prfsha512-x448',
    esp: 'aes256gcm16',
    ikeSa: { ...aes('AES_GCM_16'), 'prf-alg': 'PRF_HMAC_SHA2_512', 'dh-group': 'CURVE_448' },
    childSa: aes('AES_GCM_16'),
  },
  {
    name: 'AES-XCBC and Brainpool 256',
    ike: 'aes128-aesxcbc-prfaesxcbc-ecp256bp',
    esp: 'aes128-aesxcbc',
    ikeSa: { 'integ-alg': 'AES_XCBC_96', 'prf-alg': 'PRF_AES128_XCBC', 'dh-group': 'ECP_256_BP' },
    childSa: { 'encr-keysize': '128', 'integ-alg': 'AES_XCBC_96' },
  },
  {
    name: 'AES-CMAC and Brainpool 384',
    ike: 'aes256-aescmac-prfaescmac-ecp384bp',
    esp: 'aes256-aescmac',
    ikeSa: { 'integ-alg': 'AES_CMAC_96', 'prf-alg': 'PRF_AES128_CMAC', 'dh-group': 'ECP_384_BP' },
    childSa: { ...aes('AES_CBC'), 'integ-alg': 'AES_CMAC_96' },
  },
];

async function expectSuite(suite: Suite, kit: Kit, peer: StrongSwan, role: 'initiator' | 'responder') {
  expect(kit.all('ike-sa-established')).toMatchObject([{ role, proposal: suite.ike }]);
  expect(kit.all('child-sa-established')).toMatchObject([{ proposal: suite.esp }]);
  const sas = await peer.listSas();
  expect(sas).toMatchObject([{ state: 'ESTABLISHED', ...suite.ikeSa }]);
  const [child, ...more] = sas.flatMap(installedChildren);
  expect(more).toEqual([]);
  expect(child).toMatchObject(suite.childSa);
  const [established] = kit.all('child-sa-established');
  expect([established?.outboundSpi, established?.inboundSpi]).toEqual([
    `0x${child?.['spi-in']}`,
    `0x${child?.['spi-out']}`,
  ]);
  kit.child.signal('SIGUSR1');
  const stats = await kit.waitFor('stats');
  expect(stats.plane).toBe(planeOfTests ?? 'fast');
  expect(stats.childSas).toMatchObject([{ icvFailures: 0, replays: 0, malformed: 0 }]);
  expect(stats.childSas[0]?.packetsIn).toBeGreaterThan(100);
}

describe.each(suites)('$name', (suite) => {
  const { ike, esp, family } = suite;
  const settings = { flags: { ike, esp }, peer: { ike, esp }, ...(family && { family }) };

  test('connect to strongSwan', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { kit, peer } = await connectToStrongSwan(lab, settings);
    await expectTraffic(lab);
    await expectSuite(suite, kit, peer, 'initiator');
  });

  test('serve for a strongSwan initiator', async (context) => {
    const lab = await openLab(context, { needs: ['strongswan'] });
    const { kit, peer } = await serveStrongSwan(lab, settings);
    await expectTraffic(lab);
    await expectSuite(suite, kit, peer, 'responder');
  });
});
