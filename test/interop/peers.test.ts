import { describe, expect, test } from 'vitest';
import { Guest, guestHost, libreswanScript, openikedScript } from './harness/guest.js';
import { openLab } from './harness/lab.js';
import { StrongSwan } from './harness/strongswan.js';
import { ping } from './harness/traffic.js';

describe('proto', () => {
  for (const peer of ['libreswan', 'openiked'] as const)
    test(peer, async (context) => {
      const lab = await openLab(context, { hosts: 1, needs: ['uml', 'strongswan', peer] });
      const { a } = lab;
      const cfg =
        peer === 'libreswan'
          ? libreswanScript({ ike: 'aes_gcm256-sha2_256-dh31', esp: 'aes_gcm256', remoteTs: a.net4 })
          : openikedScript({
              ike: 'enc aes-256 prf hmac-sha2-256 auth hmac-sha2-256 group modp2048',
              esp: 'auth hmac-sha2-512 enc aes-256',
              remoteTs: a.net4,
            });
      const t0 = Date.now();
      const guest = await Guest.start(lab, cfg);
      console.log('up', Date.now() - t0);
      const ss = await StrongSwan.start(lab, a, {
        local: a.v4,
        remote: guestHost.v4,
        localId: 'alice.test',
        remoteId: 'bob.test',
        localTs: [a.net4],
        remoteTs: [guestHost.net4],
        ike: peer === 'libreswan' ? 'aes256gcm16-prfsha256-x25519' : 'aes256-sha256-modp2048',
        esp: peer === 'libreswan' ? 'aes256gcm16' : 'aes256-sha512',
      });
      console.log(await ss.initiate());
      console.log(await ping(lab, a, a.inner4, guestHost.inner4));
      await guest.stop();
      console.log(guest.describe(), Date.now() - t0);
      expect(1).toBe(1);
    });
});
