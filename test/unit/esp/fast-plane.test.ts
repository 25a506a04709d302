import { openSync } from 'node:fs';
import { expect, it } from 'vitest';
import { silent } from '../../../src/lib/core/log.js';
import { FastPlane } from '../../../src/lib/esp/plane/fast.js';
import { type Libc, loadLibc } from '../../../src/lib/net/libc.js';

const EPERM = 1;

it('opens no raw socket once it is closed, which nobody would close', async () => {
  let asked = 0;
  const libc: Libc = {
    ...(await loadLibc()),
    socket() {
      asked += 1;
      return -1;
    },
    errno: () => EPERM,
  };
  const events = {
    peerMoved() {},
    softLifetimeReached() {},
    hardLifetimeReached() {},
    pathMtu() {},
    refused() {},
    failed() {},
  };
  const device = { fd: openSync('/dev/null', 'r'), name: 'none0', mtu: 1400, offload: undefined };
  const plane = new FastPlane(device, libc, openSync('/dev/null', 'r'), events, silent, undefined);
  const path = {
    local: { address: '127.0.0.1', port: 0 },
    remote: { address: '127.0.0.2', port: 0 },
    encapsulation: 'none',
  } as const;
  expect(() => plane.prepare(path)).toThrow(expect.objectContaining({ code: 'E_PLAIN_ESP' }));
  const closed = plane.close();
  plane.prepare(path);
  await closed;
  plane.prepare(path);
  expect(asked).toBe(1);
});
