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
import { readEap } from './facts-eap.js';
import { readContentV1 } from './facts-v1.js';
import type { NatHashes } from './nat.js';
import { list, number, record, text } from './reading.js';
import type { NotifyReport, ProposalReport, Role, TransformReport } from './types.js';

const NAT_SOURCE = 16388;
const NAT_DESTINATION = 16389;

/**
 * Reads the described payloads, the only place that knows the names of their fields besides its twin for IKEv1.
 * @param from the sender, which IKEv1 needs to tell whose identity it is
 */
export function readContent(ike: DecodedIke, from: Role): MessageContent {
  return ike.version === 1 ? readContentV1(ike, from) : readContentV2(ike.payloads);
}

function readContentV2(payloads: readonly DescribedPayload[]): MessageContent {
  const content = readPayloads(payloads, readers);
  if (payloads.some(({ inside }) => inside)) delete content.sealedBytes;
  return content;
}

const readSealed: PayloadReader = (content, { fields }) => {
  content.sealedBytes = number(fields.bytes);
};

const readers: Readonly<Record<string, PayloadReader>> = {
  SA: readProposals,
  KE: (content, { fields }) => {
    content.keyExchange ??= { name: text(fields.group), group: number(fields.groupNumber) };
  },
  N: readNotify,
  D: (content, { fields }) => {
    const spis = list(fields.spis, LIMITS.transforms).map(text);
    content.deletes = added(content.deletes, { protocol: text(fields.protocol), spis });
  },
  V: readVendor,
  IDi: (content, payload) => {
    content.idI ??= identityOf(payload);
  },
  IDr: (content, payload) => {
    content.idR ??= identityOf(payload);
  },
  AUTH: (content, { fields }) => {
    if (content.authMethod !== undefined) return;
    content.authMethod = text(fields.method);
    if (fields.signatureAlgorithm !== undefined) content.authAlgorithm = text(fields.signatureAlgorithm);
  },
  CERT: readCertificate,
  CERTREQ: (content, { fields }) => {
    for (const authority of list(fields.authorities, LIMITS.items)) {
      content.authorities = added(content.authorities, text(authority));
    }
  },
  TSi: (content, payload) => {
    content.tsI ??= selectorsOf(payload);
  },
  TSr: (content, payload) => {
    content.tsR ??= selectorsOf(payload);
  },
  EAP: readEap,
  CP: readConfiguration,
  SK: readSealed,
  SKF: readSealed,
};

function readProposals(content: MessageContent, { fields }: DescribedPayload): void {
  if (content.proposals !== undefined) return;
  const all = Array.isArray(fields.proposals) ? fields.proposals : [];
  content.proposals = list(all, LIMITS.proposals).map(proposalOf);
  const omitted = all.length - LIMITS.proposals;
  if (omitted > 0) content.proposalsOmitted = omitted;
}

function proposalOf(value: unknown): ProposalReport {
  const fields = record(value);
  return {
    number: number(fields.number),
    protocol: text(fields.protocol),
    ...(fields.spi !== undefined && { spi: text(fields.spi) }),
    transforms: list(fields.transforms, LIMITS.transforms).map(transformOf),
  };
}

/** Messages share the few transforms there are. */
const remembered = new WeakMap<object, TransformReport>();

function transformOf(value: unknown): TransformReport {
  const fields = record(value);
  const known = remembered.get(fields);
  if (known !== undefined) return known;
  const { type, name, id, keyLength } = fields;
  const transform: TransformReport = { type: text(type), name: text(name), id: number(id) };
  if (keyLength !== undefined) transform.keyLength = number(keyLength);
  remembered.set(fields, transform);
  return transform;
}

function readNotify(content: MessageContent, { fields }: DescribedPayload): void {
  const type = fields.notifyTypeNumber;
  if (type === NAT_SOURCE || type === NAT_DESTINATION) {
    content.natHashes ??= { source: [], destination: [] };
    addHash(content.natHashes, type === NAT_SOURCE ? 'source' : 'destination', text(fields.data));
  }
  if ((content.notifies?.length ?? 0) < LIMITS.items) {
    content.notifies = added(content.notifies, notifyOf(fields));
  }
}

function addHash(hashes: NatHashes, side: keyof NatHashes, hash: string): void {
  if (hashes[side].length < LIMITS.items) hashes[side].push(hash);
}

function notifyOf(fields: Readonly<Record<string, unknown>>): NotifyReport {
  const { notifyType, notifyTypeNumber, protocol, protocolNumber: _, spi, ...values } = fields;
  const notify: NotifyReport = { name: text(notifyType), number: number(notifyTypeNumber) };
  if (protocol !== undefined) notify.protocol = text(protocol);
  if (spi !== undefined) notify.spi = text(spi);
  if (Object.keys(values).length > 0) notify.values = values;
  return notify;
}

function selectorsOf({ fields }: DescribedPayload): string[] {
  return list(fields.selectors, LIMITS.items).map((selector) => text(record(selector).text));
}
