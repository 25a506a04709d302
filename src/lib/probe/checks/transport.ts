import { NEEDS_ACTIVE } from './active.js';
import { because, type Check, finding, inconclusive, pass, skipped, unanswered } from './check.js';
import { observationCheck } from './observation-check.js';
import { cite, withoutFacts } from './sightings.js';

/**
 * An answer this many times its question is worth an attacker's while. A whole answer has a nonce, a public value and
 * notifies like its question, and may be a little larger with any implementation.
 */
const AMPLIFIES = 2;
const LARGER = 1.5;

const amplification: Check = {
  id: 'IKE-DOS-001',
  topic: 'Amplification',
  title: 'It can be used to amplify floods against others',
  severity: 'medium',
  references: ['https://www.kb.cert.org/vuls/id/419128', 'RFC 7296 2.1', 'RFC 7296 2.6'],
  examine(facts) {
    const { verdict } = facts;
    if (verdict !== 'answers' && verdict !== 'blocked') return withoutFacts(facts, 'amplification');
    if (facts.packets.received === 0) return inconclusive('Nothing was received that could be measured.');
    const { largestRatio, unsolicited, packets } = facts.amplification;
    const factor = largestRatio.toFixed(2);
    if (unsolicited === 0 && largestRatio < LARGER) {
      return pass(
        `No answer had more than ${factor} times the size of its question${cite(packets)}, and none came unasked.`,
        packets,
      );
    }
    const larger = `An answer had ${factor} times the size of its question${cite(packets)}.`;
    const unasked = `${unsolicited} ${unsolicited === 1 ? 'answer' : 'answers'} came unasked${cite(packets)}: it retransmits to addresses that may be forged.`;
    return finding(
      [...(largestRatio >= LARGER ? [larger] : []), ...(unsolicited > 0 ? [unasked] : [])],
      packets,
      {
        severity: unsolicited > 0 || largestRatio >= AMPLIFIES ? 'medium' : 'low',
      },
    );
  },
  remediation: () => ({
    text: 'Never retransmit answers unasked (RFC 7296 2.1), switch IKEv1 off, and demand cookies under load, which prove the address of who asks.',
    strongswan: 'charon {\n  cookie_threshold = 30\n}',
  }),
};

const cookies: Check = {
  id: 'IKE-DOS-002',
  topic: 'Cookies under load',
  title: 'No cookies under load',
  severity: 'low',
  references: ['RFC 8019', 'RFC 7296 2.6'],
  examine(facts, { active }) {
    const seen = facts.ikev2?.capabilities.cookies;
    if (seen?.value === 'always' || seen?.value === 'under load') {
      const when = seen.value === 'always' ? 'at every question of this run' : seen.value;
      return pass(`It asked for a cookie (${when})${cite(seen.packets)}.`, seen.packets);
    }
    const tried = facts.active?.cookiesUnderLoad;
    if (!tried) return active ? withoutFacts(facts, 'how it behaves under load') : skipped(NEEDS_ACTIVE);
    if (tried.value === undefined)
      return inconclusive(because(tried.note, 'The load was not answered.'), tried.packets);
    if (tried.value) return pass(`Under load it asked for cookies${cite(tried.packets)}.`, tried.packets);
    return finding(`Under load it never asked for a cookie${cite(tried.packets)}.`, tried.packets);
  },
  remediation: () => ({
    text: 'Demand a cookie once some SAs are half-open, and limit them for each address: else forged addresses exhaust it.',
    strongswan: 'charon {\n  cookie_threshold = 30\n  block_threshold = 5\n  init_limit_half_open = 1000\n}',
  }),
};

const natPort: Check = {
  id: 'IKE-NAT-001',
  topic: 'Port for NAT traversal',
  title: 'The port for NAT traversal cannot be reached',
  severity: 'low',
  references: ['RFC 7296 2.23', 'RFC 3948'],
  examine(facts, context) {
    const { natT } = facts.ports;
    if (natT === 'open') return pass('The port for NAT traversal answers.');
    if (facts.verdict === 'blocked')
      return inconclusive('The gateway stopped answering us, on the port for NAT traversal too.');
    if (facts.verdict !== 'answers') return withoutFacts(facts, 'the port for NAT traversal');
    if (natT === 'not tried') return unanswered(facts, context, 'The port for NAT traversal was not tried.');
    if (natT === 'silent' && context.depth === 'quick')
      return skipped('The one packet of a quick run stayed unanswered.');
    return finding(
      natT === 'closed'
        ? 'The host says that the port for NAT traversal is closed.'
        : 'The port for NAT traversal stays silent.',
    );
  },
  remediation: () => ({
    text: 'Clients behind NAT need it, and look for it at UDP 4500: open it on the gateway and in every firewall before it.',
    strongswan: '# nft add rule inet filter input udp dport { 500, 4500 } accept',
  }),
};

const fragmentation = observationCheck({
  id: 'IKE-FRAG-001',
  topic: 'IKE fragmentation',
  title: 'No IKE fragmentation',
  severity: 'low',
  references: ['RFC 7383'],
  what: 'fragmentation',
  observe: ({ capabilities }) => capabilities.fragmentation,
  yes: 'IKEV2_FRAGMENTATION_SUPPORTED was announced',
  no: 'IKEV2_FRAGMENTATION_SUPPORTED (notify 16430) was not announced',
  remediation: () => ({
    text: 'Certificates make messages that firewalls drop as IP fragments: switch fragmentation of IKE messages on.',
    strongswan: 'fragmentation = yes',
  }),
});

export const transportChecks: readonly Check[] = [amplification, cookies, natPort, fragmentation];
