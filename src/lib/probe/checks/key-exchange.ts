import { keTransform } from '../../crypto/registry.js';
import { NEEDS_ACTIVE } from './active.js';
import { algorithmCheck } from './algorithm-check.js';
import {
  because,
  type Check,
  finding,
  inconclusive,
  mergePackets,
  pass,
  skipped,
  unanswered,
} from './check.js';
import { cite, withoutFacts } from './sightings.js';

const groups: readonly Check[] = [
  algorithmCheck({
    id: 'IKE-KE-001',
    topic: 'Group 1 (MODP 768)',
    title: 'Group 1 (MODP 768) is accepted',
    references: ['RFC 8247 2.4', 'CVE-2015-4000'],
    what: 'group 1',
    why: 'It can be broken within hours on cheap hardware.',
  }),
  algorithmCheck({
    id: 'IKE-KE-002',
    topic: 'Group 2 (MODP 1024)',
    title: 'Group 2 (MODP 1024) is accepted',
    references: ['RFC 8247 2.4', 'CVE-2015-4000', 'https://weakdh.org/'],
    what: 'group 2',
    why: 'One precomputation, within reach of states, breaks every connection that uses this group (Logjam).',
  }),
  algorithmCheck({
    id: 'IKE-KE-003',
    topic: 'Group 5 (MODP 1536)',
    title: 'Group 5 (MODP 1536) is accepted',
    references: ['RFC 8247 2.4'],
    what: 'group 5',
    why: 'Its margin is too narrow: about 90 bits of strength.',
  }),
  algorithmCheck({
    id: 'IKE-KE-004',
    topic: 'Group 22 (MODP 1024, 160-bit subgroup)',
    title: 'Group 22 (MODP 1024, 160-bit subgroup) is accepted',
    references: ['RFC 8247 2.4', 'RFC 5114', 'RFC 6989 2.2'],
    what: 'group 22',
    why: 'It is as short as group 2, and a prime of this size can hide a trapdoor; where it comes from was never told.',
  }),
  algorithmCheck({
    id: 'IKE-KE-005',
    topic: 'Groups 23 and 24 (MODP 2048 with a subgroup)',
    title: 'Group 23 or 24 (MODP 2048 with a subgroup) is accepted',
    references: ['RFC 8247 2.4', 'RFC 5114', 'RFC 6989 2.2'],
    what: 'groups 23 and 24',
    why: 'They have small subgroups, and where their primes come from was never told.',
  }),
  algorithmCheck({
    id: 'IKE-KE-006',
    topic: 'Curves of fewer than 256 bits',
    title: 'A curve of fewer than 256 bits is accepted',
    references: ['RFC 5114', 'RFC 6954', 'own judgement: RFC 8247 is silent'],
    what: 'groups 25, 26 and 27',
    why: 'Curves of 192 and 224 bits have 96 and 112 bits of strength; 128 cost no more.',
  }),
];

const repeats: Check = {
  id: 'IKE-KE-007',
  topic: 'Repeated public values and nonces',
  title: 'A public value or a nonce was used twice',
  severity: 'high',
  references: ['RFC 7296 2.10', 'RFC 7296 2.12', 'RFC 6989'],
  examine(facts, context) {
    if (!facts.ikev2) return withoutFacts(facts, 'whether IKEv2 repeats values');
    const { publicValue, nonce } = facts.ikev2.repeats;
    const packets = mergePackets(publicValue.packets, nonce.packets);
    const seen = [
      ...(publicValue.value ? [`The same public value came twice${cite(publicValue.packets)}.`] : []),
      ...(nonce.value ? [`The same nonce came twice${cite(nonce.packets)}.`] : []),
    ];
    if (seen.length > 0) return finding(seen, packets);
    const open = [publicValue, nonce].find(({ value }) => value === undefined);
    if (open)
      return unanswered(
        facts,
        context,
        because(open.note, 'There were not two answers to compare.'),
        packets,
      );
    return pass(`No public value and no nonce came twice${cite(packets)}.`, packets);
  },
  remediation: () => ({
    text: 'A nonce that repeats means a broken random generator: check entropy and clones of virtual machines, and update. Public values should be made anew for each exchange, because whoever gets one private value opens every session that shares it.',
  }),
};

const invalidValues: Check = {
  id: 'IKE-KE-008',
  topic: 'Invalid public values',
  title: 'An invalid public value was accepted',
  severity: 'high',
  references: ['RFC 6989', 'RFC 8031'],
  examine(facts, { active }) {
    const tried = facts.active?.invalidPublicValue;
    if (!tried)
      return active ? withoutFacts(facts, 'how it treats invalid public values') : skipped(NEEDS_ACTIVE);
    if (tried.value === undefined)
      return inconclusive(because(tried.note, 'The tries were not answered.'), tried.packets);
    if (tried.value.length === 0) {
      return pass(`Invalid public values were refused${cite(tried.packets)}.`, tried.packets);
    }
    return finding(
      tried.value.map(
        ({ group, value }) =>
          `${keTransform(group)?.name ?? `Group ${group}`} took ${value}${cite(tried.packets)}.`,
      ),
      tried.packets,
    );
  },
  remediation: () => ({
    text: 'Update the gateway: with values such as 0, 1, p-1 or a point off the curve an attacker fixes the shared secret or reads private keys bit by bit.',
  }),
};

export const keyExchangeChecks: readonly Check[] = [...groups, repeats, invalidValues];
