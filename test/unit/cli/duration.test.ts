import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration, parseLifetime } from '../../../src/cli/duration.js';

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['4h', 14_400_000],
    ['1h30m', 5_400_000],
    ['1d2h3m4s5ms', 93_784_005],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text, '--dpd')).toBe(ms);
  });

  it.each(['', '30', '-5s', '1.5h', '30m1h', '5 m', '1x', 's', '30S', '1h1h'])('refuses "%s"', (text) => {
    expect(() => parseDuration(text, '--dpd')).toThrow(
      expect.objectContaining({ code: 'E_DURATION', exitCode: 2, message: expect.stringContaining('--dpd') }),
    );
  });

  it('refuses what no timer can count', () => {
    expect(parseDuration('24d', 'x')).toBe(2_073_600_000);
    expect(() => parseDuration('25d', 'x')).toThrow('longer than 24 days');
    expect(() => parseDuration('999999999d', 'x')).toThrow('longer than 24 days');
    expect(() => parseDuration('25d', 'x')).toThrow(
      expect.objectContaining({ hint: 'Give at most 24 days: 24d.' }),
    );
  });

  it('adds up any combination', () => {
    const part = fc.integer({ min: 0, max: 99 });
    fc.assert(
      fc.property(part, part, part, (h, m, s) => {
        expect(parseDuration(`${h}h${m}m${s}s`, 'x')).toBe(((h * 60 + m) * 60 + s) * 1000);
      }),
    );
  });
});

describe('parseLifetime', () => {
  it('takes 0 for never', () => {
    expect(parseLifetime('0', 'x')).toBeUndefined();
    expect(parseLifetime('0s', 'x')).toBeUndefined();
    expect(parseLifetime('1s', 'x')).toBe(1000);
  });
});
