import type { createRandom } from './mutate.js';

type Random = ReturnType<typeof createRandom>;

/** One ASN.1 value: constructed with parts, or primitive with bytes. */
interface Node {
  tag: number;
  parts: Node[] | undefined;
  bytes: Uint8Array;
}

/**
 * Changes one to three values inside a DER structure and fits all lengths again, so that what is deep inside is
 * reached; one time in three some byte is changed besides, wherever it is.
 */
export function mutateDer(der: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  const root = parse(der);
  if (root === undefined) throw new Error('the sample is no DER');
  for (let left = random(3); left >= 0; left--) {
    const parents = flatten(root).filter(({ parts }) => parts !== undefined && parts.length > 0);
    // Nothing may be left to change.
    const { parts } = parents[random(Math.max(1, parents.length))] ?? {};
    if (parts === undefined) break;
    mutations[random(mutations.length)]!(parts, random(parts.length), random, others);
  }
  const mutated = encode(root);
  if (random(3) === 0 && mutated.length > 0) mutated[random(mutated.length)]! ^= 1 << random(8);
  return random(20) === 0 ? mutated.subarray(0, random(mutated.length)) : mutated;
}

const tags = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x30, 0x31, 0x80, 0x82, 0xa0, 0xa3,
];

const mutations: readonly ((
  parts: Node[],
  at: number,
  random: Random,
  others: readonly Uint8Array[],
) => void)[] = [
  function changeBytes(parts, at, random) {
    const node = parts[at]!;
    const bytes = contentsOf(node).slice();
    for (let left = random(4); left >= 0 && bytes.length > 0; left--)
      bytes[random(bytes.length)] = random(256);
    parts[at] = { tag: node.tag, parts: undefined, bytes };
  },
  function resize(parts, at, random) {
    const node = parts[at]!;
    const bytes = contentsOf(node);
    const longer = random(2) === 0;
    const cut = bytes.subarray(0, random(bytes.length + 1));
    const noise = Uint8Array.from({ length: random(40) }, () => random(256));
    parts[at] = { tag: node.tag, parts: undefined, bytes: longer ? join(bytes, noise) : cut };
  },
  function changeTag(parts, at, random) {
    parts[at] = { ...parts[at]!, tag: tags[random(tags.length)]! };
  },
  function remove(parts, at) {
    parts.splice(at, 1);
  },
  function repeat(parts, at, random) {
    parts.splice(random(parts.length + 1), 0, parts[at]!);
  },
  function swap(parts, at, random) {
    const other = random(parts.length);
    [parts[at], parts[other]] = [parts[other]!, parts[at]!];
  },
  function transplant(parts, at, random, others) {
    const donors = flatten(parse(others[random(others.length)]!)!);
    parts[at] = donors[random(donors.length)]!;
  },
  function nest(parts, at, random) {
    let node = parts[at]!;
    for (let left = random(60); left >= 0; left--)
      node = { tag: 0x30, parts: [node], bytes: new Uint8Array(0) };
    parts[at] = node;
  },
];

function flatten(node: Node): Node[] {
  return [node, ...(node.parts ?? []).flatMap(flatten)];
}

/** undefined for bytes that are not whole values; what looks like values inside an OCTET STRING is taken apart too. */
function parse(bytes: Uint8Array): Node | undefined {
  const list = parseList(bytes);
  return list?.length === 1 ? list[0] : undefined;
}

function parseList(bytes: Uint8Array): Node[] | undefined {
  const list: Node[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at]!;
    const first = bytes[at + 1] ?? 0x80;
    const extra = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80 || extra > 3) return undefined;
    const length =
      extra === 0
        ? first
        : Number(`0x${Buffer.from(bytes.subarray(at + 2, at + 2 + extra)).toString('hex')}`);
    const start = at + 2 + extra;
    if (!(start + length <= bytes.length)) return undefined;
    const contents = bytes.subarray(start, start + length);
    const parts = (tag & 0x20) !== 0 || tag === 0x04 ? parseList(contents) : undefined;
    if ((tag & 0x20) !== 0 && parts === undefined) return undefined;
    list.push({ tag, parts: parts?.length === 0 ? undefined : parts, bytes: contents });
    at = start + length;
  }
  return list;
}

function contentsOf({ parts, bytes }: Node): Uint8Array {
  return parts === undefined ? bytes : join(...parts.map(encode));
}

function encode(node: Node): Uint8Array {
  const contents = contentsOf(node);
  const { length } = contents;
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return join(Uint8Array.from([node.tag, ...head]), contents);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
