import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeMessage, describePayloads } from '../../../../src/lib/capture/describe/describe.js';
import { readCapture } from '../../../../src/lib/capture/read/capture.js';
import { openInput } from '../../../../src/lib/capture/read/input.js';
import { UnitExtractor } from '../../../../src/lib/capture/read/units.js';
import type { DescribedPayload } from '../../../../src/lib/capture/types.js';
import { fromHex } from '../../../../src/lib/core/bytes.js';
import { Secret } from '../../../../src/lib/core/secret.js';
import { resolveIkeSuite } from '../../../../src/lib/ike/negotiate.js';
import { createSkProtection } from '../../../../src/lib/ike/sealed.js';
import { IvChain, ikev1Suite } from '../../../../src/lib/ike/v1/keys.js';
import { decodeIkev1MessageLenient } from '../../../../src/lib/ike/v1/wire.js';
import { decodeMessageLenient, findPayload } from '../../../../src/lib/ike/wire/message.js';
import { Node, payloadsOf, plainHex, readTshark, type TsharkMessage, type TsharkPayload } from './tshark.js';

const shared = process.env.IPSEC_KIT_SHARED;
if (shared === undefined) {
  console.info('descriptions are not compared with tshark: IPSEC_KIT_SHARED names no captures');
}

/** Captures and what tshark makes of them. */
function inputs(): { capture: string; decoded: string; name: string }[] {
  if (shared === undefined) return [];
  const expected = join(shared, 'corpus', 'expected');
  const corpus = readdirSync(expected).flatMap((file) => {
    const name = /^(.*)\.tshark-[\d.]+\.json\.gz$/.exec(file)?.[1];
    if (name === undefined) return [];
    return [{ name, capture: join(shared, 'corpus', ...name.split('__')), decoded: join(expected, file) }];
  });
  const captures = readdirSync(join(shared, 'captures')).map((name) => ({
    name,
    capture: join(shared, 'captures', name, 'capture.pcap'),
    decoded: join(shared, 'captures', name, 'decoded.json.gz'),
  }));
  return [...corpus, ...captures].filter(
    ({ capture, decoded }) => existsSync(capture) && existsSync(decoded),
  );
}

interface OurMessage {
  frame: number;
  data: Uint8Array;
}

async function ikeMessages(path: string): Promise<OurMessage[]> {
  const extractor = new UnitExtractor({ ports: [] });
  const messages: OurMessage[] = [];
  const source = openInput(path, { signal: new AbortController().signal });
  for await (const frame of readCapture(source, () => undefined)) {
    for (const unit of extractor.take(frame)) {
      if (unit.kind === 'ike') messages.push({ frame: unit.frame, data: unit.data.slice() });
    }
  }
  return messages;
}

/** A chain in a form that shows well when it differs: type, length and what is comparable inside. */
function ours(payloads: readonly DescribedPayload[]): string[] {
  return payloads
    .filter(({ typeNumber, error }) => typeNumber !== 0 || error === undefined)
    .map(({ typeNumber, length, fields }) =>
      [
        typeNumber,
        length,
        fields.notifyTypeNumber,
        fields.spi,
        ...list(fields.spis),
        ...list(fields.proposals).flatMap(ourProposal),
        fields.groupNumber,
        fields.idTypeNumber,
        fields.methodNumber,
        ...(typeNumber === 44 || typeNumber === 45 ? list(fields.selectors).map(ourSelector) : []),
        typeNumber === 13 || typeNumber === 43 ? fields.data : undefined,
      ]
        .filter(isGiven)
        .join(' '),
    );
}

function theirs(payloads: readonly TsharkPayload[]): string[] {
  return payloads.map(({ type, length, tree }) => {
    const isNotify = type === 11 || type === 41;
    const isDelete = type === 12 || type === 42;
    const isVersion2 = type >= 33 && type < 128;
    return [
      type,
      length,
      isNotify ? tree.text('isakmp.notify.msgtype') : undefined,
      ...(isDelete ? tree.all('isakmp.delete.spi') : isNotify ? tree.all('isakmp.spi') : []).map(spiText),
      ...payloadsOf(tree)
        .filter((proposal) => proposal.type === 2)
        .flatMap(theirProposal),
      type === 34 ? tree.text('isakmp.key_exchange.dh_group') : undefined,
      type === 41 ? tree.text('isakmp.notify.data.accepted_dh_group') : undefined,
      // tshark has no field for the type inside NAT-OA
      isVersion2 || type === 5 ? tree.text('isakmp.id.type') : undefined,
      tree.text('isakmp.auth.method'),
      ...theirSelectors(tree),
      plainHex(tree.text('isakmp.vid_bytes')),
    ]
      .filter(isGiven)
      .join(' ');
  });
}

