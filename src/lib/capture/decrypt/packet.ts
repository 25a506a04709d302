import type { DecodedPacket, Unit } from '../types.js';

const BILLION = 1_000_000_000n;
let second = 0n;
let secondText = '1970-01-01T00:00:00.';

/** ISO 8601 in UTC with nanoseconds. */
export function formatTime(time: bigint): string {
  let rest = Number(time - second);
  if (rest < 0 || rest >= 1_000_000_000) {
    const whole = time / BILLION;
    second = whole * BILLION;
    rest = Number(time - second);
    // Outside the years that Date knows, the epoch will do: such a clock is of no use anyway.
    const date = new Date(Number(whole) * 1000);
    secondText = (Number.isNaN(date.getTime()) ? new Date(0) : date).toISOString().slice(0, -4);
  }
  return `${secondText}${String(rest).padStart(9, '0')}Z`;
}

function formatEnd({ address, port }: Unit['src']): string {
  if (port === 0) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What is the same for every packet. */
export function packetOf(unit: Unit, protocol: DecodedPacket['protocol']): DecodedPacket {
  const packet: DecodedPacket = {
    frame: unit.frame,
    time: formatTime(unit.time),
    src: formatEnd(unit.src),
    dst: formatEnd(unit.dst),
    protocol,
    length: unit.data.length,
    decrypted: false,
    icv: 'none',
  };
  if (unit.frames !== undefined) packet.frames = unit.frames;
  return packet;
}
