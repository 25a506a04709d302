import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { expect, it } from 'vitest';
import { type Libc, loadLibc } from '../../../src/lib/net/libc.js';

const EFD_NONBLOCK_CLOEXEC = 0o2004000;
const POLLIN = 1;
const UNTOUCHED = 0x5a;

const libc: Libc | undefined = await loadLibc().catch((error: Error) => {
  process.stderr.write(`Calls of C not tested: ${error.message}\n`);
  return undefined;
});

it.runIf(libc)('C is told how long the array is that it reads or writes', () => {
  const { read, write, eventfd, errno } = libc!;
  const bytes = new Uint8Array(24).fill(UNTOUCHED);
  const fd = eventfd(7, EFD_NONBLOCK_CLOEXEC);
  try {
    // An eventfd takes and gives eight bytes, and refuses to do with fewer (eventfd(2)).
    expect([write(fd, bytes.subarray(8, 15)), errno()]).toEqual([-1, constants.errno.EINVAL]);
    expect([read(fd, bytes.subarray(8, 15)), errno()]).toEqual([-1, constants.errno.EINVAL]);
    expect(bytes.every((byte) => byte === UNTOUCHED)).toBe(true);
    expect(read(fd, bytes.subarray(8, 16))).toBe(8);
    expect([...bytes.subarray(0, 8), ...bytes.subarray(16)].every((byte) => byte === UNTOUCHED)).toBe(true);
    expect([...bytes.subarray(8, 16)]).toEqual([7, 0, 0, 0, 0, 0, 0, 0]);
  } finally {
    closeSync(fd);
  }
  const zeroes = openSync('/dev/zero', 'r+');
  try {
    expect(read(zeroes, bytes.subarray(3, 8))).toBe(5);
    expect([...bytes.subarray(0, 9)]).toEqual([UNTOUCHED, UNTOUCHED, UNTOUCHED, 0, 0, 0, 0, 0, 7]);
    expect(write(zeroes, bytes.subarray(0, 23))).toBe(23);
  } finally {
    closeSync(zeroes);
  }
});

it.runIf(libc)('C is told how many descriptors there are to wait for', async () => {
  const fd = libc!.eventfd(1, EFD_NONBLOCK_CLOEXEC);
  try {
    const set = Buffer.alloc(24);
    for (const at of [0, 8, 16]) {
      set.writeInt32LE(fd, at);
      set.writeInt16LE(POLLIN, at + 4);
    }
    expect(await libc!.poll(set.subarray(0, 16), 0)).toBe(2);
    expect([6, 14, 22].map((at) => set.readInt16LE(at))).toEqual([POLLIN, POLLIN, 0]);
  } finally {
    closeSync(fd);
  }
});
