import type { DecodedIke, DecodedPacket, DescribedPayload } from './types.js';

/**
 * One packet as JSON, without line end: the line of NDJSON and the element of `packets`. Written by hand, because that is
 * several times as fast as `JSON.stringify`; what may hold text from outside goes through it all the same.
 */
export function packetJson(packet: DecodedPacket): string {
  const { frames, ike, esp, ah, inner, error } = packet;
  let text = `{"frame":${packet.frame}`;
  if (frames !== undefined) text += `,"frames":[${frames.join(',')}]`;
  text += `,"time":"${packet.time}","src":"${packet.src}","dst":"${packet.dst}","protocol":"${packet.protocol}","length":${packet.length},"decrypted":${packet.decrypted},"icv":"${packet.icv}"`;
  if (ike !== undefined) text += `,"ike":${ikeJson(ike)}`;
  if (esp !== undefined) {
    text += `,"esp":{"spi":"${esp.spi}","seq":${esp.seq}`;
    if (esp.seqHigh !== undefined) text += `,"seqHigh":${esp.seqHigh}`;
    text += esp.nextHeader === undefined ? '}' : `,"nextHeader":${esp.nextHeader}}`;
  }
  if (ah !== undefined) text += `,"ah":${JSON.stringify(ah)}`;
  if (inner !== undefined) {
    text += `,"inner":{"summary":${JSON.stringify(inner.summary)}`;
    text += inner.packet === undefined ? '}' : `,"packet":${packetJson(inner.packet)}}`;
  }
  return error === undefined ? `${text}}` : `${text},"error":${JSON.stringify(error)}}`;
}

function ikeJson(ike: DecodedIke): string {
  let text = `{"version":${ike.version},"spiI":"${ike.spiI}","spiR":"${ike.spiR}","exchange":${JSON.stringify(ike.exchange)},"exchangeNumber":${ike.exchangeNumber},"messageId":${ike.messageId},"response":${ike.response}`;
  if (ike.initiator !== undefined) text += `,"initiator":${ike.initiator}`;
  text += ',"payloads":[';
  let separator = '';
  for (const payload of ike.payloads) {
    text += separator + payloadJson(payload);
    separator = ',';
  }
  text += ']';
  if (ike.encrypted !== undefined) text += `,"encrypted":${JSON.stringify(ike.encrypted)}`;
  if (ike.fragment !== undefined) text += `,"fragment":${JSON.stringify(ike.fragment)}`;
  return `${text}}`;
}

function payloadJson(payload: DescribedPayload): string {
  let text = `{"type":${JSON.stringify(payload.type)},"typeNumber":${payload.typeNumber}`;
  if (payload.critical !== undefined) text += `,"critical":${payload.critical}`;
  text += `,"offset":${payload.offset},"length":${payload.length}`;
  if (payload.inside !== undefined) text += `,"inside":${payload.inside}`;
  text += `,"fields":${fieldsJson(payload.fields)}`;
  return payload.error === undefined ? `${text}}` : `${text},"error":${JSON.stringify(payload.error)}}`;
}

const shared = new WeakMap<object, string>();

/** Frozen fields stand in many messages and never change: their text is kept. */
function fieldsJson(fields: DescribedPayload['fields']): string {
  if (!Object.isFrozen(fields)) return JSON.stringify(fields);
  const known = shared.get(fields);
  if (known !== undefined) return known;
  const text = JSON.stringify(fields);
  shared.set(fields, text);
  return text;
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
