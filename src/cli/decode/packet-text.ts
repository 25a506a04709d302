import type { DecodedPacket, DescribedPayload } from '../../lib/capture/types.js';
import { fieldLines } from './fields.js';
import { bytesText } from './words.js';

/** What a packet is, in a few words: `IKE_AUTH request 1`, `ESP 0xc0ffee01 seq 7`. */
export function packetName({ protocol, ike, esp, ah }: DecodedPacket): string {
  if (ike !== undefined) {
    const kind = ike.version === 1 ? '' : ike.response ? ' response' : ' request';
    const part =
      ike.fragment === undefined ? '' : `, fragment ${ike.fragment.number} of ${ike.fragment.total}`;
    return `${protocol} ${ike.exchange}${kind} ${ike.messageId}${part}`;
  }
  const sa = esp ?? ah;
  return sa === undefined ? protocol : `${protocol} ${sa.spi} seq ${sequenceText(sa)}`;
}

function sequenceText(sa: { seq: number; seqHigh?: number }): string {
  return sa.seqHigh === undefined
    ? String(sa.seq)
    : String(BigInt(sa.seqHigh) * 0x1_0000_0000n + BigInt(sa.seq));
}

/** Whether it was opened, and whether it is what the sender sent. */
export function protectionText({ decrypted, icv }: DecodedPacket): string {
  if (icv === 'bad') return 'ICV BAD: changed on the way, or the wrong key';
  if (icv === 'good') return decrypted ? 'decrypted, ICV good' : 'ICV good';
  return decrypted ? 'decrypted, ICV not checked' : '';
}

/** One line on a packet, for captures that are still growing. */
export function packetLine(packet: DecodedPacket): string {
  const { frame, time, src, dst, length, error, inner, ike } = packet;
  const parts = [packetName(packet), bytesText(length)];
  if (ike !== undefined && ike.payloads.length > 0) {
    parts.push(ike.payloads.map(payloadWord).join(' '));
  }
  if (inner !== undefined) parts.push(inner.summary);
  const protection = protectionText(packet);
  if (protection !== '') parts.push(protection);
  if (error !== undefined) parts.push(error.message);
  return `#${frame}  ${time.slice(11, 23)}  ${src} → ${dst}  ${parts.join('; ')}`;
}

/** Notifies are worth their names. */
function payloadWord({ type, fields }: DescribedPayload): string {
  const name = fields.notifyType ?? fields.name;
  return type === 'N' && typeof name === 'string' ? `N(${name})` : type;
}

/** Every field of an IKE message. */
export function messageLines(packet: DecodedPacket): string[] {
  const protection = protectionText(packet);
  const head = `#${packet.frame}  ${packetName(packet)}, ${bytesText(packet.length)}${protection === '' ? '' : `, ${protection}`}`;
  const lines = (packet.ike?.payloads ?? []).flatMap((payload) => [
    `  ${payloadTitle(payload)}`,
    ...payloadLines(payload).map((line) => `    ${line}`),
  ]);
  return packet.error === undefined ? [head, ...lines] : [head, ...lines, `  ${packet.error.message}`];
}

export function payloadTitle({ type, typeNumber, length, critical, inside }: DescribedPayload): string {
  const marks = [inside ? 'decrypted' : '', critical ? 'critical' : ''].filter((mark) => mark !== '');
  return `${type} (${typeNumber}), ${bytesText(length)}${marks.length === 0 ? '' : `, ${marks.join(', ')}`}`;
}

export function payloadLines({ fields, error }: DescribedPayload): string[] {
  const lines = fieldLines(fields);
  return error === undefined ? lines : [`cannot be read: ${error.message} (${error.code})`, ...lines];
}
