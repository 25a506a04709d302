import { describe, expect, it } from 'vitest';
import type { EvpFunctions } from '../../../../src/lib/crypto/evp-functions.js';
import { oneSuiteEach, suites } from '../suites.js';
import { evp } from './cipher-lab.js';
import { FLIPS, tryForgeries } from './forgeries.js';

const withEsn = (list: typeof suites) =>
  list.flatMap(({ name, sa }) => [
    { name, sa },
    { name: `${name} with ESN`, sa: { ...sa, esn: true } },
  ]);

describe.skipIf(evp === undefined)('ESP ciphers in an arena', () => {
  it.each(withEsn(suites))('refuse every forged packet: $name', ({ sa }) => {
    const { tried, accepted } = tryForgeries(sa, evp!);
    expect(accepted).toEqual([]);
    expect(tried).toBeGreaterThan(3000);
  });
});

describe.skipIf(evp === undefined)('refused packets', () => {
  it('leave no errors behind that node:crypto would find', async () => {
    const { default: koffi } = await import('koffi');
    const firstError = koffi.load(null).func('ERR_peek_error', 'uint64_t', []);
    for (const { name, sa } of oneSuiteEach) {
      tryForgeries(sa, evp!);
      expect(Number(firstError()), name).toBe(0);
    }
  });
});

const careless = (...values: Parameters<EvpFunctions['update']>): number => {
  evp!.update(...values);
  return 1;
};

/** Each takes a check away, and keeps all else. */
const withoutCheck = {
  final: { ...evp!, final: () => 1 },
  update: { ...evp!, update: careless },
  both: { ...evp!, update: careless, final: () => 1 },
  compare: { ...evp!, compare: () => 0 },
} satisfies Record<string, EvpFunctions>;

/** Which check it is that says no. CCM gives its verdict when it decrypts, and OpenSSL 3.5 once more at the end. */
function decisiveCheck(name: string): 'final' | 'both' | 'compare' {
  if (name.includes('AUTH_')) return 'compare';
  return name.includes('CCM') ? 'both' : 'final';
}

describe.skipIf(evp === undefined)('the forged packets of these tests', () => {
  /** OpenSSL has no XCBC: nothing can be taken away from what does without it. */
  const throughEvp = suites.filter(({ name }) => !name.includes('XCBC'));

  it.each(withEsn(throughEvp))('would be accepted without the last check: $name', ({ name, sa }) => {
    const { tried, accepted } = tryForgeries(sa, withoutCheck[decisiveCheck(name)]);
    const bytes = accepted.filter((what) => what.startsWith('byte '));
    const overhead = 8 + sa.encr.ivBytes + (sa.encr.icvBytes || sa.integ!.icvBytes);
    expect(bytes.length).toBeGreaterThanOrEqual(FLIPS.length * (2 * overhead + 61 + 250));
    for (const what of [
      'SPI 0',
      'sequence number 0',
      'ICV of another packet',
      'sealed with another key (0)',
    ]) {
      expect(accepted).toContain(what);
    }
    if (sa.esn) expect(accepted).toContain('high word 0');
    expect(accepted.length).toBeGreaterThan(tried * 0.6);
  });

  it.each(withEsn(oneSuiteEach))('are refused when another check is missing: $name', ({ name, sa }) => {
    const decisive = decisiveCheck(name);
    const others = {
      final: ['update', 'compare'],
      both: ['final', 'compare'],
      compare: ['both'],
    } as const;
    for (const check of others[decisive]) {
      expect(tryForgeries(sa, withoutCheck[check]).accepted, check).toEqual([]);
    }
  });
});
