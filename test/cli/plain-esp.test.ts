import { expect, test } from 'vitest';
import { run } from './run.js';

/** Of TEST-NET-1 (RFC 5737): who sends a packet there waits for an answer. */
const gateway = '192.0.2.1';

test.each([
  { command: 'connect', words: [gateway] },
  {
    command: 'serve',
    words: ['--listen', '127.0.0.1', '--pool', '10.9.0.0/24', '--port', '0', '--nat-port', '0'],
  },
])('$command refuses ESP without UDP on the simple plane at once', ({ command, words }) => {
  const env = { IPSEC_KIT_PSK: 'looking-glass-and-what-alice-found-there' };
  const flags = ['--plane', 'simple', '--no-encap', '--format', 'ndjson'];
  const { status, stdout, stderr } = run([command, ...words, ...flags], { env });
  expect(status).toBe(7);
  expect(stderr).toMatch(/^error: .*ESP without UDP.* \(E_PLAIN_ESP\)\nhint: .*--plane fast.*--encap.*\n$/);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  expect(JSON.parse(stdout)).toMatchObject({ event: 'error', code: 'E_PLAIN_ESP' });
});
