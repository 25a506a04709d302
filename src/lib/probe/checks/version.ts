import { phase1AuthMethodName } from '../../ike/v1/names.js';
import type { Ikev1Suite, PacketNumbers, TargetFacts } from '../types.js';
import {
  because,
  type Check,
  type CheckContext,
  finding,
  inconclusive,
  mergePackets,
  type Outcome,
  pass,
  skipped,
  unanswered,
} from './check.js';
import {
  algorithmText,
  cite,
  firstFew,
  isAboutProducts,
  isMethodsUndecided,
  withoutIkev1,
} from './sightings.js';

/** IPsec authentication methods of IANA's "IPSEC Authentication Methods"; those above 65000 are XAUTH's. */
const PSK = [1, 65001, 65002];
const RSA_ENCRYPTION = [4, 5, 65007, 65008, 65009, 65010];

const ikev2Only = 'version = 2';

const enabled: Check = {
  id: 'IKE-VER-001',
  topic: 'IKEv1',
  title: 'IKEv1 is enabled',
  severity: 'medium',
  references: ['RFC 9395', 'RFC 8247 1.4'],
  examine(facts, context) {
    const { ikev1 } = facts;
    if (!ikev1) return withoutIkev1(facts, context);
    const { value, note, packets } = ikev1.enabled;
    if (value === undefined)
      return unanswered(facts, context, because(note, 'IKEv1 was neither answered nor refused.'), packets);
    if (!value) return pass(off(note, packets), packets);
    return finding(`IKEv1 is answered${cite(packets)}.`, packets);
  },
  remediation: () => ({
    text: 'IKEv1 is historic since 2023: move its peers to IKEv2 and switch it off.',
    strongswan: ikev2Only,
  }),
};

const aggressive: Check = {
  id: 'IKE-VER-002',
  topic: 'IKEv1 Aggressive Mode with a pre-shared key',
  title: 'IKEv1 Aggressive Mode with a pre-shared key is accepted',
  severity: 'critical',
  references: ['CVE-2002-1623', 'RFC 9395', 'RFC 2409 5.4'],
  examine(facts, context) {
    const { ikev1 } = facts;
    const hash = ikev1?.aggressiveHash;
    const found = (ikev1?.aggressiveMode ?? []).filter(({ auth }) => PSK.includes(auth.id));
    const packets = mergePackets(hash?.packets, ...found.map((suite) => suite.packets));
    if (found.length === 0 && !hash) {
      return noneAccepted(facts, context, {
        what: 'Aggressive Mode with a pre-shared key',
        modes: ['Aggressive Mode'],
        methods: PSK,
      });
    }
    return finding(
      [
        ...(found.length > 0 ? [`Aggressive Mode accepts ${suitesText(found)}${cite(packets)}.`] : []),
        ...(hash
          ? [
              `It gave a hash of the key to whoever asked${cite(hash.packets)}: 'psk audit' guesses the key from it offline.`,
            ]
          : []),
      ],
      packets,
    );
  },
  remediation: () => ({
    text: 'Switch Aggressive Mode off and change the key: anybody could have taken its hash and guess it unseen.',
    strongswan: `${ikev2Only}\naggressive = no`,
  }),
};

const mainPsk: Check = {
  id: 'IKE-VER-003',
  topic: 'IKEv1 Main Mode with a pre-shared key',
  title: 'IKEv1 Main Mode with a pre-shared key is accepted',
  severity: 'medium',
  references: ['CVE-2018-5389', 'RFC 9395'],
  examine(facts, context) {
    const found = (facts.ikev1?.mainMode ?? []).filter(({ auth }) => PSK.includes(auth.id));
    if (found.length === 0) {
      return noneAccepted(facts, context, {
        what: 'Main Mode with a pre-shared key',
        modes: ['Main Mode'],
        methods: PSK,
      });
    }
    const packets = mergePackets(...found.map((suite) => suite.packets));
    return finding(`Main Mode accepts ${suitesText(found)}${cite(packets)}.`, packets);
  },
  remediation: () => ({
    text: "Whoever answers in the gateway's place can guess a weak key offline from what a peer sends. Move to IKEv2 with certificates, or use a key that was drawn at random.",
    strongswan: `${ikev2Only}\nlocal { auth = pubkey }`,
  }),
};

