import { describe, expect, it } from 'vitest';
import { KitError } from '../../../src/lib/core/errors.js';
import type { Libc } from '../../../src/lib/net/libc.js';
import { loadLibc } from '../../../src/lib/net/libc.js';
import { openEspDescriptor } from '../../../src/lib/net/raw-descriptor.js';
import { inNamespace, whyNoNamespace } from './namespace.js';

const EPERM = 1;
const reason = whyNoNamespace();
if (reason !== undefined) console.warn(`Skipped, this user gets no namespace with a TUN device: ${reason}`);

describe.skipIf(reason !== undefined)('raw sockets for ESP', () => {
  it('carry many packets with one call, over both families, and keep the system from answering', async () => {
    const all = { sent: 'ok', left: 10, whole: 10, classes: [0xb8], errorsMore: 0, damaged: [] };
    // One call to nobody, one to the socket: both sent all ten.
    const calls = 2;
    expect(await inNamespace('raw-esp')).toEqual({
      four: { ...all, calls, headers: [20] },
      options: { ...all, calls, headers: [28] },
      six: { ...all, calls, headers: [0] },
      refused: { code: 'E_PLAIN_ESP', kind: 'environment' },
    });
  });
});

it('says what a user needs who may not open them', async () => {
  const forbidding: Libc = { ...(await loadLibc()), socket: () => -1, errno: () => EPERM };
  const attempt = () => openEspDescriptor(forbidding, '192.0.2.1');
  expect(attempt).toThrow(KitError);
  expect(attempt).toThrow(
    expect.objectContaining({
      code: 'E_PLAIN_ESP',
      kind: 'environment',
      message: expect.stringContaining('192.0.2.1'),
      hint: expect.stringMatching(/CAP_NET_RAW.*--encap/),
    }),
  );
});
