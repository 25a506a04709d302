import type { DecodedIke, DecodedPacket, DescribedPayload, Unit } from '../../lib/capture/types.js';
import { packetName, payloadLines, payloadTitle, protectionText } from './packet-text.js';
import { bytesText } from './words.js';

const ROW = 16;
const HEX_WIDTH = ROW * 3 - 1;
const IKE_HEADER = 28;
/** Longest line beside bytes; what is longer repeats them in hexadecimal. */
const BESIDE = 80;

/** A run of bytes and what stands in it. */
interface Part {
  title: string;
  bytes: Uint8Array;
  /** Where `bytes` begins in what `title` counts from. */
  offset: number;
  /** Lines to stand beside the bytes; none: their ASCII. */
  lines: string[];
}

/**
 * One packet byte by byte, fields beside the bytes they were read from.
 * @param innerPacket what it carried, when it was decrypted
 */
export function frameLines(packet: DecodedPacket, unit: Unit, innerPacket: Uint8Array | undefined): string[] {
  const protection = protectionText(packet);
  const place = unit.offset === undefined ? 'reassembled' : `from byte ${unit.offset} of the frame`;
  const head = [
    `Frame ${packet.frame}: ${packetName(packet)}`,
    `  time        ${packet.time}`,
    `  from, to    ${packet.src} → ${packet.dst}`,
    `  length      ${bytesText(packet.length)}, ${place}`,
  ];
  if (packet.frames !== undefined) head.push(`  frames      ${packet.frames.join(', ')}`);
  if (protection !== '') head.push(`  protection  ${protection}`);
  if (packet.inner !== undefined) head.push(`  carries     ${packet.inner.summary}`);
  if (packet.error !== undefined) head.push(`  problem     ${packet.error.message} (${packet.error.code})`);
  const parts = packet.ike === undefined ? plainParts(packet, unit.data) : ikeParts(packet.ike, unit.data);
  if (innerPacket !== undefined) {
    parts.push({ title: 'Decrypted packet', bytes: innerPacket, offset: 0, lines: [] });
  }
  return [...head, ...parts.flatMap((part) => ['', part.title, ...dump(part)])];
}

function plainParts({ esp, ah }: DecodedPacket, data: Uint8Array): Part[] {
  if (esp !== undefined) {
    return [
      {
        title: 'ESP header',
        bytes: data.subarray(0, 8),
        offset: 0,
        lines: [`SPI: ${esp.spi}`, `sequence number: ${esp.seq}`],
      },
      { title: 'IV, encrypted payload, ICV', bytes: data.subarray(8), offset: 8, lines: [] },
    ];
  }
  if (ah === undefined) return [{ title: 'Bytes', bytes: data, offset: 0, lines: [] }];
  return [
    {
      title: 'AH header',
      bytes: data.subarray(0, 12),
      offset: 0,
      lines: [`next header: ${ah.nextHeader}`, `SPI: ${ah.spi}`, `sequence number: ${ah.seq}`],
    },
    { title: 'ICV and payload', bytes: data.subarray(12), offset: 12, lines: [] },
  ];
}

function ikeParts(ike: DecodedIke, data: Uint8Array): Part[] {
  const outer = ike.payloads.filter(({ inside }) => inside !== true);
  const inside = ike.payloads.filter((payload) => payload.inside === true);
  const parts = [ikeHeader(ike, data), ...outer.map((payload) => payloadPart(payload, data, ''))];
  if (inside.length === 0) return parts;
  const inner = ike.inner ?? new Uint8Array(0);
  return [...parts, ...inside.map((payload) => payloadPart(payload, inner, ' of the decrypted bytes'))];
}

function ikeHeader(ike: DecodedIke, data: Uint8Array): Part {
  const bytes = data.subarray(0, IKE_HEADER);
  const lines = [
    `SPIs: initiator ${ike.spiI}, responder ${ike.spiR}`,
    `next payload: ${bytes[16] ?? '?'}, version ${(bytes[17] ?? 0) >> 4}.${(bytes[17] ?? 0) & 15}, exchange ${ike.exchange} (${ike.exchangeNumber}), flags ${flagsText(ike, bytes[19] ?? 0)}`,
    `message id: ${ike.messageId}`,
  ];
  return { title: 'IKE header', bytes, offset: 0, lines };
}

function flagsText({ version }: DecodedIke, flags: number): string {
  const names: [number, string][] =
    version === 1
      ? [
          [1, 'encrypted'],
          [2, 'commit'],
          [4, 'authentication only'],
        ]
      : [
          [8, 'initiator'],
          [16, 'higher version'],
          [32, 'response'],
        ];
  const set = names.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
  return `0x${flags.toString(16).padStart(2, '0')}${set.length === 0 ? '' : ` (${set.join(', ')})`}`;
}

function payloadPart(payload: DescribedPayload, data: Uint8Array, where: string): Part {
  const { offset, length } = payload;
  return {
    title: `${payloadTitle(payload)}, at ${offset}${where}`,
    bytes: data.subarray(offset, offset + length),
    offset,
    lines: payloadLines(payload).map(cut),
  };
}

function cut(line: string): string {
  return line.length <= BESIDE ? line : `${line.slice(0, BESIDE - 1)}…`;
}

/** Rows of sixteen bytes with their offset, beside the lines of the part. */
function dump({ bytes, offset, lines }: Part): string[] {
  const rows = Math.max(Math.ceil(bytes.length / ROW), lines.length);
  return Array.from({ length: rows }, (_, row) => {
    const slice = bytes.subarray(row * ROW, (row + 1) * ROW);
    const hex = Array.from(slice, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const at = slice.length === 0 ? '' : (offset + row * ROW).toString(16).padStart(4, '0');
    const beside = lines.length === 0 ? asciiText(slice) : (lines[row] ?? '');
    return `  ${at.padEnd(4)}  ${hex.padEnd(HEX_WIDTH)}   ${beside}`.trimEnd();
  });
}

function asciiText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
}
