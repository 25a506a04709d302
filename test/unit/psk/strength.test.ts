import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/lib/core/secret.js';
import { estimatePsk } from '../../../src/lib/psk/strength.js';

const ofText = (text: string, related?: string[]) => estimatePsk(Secret.fromText(text), related);
const ofBytes = (bytes: Uint8Array) => estimatePsk(new Secret(bytes));
const ofHex = (hex: string) => ofBytes(Buffer.from(hex, 'hex'));

/** Bytes without a pattern, the same in each run. */
const random = (length: number) => createHash('shake256', { outputLength: length }).update('psk').digest();

describe('the estimate of text', () => {
  it.each([
    ['Password123', 'a common password'],
    ['P4$$w0rd!', 'with digits or signs for letters'],
    ['m1cr0s0ft-4dm1n1str4t0r', 'with digits or signs for letters'],
    ['vpn2024!', 'a word of VPN configurations'],
    ['strongSwan2019', 'a word of VPN configurations'],
    ['Summer2023', 'a dictionary word'],
    ['qwertzuiop', 'neighbouring keys of a keyboard'],
    ['12.05.1998', 'a date'],
    ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'repeated characters or words'],
    ['abcdefghijklm', 'letters or digits in order'],
    ['correct horse battery staple', 'an example that manuals print'],
    ['v+NkxY9LLZvwj4qCC2o/gGrWDF2d21jL', 'an example that manuals print'],
    ['a', 'no known pattern'],
    ['', 'nothing but zero bytes'],
  ])('calls %j weak: %s', async (text, because) => {
    const { verdict, why, suggestion } = await ofText(text);
    expect(verdict).toBe('weak');
    expect(why.join('\n')).toContain(because);
    expect(suggestion).toContain('ipsec-kit psk generate');
  });

  it.each([
    'lRzbKGgVxNmQ4hTPEY8yC7us',
    'kpecs6atq2inp5v8yywuk8rqzz8kzhiaubagmpumarbsbn3pxxbd',
    'lumal-potit-lubod-gabod-fozor-vubav',
    'X9v+Qm2Lr7TzK0pWc4YdHb1NsEjFgUaR6oVtI3xC5yk=',
    '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  ])('calls %j strong and has nothing to suggest', async (text) => {
    const { verdict, suggestion } = await ofText(text);
    expect(verdict).toBe('strong');
    expect(suggestion).toBeUndefined();
  });

  it('believes letters and digits drawn at random more than made-up words of the same length', async () => {
    const drawn = await ofText('4qns5H9TdPTZ');
    expect(drawn.verdict).toBe('fair');
    expect(drawn.why).toEqual(['looks drawn at random']);
    for (const made of ['kB7xP2mQ9vR4', 'Gr4ub4nd3n!8', 'MeinHundBlaf']) {
      expect((await ofText(made)).verdict, made).toBe('weak');
    }
  });

  it('knows that related names are tried first, also by their parts', async () => {
    const key = 'zwyssighaus77';
    const blind = await ofText(key);
    const informed = await ofText(key, ['gw.zwyssighaus.example']);
    expect(informed.guessesLog10).toBeLessThan(blind.guessesLog10 - 3);
    expect(informed.why).toContain('a name of this connection');
  });

  it('judges a bounded beginning of long text and says so', async () => {
    const { why, guessesLog10 } = await ofText(random(1500).toString('hex'));
    expect(why).toContain('only its first 64 characters are judged');
    expect(guessesLog10).toBeLessThan(100);
    expect((await ofText('x'.repeat(4096))).verdict).toBe('weak');
  });

  it('never shows a part of the key', async () => {
    const strength = await ofText('Gandalf-Rosamunde-1977-Rosamunde', ['rosamunde.example']);
    const shown = (inspect(strength, { depth: 9 }) + JSON.stringify(strength)).toLowerCase();
    for (const part of ['gandalf', 'rosamunde', '1977']) expect(shown).not.toContain(part);
  });
});

describe('the estimate of bytes', () => {
  it.each([
    [6, 'weak'],
    [8, 'fair'],
    [9, 'strong'],
    [16, 'strong'],
    [32, 'strong'],
  ])('calls %i random bytes %s', async (length, verdict) => {
    const strength = await ofBytes(random(length));
    expect(strength.verdict).toBe(verdict);
    // Half of the keys are tried on average.
    expect(strength.guessesLog10).toBeCloseTo((8 * length - 1) * Math.log10(2), 1);
  });

  it('counts on with the length', async () => {
    expect((await ofBytes(random(2048))).guessesLog10).toBeGreaterThan(1000);
    expect((await ofBytes(random(2048))).offline.cluster.text).toBe('more than a million years');
  });

  it.each([
    ['one value', 'aa'.repeat(32)],
    ['zeros', '00'.repeat(32)],
    ['a repeated piece', 'deadbeef'.repeat(8)],
    ['a repeated piece, cut short', `${'deadbeef'.repeat(4)}dead`],
    ['counting up', Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString('hex')],
    ['equal steps', '112233445566778899aabbccddeeff'],
    ['two values', 'f00ff00f0f0ff0f00f0f0ff0'],
    ['text in UTF-16', Buffer.from('Password123', 'utf16le').toString('hex')],
    ['text in Latin-1', Buffer.from('Grüße2024', 'latin1').toString('hex')],
    ['text', Buffer.from('letmein').toString('hex')],
    ["an example of strongSwan's", Buffer.from('FpZAZqEN6Ti9sqt4ZP5EWcqx', 'base64').toString('hex')],
  ])('calls %s weak', async (_what, hex) => {
    expect((await ofHex(hex)).verdict).toBe('weak');
  });
});

describe('the durations', () => {
  it('follow from the guesses at the stated rates', async () => {
    const { guessesLog10, offline } = await ofBytes(random(8));
    expect(offline.gpu.guessesPerSecond).toBe(1e9);
    expect(offline.cluster.guessesPerSecond).toBe(1e11);
    expect(Math.log10(offline.gpu.seconds)).toBeCloseTo(guessesLog10 - 9, 1);
    expect(offline.gpu.seconds / offline.cluster.seconds).toBeCloseTo(100, 6);
    expect(offline.gpu.text).toBe('about 290 years');
    expect(offline.cluster.text).toBe('about 2.9 years');
  });

  it('stand in the sentence, with the verdict', async () => {
    expect((await ofBytes(random(6))).text).toBe(
      'The pre-shared key is weak: guessed offline, it holds about 1.6 days against one graphics card and about 23 minutes against a hundred.',
    );
  });
});