/** `#1 protocol SPI`, then type, id and key length of each transform, or id and attributes of an IKEv1 one. */
function ourProposal(value: unknown): string[] {
  const { number, protocolNumber, spi, transforms } = record(value);
  return [
    ['#', number, '/', protocolNumber, spi ?? ''].join(''),
    ...list(transforms).map((item) => {
      const transform = record(item);
      const isVersion1 = transform.number !== undefined;
      const attributes = list(transform.attributes).map((attribute) => {
        const { typeNumber, value: number } = record(attribute);
        return `${typeNumber}=${number}`;
      });
      return isVersion1
        ? `${transform.number}:${transform.id}(${attributes})`
        : `${transform.typeNumber}:${transform.id}:${transform.keyLength ?? ''}`;
    }),
  ];
}

function theirProposal({ tree }: TsharkPayload): string[] {
  const spi = tree.text('isakmp.spi');
  return [
    [
      '#',
      tree.text('isakmp.prop.number'),
      '/',
      tree.text('isakmp.prop.protoid'),
      spi ? spiText(spi) : '',
    ].join(''),
    ...payloadsOf(tree).map(({ tree: transform }) => {
      const number = transform.text('isakmp.trans.number');
      if (number === undefined) {
        const id = transform.entries.find(([key]) => key.startsWith('isakmp.tf.id'))?.[1];
        const keyLength = transform.node('isakmp.ike2.attr')?.text('isakmp.ike2.attr.key_length');
        return `${transform.text('isakmp.tf.type')}:${id}:${keyLength ?? ''}`;
      }
      const attributes = transform.entries.flatMap(([key, attribute]) =>
        key.endsWith('.attr') && attribute instanceof Node
          ? [`${attribute.text(`${key}.type`)}=${Number(`0x${plainHex(attribute.text(`${key}.value`))}`)}`]
          : [],
      );
      return `${number}:${transform.text('isakmp.trans.id')}(${attributes})`;
    }),
  ];
}

function ourSelector(value: unknown): string {
  const { typeNumber, ipProtocol, startPort, endPort, startAddress, endAddress } = record(value);
  return `${typeNumber}:${ipProtocol}:${startPort}-${endPort}:${startAddress}-${endAddress}`;
}

function theirSelectors(tree: Node): string[] {
  return tree.all('isakmp.ts.data').flatMap((selector) => {
    if (!(selector instanceof Node)) return [];
    const get = (key: string): string | undefined => selector.text(`isakmp.ts.${key}`);
    const [start, end] = [get('start_ipv4') ?? get('start_ipv6'), get('end_ipv4') ?? get('end_ipv6')];
    return [`${get('type')}:${get('protoid')}:${get('start_port')}-${get('end_port')}:${start}-${end}`];
  });
}

