import { describe, expect, it } from 'vitest';
import { Cookies } from '../../src/lib/ike/session/cookies.js';
import { SeededEntropy } from '../sim/world.js';

const SPI = 5n;
const nonce = new Uint8Array(20).fill(7);
const remote = { address: '203.0.113.9', port: 500 };
const MINUTE = 60_000;

describe('cookies', () => {
  it('stand for one nonce, address, port and SPI', () => {
    const cookies = new Cookies(new SeededEntropy(1), 0);
    const cookie = cookies.issue(nonce, remote, SPI, 0);
    expect(cookies.verify(cookie, nonce, remote, SPI, 0)).toBe(true);
    expect(
      cookies.verify(
        cookie,
        nonce.map((b) => b ^ 1),
        remote,
        SPI,
        0,
      ),
    ).toBe(false);
    expect(cookies.verify(cookie, nonce, { ...remote, address: '203.0.113.90' }, SPI, 0)).toBe(false);
    expect(cookies.verify(cookie, nonce, { ...remote, port: 501 }, SPI, 0)).toBe(false);
    expect(cookies.verify(cookie, nonce, remote, SPI + 1n, 0)).toBe(false);
  });

  it('cannot be had for an address whose text ends like that of another', () => {
    const cookies = new Cookies(new SeededEntropy(1), 0);
    const cookie = cookies.issue(nonce, remote, SPI, 0);
    const longer = Uint8Array.of(...nonce, ...Buffer.from('20'));
    expect(cookies.verify(cookie, longer, { ...remote, address: '3.0.113.9' }, SPI, 0)).toBe(false);
    const shorter = cookies.issue(longer, { ...remote, address: '3.0.113.9' }, SPI, 0);
    expect(cookies.verify(shorter, nonce, remote, SPI, 0)).toBe(false);
  });

  it('live for one to two minutes, also when nobody asked for one in between', () => {
    const cookies = () => new Cookies(new SeededEntropy(1), 0);
    const cookie = cookies().issue(nonce, remote, SPI, 0);
    expect(cookies().verify(cookie, nonce, remote, SPI, MINUTE - 1)).toBe(true);
    expect(cookies().verify(cookie, nonce, remote, SPI, 1.5 * MINUTE)).toBe(true);
    expect(cookies().verify(cookie, nonce, remote, SPI, 2 * MINUTE)).toBe(false);
    expect(cookies().verify(cookie, nonce, remote, SPI, -5 * MINUTE)).toBe(false);
  });
});
