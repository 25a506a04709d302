import { afterEach, describe, expect, it, vi } from 'vitest';
import { describeFailure, failureText } from '../../../src/cli/failure.js';
import { type ErrorKind, KitError, WireError } from '../../../src/lib/core/errors.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('describeFailure', () => {
  const codes: Record<ErrorKind, number> = {
    bug: 1,
    usage: 2,
    network: 4,
    protocol: 5,
    garbage: 5,
    refused: 6,
    environment: 7,
  };

  it.each(Object.entries(codes) as [ErrorKind, number][])('gives %s the exit code %i', (kind, exitCode) => {
    const failure = describeFailure(new KitError(kind, 'E_X', 'Sentence.', { hint: 'Hint.' }));
    expect(failure).toMatchObject({ exitCode, code: 'E_X', message: 'Sentence.', hint: 'Hint.' });
    expect(describeFailure(new WireError('E_Y', 'Short.', 3)).exitCode).toBe(5);
  });

  it('shows nothing of an unknown exception but its type', () => {
    vi.stubEnv('DEBUG', '');
    const text = failureText(describeFailure(new RangeError('the key was hunter2')));
    expect(text).toContain('Internal error (RangeError)');
    expect(text).not.toContain('hunter2');
    expect(describeFailure('hunter2')).toMatchObject({ exitCode: 1, code: 'E_BUG' });
    expect(failureText(describeFailure('hunter2'))).not.toContain('hunter2');
  });

  it('shows where a bug is when asked', () => {
    vi.stubEnv('IPSEC_KIT_DEBUG', '1');
    expect(failureText(describeFailure(new RangeError('x')))).toContain('failure.test.ts');
    expect(failureText(describeFailure(new KitError('usage', 'E_X', 'x')))).not.toContain('failure.test.ts');
  });

  it('makes one sentence of what the parser says', () => {
    const parser = (text: string): Error => Object.assign(new Error(text), { oclif: { exit: 2 } });
    expect(describeFailure(parser('Nonexistent flag: --foo\nSee more help with --help'))).toMatchObject({
      exitCode: 2,
      message: 'Nonexistent flag: --foo.',
    });
    expect(
      describeFailure(
        parser('Parsing --port \n\tExpected an integer but received: a\nSee more help with --help'),
      ).message,
    ).toBe('--port: Expected an integer but received: a.');
    expect(describeFailure(parser('command cert:x not found')).message).toBe('There is no command "cert x".');
  });

  it('makes text from outside harmless', () => {
    expect(failureText({ exitCode: 1, code: 'E_X', message: 'a\u001b[31m', hint: 'b\u0007' })).toBe(
      'error: a\\x1b[31m (E_X)\nhint: b\\x07\n',
    );
  });
});