function spiText(value: unknown): string {
  const digits = plainHex(String(value)).replace(/^0x/, '');
  return digits.length === 8 ? `0x${digits}` : digits;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== '';
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function heads(chain: readonly string[]): string[] {
  return chain.map((item) => item.split(' ').slice(0, 2).join(' '));
}

function compare(theirMessage: TsharkMessage, { data }: OurMessage): void {
  const { ike, error } = describeMessage(data);
  expect(ike.spiI).toBe(theirMessage.spiI);
  expect(ike.spiR).toBe(theirMessage.spiR);
  if (theirMessage.exchange !== undefined) expect(ike.exchangeNumber).toBe(theirMessage.exchange);
  if (theirMessage.messageId !== undefined) expect(ike.messageId).toBe(theirMessage.messageId);
  if (theirMessage.major > 2) return;
  expect(ike.version).toBe(theirMessage.major);
  const chain = ours(ike.payloads);
  const theirChain = theirs(theirMessage.payloads);
  const damaged = theirMessage.malformed || error !== undefined || ike.payloads.some((item) => item.error);
  // Of what is broken, both show as much as they understood: types and lengths are the common part.
  if (damaged) expect(heads(chain).slice(0, theirChain.length)).toEqual(heads(theirChain));
  else expect(chain).toEqual(theirChain);
}

describe.skipIf(shared === undefined)('descriptions equal those of tshark, packet by packet', () => {
  test.each(inputs())('$name', async ({ capture, decoded }) => {
    const messages = await ikeMessages(capture);
    const expected = readTshark(decoded);
    for (const theirMessage of expected) {
      const mine = messages.find(({ frame }) => frame === theirMessage.frame);
      expect(mine, `frame ${theirMessage.frame}`).toBeDefined();
      if (mine !== undefined) compare(theirMessage, mine);
    }
  });

  test('and there is enough to compare', () => {
    const messages = inputs().flatMap(({ decoded }) => readTshark(decoded));
    expect(messages.length).toBeGreaterThan(200);
    expect(messages.flatMap(({ payloads }) => payloads).length).toBeGreaterThan(500);
  });
});

/** Both directions of every IKE SA in the keys of a capture, by the SPIs, as tshark was given them. */
function protections(capture: string, messages: readonly OurMessage[]) {
  const file = join(capture, '..', 'keys.json');
  const answers = messages.map(({ data }) => findPayload(decodeMessageLenient(data).payloads, 33)?.proposals);
  const chosen = answers.find(
    (proposals) => proposals?.length === 1 && proposals[0]!.transforms.length <= 4,
  )?.[0];
  if (!existsSync(file) || chosen === undefined) return new Map();
  const suite = resolveIkeSuite(chosen.transforms);
  const { ike } = JSON.parse(readFileSync(file, 'utf8')) as { ike: Record<string, string>[] };
  const bind = (encr: string | undefined, integ: string | undefined) =>
    createSkProtection(suite, new Secret(fromHex(encr ?? '')), new Secret(fromHex(integ ?? '')));
  return new Map(
    ike.map((sa) => [
      `${sa.spi_i}${sa.spi_r}`,
      { initiator: bind(sa.sk_ei, sa.sk_ai), responder: bind(sa.sk_er, sa.sk_ar) },
    ]),
  );
}

describe.skipIf(shared === undefined)('decrypted payloads equal those of tshark', () => {
  const keyed = inputs().filter(({ capture }) => existsSync(join(capture, '..', 'keys.json')));

  test.each(keyed)('$name', async ({ capture, decoded }) => {
    const messages = await ikeMessages(capture);
    const sas = protections(capture, messages);
    for (const theirMessage of readTshark(decoded)) {
      const sealed = theirMessage.payloads.find(({ type }) => type === 46);
      const contained = sealed?.tree.node('isakmp.enc.decrypted')?.node('isakmp.enc.contained');
      const data = messages.find(({ frame }) => frame === theirMessage.frame)?.data;
      if (contained === undefined || data === undefined) continue;
      const sa = sas.get(`${theirMessage.spiI}${theirMessage.spiR}`);
      const { header, payloads } = decodeMessageLenient(data);
      const sk = findPayload(payloads, 46);
      if (sk === undefined || sa === undefined)
        throw new Error(`frame ${theirMessage.frame} cannot be opened`);
      const from = header.fromInitiator ? sa.initiator : sa.responder;
      const inner = from.open(data.subarray(0, data.length - sk.body.length), sk.body);
      const described = describePayloads(2, sk.nextPayload, inner, { certificates: true });
      expect(described.every(({ inside, error }) => inside && error === undefined)).toBe(true);
      expect(ours(described)).toEqual(theirs(payloadsOf(contained)));
    }
  });
});

describe.skipIf(shared === undefined)('IKEv1 opens with nothing but the encryption key', () => {
  /** Payload chains as tshark shows them with the same keys; frame 8 of the first is a retransmission of frame 7. */
  test.each([
    {
      name: 'ikev1-certs.pcap',
      key: '735be0cb62f82675c4f7bf8fbab9b56834ba76d6ab4fa240',
      chains: {
        5: 'ID CERT CR SIG',
        6: 'ID CERT SIG',
        7: 'HASH SA NONCE KE ID ID',
        9: 'HASH SA NONCE KE ID ID',
        10: 'HASH',
      },
    },
    {
      name: 'ikev1-bug-12610.pcapng.gz',
      key: '928392441e00ece5e8af3bc545416e86afa1291e7c013271514738b70ef25d22',
      chains: {
        5: 'ID HASH',
        6: 'ID HASH',
        7: 'HASH ATTR',
        8: 'HASH N',
        9: 'HASH ATTR',
        10: 'HASH ATTR',
        11: 'HASH ATTR',
        12: 'HASH ATTR',
        13: 'HASH ATTR',
        14: 'HASH SA NONCE ID ID',
        15: 'HASH SA NONCE ID ID',
        16: 'HASH',
      },
    },
  ])('$name', async ({ name, key, chains }) => {
    const messages = await ikeMessages(join(shared ?? '', 'corpus', 'wireshark', name));
    const opened = openIkev1(messages, new Secret(fromHex(key)));
    for (const [frame, chain] of Object.entries(chains)) {
      const payloads = opened.get(Number(frame)) ?? [];
      expect(payloads.map(({ type }) => type).join(' ')).toBe(chain);
      expect(payloads.filter(({ error }) => error)).toEqual([]);
    }
    expect(JSON.stringify([...opened.values()])).not.toContain('E_');
  });
});

/** The payloads of all encrypted messages by frame. */
function openIkev1(messages: readonly OurMessage[], key: Secret): Map<number, DescribedPayload[]> {
  const decoded = messages.map(({ frame, data }) => ({ frame, ...decodeIkev1MessageLenient(data) }));
  const payloads = decoded.flatMap((message) => message.payloads);
  const [keI, keR] = payloads.flatMap((payload) => (payload.type === 4 ? [payload.data] : []));
  const answer = payloads.filter((payload) => payload.type === 1)[1];
  const suite = ikev1Suite(answer?.proposals[0]?.transforms[0]?.attributes ?? []);
  if (keI === undefined || keR === undefined || suite === undefined)
    throw new Error('no phase 1 in the clear');
  const chain = new IvChain(suite, key, keI, keR);
  return new Map(
    decoded.flatMap(({ frame, header, encrypted }) => {
      const plain = encrypted && chain.open(header.messageId, encrypted);
      return plain ? [[frame, describePayloads(1, header.nextPayload, plain)]] : [];
    }),
  );
}
