import { KitError } from '../core/errors.js';
import { formatKeyword, type KeywordTransform, parseKeyword, similarKeywords } from '../crypto/keywords.js';
import { encrTransform, transforms as registryRows, transformName } from '../crypto/registry.js';
import { type TransformRow, TransformType } from '../crypto/transform.js';
import { ProtocolId, type Transform } from './wire/types.js';

/** A proposal without number and SPI. Within a type, the order of the transforms is the order of preference. */
export interface ProposalTemplate {
  protocolId: 1 | 3;
  transforms: Transform[];
}

/** No list a user types comes near; it keeps a hostile one from costing anything. */
const MAX_TEXT = 10_000;

/** Proposals are numbered in one byte (RFC 7296 3.3.1). */
const MAX_PROPOSALS = 255;

/** The PRF that strongSwan adds when a proposal names only an integrity algorithm. */
const prfOfInteg: Readonly<Record<number, number>> = { 1: 1, 2: 2, 5: 4, 8: 8, 12: 5, 13: 6, 14: 7 };

const { ENCR, PRF, INTEG, KE, ESN } = TransformType;

/**
 * What we offer and accept for IKE SAs unless told otherwise, strong first. AEADs and classic ciphers are in separate
 * proposals (RFC 7296 3.3). The groups begin with X25519, which costs least, so that it is the one in the first KE payload.
 */
export const defaultIkeProposals: readonly ProposalTemplate[] = [
  'aes256gcm16-chacha20poly1305-aes128gcm16-prfsha512-prfsha384-prfsha256-x25519-ecp256-ecp384-ecp521-x448-modp3072-modp4096-modp2048',
  'aes256-aes128-sha512-sha384-sha256-prfsha512-prfsha384-prfsha256-x25519-ecp256-ecp384-ecp521-x448-modp3072-modp4096-modp2048',
].map((text) => parseOne(text, ProtocolId.IKE));

/**
 * What we offer and accept for child SAs unless told otherwise, strong first. Rekeying without a key exchange comes last:
 * many gateways are configured without PFS, and a tunnel that dies at its first rekey helps nobody.
 */
export const defaultEspProposals: readonly ProposalTemplate[] = [
  'aes256gcm16-chacha20poly1305-aes128gcm16-x25519-ecp256-ecp384-ecp521-x448-modp3072-modp4096-modp2048-modpnone-esn-noesn',
  'aes256-aes128-sha512-sha384-sha256-x25519-ecp256-ecp384-ecp521-x448-modp3072-modp4096-modp2048-modpnone-esn-noesn',
].map((text) => parseOne(text, ProtocolId.ESP));

/**
 * Reads proposals written as strongSwan writes them: keywords joined by `-`, proposals by `,`; the word `default`
 * stands for our own list. As strongSwan does, the PRF follows from the integrity algorithm when none is named, the
 * integrity algorithm of an AEAD proposal is dropped, and ESP gets 32-bit sequence numbers unless it says otherwise.
 * @throws KitError `E_PROPOSAL` (usage) that names the bad word
 */
export function parseProposals(text: string, protocolId: 1 | 3): ProposalTemplate[] {
  if (text.length > MAX_TEXT) throw badProposal('the list of proposals is too long');
  const templates = text.split(',').flatMap((part) => {
    const trimmed = part.trim();
    if (trimmed !== 'default') return [parseOne(trimmed, protocolId)];
    const own = protocolId === ProtocolId.IKE ? defaultIkeProposals : defaultEspProposals;
    return own.map((template) => structuredClone(template));
  });
  if (templates.length > MAX_PROPOSALS) throw badProposal(`more than ${MAX_PROPOSALS} proposals`);
  return templates;
}

/** Keywords of one proposal or selection, for example `aes256gcm16-prfsha256-x25519`. */
export function formatProposal(transforms: readonly Transform[]): string {
  return spoken(transforms).map(formatKeyword).join('-');
}

/** IANA's names for people, for example `AES_GCM_16-256 / PRF_HMAC_SHA2_256 / Curve25519`. */
export function describeProposal(transforms: readonly Transform[]): string {
  return spoken(transforms)
    .map(({ type, id, keyLength }) => {
      const name = transformName(type, id).replace(/^(ENCR|AUTH)_(?!\d+$)/, '');
      return keyLength === undefined ? name : `${name}-${keyLength}`;
    })
    .join(' / ');
}

