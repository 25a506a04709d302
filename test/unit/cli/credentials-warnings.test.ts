import { beforeAll, describe, expect, it } from 'vitest';
import { credentialWarnings } from '../../../src/cli/credentials-warnings.js';
import type { Issuer } from '../../../src/lib/pki/issue.js';
import type { Credentials } from '../../../src/lib/tunnel/credentials.js';
import { leaf, NOW, rootCa } from '../pki/build.js';

const DAY = 86_400_000;
let root: Issuer;
let server: Awaited<ReturnType<typeof leaf>>;
let client: Awaited<ReturnType<typeof leaf>>;
beforeAll(async () => {
  root = await rootCa();
  server = await leaf(root);
  client = await leaf(root, { server: false, client: true });
});

const codes = (changes: Partial<Credentials>, at = NOW + DAY): string[] =>
  credentialWarnings({ local: ['cert'], remote: [['cert']], ...changes }, 'server', at).map(
    ({ code }) => code,
  );
const own = ({ certificate, key }: typeof server): Partial<Credentials> => ({
  own: { key, certificates: [certificate] },
});

describe('warnings about credentials', () => {
  it('are none for what works', () => {
    expect(codes({ ...own(server), trust: { anchors: [root.certificate] } })).toEqual([]);
  });

  it('name an own certificate that the other side will refuse', () => {
    expect(codes(own(server), NOW + 500 * DAY)).toEqual(['W_CERT_EXPIRED']);
    expect(codes(own(server), NOW - 30 * DAY)).toEqual(['W_CERT_NOT_YET_VALID']);
    expect(codes(own(client))).toEqual(['W_CERT_EKU']);
  });

  it('name a CA that is none, and a policy that nobody can satisfy', () => {
    expect(codes({ trust: { anchors: [server.certificate] } })).toEqual(['W_CA_NOT_CA']);
    expect(codes({ trust: { anchors: [root.certificate], crlPolicy: 'hard' } })).toEqual(['W_CRL_HARD']);
    const crls = { lists: () => [] };
    expect(codes({ trust: { anchors: [root.certificate], crlPolicy: 'hard', crls } })).toEqual([]);
  });
});
