import { transforms } from '../../crypto/registry.js';
import { TransformType } from '../../crypto/transform.js';
import type { DecodedIke, DescribedPayload } from '../types.js';
import {
  added,
  identityOf,
  LIMITS,
  type MessageContent,
  type PayloadReader,
  readCertificate,
  readConfiguration,
  readPayloads,
  readVendor,
} from './content.js';
import { list, number, record, text } from './reading.js';
import type { NotifyReport, ProposalReport, Role, TransformReport } from './types.js';

const { ENCR, PRF, INTEG, KE } = TransformType;

const ISAKMP = 1;
const MAIN_MODE = 2;
const AGGRESSIVE = 4;
const QUICK_MODE = 32;

const NO_COUNTERPART = 0xffff;

/** Numbers of IKEv1's registries to the transforms of IKEv2. */
const phase1Encr: Readonly<Record<number, number>> = { 1: 2, 2: 5, 3: 7, 4: 4, 5: 3, 6: 6, 7: 12, 8: 23 };
const phase1Prf: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 3, 4: 5, 5: 6, 6: 7 };
const phase2Encr: Readonly<Record<number, number>> = { 22: 23, 23: 21 };
const phase2Integ: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 3, 4: 4, 5: 12, 6: 13, 7: 14, 9: 5 };

/** What an IKEv1 message says. In Quick Mode the identities are the selectors, in phase 1 everybody sends an own one. */
export function readContentV1({ payloads, exchangeNumber }: DecodedIke, from: Role): MessageContent {
  const content = readPayloads(payloads, readers);
  if (exchangeNumber === QUICK_MODE) readSelectors(content, payloads);
  else if (exchangeNumber === MAIN_MODE || exchangeNumber === AGGRESSIVE) {
    const id = payloads.find(isIdentity);
    if (id !== undefined) content[from === 'initiator' ? 'idI' : 'idR'] = identityOf(id);
  }
  readNatHashes(content, payloads);
  return content;
}

const readers: Readonly<Record<string, PayloadReader>> = {
  SA: (content, { fields }) => {
    content.proposals ??= list(fields.proposals, LIMITS.proposals)
      .flatMap(proposalsOf)
      .slice(0, LIMITS.proposals);
  },
  N: (content, { fields }) => {
    content.notifies = added(content.notifies, notifyOf(fields));
  },
  D: (content, { fields }) => {
    const spis = fields.protocolNumber === ISAKMP ? [] : list(fields.spis, LIMITS.transforms).map(text);
    content.deletes = added(content.deletes, { protocol: protocolOf(fields), spis });
  },
  VID: readVendor,
  CERT: readCertificate,
  ATTR: readConfiguration,
};

function isIdentity({ type, error }: DescribedPayload): boolean {
  return type === 'ID' && error === undefined;
}

/** Every transform of a proposal is an alternative (RFC 2408 4.2). */
function proposalsOf(value: unknown): ProposalReport[] {
  const fields = record(value);
  const protocolNumber = number(fields.protocolNumber);
  return list(fields.transforms, LIMITS.proposals).map((transform) => ({
    number: number(fields.number),
    protocol: protocolOf(fields),
    ...(fields.spi !== undefined && { spi: text(fields.spi) }),
    transforms: transformsOf(protocolNumber, record(transform)),
  }));
}

function protocolOf({ protocolNumber, protocol }: Record<string, unknown>): string {
  const names: Readonly<Record<number, string>> = { 1: 'IKE', 2: 'AH', 3: 'ESP' };
  return names[number(protocolNumber)] ?? text(protocol);
}

/** The attributes of a transform in the terms of IKEv2, plus AUTH and MODE, which IKEv2 does not negotiate so. */
function transformsOf(
  protocol: number,
  { id, name, attributes }: Record<string, unknown>,
): TransformReport[] {
  const given = list(attributes, LIMITS.items).map(record);
  const find = (type: number) => given.find(({ typeNumber }) => typeNumber === type);
  const phase1 = protocol === ISAKMP;
  const keyLength = find(phase1 ? 14 : 6)?.value;
  const bits = typeof keyLength === 'number' ? { keyLength } : {};
  const encryption = phase1
    ? mapped(ENCR, 'ENCR', find(1), phase1Encr)
    : protocol === 3
      ? [mappedId(ENCR, 'ENCR', phase2Encr[number(id)] ?? number(id), text(name))]
      : [];
  return [
    ...encryption.map((transform) => ({ ...transform, ...bits })),
    ...(phase1 ? mapped(PRF, 'PRF', find(2), phase1Prf) : mapped(INTEG, 'INTEG', find(5), phase2Integ)),
    ...mapped(KE, 'KE', find(phase1 ? 4 : 3)),
    ...plain('AUTH', phase1 ? find(3) : undefined),
    ...plain('MODE', phase1 ? undefined : find(4)),
  ];
}

function mapped(
  type: number,
  typeName: string,
  attribute: Record<string, unknown> | undefined,
  table?: Readonly<Record<number, number>>,
): TransformReport[] {
  if (attribute === undefined) return [];
  const value = number(attribute.value);
  const id = table === undefined ? value : table[value];
  return [mappedId(type, typeName, id, text(attribute.name))];
}

/** EC2N groups (3, 4) and the like keep the name that IKEv1 gives them. */
function mappedId(type: number, typeName: string, id: number | undefined, name: string): TransformReport {
  const row = transforms(type).find((candidate) => candidate.id === id);
  return { type: typeName, name: row?.name ?? name, id: id ?? NO_COUNTERPART };
}

function plain(type: string, attribute: Record<string, unknown> | undefined): TransformReport[] {
  return attribute === undefined ? [] : [{ type, name: text(attribute.name), id: number(attribute.value) }];
}

function notifyOf(fields: Readonly<Record<string, unknown>>): NotifyReport {
  const { notifyType, notifyTypeNumber, spi, doi: _, doiNumber: __, ...rest } = fields;
  const { protocol: ___, protocolNumber: ____, ...values } = rest;
  const notify: NotifyReport = {
    name: text(notifyType),
    number: number(notifyTypeNumber),
    protocol: protocolOf(fields),
  };
  if (spi !== undefined) notify.spi = text(spi);
  if (Object.keys(values).length > 0) notify.values = values;
  return notify;
}

/** The first NAT-D is of the other end, the rest are of the sender's own addresses (RFC 3947 3.2). */
function readNatHashes(content: MessageContent, payloads: readonly DescribedPayload[]): void {
  const hashes = payloads.filter(({ type, error }) => type === 'NAT-D' && error === undefined);
  const [destination, ...source] = hashes.slice(0, LIMITS.items).map(({ fields }) => text(fields.data));
  if (destination !== undefined && source.length > 0)
    content.natHashes = { destination: [destination], source };
}

function readSelectors(content: MessageContent, payloads: readonly DescribedPayload[]): void {
  const [initiator, responder] = payloads.filter(isIdentity).map(selectorText);
  if (initiator === undefined || responder === undefined) return;
  content.tsI = [initiator];
  content.tsR = [responder];
}

function selectorText({ fields }: DescribedPayload): string {
  const identity = text(fields.identity);
  if (fields.ipProtocol === undefined) return identity;
  return `${identity}[${number(fields.ipProtocol)}/${number(fields.port)}]`;
}
