import { KitError } from '../../core/errors.js';
import { formatKeyword } from '../../crypto/keywords.js';
import { encrTransform } from '../../crypto/registry.js';
import { TransformType } from '../../crypto/transform.js';
import {
  defaultEspProposals,
  defaultIkeProposals,
  formatProposal,
  type ProposalTemplate,
  parseProposals,
} from '../../ike/proposals.js';
import type { ClientProfile } from './types.js';

const { ENCR, PRF, INTEG, KE, ESN } = TransformType;

/** One algorithm of each kind, in strongSwan's keywords, for clients that take no lists. */
export interface IkeChoice {
  encr: string;
  /** `sha256` …: the PRF and, without an AEAD, the integrity algorithm too. */
  hash: string;
  group: string;
}

export interface EspChoice {
  encr: string;
  /** undefined with an AEAD. */
  hash: string | undefined;
  /** undefined: children are rekeyed without a key exchange. */
  group: string | undefined;
}

/** What a client can do, in strongSwan's keywords, and what a gateway should accept for its sake. */
export interface ClientAlgorithms {
  client: string;
  ike: { encr: readonly string[]; hashes: readonly string[]; groups: readonly string[] };
  esp: { encr: readonly string[]; hashes: readonly string[]; groups: readonly string[] };
  suggested: { ike: string; esp: string };
}

/** The gateway's IKE proposals, best first. @throws KitError usage E_PROPOSAL */
export function ikeProposals({ ike }: ClientProfile): readonly ProposalTemplate[] {
  return ike === undefined ? defaultIkeProposals : parseProposals(ike, 1);
}

/** The gateway's proposals for child SAs, best first. @throws KitError usage E_PROPOSAL */
export function espProposals({ esp }: ClientProfile): readonly ProposalTemplate[] {
  return esp === undefined ? defaultEspProposals : parseProposals(esp, 3);
}

/**
 * The proposals for child SAs as a client of strongSwan should make them: without extended sequence numbers wherever
 * there is a choice. strongSwan's ESP outside of the kernel (libipsec) offers them when it is told to, and then cannot
 * install the SA.
 * @throws KitError usage E_PROPOSAL
 */
export function strongswanEspProposals(profile: ClientProfile): ProposalTemplate[] {
  return espProposals(profile).map(({ protocolId, transforms }) => {
    const kept = transforms.filter((transform) => formatKeyword(transform) !== 'esn');
    const choice = kept.some(({ type }) => type === ESN);
    return { protocolId, transforms: choice ? kept : transforms };
  });
}

/** Proposals as strongSwan reads them. */
export function proposalTexts(templates: readonly ProposalTemplate[]): string[] {
  return templates.map(({ transforms }) => formatProposal(transforms));
}

/**
 * What the gateway likes best of what a client can do for the IKE SA.
 * @throws KitError usage E_PROFILE_PROPOSAL
 */
export function chooseIke(profile: ClientProfile, { client, ike, suggested }: ClientAlgorithms): IkeChoice {
  const templates = ikeProposals(profile);
  for (const template of templates) {
    const encrs = wordsOf(template, ENCR);
    const prfs = wordsOf(template, PRF).map((word) => word.replace(/^prf/, ''));
    const integs = wordsOf(template, INTEG);
    const hashes = isAead(template) ? prfs : integs.filter((word) => prfs.includes(word));
    const encr = encrs.find((word) => ike.encr.includes(word));
    const hash = hashes.find((word) => ike.hashes.includes(word));
    const group = wordsOf(template, KE).find((word) => ike.groups.includes(word));
    if (encr !== undefined && hash !== undefined && group !== undefined) return { encr, hash, group };
  }
  throw noProposal(client, 'IKE', templates, suggested.ike);
}

/**
 * What the gateway likes best of what a client can do for child SAs.
 * @throws KitError usage E_PROFILE_PROPOSAL
 */
export function chooseEsp(profile: ClientProfile, { client, esp, suggested }: ClientAlgorithms): EspChoice {
  const templates = espProposals(profile);
  for (const template of templates) {
    const encr = wordsOf(template, ENCR).find((word) => esp.encr.includes(word));
    const hash = wordsOf(template, INTEG).find((word) => esp.hashes.includes(word));
    const groups = wordsOf(template, KE);
    const group = groups.find((word) => esp.groups.includes(word));
    const withoutGroup = groups.length === 0 || groups.includes('modpnone');
    if (encr === undefined || (hash === undefined && !isAead(template))) continue;
    if (group !== undefined || withoutGroup) return { encr, hash, group };
  }
  throw noProposal(client, 'ESP', templates, suggested.esp);
}

/**
 * The first proposal of which a client can do at least one algorithm of each kind, without the words it lacks.
 * @throws KitError usage E_PROFILE_PROPOSAL
 */
export function reducedProposal(
  templates: readonly ProposalTemplate[],
  lacking: ReadonlySet<string>,
  client: string,
  suggested: string,
): string {
  for (const { protocolId, transforms } of templates) {
    const kept = transforms.filter((transform) => !lacking.has(formatKeyword(transform)));
    const types = new Set(transforms.map(({ type }) => type));
    if (new Set(kept.map(({ type }) => type)).size === types.size && kept.length > 0) {
      return proposalTexts([{ protocolId, transforms: kept }])[0]!;
    }
  }
  throw noProposal(client, templates[0]?.protocolId === 3 ? 'ESP' : 'IKE', templates, suggested);
}

function wordsOf({ transforms }: ProposalTemplate, type: number): string[] {
  return transforms.filter((transform) => transform.type === type).map(formatKeyword);
}

function isAead({ transforms }: ProposalTemplate): boolean {
  return transforms.some(({ type, id }) => type === ENCR && encrTransform(id)?.kind === 'aead');
}

function noProposal(
  client: string,
  protocol: 'IKE' | 'ESP',
  templates: readonly ProposalTemplate[],
  suggested: string,
): KitError {
  return new KitError(
    'usage',
    'E_PROFILE_PROPOSAL',
    `${client} can do none of the gateway's ${protocol} proposals (${proposalTexts(templates).join(', ')}).`,
    { hint: `Let the gateway accept ${suggested} too: serve --${protocol.toLowerCase()} …,${suggested}` },
  );
}
