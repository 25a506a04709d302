import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { formatCidr, parseCidr } from '../core/ip.js';
import type { TrafficSelector } from '../ike/wire/types.js';
import { TOOL_PATH } from '../net/ip-command.js';
import type { HostAddress } from './addresses.js';
import { coversAddress, familyOf } from './routes.js';
import type { TunnelEvent } from './types.js';

/** What the advice depends on. */
export interface HostState {
  forwardsIpv4: boolean;
  forwardsIpv6: boolean;
  /** The firewall's rules as text; undefined when they cannot be read. */
  ruleset: string | undefined;
}

export interface AdviceFacts {
  pools: readonly string[];
  localTs: readonly TrafficSelector[];
  device: string;
  addresses: readonly HostAddress[];
}

/** Reads what the host does with packets of others. Changes nothing. */
export async function readHostState(): Promise<HostState> {
  const [ipv4, ipv6, ruleset] = await Promise.all([
    readFile('/proc/sys/net/ipv4/ip_forward', 'utf8').catch(() => '0'),
    readFile('/proc/sys/net/ipv6/conf/all/forwarding', 'utf8').catch(() => '0'),
    readRuleset(),
  ]);
  return { forwardsIpv4: ipv4.trim() !== '0', forwardsIpv6: ipv6.trim() !== '0', ruleset };
}

/**
 * What a server's host still lacks so that clients reach more than the host itself, with the commands that add it.
 * Nothing is said where the selectors grant no more than addresses of the host.
 */
export function hostAdvice(facts: AdviceFacts, host: HostState): (TunnelEvent & { event: 'host-advice' })[] {
  const { localTs, addresses } = facts;
  const advice: (TunnelEvent & { event: 'host-advice' })[] = [];
  for (const family of [4, 6] as const) {
    const granted = localTs.filter(({ type }) => type === (family === 4 ? 7 : 8));
    if (granted.length === 0 || granted.every((selector) => onlyHost(selector, addresses))) continue;
    if (!(family === 4 ? host.forwardsIpv4 : host.forwardsIpv6)) {
      const key = family === 4 ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding';
      advice.push({
        event: 'host-advice',
        missing: `IPv${family} forwarding, so clients reach this host but nothing behind it`,
        commands: [`sysctl -w ${key}=1`],
      });
    }
    const pools = facts.pools.filter((pool) => familyOf(pool) === family && isPrivate(pool));
    if (pools.length > 0 && !translates(host.ruleset, family) && granted.some(isEverything)) {
      advice.push({
        event: 'host-advice',
        missing: `a rule that translates the clients' private IPv${family} addresses (${pools.join(', ')}), so hosts on the internet cannot answer them`,
        commands: natCommands(pools, family, facts.device),
      });
    }
  }
  return advice;
}

function natCommands(pools: readonly string[], family: 4 | 6, device: string): string[] {
  const address = family === 4 ? 'ip' : 'ip6';
  return [
    'nft add table inet ipsec-kit',
    "nft add chain inet ipsec-kit postrouting '{ type nat hook postrouting priority srcnat; }'",
    ...pools.map(
      (pool) =>
        `nft add rule inet ipsec-kit postrouting ${address} saddr ${formatCidr(parseCidr(pool))} oifname != "${device}" masquerade`,
    ),
  ];
}

/** Any source NAT in a table of the family counts: whether it fits is the administrator's to know. */
function translates(ruleset: string | undefined, family: 4 | 6): boolean {
  let relevant = false;
  for (const line of ruleset?.split('\n') ?? []) {
    const table = /^table (\S+)/.exec(line)?.[1];
    if (table !== undefined) relevant = table === 'inet' || table === (family === 4 ? 'ip' : 'ip6');
    else if (relevant && /\b(masquerade|snat)\b/.test(line)) return true;
  }
  return false;
}

function onlyHost(
  { startAddress, endAddress, ...rest }: TrafficSelector,
  addresses: readonly HostAddress[],
): boolean {
  const single = startAddress.every((byte, i) => byte === endAddress[i]);
  return (
    single && addresses.some(({ address }) => coversAddress([{ ...rest, startAddress, endAddress }], address))
  );
}

function isEverything({ startAddress, endAddress }: TrafficSelector): boolean {
  return startAddress.every((byte, i) => byte === 0 && endAddress[i] === 255);
}

/** RFC 1918, RFC 6598 and RFC 4193: addresses that the internet does not route back. */
function isPrivate(pool: string): boolean {
  const bytes = parseCidr(pool).address;
  const [a = 0, b = 0] = bytes;
  if (bytes.length === 16) return (a & 0xfe) === 0xfc;
  return (
    a === 10 ||
    (a === 172 && (b & 0xf0) === 16) ||
    (a === 192 && b === 168) ||
    (a === 100 && (b & 0xc0) === 64)
  );
}

function readRuleset(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { env: { PATH: TOOL_PATH, LC_ALL: 'C' }, timeout: 5000, maxBuffer: 16 << 20 };
    execFile('nft', ['list', 'ruleset'], options, (error, stdout) => resolve(error ? undefined : stdout));
  });
}
