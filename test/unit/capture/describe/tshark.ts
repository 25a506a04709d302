import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** A JSON value whose objects keep their order and repeated keys, which `tshark -T json` is full of. */
export type Json = string | Json[] | Node;

export class Node {
  constructor(readonly entries: readonly [key: string, value: Json][]) {}

  /** Values of a key, in order. */
  all(key: string): Json[] {
    return this.entries.filter(([name]) => name === key).map(([, value]) => value);
  }

  node(key: string): Node | undefined {
    return this.all(key).find((value) => value instanceof Node);
  }

  text(key: string): string | undefined {
    return this.all(key).find((value) => typeof value === 'string');
  }
}

/** What tshark says about one payload. */
export interface TsharkPayload {
  type: number;
  length: number;
  tree: Node;
}

/** What tshark says about one ISAKMP message. */
export interface TsharkMessage {
  frame: number;
  spiI: string;
  spiR: string;
  major: number;
  exchange: number | undefined;
  messageId: number | undefined;
  length: number | undefined;
  payloads: TsharkPayload[];
  /** tshark gave up within this frame. */
  malformed: boolean;
  layer: Node;
}

/** All ISAKMP messages of a `tshark -T json` file, gzipped. */
export function readTshark(path: string): TsharkMessage[] {
  const packets = parse(gunzipSync(readFileSync(path)).toString());
  if (!Array.isArray(packets)) throw new Error(`${path} is no list of packets`);
  return packets.flatMap((packet) => {
    const layers = packet instanceof Node ? packet.node('_source')?.node('layers') : undefined;
    const frame = Number(layers?.node('frame')?.text('frame.number'));
    const malformed = layers?.entries.some(([key]) => key === '_ws.malformed') ?? false;
    return (layers?.all('isakmp') ?? [])
      .filter((layer) => layer instanceof Node)
      .map((layer) => message(frame, layer, malformed));
  });
}

function message(frame: number, layer: Node, malformed: boolean): TsharkMessage {
  const number = (key: string): number | undefined => {
    const text = layer.text(key);
    return text === undefined ? undefined : Number(text);
  };
  return {
    frame,
    spiI: plainHex(layer.text('isakmp.ispi')),
    spiR: plainHex(layer.text('isakmp.rspi')),
    major: Number(layer.node('isakmp.version_tree')?.text('isakmp.mjver')),
    exchange: number('isakmp.exchangetype'),
    messageId: number('isakmp.messageid'),
    length: number('isakmp.length'),
    payloads: payloadsOf(layer),
    malformed,
    layer,
  };
}

/** The payloads right under a node: each is a type followed by its tree. */
export function payloadsOf(node: Node): TsharkPayload[] {
  const payloads: TsharkPayload[] = [];
  let type = 0;
  for (const [key, value] of node.entries) {
    if (key === 'isakmp.typepayload' && typeof value === 'string') type = Number(value);
    if (key === 'isakmp.typepayload_tree' && value instanceof Node) {
      payloads.push({ type, length: Number(value.text('isakmp.payloadlength')), tree: value });
    }
  }
  return payloads;
}

/** Hex as tshark writes it, without the colons. */
export function plainHex(text: string | undefined): string {
  return (text ?? '').replaceAll(':', '');
}

/** JSON.parse that keeps repeated keys. */
function parse(text: string): Json {
  let at = 0;
  const space = /\s*/y;
  const string = /"(?:[^"\\]|\\.)*"/y;
  const scalar = /[^\s,\]}]+/y;
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found === undefined) throw new SyntaxError(`no JSON at ${at}`);
    at += found.length;
    return found;
  };
  const list = <T>(close: string, item: () => T): T[] => {
    const items: T[] = [];
    at++;
    for (take(space); text[at] !== close; take(space)) {
      items.push(item());
      take(space);
      if (text[at] === ',') at++;
    }
    at++;
    return items;
  };
  const entry = (): [string, Json] => {
    take(space);
    const key = JSON.parse(take(string)) as string;
    take(space);
    at++;
    return [key, value()];
  };
  const value = (): Json => {
    take(space);
    if (text[at] === '{') return new Node(list('}', entry));
    if (text[at] === '[') return list(']', value);
    return text[at] === '"' ? (JSON.parse(take(string)) as string) : take(scalar);
  };
  return value();
}
