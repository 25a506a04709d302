import { type Check, finding, inconclusive, mergePackets, pass, unanswered } from './check.js';
import { observationCheck } from './observation-check.js';
import { acceptedSentence, algorithmText, listText, sightings, withoutFacts } from './sightings.js';

/** ML-KEM-512, -768 and -1024. */
export const ML_KEM: readonly number[] = [35, 36, 37];

const noMlKem: Check = {
  id: 'IKE-PQ-001',
  topic: 'ML-KEM',
  title: 'No ML-KEM: traffic recorded today can be read by a quantum computer later',
  severity: 'info',
  references: ['https://datatracker.ietf.org/doc/draft-ietf-ipsecme-ikev2-mlkem/', 'RFC 9370'],
  examine(facts, context) {
    if (!facts.ikev2) return withoutFacts(facts, 'post-quantum key exchange');
    const both = (['ke', 'addke'] as const).map((kind) => sightings({ ...facts, ikev1: undefined }, kind));
    const isMlKem = ({ algorithm }: { algorithm: { id: number } }): boolean => ML_KEM.includes(algorithm.id);
    const found = both.flatMap(({ accepted }) => accepted).filter(isMlKem);
    if (found.length > 0) {
      const how = found.map((sighting) => {
        const as = sighting.kind === 'addke' ? ' (as additional key exchange)' : '';
        return acceptedSentence(sighting).replace(/\.$/, `${as}.`);
      });
      return { ...pass(how.join(' ')), packets: mergePackets(...found.map(({ packets }) => packets)) };
    }
    const gap = both.find((known) => known.gap !== undefined)?.gap;
    if (gap !== undefined) return inconclusive(gap);
    const open = both.flatMap((known) => known.open).filter(isMlKem);
    if (open.length > 0) {
      return unanswered(
        facts,
        context,
        `Nobody knows whether ${listText(open.map(({ algorithm }) => algorithmText(algorithm)))} is accepted.`,
      );
    }
    return finding('Neither as key exchange nor as additional one is ML-KEM accepted.');
  },
  remediation: ({ pasteMlKem }) => ({
    text: 'Add ML-KEM-768 as additional key exchange, beside a classic group: strongSwan has it since 6.0.',
    ...(pasteMlKem !== undefined && { strongswan: pasteMlKem }),
  }),
};

const intermediate = observationCheck({
  id: 'IKE-PQ-002',
  topic: 'IKE_INTERMEDIATE exchange',
  title: 'No IKE_INTERMEDIATE exchange',
  severity: 'info',
  references: ['RFC 9242'],
  what: 'IKE_INTERMEDIATE',
  observe: ({ capabilities }) => capabilities.intermediate,
  yes: 'INTERMEDIATE_EXCHANGE_SUPPORTED was announced',
  no: 'INTERMEDIATE_EXCHANGE_SUPPORTED (notify 16438) was not announced',
  remediation: ({ pasteMlKem }) => ({
    text: 'Additional key exchanges need it, because their messages are too long for the first exchange. Update: strongSwan has it since 6.0, and announces it once a proposal has an additional key exchange.',
    ...(pasteMlKem !== undefined && { strongswan: pasteMlKem }),
  }),
});

const ppkLines = `connections {
  <name> {
    ppk_id = <name of the PPK>
    # yes, once every peer has the PPK: those that lack it are locked out then
    ppk_required = no
  }
}
secrets {
  ppk-gateway {
    id = <name of the PPK>
    # 256 bits, drawn at random: openssl rand -hex 32, after 0x
    secret = <the PPK>
  }
}`;

const ppk = observationCheck({
  id: 'IKE-PQ-003',
  topic: 'Post-quantum pre-shared keys',
  title: 'No post-quantum pre-shared keys',
  severity: 'info',
  references: ['RFC 8784'],
  what: 'post-quantum pre-shared keys',
  observe: ({ capabilities }) => capabilities.ppk,
  yes: 'USE_PPK was announced',
  no: 'USE_PPK (notify 16435) was not announced',
  remediation: () => ({
    text: 'Between gateways that cannot use ML-KEM yet, a secret that is mixed in (PPK) holds against quantum computers today. Give it to every peer first: ppk_required = yes locks out those that lack it.',
    strongswan: ppkLines,
  }),
});

export const postQuantumChecks: readonly Check[] = [noMlKem, intermediate, ppk];
