import type {
  ExchangeReport,
  FlowReport,
  MessageReport,
  ProposalReport,
  TransformReport,
} from '../../lib/capture/analyse/types.js';

/** Frame numbers as `#1, #4–#7`, at most `most` ranges. */
export function frameList(frames: readonly number[], most = 6): string {
  const ranges: [number, number][] = [];
  for (const frame of [...new Set(frames)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && frame === last[1] + 1) last[1] = frame;
    else ranges.push([frame, frame]);
  }
  const shown = ranges.slice(0, most).map(([from, to]) => rangeText(from, to));
  if (ranges.length > most) shown.push('…');
  return shown.join(', ');
}

function rangeText(from: number, to: number): string {
  if (from === to) return `#${from}`;
  return to === from + 1 ? `#${from}, #${to}` : `#${from}–#${to}`;
}

/** Nanoseconds since the epoch of a packet's time. */
export function nanoseconds(time: string): bigint {
  const [whole = '', fraction = ''] = time.replace(/Z$/, '').split('.');
  return BigInt(Date.parse(`${whole}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** Seconds since `start`, with milliseconds. */
export function offsetText(time: string, start: string): string {
  const seconds = Number(nanoseconds(time) - nanoseconds(start)) / 1e9;
  return `${seconds.toFixed(3)} s`;
}

/** `2025-11-21 08:35:12.123 UTC` */
export function dateText(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 23)} UTC`;
}

export function durationText(from: string, to: string): string {
  const seconds = Number(nanoseconds(to) - nanoseconds(from)) / 1e9;
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 3 : 1)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** Milliseconds with three significant digits, seconds from one second on. */
export function roundTripText(ms: number | undefined): string {
  if (ms === undefined) return '';
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

export function bytesText(bytes: number): string {
  if (bytes < 10_000) return `${bytes} bytes`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}

/** IANA's name without the prefix that says its type, with the key length: `AES_GCM_16-256`. */
function transformText({ type, name, id, keyLength }: TransformReport): string {
  if (type === 'SN' || type === 'ESN') return SEQUENCE_NUMBERS[id] ?? name;
  const short = name.replace(/^(ENCR|AUTH|INTEG)_/, '');
  return keyLength === undefined ? short : `${short}-${keyLength}`;
}

/** The ordinary ones go without saying. */
const SEQUENCE_NUMBERS: Record<number, string> = { 0: '', 1: 'ESN' };

/** `AES_CBC-256, AES_CBC-128 / HMAC_SHA2_256_128 / PRF_HMAC_SHA2_256 / 2048-bit MODP Group` */
export function proposalText({ transforms }: ProposalReport): string {
  const types = [...new Set(transforms.map(({ type }) => type))];
  return types
    .map((type) => transforms.filter((transform) => transform.type === type).map(transformText))
    .map((names) => [...new Set(names)].filter((name) => name !== '').join(', '))
    .filter((names) => names !== '')
    .join(' / ');
}

/** All messages of an exchange, in the order they came. */
export function messagesOf({ request, response, further }: ExchangeReport): MessageReport[] {
  return [request, response, ...(further ?? [])].filter((message) => message !== undefined);
}

/** What became of a flow's packets. */
export function flowText(flow: FlowReport): string {
  const { icv, replay } = flow;
  const parts = [`${countText(flow.packets, 'packet')}, ${bytesText(flow.bytes)}`];
  if (icv.good > 0 && icv.bad + icv.unchecked === 0) parts.push('ICV good');
  else if (icv.good > 0) parts.push(`ICV good on ${icv.good}`);
  if (icv.bad > 0) parts.push(`ICV BAD on ${icv.bad} (${frameList(flow.badIcvFrames)})`);
  if (icv.truncated > 0) parts.push(`${icv.truncated} of them right when cut to 96 bits`);
  if (icv.unchecked > 0 && icv.good + icv.bad > 0) parts.push(`unchecked ${icv.unchecked}`);
  if (flow.lost > 0) parts.push(`${flow.lost} missing`);
  if (flow.duplicated > 0) parts.push(`${flow.duplicated} twice (${frameList(flow.duplicateFrames)})`);
  if (flow.reordered > 0) parts.push(`${flow.reordered} out of order`);
  if (replay.smallestSafe === undefined) parts.push(`a replay window of 1024 drops ${replay.dropped[1024]}`);
  else if (replay.smallestSafe > 32) {
    parts.push(`needs a replay window of ${replay.smallestSafe} (32 drops ${replay.dropped[32]})`);
  }
  if (flow.lost + flow.duplicated + flow.reordered === 0 && flow.packets > 1) parts.push('no gaps');
  return parts.join('; ');
}
