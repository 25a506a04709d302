import { encrTransform } from '../../crypto/registry.js';
import { algorithmCheck } from './algorithm-check.js';
import { type Check, finding, inconclusive, mergePackets, pass, unanswered } from './check.js';
import { algorithmText, cite, listText, sightings, withoutFacts } from './sightings.js';

const broken = algorithmCheck({
  id: 'IKE-ENC-001',
  topic: 'Broken or obsolete encryption',
  title: 'Broken or obsolete encryption is accepted',
  references: ['RFC 8247 2.1', 'RFC 7296 5', 'RFC 8221 5'],
  what: 'DES, NULL, RC5, IDEA, CAST and Blowfish',
  why: 'DES falls to brute force within hours, NULL hides nothing, and the others are 64-bit block ciphers nobody maintains.',
});

const tripleDes = algorithmCheck({
  id: 'IKE-ENC-002',
  topic: '3DES',
  title: '3DES is accepted',
  references: ['RFC 8247 2.1', 'RFC 8221 5', 'CVE-2016-2183'],
  what: '3DES',
  why: 'Blocks of 64 bits repeat after some 32 GB under one key and give plaintext away (Sweet32).',
});

const noAead: Check = {
  id: 'IKE-ENC-003',
  topic: 'AEAD ciphers',
  title: 'No AEAD cipher is accepted',
  severity: 'low',
  references: ['RFC 8247 2.1', 'RFC 5282'],
  examine(facts, context) {
    if (!facts.ikev2) return withoutFacts(facts, 'which ciphers IKEv2 accepts');
    const { accepted, open, gap } = sightings({ ...facts, ikev1: undefined }, 'encr');
    const isAead = ({ algorithm }: (typeof accepted)[number]): boolean =>
      encrTransform(algorithm.id)?.kind === 'aead';
    const found = accepted.filter(isAead);
    const names = (list: typeof accepted): string =>
      listText(list.map(({ algorithm }) => algorithmText(algorithm)));
    const packets = mergePackets(...found.map((sighting) => sighting.packets));
    if (found.length > 0) return pass(`IKEv2 accepts ${names(found)}${cite(packets)}.`, packets);
    if (gap !== undefined) return inconclusive(gap);
    const unclear = open.filter(isAead);
    if (unclear.length > 0)
      return unanswered(facts, context, `Nobody knows whether ${names(unclear)} is accepted.`);
    return finding(`Of the ciphers that IKEv2 accepts (${names(accepted)}), none is an AEAD.`);
  },
  remediation: ({ paste }) => ({
    text: 'Offer AES-GCM or ChaCha20-Poly1305 first: encryption and integrity in one algorithm leave less to get wrong and are faster.',
    strongswan: paste,
  }),
};

export const encryptionChecks: readonly Check[] = [broken, tripleDes, noAead];
