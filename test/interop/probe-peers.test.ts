import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Guest, guestHost } from './harness/guest.js';
import { openikedScript } from './harness/guest-peers.js';
import { openLab } from './harness/lab.js';
import { Libreswan } from './harness/libreswan.js';
import {
  acceptedSets,
  combinationsOf,
  confirmed,
  openSets,
  type ProbeRun,
  preferredOf,
  probe,
  type Sets,
  setsOf,
} from './harness/probe.js';
import { libreswanProposals, openikedProposals } from './harness/probe-truth.js';
import { defaultPsk } from './harness/strongswan-config.js';

/** The reported sets and combinations are those of the proposals, and the first of each type is preferred. */
function expectTruth({ target, exitCode }: ProbeRun, proposals: readonly Sets[]): void {
  expect(acceptedSets(target)).toEqual(setsOf(proposals));
  expect(openSets(target)).toEqual({ encr: [], prf: [], integ: [], ke: [] });
  expect(target.ikev2?.accepted.addke).toEqual([]);
  const [first] = combinationsOf(
    proposals.slice(0, 1).map(({ encr, prf, integ, ke }) => ({
      encr: encr.slice(0, 1),
      prf: prf.slice(0, 1),
      integ: integ.slice(0, 1),
      ke: ke.slice(0, 1),
    })),
  );
  expect(preferredOf(target)).toBe(first);
  expect(target.verdict).toBe('answers');
  expect(exitCode).toBe(0);
}

/** A hash stands for the PRF and the integrity algorithm. */
const several = 'aes_gcm256+aes_gcm128-sha2_512+sha2_256-dh19+dh14,aes128+aes256-sha1+sha2_256-dh14+dh20';

describe('what libreswan accepts', () => {
  test.for([
    {
      name: 'an AEAD and X25519',
      ike: 'aes_gcm256-sha2_256-dh31',
      proposals: [{ encr: ['20/256'], prf: ['5'], integ: [], ke: ['31'] }],
    },
    {
      name: 'a cipher and MODP2048',
      ike: 'aes256-sha2_512-dh14',
      proposals: [{ encr: ['12/256'], prf: ['7'], integ: ['14'], ke: ['14'] }],
    },
    {
      name: 'several algorithms a type',
      ike: several,
      proposals: [
        { encr: ['20/256', '20/128'], prf: ['7', '5'], integ: [], ke: ['19', '14'] },
        { encr: ['12/128', '12/256'], prf: ['2', '5'], integ: ['2', '12'], ke: ['14', '20'] },
      ],
    },
    { name: 'its defaults' },
  ])('$name', async ({ ike, proposals }, context) => {
    const lab = await openLab(context, { needs: ['libreswan'] });
    const connection = { ikev2: 'insist', ...(ike && { ike }) };
    const peer = await Libreswan.start(lab, lab.b, defaultPsk, [connection]);
    const run = await probe(lab, lab.a, lab.b.v4);
    expectTruth(run, libreswanProposals(peer.log()));
    if (proposals) expectTruth(run, proposals);
    expect(run.target.packets.sent).toBeLessThanOrEqual(100);
  });

  test('its combinations, exactly', async (context) => {
    const lab = await openLab(context, { needs: ['libreswan'] });
    const peer = await Libreswan.start(lab, lab.b, defaultPsk, [{ ikev2: 'insist', ike: several }]);
    const run = await probe(lab, lab.a, lab.b.v4, '--suites=exact');
    const proposals = libreswanProposals(peer.log());
    expectTruth(run, proposals);
    expect(confirmed(run.target)).toEqual(combinationsOf(proposals));
    expect(run.target.ikev2).toMatchObject({ suitesComplete: true, suitesMethod: 'exact' });
  });
});

describe('what OpenIKED accepts', () => {
  test.for([
    {
      name: 'one suite',
      ike: 'enc aes-256 prf hmac-sha2-256 auth hmac-sha2-256 group modp2048',
      proposals: [{ encr: ['12/256'], prf: ['5'], integ: ['12'], ke: ['14'] }],
      most: 40,
    },
    {
      name: 'several algorithms a type',
      ike: [
        'enc aes-256-gcm prf hmac-sha2-384 group ecp384 group curve25519',
        'ikesa enc aes-256 enc aes-128 prf hmac-sha2-256 prf hmac-sha1 auth hmac-sha2-256 auth hmac-sha1',
        'group modp2048 group ecp256',
      ].join(' '),
      proposals: [
        { encr: ['20/256'], prf: ['6'], integ: [], ke: ['20', '31'] },
        { encr: ['12/256', '12/128'], prf: ['5', '2'], integ: ['12', '2'], ke: ['14', '19'] },
      ],
      most: 100,
    },
    { name: 'its defaults', most: 100 },
  ])('$name', async ({ ike, proposals, most }, context) => {
    const lab = await openLab(context, { hosts: 1, needs: ['uml', 'openiked'] });
    const esp = 'auth hmac-sha2-512 enc aes-256';
    const script = openikedScript({ ...(ike && { ike }), esp, remoteTs: lab.a.net4 });
    const guest = await Guest.start(lab, script);
    const run = await probe(lab, lab.a, guestHost.v4);
    // Its log, with the policy as it understands it, leaves the guest at the end.
    await guest.stop();
    const understood = openikedProposals(readFileSync(join(guest.dir, 'iked.log'), 'utf8'));
    expectTruth(run, understood);
    if (proposals) expectTruth(run, proposals);
    expect(run.target.packets.sent).toBeLessThanOrEqual(most);
  });
});
