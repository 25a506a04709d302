import { Ajv } from 'ajv';
import { Chalk } from 'chalk';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EventOutput } from '../../../src/cli/event-output.js';
import { renderEvent } from '../../../src/cli/render-event.js';
import { eventSchema } from '../../../src/lib/report/event.schema.js';
import type { TunnelEvent } from '../../../src/lib/tunnel/types.js';
import { examples } from './events.js';

const validate = new Ajv({ strict: true }).compile(eventSchema);
const all: TunnelEvent[] = Object.values(examples);
const plain = new Chalk({ level: 0 });
const failure = { exitCode: 6, code: 'E_X', message: 'No.', hint: 'Do.' };

function capture(): { out: () => string; err: () => string } {
  const text = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text.out += String(chunk);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text.err += String(chunk);
    return true;
  });
  return { out: () => text.out, err: () => text.err };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('NDJSON', () => {
  it.each(all)('writes $event as its schema says', (event) => {
    const streams = capture();
    new EventOutput({ format: 'ndjson', verbose: false, color: true }).onEvent(event);
    const lines = streams.out().split('\n');
    expect(lines).toHaveLength(2);
    const document = JSON.parse(lines[0] ?? '');
    expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
    expect(document).toMatchObject({ ...event, schema: 'ipsec-kit/event@1' });
    expect(streams.err()).toBe('');
  });

  it('has a schema that refuses what is not an event', () => {
    const base = { schema: 'ipsec-kit/event@1', time: '2026-01-02T03:04:05.678Z' };
    expect(validate({ ...base, ...examples['peer-moved'] })).toBe(true);
    expect(validate({ ...base, ...examples['peer-moved'], more: 1 })).toBe(false);
    expect(validate({ ...base, ...examples['peer-moved'], time: 'now' })).toBe(false);
    expect(validate({ ...base, event: 'unheard-of' })).toBe(false);
    const ended = { ...base, event: 'ike-sa-deleted', reason: 'failed' };
    expect(validate({ ...ended, peer: 'unknown' })).toBe(true);
    expect(validate({ ...ended, peer: 'somewhere' })).toBe(false);
    expect(validate({ ...base, ...examples['ike-sa-established'], initiatorSpi: 5 })).toBe(false);
  });

  it('ends a failure with an error event and a sentence', () => {
    const streams = capture();
    new EventOutput({ format: 'ndjson', verbose: false, color: true }).failure(failure);
    const document = JSON.parse(streams.out());
    expect(validate(document)).toBe(true);
    expect(document).toMatchObject({ event: 'error', code: 'E_X', message: 'No.', hint: 'Do.' });
    expect(streams.err()).toBe('error: No (E_X)\nhint: Do.\n');
  });

  it('does not repeat an error event that was already there', () => {
    const streams = capture();
    const output = new EventOutput({ format: 'ndjson', verbose: false, color: true });
    output.onEvent({ event: 'error', code: 'E_X', message: 'No.' });
    output.failure(failure);
    expect(streams.out().trim().split('\n')).toHaveLength(1);
    expect(streams.err()).toContain('error: No (E_X)');
  });
});

describe('text', () => {
  it.each(all)('renders $event as one line with a clock, or one more for each command', (event) => {
    const lines = renderEvent(event, new Date(2026, 0, 2, 3, 4, 5, 6), plain).split('\n');
    expect(lines[0]).toMatch(/^03:04:05\.006 [✓↻–·!✗] \S/);
    const more = ['host-advice', 'error', 'stats'].includes(event.event) ? 1 : 0;
    expect(lines).toHaveLength(1 + more);
  });

  it('tells SPIs of IKE SAs by role and those of child SAs by direction', () => {
    const text = (name: keyof typeof examples) => renderEvent(examples[name], new Date(), plain);
    const pair = 'SPIs in 0xc0000001 out 0xc0000002';
    expect(text('child-sa-established')).toMatch(new RegExp(`, ${pair}$`));
    expect(text('child-sa-rekeyed')).toMatch(new RegExp(`, ${pair}, replaces in 0xc0000003 out 0xc0000004$`));
    expect(text('child-sa-deleted')).toMatch(
      new RegExp(`: ${pair}; traffic in 1 packets 3 bytes, out 2 packets 4 bytes$`),
    );
    expect(text('stats')).toContain(`192.0.2.1:4500 ${pair}: in 100 packets`);
    for (const name of ['ike-sa-established', 'ike-sa-rekeyed'] as const) {
      expect(text(name)).toContain('SPIs 0123456789abcdef_i fedcba9876543210_r');
    }
  });

  it('shows exchanges only when asked, and on stderr', () => {
    const streams = capture();
    new EventOutput({ format: 'text', verbose: false, color: true }).onEvent(examples.exchange);
    expect(streams.out() + streams.err()).toBe('');
    new EventOutput({ format: 'text', verbose: true, color: true }).onEvent(examples.exchange);
    expect(streams.out()).toBe('');
    expect(streams.err()).toContain('IKE_AUTH');
  });

  it('tells how both sides authenticated', () => {
    expect(renderEvent(examples['ike-sa-established'], new Date(), plain)).toContain(
      'alice@example.com (psk + eap-mschapv2) to vpn.example.com (ECDSA P-256 with SHA-256), EAP identity alice,',
    );
  });

  it('tells of ESP that is not in UDP', () => {
    const established = examples['child-sa-established'];
    const line = (encapsulation: 'udp' | 'none') =>
      renderEvent({ ...established, encapsulation }, new Date(0), plain);
    expect(line('none')).toContain('ESP without UDP');
    expect(line('udp')).not.toContain('UDP');
  });

  it('warns on stderr', () => {
    const streams = capture();
    new EventOutput({ format: 'text', verbose: false, color: true }).onEvent(examples.warning);
    expect(streams.out()).toBe('');
    expect(streams.err()).toContain('! 192.0.2.1:4500: The signature is weak (W_SIGNATURE_SHA1)');
  });

  it('keeps diagnostics off stdout and debug messages for --verbose', () => {
    const streams = capture();
    const quiet = new EventOutput({ format: 'text', verbose: false, color: true });
    quiet.log('debug', 'details');
    quiet.log('warn', 'attention');
    expect(streams.out()).toBe('');
    expect(streams.err()).toContain('attention');
    expect(streams.err()).not.toContain('details');
    new EventOutput({ format: 'text', verbose: true, color: true }).log('debug', 'details');
    expect(streams.err()).toContain('details');
  });

  it('says an error once', () => {
    const streams = capture();
    const output = new EventOutput({ format: 'text', verbose: false, color: true });
    output.onEvent({ event: 'error', code: 'E_X', message: 'No.' });
    output.failure(failure);
    expect(streams.err().match(/\bNo\b/g)).toHaveLength(1);
  });

  it('makes a hostile identity harmless', () => {
    const event: TunnelEvent = { ...examples['ike-sa-established'], remoteId: 'a\u001b[2Jb\u202ec\nd' };
    const text = renderEvent(event, new Date(), plain);
    expect(text).toContain('a\\x1b[2Jb\\xe2\\x80\\xaec\\x0ad');
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});
