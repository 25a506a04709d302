import { afterEach, describe, expect, it, vi } from 'vitest';

afterEach(() => {
  vi.doUnmock('koffi');
  vi.resetModules();
});

async function fresh() {
  vi.resetModules();
  return import('../../../src/lib/crypto/evp-functions.js');
}

describe('the functions of OpenSSL', () => {
  it('are not to be had without koffi, and the reason is named', async () => {
    vi.doMock('koffi', () => {
      throw new Error('Cannot find package');
    });
    const { loadEvp } = await fresh();
    await expect(loadEvp()).rejects.toMatchObject({ kind: 'environment', code: 'E_NO_KOFFI', exitCode: 7 });
  });

  it.each([
    [
      'node that does not export them',
      8,
      () => {
        throw new Error('Cannot find function');
      },
    ],
    ['machine with short addresses', 4, () => () => 0],
  ])('are not to be had on a %s, and the reason is named', async (_what, sizeOfPointer, func) => {
    vi.doMock('koffi', () => ({
      default: { sizeof: () => sizeOfPointer, load: () => ({ func }), address: () => 0n },
    }));
    const { loadEvp } = await fresh();
    await expect(loadEvp()).rejects.toMatchObject({ kind: 'environment', code: 'E_NO_OPENSSL', exitCode: 7 });
  });

  it('are loaded before they are used', async () => {
    const { loadedEvp } = await fresh();
    expect(() => loadedEvp()).toThrow(expect.objectContaining({ kind: 'bug', code: 'E_NO_OPENSSL' }));
  });
});
