import { KitError } from '../lib/core/errors.js';
import type { PathPolicy } from '../lib/esp/path-policy.js';
import type { ClientOptions, ServerOptions, TunnelOptions } from '../lib/tunnel/types.js';
import { parseDuration, parseLifetime } from './duration.js';
import { parseByteLifetime } from './size.js';

/** Flags of `connect` and `serve` as the parser yields them. */
export interface TunnelFlagValues {
  'local-id'?: string | undefined;
  'remote-id'?: string | undefined;
  ike?: string | undefined;
  esp?: string | undefined;
  'local-ts'?: string[] | undefined;
  'remote-ts'?: string[] | undefined;
  port: number;
  'nat-port': number;
  encap: boolean;
  fragmentation: 'yes' | 'no';
  'full-transcript': 'yes' | 'no';
  'fragment-size'?: number | undefined;
  mtu?: number | undefined;
  df: 'copy' | 'set' | 'clear';
  dscp: string;
  'mss-clamp': string;
  plane: 'auto' | 'fast' | 'simple';
  'tun-name'?: string | undefined;
  keylog?: string | undefined;
  'rekey-ike': string;
  'rekey-child': string;
  'rekey-child-bytes': string;
  dpd: string;
  duration?: string | undefined;
}

export interface ServeFlagValues extends TunnelFlagValues {
  listen?: string[] | undefined;
  pool?: string[] | undefined;
  dns?: string[] | undefined;
  'cookie-threshold': number;
}

/** What can be known before credentials are read; they come last, so that nobody types a password for nothing. */
export type WithoutCredentials<T extends TunnelOptions> = Omit<T, 'credentials'>;

/**
 * @param gateway host name or address
 * @throws KitError usage
 */
export function clientOptions(
  gateway: string,
  flags: TunnelFlagValues & { 'dns-mode': ClientOptions['dnsMode'] },
): WithoutCredentials<ClientOptions> {
  if (!/^[\w.:%-]{1,255}$/.test(gateway)) {
    throw new KitError('usage', 'E_GATEWAY', 'The gateway is neither a host name nor an address.', {
      hint: 'Write vpn.example.com, 192.0.2.1 or 2001:db8::1; ports go to --port and --nat-port.',
    });
  }
  if (flags.port === 0 || flags['nat-port'] === 0) {
    throw new KitError('usage', 'E_PORT', "A gateway's port cannot be 0.");
  }
  return { ...tunnelOptions(flags), gateway, dnsMode: flags['dns-mode'] };
}

/** @throws KitError usage */
export function serverOptions(flags: ServeFlagValues): WithoutCredentials<ServerOptions> {
  return {
    ...tunnelOptions(flags),
    listen: items(flags.listen) ?? [],
    pools: items(flags.pool) ?? [],
    dns: items(flags.dns) ?? [],
    cookieThreshold: flags['cookie-threshold'],
  };
}

function tunnelOptions(flags: TunnelFlagValues): WithoutCredentials<TunnelOptions> {
  const name = flags['tun-name'];
  // Linux: IFNAMSIZ is 16 with the final zero; slash, colon and space have meanings of their own.
  if (name !== undefined && !/^[A-Za-z0-9_.-]{1,15}$/.test(name)) {
    throw new KitError('usage', 'E_TUN_NAME', `"${name}" cannot name a network device.`, {
      hint: 'Use up to 15 letters, digits, dots, dashes and underscores.',
    });
  }
  if (flags.fragmentation === 'no' && flags['fragment-size'] !== undefined) {
    throw new KitError('usage', 'E_FRAGMENT_SIZE', '--fragment-size says nothing with --fragmentation no.', {
      hint: 'Leave one of them out.',
    });
  }
  return {
    localId: flags['local-id'],
    remoteId: flags['remote-id'],
    ike: flags.ike,
    esp: flags.esp,
    localTs: items(flags['local-ts']),
    remoteTs: items(flags['remote-ts']),
    port: flags.port,
    natPort: flags['nat-port'],
    encap: flags.encap,
    fragmentation: flags.fragmentation === 'yes',
    fullTranscript: flags['full-transcript'] === 'yes',
    fragmentSize: flags['fragment-size'],
    mtu: flags.mtu,
    path: { df: flags.df, dscp: parseDscp(flags.dscp), mssClamp: parseMssClamp(flags['mss-clamp']) },
    plane: flags.plane,
    tunName: name,
    keylog: flags.keylog,
    rekeyIke: parseLifetime(flags['rekey-ike'], '--rekey-ike'),
    rekeyChild: parseLifetime(flags['rekey-child'], '--rekey-child'),
    rekeyChildBytes: parseByteLifetime(flags['rekey-child-bytes'], '--rekey-child-bytes'),
    dpd: parseLifetime(flags.dpd, '--dpd'),
    duration: flags.duration === undefined ? undefined : parseDuration(flags.duration, '--duration'),
  };
}

/** RFC 2474 3: six bits. */
function parseDscp(text: string): PathPolicy['dscp'] {
  if (text === 'copy' || text === 'clear') return text;
  const number = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (number <= 63) return number;
  throw new KitError('usage', 'E_DSCP', `--dscp: "${text}" is no traffic class.`, {
    hint: 'Write copy, clear, or a number from 0 to 63: 46 is expedited forwarding.',
  });
}

/** From the size that every host takes (RFC 9293 3.7.1) to the largest that a packet has room for. */
function parseMssClamp(text: string): PathPolicy['mssClamp'] {
  if (text === 'auto' || text === 'off') return text;
  const bytes = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (bytes >= 536 && bytes <= 65_495) return bytes;
  throw new KitError('usage', 'E_MSS_CLAMP', `--mss-clamp: "${text}" is no size of a TCP segment.`, {
    hint: 'Write auto, off, or a number of bytes from 536 to 65495.',
  });
}

/** Repeated and comma-separated lists are the same; undefined when there is nothing in them. */
function items(lists: string[] | undefined): string[] | undefined {
  const all = (lists ?? [])
    .flatMap((list) => list.split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '');
  return all.length === 0 ? undefined : all;
}
