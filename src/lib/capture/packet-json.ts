import type { DecodedIke, DecodedPacket } from './types.js';

/**
 * One packet as JSON, without line end: the line of NDJSON and the element of `packets`. A packet of ESP without
 * surprises is written by hand, several times as fast as `JSON.stringify` would; the outcome is the same.
 */
export function packetJson(packet: DecodedPacket): string {
  const { esp, inner } = packet;
  if (esp === undefined || packet.error !== undefined || packet.frames !== undefined)
    return anyPacket(packet);
  if (inner?.packet !== undefined) return anyPacket(packet);
  let text = `{"frame":${packet.frame},"time":"${packet.time}","src":"${packet.src}","dst":"${packet.dst}","protocol":"ESP","length":${packet.length},"decrypted":${packet.decrypted},"icv":"${packet.icv}","esp":{"spi":"${esp.spi}","seq":${esp.seq}`;
  if (esp.seqHigh !== undefined) text += `,"seqHigh":${esp.seqHigh}`;
  if (esp.nextHeader !== undefined) text += `,"nextHeader":${esp.nextHeader}`;
  return inner === undefined ? `${text}}}` : `${text}},"inner":{"summary":${JSON.stringify(inner.summary)}}}`;
}

function anyPacket(packet: DecodedPacket): string {
  return JSON.stringify(forJson(packet));
}

/** The same packet as it stands in JSON: the decrypted bytes of an IKE message stay out. */
export function forJson(packet: DecodedPacket): DecodedPacket {
  const { ike, inner } = packet;
  if (ike?.inner === undefined && inner?.packet === undefined) return packet;
  const clean: DecodedPacket = { ...packet };
  if (ike !== undefined) clean.ike = withoutBytes(ike);
  if (inner?.packet !== undefined) clean.inner = { ...inner, packet: forJson(inner.packet) };
  return clean;
}

function withoutBytes({ inner: _bytes, ...ike }: DecodedIke): DecodedIke {
  return ike;
}
