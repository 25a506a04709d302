/**
 * Captures for the decode benchmark: ESP under AES-GCM, and IKEv2 sessions, with the keys that open the ESP. Every
 * packet is as a gateway sends it, ICV included; contents come from a counter, so that each run makes the same files.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { proposalsToOffer } from '../../dist/lib/ike/negotiate.js';
import { defaultIkeProposals } from '../../dist/lib/ike/proposals.js';
import { encodeMessage } from '../../dist/lib/ike/wire/message.js';

const SPI = 0xc0ffee01;
const KEY = createHash('sha256').update('encryption key').digest();
const SALT = Buffer.from('salt');
const BATCH = 4 << 20;
/** Inner packet sizes of simple IMIX, in the ratio 7:4:1. */
const IMIX = [40, 40, 40, 576, 40, 40, 576, 40, 576, 40, 576, 1400];

/** Appends packets to a pcap file in big writes. */
class PcapFile {
  #file;
  #buffer = Buffer.alloc(BATCH + (1 << 17));
  #at = 24;
  #count = 0;

  constructor(path) {
    this.#file = openSync(path, 'w');
    this.#buffer.writeUInt32LE(0xa1b2c3d4, 0);
    this.#buffer.writeUInt16LE(2, 4);
    this.#buffer.writeUInt16LE(4, 6);
    this.#buffer.writeUInt32LE(0x40000, 16);
    this.#buffer.writeUInt32LE(1, 20);
  }

