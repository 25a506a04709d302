import { type Kind, kinds, type Sets } from './probe.js';
import type { StrongSwan } from './strongswan.js';

/** strongSwan's names (its log) as IANA's numbers. */
const strongswanNames: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
  encr: {
    '3DES_CBC': '3',
    AES_CBC: '12',
    AES_CTR: '13',
    AES_CCM_8: '14',
    AES_CCM_12: '15',
    AES_CCM_16: '16',
    AES_GCM_8: '18',
    AES_GCM_12: '19',
    AES_GCM_16: '20',
    CAMELLIA_CBC: '23',
    CAMELLIA_CTR: '24',
    CAMELLIA_CCM_8: '25',
    CAMELLIA_CCM_12: '26',
    CAMELLIA_CCM_16: '27',
    CHACHA20_POLY1305: '28',
  },
  prf: {
    PRF_HMAC_MD5: '1',
    PRF_HMAC_SHA1: '2',
    PRF_AES128_XCBC: '4',
    PRF_HMAC_SHA2_256: '5',
    PRF_HMAC_SHA2_384: '6',
    PRF_HMAC_SHA2_512: '7',
    PRF_AES128_CMAC: '8',
  },
  integ: {
    HMAC_MD5_96: '1',
    HMAC_SHA1_96: '2',
    AES_XCBC_96: '5',
    AES_CMAC_96: '8',
    HMAC_SHA2_256_128: '12',
    HMAC_SHA2_384_192: '13',
    HMAC_SHA2_512_256: '14',
  },
  ke: {
    MODP_768: '1',
    MODP_1024: '2',
    MODP_1536: '5',
    MODP_2048: '14',
    MODP_3072: '15',
    MODP_4096: '16',
    MODP_6144: '17',
    MODP_8192: '18',
    ECP_256: '19',
    ECP_384: '20',
    ECP_521: '21',
    MODP_1024_160: '22',
    MODP_2048_224: '23',
    MODP_2048_256: '24',
    ECP_192: '25',
    ECP_224: '26',
    ECP_224_BP: '27',
    ECP_256_BP: '28',
    ECP_384_BP: '29',
    ECP_512_BP: '30',
    CURVE_25519: '31',
    CURVE_448: '32',
  },
};

/**
 * The proposals that charon itself says it has: it writes them into its log with every IKE_SA_INIT, so that something
 * must have asked it before.
 */
export function configuredProposals(peer: StrongSwan): Sets[] {
  const line = /configured proposals: (.+)$/m.exec(peer.log())?.[1];
  if (line === undefined) throw new Error('strongSwan has not said which proposals it has');
  return line.split(', ').map(proposalOf);
}

/** A proposal as charon writes it: `IKE:AES_CBC_256/HMAC_SHA2_256_128/...`, each type in the order of preference. */
function proposalOf(text: string): Sets {
  const proposal: Sets = { encr: [], prf: [], integ: [], ke: [] };
  for (const word of text.replace(/^IKE:/, '').split('/')) {
    const kind = kinds.find((kind) => numberOf(kind, word) !== undefined);
    const number = kind && numberOf(kind, word);
    proposal[known('strongSwan', word, kind)].push(known('strongSwan', word, number));
  }
  return proposal;
}

function numberOf(kind: Kind, word: string): string | undefined {
  const names = strongswanNames[kind];
  if (kind !== 'encr' || names[word] !== undefined) return names[word];
  const [, name = '', keyLength] = /^(.+)_(128|192|256)$/.exec(word) ?? [];
  return names[name] && `${names[name]}/${keyLength}`;
}

/** OpenIKED's names (iked.conf) as IANA's numbers. */
const openikedNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  enc: {
    '3des': '3',
    'aes-128': '12/128',
    'aes-192': '12/192',
    'aes-256': '12/256',
    'aes-128-gcm': '20/128',
    'aes-256-gcm': '20/256',
  },
  prf: { 'hmac-sha1': '2', 'hmac-sha2-256': '5', 'hmac-sha2-384': '6', 'hmac-sha2-512': '7' },
  auth: { 'hmac-sha1': '2', 'hmac-sha2-256': '12', 'hmac-sha2-384': '13', 'hmac-sha2-512': '14' },
  group: {
    modp1024: '2',
    modp1536: '5',
    modp2048: '14',
    modp3072: '15',
    modp4096: '16',
    ecp256: '19',
    ecp384: '20',
    ecp521: '21',
    curve25519: '31',
  },
};

const openikedKinds: Readonly<Record<string, Kind>> = { enc: 'encr', prf: 'prf', auth: 'integ', group: 'ke' };

/** The proposals of the policy that OpenIKED writes into its log when it starts. */
export function openikedProposals(log: string): Sets[] {
  const policy = /^ikev2 .*? (ikesa .+?) childsa /m.exec(log)?.[1];
  if (policy === undefined) throw new Error('OpenIKED has not said which proposals it has');
  return policy
    .split('ikesa ')
    .slice(1)
    .map((proposal) => {
      const found: Sets = { encr: [], prf: [], integ: [], ke: [] };
      for (const [, type = '', name = ''] of proposal.matchAll(/(\S+) (\S+)/g)) {
        const kind = known('OpenIKED', type, openikedKinds[type]);
        found[kind].push(known('OpenIKED', name, openikedNames[type]?.[name]));
      }
      return found;
    });
}

/** libreswan's names (its log) as IANA's numbers; with the key length as in `AES_CBC_256`. */
const libreswanNames: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
  encr: { AES_CBC_128: '12/128', AES_CBC_256: '12/256', AES_GCM_C_128: '20/128', AES_GCM_C_256: '20/256' },
  prf: { HMAC_SHA1: '2', HMAC_SHA2_256: '5', HMAC_SHA2_512: '7' },
  integ: { HMAC_SHA1_96: '2', HMAC_SHA2_256_128: '12', HMAC_SHA2_512_256: '14' },
  ke: {
    MODP2048: '14',
    MODP3072: '15',
    MODP4096: '16',
    MODP8192: '18',
    ECP_256: '19',
    ECP_384: '20',
    ECP_521: '21',
    CURVE25519: '31',
  },
};

/** The proposals that libreswan writes into its log when it takes a connection, `ENCR-PRF-INTEG-KE` each. */
export function libreswanProposals(log: string): Sets[] {
  const [, added] = log.split('IKE SA proposals (connection add):');
  const proposals = [...(added ?? '').matchAll(/":\s+\d+:IKE=(\S+)$/gm)];
  if (proposals.length === 0) throw new Error('libreswan has not said which proposals it has');
  return proposals.map(([, text = '']) => {
    const parts = text.split('-');
    const of = (kind: Kind, at: number): string[] =>
      (parts[at] ?? '')
        .split('+')
        .filter((name) => name !== 'NONE')
        .map((name) => known('libreswan', name, libreswanNames[kind][name]));
    return { encr: of('encr', 0), prf: of('prf', 1), integ: of('integ', 2), ke: of('ke', 3) };
  });
}

function known<T>(daemon: string, name: string, value: T | undefined): T {
  if (value === undefined)
    throw new Error(`${daemon} has an algorithm of which the number is not known: ${name}`);
  return value;
}
