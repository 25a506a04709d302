import { expect, test } from 'vitest';
import { diagnose } from '../../../../src/lib/capture/analyse/diagnose.js';
import { findingCatalogue } from '../../../../src/lib/capture/analyse/findings/catalogue.js';
import { IKE_SUITE, ke, nonce, sa, Talk, transform } from './build.js';

test('ids are unique, short words', () => {
  const ids = findingCatalogue.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
});

test('summaries and advice are whole sentences', () => {
  for (const { summary, advice } of findingCatalogue) {
    expect(summary).toMatch(/^[A-Z].*\.$/);
    expect(advice).toMatch(/^[A-Z].*\.$/);
  }
});

test('the most severe comes first, then the earliest', () => {
  const talk = new Talk();
  talk.esp('i', '0x0badcafe', 1);
  talk.init(false, [sa('aes256-sha256-modp1024-modp2048'), ke(2), nonce], { spiI: 5n });
  talk.init(true, [sa('aes256-sha256-modp1024'), ke(2), nonce], { spiI: 5n });
  talk.init(false, [
    sa([[transform(1, 3), transform(2, 5), transform(3, 12), transform(4, 14)]]),
    ke(14),
    nonce,
  ]);
  const order = talk.findings().map(({ severity, frames }) => `${severity} ${frames[0]}`);
  const rank = ['critical', 'high', 'medium', 'low', 'info'];
  const sorted = [...order].sort(
    (a, b) =>
      rank.indexOf(a.split(' ')[0]!) - rank.indexOf(b.split(' ')[0]!) ||
      Number(a.split(' ')[1]) - Number(b.split(' ')[1]),
  );
  expect(order).toEqual(sorted);
  expect(new Set(order.map((entry) => entry.split(' ')[0])).size).toBeGreaterThan(2);
});

test('the same sentence about many SAs is one finding with bounded evidence', () => {
  const talk = new Talk();
  for (let spi = 1; spi <= 60; spi++) {
    talk.init(false, [sa(IKE_SUITE), ke(31), nonce], { spiI: BigInt(spi) });
    talk.init(true, [sa('aes256-sha1-modp2048'), ke(14), nonce], { spiI: BigInt(spi) });
  }
  expect(talk.only('algorithm-aging').frames).toHaveLength(32);
});

test('findings of one id are limited, and say how many more there are', () => {
  const talk = new Talk();
  for (let spi = 1; spi <= 60; spi++) talk.esp('i', `0x000000${(spi + 16).toString(16)}`, 1);
  const found = diagnose(talk.conversations, []).filter(({ id }) => id === 'esp-from-before');
  expect(found).toHaveLength(50);
  expect(found.some(({ title }) => title.includes('(And 10 more like this.)'))).toBe(true);
});