function parseOne(text: string, protocolId: 1 | 3): ProposalTemplate {
  const found = text.split('-').map((word) => readWord(word, text, protocolId));
  const of = (type: number): Transform[] => unique(found.filter((transform) => transform.type === type));
  const encr = of(ENCR);
  const kinds = new Set(encr.map(({ id }) => encrTransform(id)?.kind === 'aead'));
  if (kinds.size === 0) throw badProposal(`no encryption algorithm in '${text}'`, 'for example aes256gcm16');
  if (kinds.size === 2) {
    throw badProposal(
      `AEAD and classic ciphers cannot share the proposal '${text}'`,
      'separate them with a comma',
    );
  }
  const named = of(INTEG);
  const integ = kinds.has(true) ? [] : named;
  if (!kinds.has(true) && integ.length === 0) {
    throw badProposal(`no integrity algorithm in '${text}'`, 'for example sha256');
  }
  const transforms =
    protocolId === ProtocolId.IKE
      ? [...encr, ...integ, ...prfsOf(of(PRF), named, text), ...groupsOf(of(KE), text)]
      : [...encr, ...integ, ...of(KE), ...sequenceNumbers(of(ESN))];
  return { protocolId, transforms };
}

function readWord(word: string, text: string, protocolId: 1 | 3): Transform {
  const transform = parseKeyword(word);
  if (!transform) {
    const near = similarKeywords(word);
    const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'see the README for the keywords';
    throw badProposal(word === '' ? `empty word in '${text}'` : `unknown algorithm '${word}'`, hint);
  }
  if (!isImplemented(transform)) throw badProposal(`'${word}' is known by name only and not implemented`);
  const isEsp = protocolId === ProtocolId.ESP;
  const misplaced = isEsp ? transform.type === PRF : transform.type === ESN || isNull(transform);
  if (misplaced) throw badProposal(`'${word}' has no place in an ${isEsp ? 'ESP' : 'IKE'} proposal`);
  return transform;
}

function prfsOf(named: Transform[], integ: readonly Transform[], text: string): Transform[] {
  const prfs = named.length > 0 ? named : integ.map(({ id }) => ({ type: PRF, id: prfOfInteg[id]! }));
  if (prfs.length === 0) throw badProposal(`no pseudorandom function in '${text}'`, 'for example prfsha256');
  return prfs;
}

function groupsOf(groups: Transform[], text: string): Transform[] {
  const real = groups.filter(({ id }) => id !== 0);
  if (real.length === 0) throw badProposal(`no key exchange group in '${text}'`, 'for example x25519');
  return real;
}

function sequenceNumbers(named: Transform[]): Transform[] {
  return named.length > 0 ? named : [{ type: ESN, id: 0 }];
}

function isImplemented({ type, id }: KeywordTransform): boolean {
  const row = registryRows(type).find((candidate) => candidate.id === id);
  return row !== undefined && (hasImplementation(row) || id === 0);
}

function hasImplementation(row: TransformRow): boolean {
  switch (row.type) {
    case ENCR:
      return row.bind !== undefined;
    case PRF:
    case INTEG:
      return row.compute !== undefined;
    case KE:
      return row.generate !== undefined;
    case ESN:
      return row.keyword !== undefined;
  }
}

function isNull({ type, id }: KeywordTransform): boolean {
  return type === ENCR && encrTransform(id)?.kind === 'null';
}

/**
 * In the customary order, without what says nothing when it stands alone: NONE, and sequence numbers as they are by
 * default.
 */
function spoken(transforms: readonly Transform[]): Transform[] {
  const isAlone = (type: number): boolean => transforms.filter((other) => other.type === type).length === 1;
  return transforms
    .filter(({ type, id }) => id !== 0 || type === ENCR || !isAlone(type))
    .sort((a, b) => place(a.type) - place(b.type));
}

/** Integrity stands before the PRF, everything else by type number, sequence numbers last. */
function place(type: number): number {
  if (type === PRF) return INTEG;
  if (type === INTEG) return PRF;
  return type === ESN ? Number.MAX_SAFE_INTEGER : type;
}

function unique(transforms: readonly Transform[]): Transform[] {
  const same = (a: Transform, b: Transform): boolean => a.id === b.id && a.keyLength === b.keyLength;
  return transforms.filter((transform, i) => transforms.findIndex((other) => same(other, transform)) === i);
}

function badProposal(message: string, hint?: string): KitError {
  return new KitError('usage', 'E_PROPOSAL', message, hint === undefined ? {} : { hint });
}
