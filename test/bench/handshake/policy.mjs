const lib = (path) => import(new URL(`../../../dist/lib/${path}`, import.meta.url).href);
const { parseIdentity } = await lib('ike/identity.js');
const { parseProposals } = await lib('ike/proposals.js');
const { selectorFromCidr } = await lib('ike/traffic-selectors.js');
const { Secret } = await lib('core/secret.js');

export const KEY = 'a key of the bench, for 2 hosts';
export const NETWORKS = { client: '10.99.1.0/24', server: '10.99.2.0/24' };
export const GROUPS = ['x25519', 'modp2048'];

/** The IKE SA that both groups are measured with, in strongSwan's words. */
export function ikeProposal(group) {
  return `aes256gcm16-prfsha256-${group}`;
}

/** How one side negotiates. @param groups that it offers or takes */
export function policyOf(side, groups) {
  const peer = side === 'client' ? 'server' : 'client';
  const secret = Secret.fromText(KEY);
  return {
    localId: parseIdentity(`${side}.test`),
    remoteId: undefined,
    auth: { local: [{ type: 'psk', secret }], remote: [[{ type: 'psk', secret }]] },
    ikeProposals: parseProposals(groups.map(ikeProposal).join(','), 1),
    espProposals: parseProposals('aes256gcm16', 3),
    localTs: [selectorFromCidr(NETWORKS[side])],
    remoteTs: [selectorFromCidr(NETWORKS[peer])],
    pool: undefined,
    encap: true,
    rekeyIke: undefined,
    rekeyChild: undefined,
    dpd: undefined,
    natKeepalive: 3_600_000,
    retransmit: { initial: 500, factor: 1.6, sends: 8 },
    fragmentation: { announce: true },
    halfOpenTimeout: 60_000,
  };
}

/** Four zero bytes before IKE on the port that ESP shares (RFC 3948 2.2). */
export const MARKER = Buffer.alloc(4);