const rsaEncryption: Check = {
  id: 'IKE-VER-004',
  topic: 'IKEv1 authentication by RSA encryption',
  title: 'IKEv1 authentication by RSA encryption is accepted',
  severity: 'high',
  references: ['CVE-2018-0131', 'CVE-2017-17305', 'RFC 2409 5.2', 'RFC 2409 5.3'],
  examine(facts, context) {
    const { ikev1 } = facts;
    const found = [...(ikev1?.mainMode ?? []), ...(ikev1?.aggressiveMode ?? [])].filter(({ auth }) =>
      RSA_ENCRYPTION.includes(auth.id),
    );
    if (found.length === 0) {
      return noneAccepted(facts, context, {
        what: 'RSA encryption',
        modes: ['Main Mode', 'Aggressive Mode'],
        methods: RSA_ENCRYPTION,
      });
    }
    const packets = mergePackets(...found.map((suite) => suite.packets));
    return finding(`IKEv1 accepts ${suitesText(found)}${cite(packets)}.`, packets);
  },
  remediation: () => ({
    text: 'Decryption oracles in this mode (Bleichenbacher) let others authenticate as the gateway, also where the key pair is shared with IKEv2. Switch it off and use signatures.',
    strongswan: `${ikev2Only}\nlocal { auth = pubkey }`,
  }),
};

interface Sought {
  what: string;
  /** As {@link Ikev1Facts.inconclusive} begins its entries. */
  modes: readonly ('Main Mode' | 'Aggressive Mode')[];
  methods: readonly number[];
}

/** Nothing of a kind was accepted: a pass only where everything was asked and answered. */
function noneAccepted(facts: TargetFacts, context: CheckContext, sought: Sought): Outcome {
  const { ikev1 } = facts;
  if (!ikev1) return withoutIkev1(facts, context);
  const { value, note, packets } = ikev1.enabled;
  if (value === undefined)
    return unanswered(facts, context, because(note, 'IKEv1 was neither answered nor refused.'), packets);
  if (context.depth === 'quick') return unanswered(facts, context, `${sought.what} was not asked.`);
  if (!value) return pass(off(note, packets), packets);
  const open = ikev1.inconclusive.filter((entry) => concerns(entry, sought) && !isAboutProducts(entry));
  const unseen = open.find(isMethodsUndecided);
  if (unseen !== undefined && open.length === 1)
    return skipped(`Not to be seen from outside. ${unseen}.`, packets);
  if (open.length === 0) return pass(`${sought.what} is refused${cite(packets)}.`, packets);
  return inconclusive(`Open: ${firstFew(open)}.`, packets);
}

/** Whether an open question is about one of the modes, and about all methods or one of these. */
function concerns(entry: string, { modes, methods }: Sought): boolean {
  const [, mode, method] = /^(Main Mode|Aggressive Mode)(?: with ([^:]*))?/.exec(entry) ?? [];
  if (mode === undefined) return true;
  const isOfMethods = method === undefined || methods.some((id) => phase1AuthMethodName(id) === method);
  return modes.some((known) => known === mode) && isOfMethods;
}

function off(note: string | undefined, packets: PacketNumbers): string {
  return `${because(note, 'IKEv1 is off.').replace(/[.]$/, '')}${cite(packets)}.`;
}

/** The first few, because a long list helps nobody. */
function suitesText(suites: readonly Ikev1Suite[]): string {
  const texts = suites.map(({ encr, hash, auth, group }) =>
    [algorithmText(encr), hash.name, group.name, auth.name].join(' / '),
  );
  const more = texts.length - 3;
  return more > 0 ? `${texts.slice(0, 3).join('; ')}; and ${more} more` : texts.join('; ');
}

export const versionChecks: readonly Check[] = [enabled, aggressive, mainPsk, rsaEncryption];
