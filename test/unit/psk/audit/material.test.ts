import { describe, expect, it } from 'vitest';
import { KitError } from '../../../../src/lib/core/errors.js';
import { hashBytes } from '../../../../src/lib/psk/audit/hashes.js';
import { formatIkev2Material, parseMaterial, proves } from '../../../../src/lib/psk/audit/material.js';
import { auditHashes, bytes, ikev1Line, ikev2Line } from './material.js';

function errorOf(text: string): KitError {
  try {
    parseMaterial(text);
  } catch (error) {
    if (error instanceof KitError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('a file of hashes', () => {
  it.each(auditHashes)('holds IKEv1 and IKEv2 with %s', (hash) => {
    const targets = parseMaterial(`# ours\n${ikev1Line(hash, 'secret')}\r\n\n${ikev2Line(hash, 'secret')}\n`);
    expect(targets.map(({ kind, line }) => [kind, line])).toEqual([
      ['ikev1-aggressive', 2],
      ['ikev2-auth', 4],
    ]);
    for (const target of targets) {
      expect(target.hash).toBe(hash);
      expect(proves(Buffer.from('secret'), target)).toBe(true);
      expect(proves(Buffer.from('Secret'), target)).toBe(false);
    }
  });

  it('keeps what IKEv2 material says', () => {
    const octets = bytes(30, 1);
    const line = formatIkev2Material({ prf: 2, octets, auth: bytes(20, 2), identity: 'a "b"\n\u2028' });
    expect(line.endsWith('}\n')).toBe(true);
    expect(line.slice(0, -1)).not.toContain('\n');
    const [target] = parseMaterial(line);
    expect(target).toMatchObject({ message: octets, proof: bytes(20, 2), identity: 'a "b"\n\u2028' });
  });

  const sound = ikev1Line('sha1', 'secret');
  const fields = sound.split(':');
  const withField = (at: number, value: string): string => fields.with(at, value).join(':');
  it.each([
    ['nothing', '\n# only a remark\n', 'no hash'],
    ['something else', 'hello world', 'Line 1 has no fields'],
    ['eight fields', fields.slice(1).join(':'), 'Line 1 has 8 fields'],
    ['ten fields', `${sound}:00`, '10 fields'],
    ['no hexadecimal', `${sound}\n${withField(0, 'zz')}`, 'Line 2 has a field that is not hexadecimal'],
    ['half a byte', withField(4, 'abc'), 'not hexadecimal'],
    ['a short cookie', withField(2, '00'), 'cookies'],
    ['an identity without type', withField(5, '020000'), 'identity'],
    ['no nonces', fields.with(6, '').with(7, '').join(':'), 'nonces'],
    ['a hash of 24 bytes', withField(8, '00'.repeat(24)), 'hash of 24 bytes'],
    ['broken JSON', '{"schema":', 'not JSON'],
    ['another schema', '{"schema":"ipsec-kit/probe@1"}', 'schema'],
    ['no PRF', '{"schema":"ipsec-kit/ikev2-psk-material@1","identity":"x"}', 'PRF'],
    ['a PRF of AES', ikev2Line('md5', 'x').replace('"prf":1', '"prf":4'), 'PRF_AES128_XCBC'],
    ['an AUTH of another length', ikev2Line('md5', 'x').replace('"prf":1', '"prf":2'), 'AUTH of 16 bytes'],
    [
      'octets that are a number',
      ikev2Line('md5', 'x').replace(/"octets":"\w+"/, '"octets":5'),
      'hexadecimal',
    ],
    ['a line without end', '0'.repeat((1 << 18) + 1), 'longer than'],
    ['too many', `${sound}\n`.repeat(257), 'more than 256'],
  ])('that holds %s is refused, with the reason', (_what, text, reason) => {
    const error = errorOf(text);
    expect(error).toMatchObject({ kind: 'usage', code: 'E_PSK_MATERIAL' });
    expect(error.message).toContain(reason);
    expect(error.message.length).toBeLessThan(200);
  });

  it('tells the hash by its length alone', () => {
    for (const hash of auditHashes) {
      const [target] = parseMaterial(withField(8, 'ab'.repeat(hashBytes[hash])));
      expect(target?.hash).toBe(hash);
    }
  });
});
