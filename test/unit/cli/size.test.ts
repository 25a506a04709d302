import { describe, expect, it } from 'vitest';
import { parseByteLifetime } from '../../../src/cli/size.js';

describe('parseByteLifetime', () => {
  it.each([
    ['0', undefined],
    ['0M', undefined],
    ['65536', 65_536],
    ['64k', 65_536],
    ['500M', 524_288_000],
    ['1G', 2 ** 30],
    ['1GB', 2 ** 30],
    ['2GiB', 2 ** 31],
    ['4096T', 2 ** 52],
  ])('reads %s', (text, bytes) => {
    expect(parseByteLifetime(text, '--bytes')).toBe(bytes);
  });

  it.each(['', 'M', '-1M', '1.5G', '1 G', '1P', '1Gi', '0x10', '1e9', '99999999999999999', '1G '])(
    'refuses "%s"',
    (text) => {
      expect(() => parseByteLifetime(text, '--bytes')).toThrow(
        expect.objectContaining({ code: 'E_SIZE', exitCode: 2, message: expect.stringContaining('--bytes') }),
      );
    },
  );

  it('refuses what would rekey all the time, and what nothing can count', () => {
    expect(() => parseByteLifetime('63K', 'x')).toThrow('too little');
    expect(() => parseByteLifetime('1', 'x')).toThrow('too little');
    expect(() => parseByteLifetime('4097T', 'x')).toThrow('too much');
    expect(() => parseByteLifetime('9999999999999999T', 'x')).toThrow('too much');
  });
});
