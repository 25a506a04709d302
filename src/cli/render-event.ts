import type { ChalkInstance } from 'chalk';
import { printable } from '../lib/core/printable.js';
import type { StatsEvent, TunnelEvent } from '../lib/tunnel/types.js';

type Tone = 'good' | 'change' | 'end' | 'note' | 'warning' | 'bad';

const symbols: Record<Tone, string> = { good: '✓', change: '↻', end: '–', note: '·', warning: '!', bad: '✗' };

/**
 * One readable line (host advice has one more for each command), without line end.
 * @param time shown as local wall-clock time
 */
export function renderEvent(event: TunnelEvent, time: Date, paint: ChalkInstance): string {
  const { tone, text, more = [] } = describe(event);
  const colour = {
    good: paint.green,
    change: paint.cyan,
    end: paint.yellow,
    note: paint.dim,
    warning: paint.yellow,
    bad: paint.red,
  }[tone];
  const head = `${paint.dim(clock(time))} ${colour(symbols[tone])} ${printable(text)}`;
  return [head, ...more.map((line) => `               ${paint.bold(printable(line))}`)].join('\n');
}

/** `12:34:56.789`, local. */
export function clock(time: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const ms = String(time.getMilliseconds()).padStart(3, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${ms}`;
}

function describe(event: TunnelEvent): { tone: Tone; text: string; more?: string[] } {
  switch (event.event) {
    case 'listening': {
      const places = event.addresses.map(({ address, port }) => endpoint(address, port));
      return { tone: 'note', text: `listening on ${places.join(', ')}` };
    }
    case 'host-advice':
      return { tone: 'note', text: `this host lacks: ${event.missing}`, more: event.commands };
    case 'device-up':
      return {
        tone: 'note',
        text: `device ${event.device} is up (MTU ${event.mtu})${list(', addresses', event.addresses)}${list(', routes', event.routes)}`,
      };
    case 'exchange':
      return {
        tone: 'note',
        text: `${event.initiatedByUs ? '→' : '←'} ${event.exchange} ${event.messageId} with ${event.peer}: ${event.purpose}`,
      };
    case 'ike-sa-established':
      return {
        tone: 'good',
        text: `IKE SA established with ${event.peer} as ${event.role}: ${event.localId} (${event.localAuth}) to ${event.remoteId} (${event.remoteAuth})${event.eapIdentity === undefined ? '' : `, EAP identity ${event.eapIdentity}`}, ${event.proposal}, SPIs ${event.initiatorSpi}_i ${event.responderSpi}_r`,
      };
    case 'addresses-assigned':
      return {
        tone: 'note',
        text: `virtual addresses, with ${event.peer}: ${event.addresses.join(', ') || 'none'}${list(', DNS', event.dns)}`,
      };
    case 'child-sa-established':
      return { tone: 'good', text: `child SA established with ${event.peer}: ${child(event)}` };
    case 'child-sa-rekeyed':
      return {
        tone: 'change',
        text: `child SA rekeyed with ${event.peer}: ${child(event)}, replaces in ${event.oldInboundSpi} out ${event.oldOutboundSpi}`,
      };
    case 'child-sa-deleted':
      return {
        tone: 'end',
        text: `child SA deleted (${event.reason}): ${spis(event)}; traffic in ${traffic(event.packetsIn, event.bytesIn)}, out ${traffic(event.packetsOut, event.bytesOut)}`,
      };
    case 'ike-sa-rekeyed':
      return {
        tone: 'change',
        text: `IKE SA rekeyed with ${event.peer}: ${event.proposal}, SPIs ${event.initiatorSpi}_i ${event.responderSpi}_r, replaces ${event.oldInitiatorSpi}_i ${event.oldResponderSpi}_r`,
      };
    case 'peer-moved':
      return { tone: 'change', text: `peer moved: now ${event.peer}` };
    case 'path-mtu':
      return {
        tone: 'note',
        text: `the path to ${event.peer} carries ${event.pathMtu} bytes, and so ${event.innerMtu} of a packet in the tunnel`,
      };
    case 'stats':
      return { tone: 'note', text: planeText(event), more: event.childSas.map(childTraffic) };
    case 'ike-sa-deleted':
      return { tone: 'end', text: `IKE SA with ${event.peer} ended (${event.reason})` };
    case 'profile-exported':
      return { tone: 'note', text: `wrote ${event.path}, for ${event.for}: ${event.note}` };
    case 'warning':
      return {
        tone: 'warning',
        text: sentence(event),
      };
    case 'error':
      return {
        tone: 'bad',
        text: sentence(event),
        ...(event.hint === undefined ? {} : { more: [event.hint] }),
      };
  }
}

/** Whom it is about, what, and the code, which takes the place of the full stop. */
function sentence(event: { peer?: string; message: string; code: string }): string {
  const who = event.peer === undefined ? '' : `${event.peer}: `;
  return `${who}${event.message.replace(/\.$/, '')} (${event.code})`;
}

interface ChildText {
  inboundSpi: string;
  outboundSpi: string;
  proposal: string;
  encapsulation: 'udp' | 'none';
  localTs: string[];
  remoteTs: string[];
}

function child(event: ChildText): string {
  const way = event.encapsulation === 'none' ? ', ESP without UDP' : '';
  return `${event.proposal}${way}, ${event.localTs.join(' ')} to ${event.remoteTs.join(' ')}, ${spis(event)}`;
}

/** In words: the `_i` of IKE SAs is the initiator. */
function spis(event: { inboundSpi: string; outboundSpi: string }): string {
  return `SPIs in ${event.inboundSpi} out ${event.outboundSpi}`;
}

function list(label: string, items: string[]): string {
  return items.length === 0 ? '' : `${label} ${items.join(' ')}`;
}

function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function traffic(packets: number, bytes: number): string {
  return `${packets} packets ${bytes} bytes`;
}

/** What the plane did, and what it dropped. */
function planeText({ plane, batches, drops }: StatsEvent): string {
  const dropped = Object.entries(drops).filter(([, count]) => count > 0);
  const lost = dropped.map(([reason, count]) => `${reason} ${count}`).join(', ') || 'none';
  return `${plane} plane${batches === undefined ? '' : `, ${batchText(batches)}`}; dropped: ${lost}`;
}

function batchText(batches: NonNullable<StatsEvent['batches']>): string {
  const perCall = (packets: number, calls: number): string => (packets / Math.max(1, calls)).toFixed(1);
  const { devicePacketsOut, deviceReads, datagramsOut, socketWrites } = batches;
  const { datagramsIn, socketReads, devicePacketsIn, deviceWrites } = batches;
  return `packets per call: out ${perCall(devicePacketsOut, deviceReads)} read ${perCall(datagramsOut, socketWrites)} sent, in ${perCall(datagramsIn, socketReads)} received ${perCall(devicePacketsIn, deviceWrites)} written`;
}

function childTraffic(child: StatsEvent['childSas'][number]): string {
  const { packetsIn, bytesIn, packetsOut, bytesOut, icvFailures, replays, malformed } = child;
  const bad = `${icvFailures} ICV failures, ${replays} replays, ${malformed} malformed`;
  return `${child.peer} ${spis(child)}: in ${traffic(packetsIn, bytesIn)}, out ${traffic(packetsOut, bytesOut)}, ${bad}`;
}