  /** Room for one Ethernet frame with an IPv4 header of `protocol`; the payload is the caller's to fill in. */
  packet(protocol, payloadLength, reverse = false) {
    if (this.#at > BATCH) this.flush();
    const length = 34 + payloadLength;
    const record = this.#buffer.subarray(this.#at, this.#at + 16 + length).fill(0);
    const micros = this.#count * 20;
    record.writeUInt32LE(1_700_000_000 + Math.floor(micros / 1e6), 0);
    record.writeUInt32LE(micros % 1e6, 4);
    record.writeUInt32LE(length, 8);
    record.writeUInt32LE(length, 12);
    record.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45], 16);
    const ip = record.subarray(30);
    ip.writeUInt16BE(20 + payloadLength, 2);
    ip.set([64, protocol], 8);
    ip.set(reverse ? [192, 0, 2, 2, 192, 0, 2, 1] : [192, 0, 2, 1, 192, 0, 2, 2], 12);
    this.#at += 16 + length;
    this.#count += 1;
    return ip.subarray(20);
  }

  flush() {
    writeSync(this.#file, this.#buffer, 0, this.#at);
    this.#at = 0;
  }

  close() {
    this.flush();
    closeSync(this.#file);
    return this.#count;
  }
}

/** One ESP packet (RFC 4303, RFC 4106) around a UDP packet of `size` bytes. */
function esp(file, sequence, size) {
  const padding = (4 - ((size + 2) % 4)) % 4;
  const plain = Buffer.alloc(size + padding + 2, sequence & 0xff);
  plain.set([0x45, 0, size >> 8, size & 0xff, 0, 0, 0, 0, 64, 17, 0, 0, 10, 1, 0, 1, 10, 2, 0, 1], 0);
  plain.set([0x13, 0x88, 0x13, 0x88, (size - 20) >> 8, (size - 20) & 0xff, 0, 0], 20);
  for (let i = 0; i < padding; i++) plain[size + i] = i + 1;
  plain[plain.length - 2] = padding;
  plain[plain.length - 1] = 4;
  const packet = file.packet(50, 16 + plain.length + 16);
  packet.writeUInt32BE(SPI, 0);
  packet.writeUInt32BE(sequence, 4);
  packet.writeUInt32BE(sequence, 12);
  const cipher = createCipheriv('aes-256-gcm', KEY, Buffer.concat([SALT, packet.subarray(8, 16)]));
  cipher.setAAD(packet.subarray(0, 8));
  packet.set(cipher.update(plain), 16);
  cipher.final();
  packet.set(cipher.getAuthTag(), 16 + plain.length);
}

/** @returns number of packets */
export function makeEsp(path, count, sizes) {
  const file = new PcapFile(path);
  for (let i = 0; i < count; i++) esp(file, i + 1, sizes[i % sizes.length]);
  return file.close();
}

export const makeGcm1400 = (path, count) => makeEsp(path, count, [1400]);
export const makeImix = (path, count) => makeEsp(path, count, IMIX);

/** Sessions of six messages: IKE_SA_INIT and two exchanges whose content stays encrypted. @returns number of packets */
export function makeIke(path, sessions) {
  const file = new PcapFile(path);
  const offered = proposalsToOffer(defaultIkeProposals, { spi: new Uint8Array(0), withKe: true });
  const [first] = offered;
  const pick = (type) => first.transforms.find((transform) => transform.type === type);
  const chosen = [{ ...first, transforms: [1, 2, 4].map(pick) }];
  for (let i = 0; i < sessions; i++) {
    const initiatorSpi = (BigInt(i + 1) << 32n) | 0xaaaan;
    const responderSpi = (BigInt(i + 1) << 32n) | 0xbbbbn;
    const init = (proposals, isResponse) =>
      encodeMessage(
        {
          initiatorSpi,
          responderSpi: isResponse ? responderSpi : 0n,
          majorVersion: 2,
          minorVersion: 0,
          exchangeType: 34,
          fromInitiator: !isResponse,
          isResponse,
          higherVersion: false,
          messageId: 0,
        },
        [
          { type: 33, proposals },
          { type: 34, group: 31, data: bytes(32, i) },
          { type: 40, data: bytes(32, i + 1) },
          notify(16388, bytes(20, i)),
          notify(16389, bytes(20, i)),
          notify(16430, new Uint8Array(0)),
          notify(16431, Uint8Array.of(0, 2, 0, 3, 0, 4)),
        ],
      );
    udp(file, init(offered, false), false);
    udp(file, init(chosen, true), true);
    udp(file, sealed(initiatorSpi, responderSpi, 35, 0x08, 1, 300, i), false);
    udp(file, sealed(initiatorSpi, responderSpi, 35, 0x20, 1, 220, i), true);
    udp(file, sealed(initiatorSpi, responderSpi, 37, 0x08, 2, 40, i), false);
    udp(file, sealed(initiatorSpi, responderSpi, 37, 0x20, 2, 40, i), true);
  }
  return file.close();
}

function bytes(length, seed) {
  return new Uint8Array(createHash('sha512').update(String(seed)).digest().subarray(0, length));
}

function notify(notifyType, data) {
  return { type: 41, protocolId: 0, spi: new Uint8Array(0), notifyType, data };
}

function udp(file, message, reverse) {
  const packet = file.packet(17, 8 + message.length, reverse);
  packet.writeUInt16BE(500, 0);
  packet.writeUInt16BE(500, 2);
  packet.writeUInt16BE(8 + message.length, 4);
  packet.set(message, 8);
}

/** A message whose SK payload nobody can open. */
function sealed(spiI, spiR, exchange, flags, messageId, length, seed) {
  const message = Buffer.alloc(28 + 4 + length, bytes(64, seed));
  message.writeBigUInt64BE(spiI, 0);
  message.writeBigUInt64BE(spiR, 8);
  message.set([46, 0x20, exchange, flags], 16);
  message.writeUInt32BE(messageId, 20);
  message.writeUInt32BE(message.length, 24);
  message.set([exchange === 35 ? 35 : 0, 0], 28);
  message.writeUInt16BE(4 + length, 30);
  return message;
}

/** Keys for ours (a folder) and for tshark (a configuration folder), which is the same one. */
export function makeKeys(folder) {
  mkdirSync(folder, { recursive: true });
  const key = `0x${Buffer.concat([KEY, SALT]).toString('hex')}`;
  const line = [
    'IPv4',
    '*',
    '*',
    `0x${SPI.toString(16)}`,
    'AES-GCM with 16 octet ICV [RFC4106]',
    key,
    'NULL',
    '',
  ];
  writeFileSync(join(folder, 'esp_sa'), `${line.map((field) => `"${field}"`).join(',')}\n`);
  return folder;
}
