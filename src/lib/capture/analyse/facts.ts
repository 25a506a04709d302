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
import { readContentV1 } from './facts-v1.js';
import type { NatHashes } from './nat.js';
import { list, noNothing, number, record, text } from './reading.js';
import type { MessageReport, NotifyReport, ProposalReport, Role, TransformReport } from './types.js';

const SK = 46;
const SKF = 53;
const NAT_SOURCE = 16388;
const NAT_DESTINATION = 16389;

/** Reads the described payloads, the only place that knows the names of their fields besides its twin for IKEv1. */
export function readContent(ike: DecodedIke, from: Role): MessageContent {
  return ike.version === 1 ? readContentV1(ike, from) : readContentV2(ike.payloads);
}

function readContentV2(payloads: readonly DescribedPayload[]): MessageContent {
  const content: MessageContent = { payloads: payloads.slice(0, LIMITS.payloads).map(({ type }) => type) };
  const notifies = of(payloads, 'N').map(notifyOf);
  const deletes = of(payloads, 'D').map(({ fields }) => ({
    protocol: text(fields.protocol),
    spis: list(fields.spis, LIMITS.transforms).map(text),
  }));
  const vendorIds = of(payloads, 'V').map(({ fields }) => text(fields.name) || text(fields.data));
  const sealed = payloads.find(({ typeNumber }) => typeNumber === SK || typeNumber === SKF);
  const opened = payloads.some(({ inside }) => inside);
  return noNothing({
    ...content,
    ...(sealed !== undefined && !opened && { sealedBytes: number(sealed.fields.bytes) }),
    ...proposalsOf(one(payloads, 'SA')),
    keyExchange: keyExchangeOf(one(payloads, 'KE')),
    notifies: notifies.length > 0 ? notifies.slice(0, LIMITS.items) : undefined,
    natHashes: natHashesOf(payloads),
    idI: identityOf(one(payloads, 'IDi')),
    idR: identityOf(one(payloads, 'IDr')),
    authMethod: one(payloads, 'AUTH') && text(one(payloads, 'AUTH')?.fields.method),
    certificates: certificatesOf(payloads),
    tsI: selectorsOf(one(payloads, 'TSi')),
    tsR: selectorsOf(one(payloads, 'TSr')),
    deletes: deletes.length > 0 ? deletes : undefined,
    vendorIds: vendorIds.length > 0 ? vendorIds : undefined,
    eap: eapOf(one(payloads, 'EAP')),
    configuration: configurationOf(one(payloads, 'CP')),
  });
}

function proposalsOf(
  sa: DescribedPayload | undefined,
): Pick<MessageReport, 'proposals' | 'proposalsOmitted'> {
  if (sa === undefined) return {};
  const all = Array.isArray(sa.fields.proposals) ? sa.fields.proposals : [];
  const omitted = all.length - LIMITS.proposals;
  return {
    proposals: list(all, LIMITS.proposals).map(proposalOf),
    ...(omitted > 0 && { proposalsOmitted: omitted }),
  };
}

function proposalOf(value: unknown): ProposalReport {
  const fields = record(value);
  return noNothing({
    number: number(fields.number),
    protocol: text(fields.protocol),
    spi: fields.spi === undefined ? undefined : text(fields.spi),
    transforms: list(fields.transforms, LIMITS.transforms).map(transformOf),
  });
}

function transformOf(value: unknown): TransformReport {
  const { type, name, id, keyLength } = record(value);
  return noNothing({
    type: text(type),
    name: text(name),
    id: number(id),
    keyLength: keyLength === undefined ? undefined : number(keyLength),
  });
}

function keyExchangeOf(ke: DescribedPayload | undefined): MessageReport['keyExchange'] {
  return ke && { name: text(ke.fields.group), group: number(ke.fields.groupNumber) };
}

function notifyOf({ fields }: DescribedPayload): NotifyReport {
  const { notifyType, notifyTypeNumber, protocol, protocolNumber: _, spi, ...values } = fields;
  return noNothing({
    name: text(notifyType),
    number: number(notifyTypeNumber),
    protocol: protocol === undefined ? undefined : text(protocol),
    spi: spi === undefined ? undefined : text(spi),
    values: Object.keys(values).length > 0 ? values : undefined,
  });
}

function natHashesOf(payloads: readonly DescribedPayload[]): NatHashes | undefined {
  const hashes = (type: number): string[] =>
    of(payloads, 'N')
      .filter(({ fields }) => fields.notifyTypeNumber === type)
      .map(({ fields }) => text(fields.data));
  const found = { source: hashes(NAT_SOURCE), destination: hashes(NAT_DESTINATION) };
  return found.source.length > 0 && found.destination.length > 0 ? found : undefined;
}

function selectorsOf(ts: DescribedPayload | undefined): string[] | undefined {
  return ts && list(ts.fields.selectors, LIMITS.items).map((selector) => text(record(selector).text));
}

function eapOf(eap: DescribedPayload | undefined): MessageReport['eap'] {
  if (eap === undefined) return undefined;
  const { code, type, identity } = eap.fields;
  return noNothing({
    code: text(code),
    type: type === undefined ? undefined : text(type),
    identity: identity === undefined ? undefined : text(identity),
  });
}
