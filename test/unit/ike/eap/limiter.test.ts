import { describe, expect, it } from 'vitest';
import { type AttemptLimits, createAttemptLimiter } from '../../../../src/lib/ike/auth/eap/limiter.js';

function limiterAt(limits: AttemptLimits) {
  const clock = { time: 0, now: () => clock.time };
  return { clock, limiter: createAttemptLimiter(clock, limits) };
}

describe('the limit on wrong passwords', () => {
  it('stops one user from one address, not others', () => {
    const { limiter } = limiterAt({ perUser: 2 });
    limiter.failed('192.0.2.1', 'alice');
    expect(limiter.allows('192.0.2.1', 'alice')).toBe(true);
    limiter.failed('192.0.2.1', 'alice');
    expect(limiter.allows('192.0.2.1', 'alice')).toBe(false);
    expect(limiter.allows('192.0.2.2', 'alice')).toBe(true);
    expect(limiter.allows('192.0.2.1', 'bob')).toBe(true);
  });

  it('stops an address that tries many users', () => {
    const { limiter } = limiterAt({ perUser: 2, perAddress: 10 });
    for (let user = 0; user < 10; user++) {
      expect(limiter.allows('192.0.2.1', 'last')).toBe(true);
      limiter.failed('192.0.2.1', `user${user}`);
    }
    expect(limiter.allows('192.0.2.1', 'last')).toBe(false);
    expect(limiter.allows('192.0.2.2', 'last')).toBe(true);
  });

  it('takes the addresses of an IPv6 /64 for one, with or without a zone', () => {
    const { limiter } = limiterAt({ perUser: 2 });
    limiter.failed('2001:db8::1', 'alice');
    limiter.failed('2001:db8:0:0:ffff::2%eth0', 'alice');
    expect(limiter.allows('2001:db8::3', 'alice')).toBe(false);
    expect(limiter.allows('2001:db8:0:1::3', 'alice')).toBe(true);
    limiter.succeeded('2001:db8::4', 'alice');
    expect(limiter.allows('2001:db8::3', 'alice')).toBe(true);
  });

  it('forgets after a while without attempts', () => {
    const { clock, limiter } = limiterAt({ perUser: 1, forgetAfter: 1000 });
    limiter.failed('a', 'alice');
    clock.time = 999;
    expect(limiter.allows('a', 'alice')).toBe(false);
    clock.time = 1000;
    expect(limiter.allows('a', 'alice')).toBe(true);
  });

  it('forgets with the right password', () => {
    const { limiter } = limiterAt({ perUser: 2 });
    limiter.failed('a', 'alice');
    limiter.succeeded('a', 'alice');
    limiter.failed('a', 'alice');
    expect(limiter.allows('a', 'alice')).toBe(true);
  });

  it('does not let success with one account clear guesses at another', () => {
    const { limiter } = limiterAt({ perUser: 5, perAddress: 3 });
    for (let guess = 0; guess < 3; guess++) {
      limiter.failed('a', `victim${guess}`);
      limiter.succeeded('a', 'mallory');
    }
    expect(limiter.allows('a', 'victim4')).toBe(false);
  });

  it('keeps no more entries than it may, and the latest', () => {
    const { limiter } = limiterAt({ perUser: 1, capacity: 10 });
    for (let at = 0; at < 1000; at++) limiter.failed(`address${at}`, 'alice');
    const kept = Array.from({ length: 1000 }, (_, at) => at).filter(
      (at) => !limiter.allows(`address${at}`, 'alice'),
    );
    // Each failure is two entries: the user's and the address's.
    expect(kept).toEqual([995, 996, 997, 998, 999]);
  });
});
