import { describe, expect, it, vi } from 'vitest';
import { loadLibc } from '../../../src/lib/net/libc.js';
import { openTun } from '../../../src/lib/net/tun-device.js';

vi.mock('koffi', () => {
  throw new Error('Cannot find package');
});

describe('without koffi', () => {
  it('there is no TUN device, and the reason is named', async () => {
    const missing = { kind: 'environment', code: 'E_NO_KOFFI', exitCode: 7 };
    await expect(loadLibc()).rejects.toMatchObject(missing);
    await expect(openTun({ mtu: 1400 })).rejects.toMatchObject(missing);
  });

  it('bad settings are refused before anything else', async () => {
    for (const name of ['', '-x', 'a/b', 'much-too-long-name']) {
      await expect(openTun({ name, mtu: 1400 })).rejects.toMatchObject({ code: 'E_TUN_NAME' });
    }
    for (const mtu of [0, 575, 65_536, 1400.5, Number.NaN]) {
      await expect(openTun({ mtu })).rejects.toMatchObject({ code: 'E_MTU' });
    }
  });
});
