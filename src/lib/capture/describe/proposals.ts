import { formatKeyword } from '../../crypto/keywords.js';
import { transformName, transformTypeName } from '../../crypto/registry.js';
import { TransformType } from '../../crypto/transform.js';
import { protocolName, transformAttributeName } from '../../ike/wire/names.js';
import type { Proposal, SaPayload, Transform } from '../../ike/wire/types.js';
import { type Fields, hex, spiText } from './fields.js';

/** A transform in words; shared between all messages that offer it, hence frozen. */
interface TransformWords {
  fields: Readonly<Fields>;
  keyword: string;
}

/** Peers offer the same few transforms over and over; a hostile one must not fill the memory. */
const MAX_REMEMBERED = 4096;
const remembered = new Map<number, TransformWords>();

/** Payloads that are remembered whole keep their description with them. */
const described = new WeakMap<SaPayload, Readonly<Fields>>();

/** Fields of an SA payload (RFC 7296 3.3); frozen, because the same payload always gets the same ones. */
export function describeSa(payload: SaPayload): Fields {
  const known = described.get(payload);
  if (known !== undefined) return known;
  const fields = Object.freeze({ proposals: payload.proposals.map(describeProposal) });
  described.set(payload, fields);
  return fields;
}

function describeProposal({ number, protocolId, spi, transforms }: Proposal): Fields {
  const described: Readonly<Fields>[] = [];
  const keywords: string[] = [];
  for (const transform of transforms) {
    const words = wordsOf(transform);
    described.push(
      transform.otherAttributes === undefined
        ? words.fields
        : { ...words.fields, attributes: transform.otherAttributes.map(describeAttribute) },
    );
    if (isSpoken(transform)) keywords.push(words.keyword);
  }
  const fields: Fields = { number, protocol: protocolName(protocolId), protocolNumber: protocolId };
  if (spi.length > 0) fields.spi = spiText(spi);
  fields.transforms = described;
  fields.text = keywords.join('-');
  return fields;
}

/** A lone "none" goes without saying, as in strongSwan's notation. */
function isSpoken({ type, id }: Transform): boolean {
  return id !== 0 || (type !== TransformType.INTEG && type !== TransformType.KE);
}

function wordsOf({ type, id, keyLength }: Transform): TransformWords {
  const key = (type * 0x10000 + id) * 0x20000 + (keyLength ?? 0x10000);
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const words = {
    fields: Object.freeze({
      type: transformTypeName(type),
      typeNumber: type,
      name: transformName(type, id),
      id,
      ...(keyLength !== undefined && { keyLength }),
    }),
    keyword: formatKeyword({ type, id, ...(keyLength !== undefined && { keyLength }) }),
  };
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(key, words);
  return words;
}

function describeAttribute({ type, value }: { type: number; value: number | Uint8Array }): Fields {
  return {
    type: transformAttributeName(type),
    typeNumber: type,
    value: typeof value === 'number' ? value : hex(value),
  };
}
