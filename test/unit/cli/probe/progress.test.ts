import { Chalk } from 'chalk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveProgress, silentProgress, VerboseProgress } from '../../../../src/cli/probe/progress.js';
import type { ProbeEvent } from '../../../../src/lib/probe/probe-target.js';
import { aesGcm, EVIL, group2 } from './reports.js';

const ESCAPE = String.fromCharCode(27);
const paint = new Chalk({ level: 0 });

/** A terminal as far as the live lines use one: text, lines, erasing upwards. */
class Screen {
  columns = 80;
  rows = 24;
  lines: string[] = [];

  write(text: string): void {
    const erase = new RegExp(`^${ESCAPE}\\[(\\d+)F${ESCAPE}\\[J`).exec(text);
    if (erase) this.lines.splice(this.lines.length - Number(erase[1]));
    else this.lines.push(...text.replace(/\n$/, '').split('\n'));
  }
}

const packet = (summary: string, sent = 3, budget = 1000): ProbeEvent => ({
  type: 'packet',
  packet: { number: sent, at: 12, direction: 'sent', bytes: 400, summary },
  sent,
  budget,
});

const events: ProbeEvent[] = [
  { type: 'phase', phase: 'algorithms' },
  packet('IKE_SA_INIT, 14 ciphers'),
  { type: 'accepted', kind: 'encr', algorithm: aesGcm },
  { type: 'accepted', kind: 'ke', algorithm: group2 },
];

describe('live progress', () => {
  const screen = new Screen();
  let progress: LiveProgress;
  beforeEach(() => {
    vi.useFakeTimers();
    screen.lines = [];
    progress = new LiveProgress(screen, paint, 3);
  });
  afterEach(() => {
    progress.close();
    vi.useRealTimers();
  });

  it('says what is asked, how much was sent, and what was found so far', () => {
    for (const event of events) progress.event('gw', event);
    expect(screen.lines).toEqual([]);
    vi.runAllTimers();
    expect(screen.lines).toEqual([
      'gw  algorithms  3/1000 packets  2 accepted, weak: 1024-bit MODP Group  IKE_SA_…',
      '0 of 3 targets done',
    ]);
  });

  it('stays in its lines, and goes away for what is written and at the end', () => {
    progress.event('a', packet('x'));
    progress.event('b', packet('x', 4, Number.MAX_SAFE_INTEGER));
    vi.runAllTimers();
    expect(screen.lines).toHaveLength(3);
    // Without a bound there is none to show.
    expect(screen.lines[1]).toContain(' 4 packets');
    progress.aside(() => screen.write('a report\n'));
    expect(screen.lines).toEqual(['a report']);
    progress.end('a');
    vi.runAllTimers();
    expect(screen.lines.slice(1)).toEqual([expect.stringMatching(/^b /), '1 of 3 targets done']);
    progress.close();
    expect(screen.lines).toEqual(['a report']);
    vi.runAllTimers();
    expect(screen.lines).toEqual(['a report']);
  });

  it('fits any terminal and shows no more targets than it has room for', () => {
    screen.columns = 30;
    for (let at = 0; at < 50; at++) progress.event(`target-${at}`, packet(EVIL.repeat(20)));
    vi.runAllTimers();
    expect(screen.lines).toHaveLength(11);
    for (const line of screen.lines) expect(line.length).toBeLessThan(30);
    expect(screen.lines.join('')).not.toContain(ESCAPE);
    screen.columns = 80;
  });

  it('tells why nothing happens', () => {
    progress.event('gw', { type: 'pause', for: 26_000, reason: 'it went blind' });
    vi.runAllTimers();
    expect(screen.lines[0]).toContain('waits 26 s: it went blind');
  });
});

describe('verbose progress', () => {
  it('writes a line an event, escaped', () => {
    const screen = new Screen();
    const progress = new VerboseProgress(screen, paint);
    for (const event of [...events, packet(EVIL)]) progress.event('gw', event);
    expect(screen.lines.slice(0, 4)).toEqual([
      'gw: algorithms',
      'gw: packet 3 at 0.012 s  → 400 bytes  IKE_SA_INIT, 14 ciphers',
      'gw: accepts AES_GCM_16-256',
      'gw: accepts 1024-bit MODP Group',
    ]);
    expect(screen.lines[4]).toContain('\\x1b[2J');
  });
});

it('silent progress lets results through', () => {
  const write = vi.fn();
  silentProgress.aside(write);
  expect(write).toHaveBeenCalledOnce();
});
