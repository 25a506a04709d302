import { transforms } from '../../crypto/registry.js';
import { TransformType } from '../../crypto/transform.js';
import type { DecodedIke, DescribedPayload } from '../types.js';
import {
  certificatesOf,
  configurationOf,
  identityOf,
  LIMITS,
  type MessageContent,
  of,
  one,
} from './content.js';
import type { NatHashes } from './nat.js';
import { list, noNothing, number, record, text } from './reading.js';
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

/** What an IKEv1 message says. IDii and IDci count as the initiator's identity and selector, IDir and IDcr as the other. */
export function readContentV1(ike: DecodedIke, from: Role): MessageContent {
  const { payloads, exchangeNumber } = ike;
  const notifies = of(payloads, 'N').map(notifyOf);
  const deletes = of(payloads, 'D').map(({ fields }) => ({
    protocol: protocolOf(fields),
    spis: fields.protocolNumber === ISAKMP ? [] : list(fields.spis, LIMITS.transforms).map(text),
  }));
  const vendorIds = of(payloads, 'VID').map(({ fields }) => text(fields.name) || text(fields.data));
  const sa = one(payloads, 'SA');
  return noNothing({
    payloads: payloads.slice(0, LIMITS.payloads).map(({ type }) => type),
    proposals:
      sa && list(sa.fields.proposals, LIMITS.proposals).flatMap(proposalsOf).slice(0, LIMITS.proposals),
    notifies: notifies.length > 0 ? notifies : undefined,
    natHashes: natHashesOf(payloads),
    ...(exchangeNumber === QUICK_MODE ? selectorsOf(payloads) : {}),
    ...(exchangeNumber === MAIN_MODE || exchangeNumber === AGGRESSIVE ? idOf(payloads, from) : {}),
    certificates: certificatesOf(payloads),
    deletes: deletes.length > 0 ? deletes : undefined,
    vendorIds: vendorIds.length > 0 ? vendorIds : undefined,
    configuration: configurationOf(one(payloads, 'ATTR')),
  });
}

/** Every transform of a proposal is an alternative (RFC 2408 4.2). */
function proposalsOf(value: unknown): ProposalReport[] {
  const fields = record(value);
  const protocolNumber = number(fields.protocolNumber);
  return list(fields.transforms, LIMITS.proposals).map((transform) =>
    noNothing({
      number: number(fields.number),
      protocol: protocolOf(fields),
      spi: fields.spi === undefined ? undefined : text(fields.spi),
      transforms: transformsOf(protocolNumber, record(transform)),
    }),
  );
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

function notifyOf({ fields }: DescribedPayload): NotifyReport {
  const { notifyType, notifyTypeNumber, spi, doi: _, doiNumber: __, ...rest } = fields;
  const { protocol: ___, protocolNumber: ____, ...values } = rest;
  return noNothing({
    name: text(notifyType),
    number: number(notifyTypeNumber),
    protocol: protocolOf(fields),
    spi: spi === undefined ? undefined : text(spi),
    values: Object.keys(values).length > 0 ? values : undefined,
  });
}

/** The first NAT-D is of the other end, the rest are of the sender's own addresses (RFC 3947 3.2). */
function natHashesOf(payloads: readonly DescribedPayload[]): NatHashes | undefined {
  const [destination, ...source] = of(payloads, 'NAT-D').map(({ fields }) => text(fields.data));
  return destination !== undefined && source.length > 0 ? { destination: [destination], source } : undefined;
}

function selectorsOf(payloads: readonly DescribedPayload[]): Pick<MessageContent, 'tsI' | 'tsR'> {
  const [initiator, responder] = of(payloads, 'ID').map(selectorText);
  return initiator === undefined || responder === undefined ? {} : { tsI: [initiator], tsR: [responder] };
}

function selectorText({ fields }: DescribedPayload): string {
  const identity = text(fields.identity);
  if (fields.ipProtocol === undefined) return identity;
  return `${identity}[${number(fields.ipProtocol)}/${number(fields.port)}]`;
}

/** In phase 1 everybody sends an own identity. */
function idOf(payloads: readonly DescribedPayload[], from: Role): Pick<MessageContent, 'idI' | 'idR'> {
  const id = identityOf(one(payloads, 'ID'));
  if (id === undefined) return {};
  return from === 'initiator' ? { idI: id } : { idR: id };
}
