import { describe, expect, test } from 'vitest';
import { openLab } from './harness/lab.js';
import { startNat } from './harness/nat.js';
import {
  acceptedSets,
  combinationsOf,
  confirmed,
  openSets,
  preferredOf,
  probe,
  setsOf,
  watchHalfOpen,
} from './harness/probe.js';
import { configuredProposals } from './harness/probe-truth.js';
import { startResponder } from './harness/tunnels.js';

const strict = 'aes256-sha256-prfsha256-modp2048';
const tied = `aes128gcm16-prfsha256-ecp256,${strict},3des-sha1-prfsha1-modp1024`;

describe('where one datagram in ten is lost', () => {
  test.for([
    { name: 'one strict proposal', ike: strict, seed: 1, flags: [], most: 80 },
    { name: 'one strict proposal', ike: strict, seed: 3, flags: [], most: 80 },
    { name: 'three tied suites', ike: tied, seed: 2, flags: ['--suites'], most: 120 },
    { name: 'three tied suites', ike: tied, seed: 5, flags: ['--suites'], most: 120 },
    { name: 'the defaults', ike: 'default', seed: 1, flags: [], most: 200 },
    { name: 'the defaults', ike: 'default', seed: 4, flags: [], most: 200 },
  ])(
    '$name of strongSwan are found as they are, losses $seed',
    async ({ ike, seed, flags, most }, context) => {
      const lab = await openLab(context, { hosts: 3, needs: ['strongswan'] });
      const peer = await startResponder(lab, { ike });
      await startNat(lab, { loss: 10, seed });
      const run = probe(lab, lab.a, lab.host(3).v4, ...flags);
      const { result, after } = await watchHalfOpen(peer, run);
      const { target, exitCode } = result;
      const proposals = configuredProposals(peer);
      expect(acceptedSets(target)).toEqual(setsOf(proposals));
      expect(openSets(target)).toEqual({ encr: [], prf: [], integ: [], ke: [] });
      expect(combinationsOf(proposals)).toContain(preferredOf(target));
      if (flags.length > 0) expect(confirmed(target)).toEqual(combinationsOf(proposals));
      expect(exitCode).toBe(0);
      expect(after).toBeLessThanOrEqual(2);
      expect(target.packets.sent).toBeLessThanOrEqual(most);
    },
  );
});
