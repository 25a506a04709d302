import { describe, expect, it } from 'vitest';
import { isIpIn } from '../../../../src/lib/capture/keys/address-match.js';
import { KeyRing } from '../../../../src/lib/capture/keys/ring.js';
import type { EspKey, Ikev2Key, KeyEntry } from '../../../../src/lib/capture/keys/types.js';
import { Secret } from '../../../../src/lib/core/secret.js';

const secret = (byte: number) => new Secret(new Uint8Array(20).fill(byte));
const source = (line: number) => ({ file: 'f', line });

const esp = (byte: number, changes: Partial<EspKey> = {}): EspKey => ({
  kind: 'esp',
  source: source(byte),
  spi: 7,
  src: '*',
  dst: '*',
  encr: 20,
  encrKey: secret(byte),
  integ: { id: 0, icvBytes: 0, checked: false },
  integKey: new Secret(new Uint8Array(0)),
  ...changes,
});
const lines = (keys: readonly { source: { line: number } }[]) => keys.map((key) => key.source.line);

describe('KeyRing', () => {
  it('lets addresses decide between keys of one SPI, and the newest between equals', () => {
    const ring = new KeyRing([
      esp(1, { src: '10.0.0.1', dst: '10.0.0.2' }),
      esp(2, { src: '10.0.0.2', dst: '10.0.0.1' }),
      esp(3),
      esp(4),
    ]);
    expect(lines(ring.esp(7, '10.0.0.1', '10.0.0.2'))).toEqual([1, 4, 3, 2]);
    expect(lines(ring.esp(7, '10.0.0.2', '10.0.0.1'))).toEqual([2, 4, 3, 1]);
    expect(ring.esp(8, '10.0.0.1', '10.0.0.2')).toEqual([]);
  });

  it('keeps the same key once, as the entry that tells more', () => {
    const ring = new KeyRing([esp(1), esp(1, { source: source(2), esn: true })]);
    expect(lines(ring.esp(7, '', ''))).toEqual([2]);
    ring.addEsp(esp(1, { source: source(3) }));
    expect(lines(ring.esp(7, '', ''))).toEqual([3, 2]);
  });

  it('asks patterns only when no SPI fits, and then by address', () => {
    const any = { spi: undefined, spiPattern: '0000000*' };
    const ring = new KeyRing([esp(1, { ...any, dst: '10.0.0.0/24' }), esp(2, any), esp(3, { spi: 8 })]);
    expect(lines(ring.esp(7, '10.9.9.9', '10.0.0.5'))).toEqual([1, 2]);
    expect(lines(ring.esp(7, '10.9.9.9', '10.0.1.5'))).toEqual([2]);
    expect(lines(ring.esp(8, '10.9.9.9', '10.0.0.5'))).toEqual([3]);
    expect(ring.esp(0x17, '10.9.9.9', '10.0.0.5')).toEqual([]);
  });

  it('adds up what several files tell of an IKE SA, unless they contradict each other', () => {
    const key: Ikev2Key = { kind: 'ikev2', source: source(1), spiI: 1n, spiR: 2n, encr: 20, skEi: secret(1) };
    const ring = new KeyRing([key, { ...key, source: source(2), skEr: secret(2), skD: secret(3) }]);
    expect(ring.ikev2(1n, 2n)).toMatchObject([{ source: { line: 2 } }]);
    const [merged] = ring.ikev2(1n, 2n);
    expect([merged!.skEi, merged!.skEr, merged!.skD].every((found) => found !== undefined)).toBe(true);
    ring.addIkev2({ ...key, source: source(3), skEi: secret(9) });
    expect(lines(ring.ikev2(1n, 2n))).toEqual([2, 3]);
    expect(ring.ikev2(2n, 1n)).toEqual([]);
  });

  it('tells of every entry, and forgets only derived ones when there are too many', () => {
    const told: KeyEntry[] = [];
    const ring = new KeyRing([esp(1)]);
    ring.onAdded = (entry) => told.push(entry);
    for (let i = 0; i < 140_000; i++) ring.addDerived(esp(2, { spi: 100 + i }));
    expect(told).toHaveLength(140_000);
    expect(ring.esp(100, '', '')).toEqual([]);
    expect(ring.esp(140_099, '', '')).toHaveLength(1);
    expect(ring.esp(7, '', '')).toHaveLength(1);
  });

  it('finds KE secrets by either SPI', () => {
    const ring = new KeyRing([{ kind: 'child-ke', source: source(1), spis: [5, 6], keSecret: secret(1) }]);
    expect(
      [ring.keSecret(5), ring.keSecret(9, 6), ring.keSecret(9)].map((found) => found !== undefined),
    ).toEqual([true, true, false]);
  });
});

describe('isIpIn', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '*', true],
    ['10.0.0.1', '10.0.0.*', true],
    ['10.0.0.1', '10.*.0.1', true],
    ['10.0.0.1', '10.*', true],
    ['10.0.0.1', '11.*', false],
    ['10.0.0.1', '10.0.0.2', false],
    ['10.0.0.130', '10.0.0.128/25', true],
    ['10.0.0.1', '10.0.0.128/25', false],
    ['10.0.0.1', '0.0.0.0/0', true],
    ['2001:db8::1', '2001:db8::/32', true],
    ['2001:db9::1', '2001:db8::/32', false],
    ['2001:db8::1', '10.0.0.0/8', false],
    ['2001:db8::1', '2001:*', true],
    ['fe80::1', '2001:*', false],
  ])('%s in %s: %s', (address, pattern, expected) => expect(isIpIn(address, pattern)).toBe(expected));
});
