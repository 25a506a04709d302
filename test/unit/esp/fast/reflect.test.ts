import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { whyNoNamespace } from '../../net/namespace.js';

const run = promisify(execFile);
const guest = new URL('reflect-guest.ts', import.meta.url).pathname;
const reason = whyNoNamespace();
if (reason !== undefined) console.warn(`Skipped, this user gets no namespace with a TUN device: ${reason}`);

interface Traffic {
  perRead: number;
  perWrite: number;
}

interface Report {
  tcp: Traffic & { up: boolean; down: boolean };
  udp: Traffic & { equal: boolean };
  cutUdp: Traffic & { equal: boolean };
  malformed: number;
  refusedWrites: number;
  damaged: string[];
  takesUdp: boolean;
}

describe.skipIf(reason !== undefined)('super-segments of the kernel', () => {
  for (const version of ['4', '6']) {
    it(`come back to it whole through segmenter and coalescer, over IPv${version}`, async () => {
      const argv = ['-Urn', process.execPath, '--import', 'tsx', guest, version];
      const { stdout } = await run('unshare', argv, { timeout: 45_000, killSignal: 'SIGKILL' });
      const { tcp, udp, cutUdp, takesUdp, ...rest } = JSON.parse(stdout) as Report;
      expect(rest).toEqual({ malformed: 0, refusedWrites: 0, damaged: [] });
      expect(tcp).toMatchObject({ up: true, down: true });
      expect(udp).toMatchObject({ equal: true });
      expect(cutUdp).toMatchObject({ equal: true });
      expect(tcp.perRead).toBeGreaterThan(2);
      expect(tcp.perWrite).toBeGreaterThan(2);
      // A device without USO is given no super-segments of UDP; the system cuts them before.
      if (!takesUdp) return;
      expect(udp.perWrite).toBeGreaterThan(2);
      expect(cutUdp.perRead).toBeGreaterThan(2);
      expect(cutUdp.perWrite).toBeGreaterThan(2);
    });
  }
});
