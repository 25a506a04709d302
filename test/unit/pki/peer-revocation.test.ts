import { beforeAll, describe, expect, it } from 'vitest';
import type { Certificate } from '../../../src/lib/pki/certificate.js';
import { type Crl, createCrl, parseCrl } from '../../../src/lib/pki/crl.js';
import type { Issuer } from '../../../src/lib/pki/issue.js';
import type { PeerClaim } from '../../../src/lib/pki/peer.js';
import { below, leaf, NOW, rootCa } from './build.js';
import { delegate, ocspResponse } from './craft.js';
import { judge } from './judge.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let root: Issuer;
let gateway: Issuer;
let anchors: Certificate[];
beforeAll(async () => {
  root = await rootCa();
  gateway = await leaf(root);
  anchors = [root.certificate];
});

describe('revocation', () => {
  const list = (issuer: Issuer, ...revoked: Certificate[]): Crl =>
    parseCrl(
      createCrl(
        issuer,
        revoked.map(({ serial }) => ({ serial, date: new Date(NOW), reason: 'keyCompromise' })),
        { number: 1, thisUpdate: new Date(NOW), nextUpdate: new Date(NOW + DAY) },
      ),
    );
  const responses = (...each: Uint8Array[]): Partial<PeerClaim> => ({ ocspResponses: each });

  it('by list refuses a peer and a CA between', async () => {
    const middle = await below(root);
    const { certificate } = await leaf(middle);
    const chain = [certificate, middle.certificate];
    expect(judge(chain, { anchors, crls: [list(middle, certificate)] }).code).toBe('E_CERT_REVOKED');
    expect(judge(chain, { anchors, crls: [list(root, middle.certificate)] }).code).toBe('E_CERT_REVOKED');
    expect(judge(chain, { anchors, crls: [list(middle)], crlPolicy: 'hard' }).code).toBe('E_CRL_MISSING');
    expect(judge(chain, { anchors, crls: [list(middle), list(root)], crlPolicy: 'hard' }).code).toBe('ok');
  });

  it('by a stapled response refuses, whatever the policy', () => {
    const revoked = responses(ocspResponse(gateway.certificate, root, { status: 'revoked' }));
    for (const ocspPolicy of ['soft', 'hard', undefined] as const) {
      expect(judge([gateway.certificate], { anchors, ocspPolicy }, revoked).code).toBe('E_CERT_REVOKED');
    }
  });

  it('is answered by a good response where a list is required', async () => {
    const hard = { anchors, crlPolicy: 'hard' } as const;
    const good = ocspResponse(gateway.certificate, root);
    expect(judge([gateway.certificate], hard).code).toBe('E_CRL_MISSING');
    expect(judge([gateway.certificate], hard, responses(good)).code).toBe('ok');
    expect(judge([gateway.certificate], { ...hard, now: NOW + 2 * HOUR }, responses(good)).code).toBe(
      'E_CRL_MISSING',
    );
    const middle = await below(root);
    const { certificate } = await leaf(middle);
    const chain = [certificate, middle.certificate];
    const own = ocspResponse(certificate, middle);
    expect(judge(chain, hard, responses(own)).code).toBe('E_CRL_MISSING');
    expect(judge(chain, hard, responses(own, ocspResponse(middle.certificate, root))).code).toBe('ok');
  });

  it.each<[code: string, what: string, respond: () => Promise<Uint8Array[]>]>([
    ['ok', 'is good', async () => [ocspResponse(gateway.certificate, root)]],
    ['E_OCSP_MISSING', 'is absent', async () => []],
    ['E_OCSP_MISSING', 'cannot be read', async () => [Uint8Array.of(0x30, 0)]],
    ['E_OCSP_MISSING', 'is about another', async () => [ocspResponse(root.certificate, root)]],
    [
      'E_OCSP_UNKNOWN',
      'knows nothing',
      async () => [ocspResponse(gateway.certificate, root, { status: 'unknown' })],
    ],
    [
      'E_OCSP_OUTDATED',
      'is outdated',
      async () => [ocspResponse(gateway.certificate, root, { nextUpdate: NOW - 1 })],
    ],
    [
      'E_OCSP_INVALID',
      'is forged',
      async () => [ocspResponse(gateway.certificate, root, { signer: await leaf(root) })],
    ],
  ])('gives %s where a response is required and %s', async (code, _, respond) => {
    const claim = responses(...(await respond()));
    expect(judge([gateway.certificate], { anchors, ocspPolicy: 'hard' }, claim).code).toBe(code);
    expect(judge([gateway.certificate], { anchors, ocspPolicy: 'soft' }, claim).code).toBe('ok');
  });

  it('is not answered by a delegate whom the CA disowned', async () => {
    const signer = await delegate(root, { serial: 4711 });
    const der = ocspResponse(gateway.certificate, root, { signer, certificates: [signer.certificate] });
    const trust = { anchors, ocspPolicy: 'hard' } as const;
    expect(judge([gateway.certificate], trust, responses(der)).code).toBe('ok');
    const crls = [list(root, signer.certificate)];
    expect(judge([gateway.certificate], { ...trust, crls }, responses(der)).code).toBe('E_OCSP_MISSING');
  });
});
