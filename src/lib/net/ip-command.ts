import { execFile } from 'node:child_process';
import { isIP } from 'node:net';
import { KitError } from '../core/errors.js';
import { privilegeError } from './capabilities.js';

/** Where `ip` and the tools of an undo command are looked for; ordinary users often lack the sbin folders. */
export const TOOL_PATH = '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin';

/** A route. `to` is a CIDR; with `device` alone it is on-link. */
export interface Route {
  to: string;
  device: string;
  /** Gateway address. */
  via?: string | undefined;
  /** Preferred source address. */
  source?: string | undefined;
  metric?: number | undefined;
  /** Bytes. */
  mtu?: number | undefined;
  /** Number of a routing table; undefined: the main one. */
  table?: number | undefined;
}

/** A rule by which UDP datagrams from a port of this host to a prefix take the routes of a table. */
export interface PortRule {
  /** A CIDR. */
  to: string;
  sourcePort: number;
  table: number;
}

/** How this host reaches an address. */
export interface FoundRoute {
  device: string;
  via: string | undefined;
  source: string | undefined;
  /** Bytes: of the route itself, or learned from ICMP. Undefined where that of the device holds. */
  mtu: number | undefined;
}

/** What `ip -json route get` prints for the route. */
interface IpRoute {
  dev?: string;
  gateway?: string;
  prefsrc?: string;
  metrics?: { mtu?: number }[];
}

/** What `ip -json route show` prints for a route. */
interface IpTableRoute {
  dst: string;
  /** Undefined: unicast. */
  type?: string;
  dev?: string;
  gateway?: string;
  metric?: number;
  flags?: string[];
  nexthops?: { dev?: string; gateway?: string; flags?: string[] }[];
}

/** After rules that people make, before that of the main table (32766). */
const PORT_RULE_PREFERENCE = 32765;

/** Sets a device up and its MTU in bytes. @throws {KitError} as {@link addRoute} */
export async function setUp(device: string, mtu?: number): Promise<void> {
  const size = mtu === undefined ? [] : ['mtu', count(mtu)];
  await ip(['link', 'set', 'dev', checkDevice(device), ...size, 'up']);
}

/** Gives a device an address (CIDR, or an address alone). @throws {KitError} as {@link addRoute} */
export async function addAddress(device: string, cidr: string): Promise<void> {
  // An IPv6 address would stay tentative, that is unusable, for a second; nobody else is on a tunnel device.
  const tail = isIP(cidr.split('/', 1)[0]!) === 6 ? ['nodad'] : [];
  await ip([familyOf(cidr), 'address', 'add', checkCidr(cidr), 'dev', checkDevice(device), ...tail]);
}

/** @throws {KitError} as {@link addRoute} */
export async function removeAddress(device: string, cidr: string): Promise<void> {
  await ip([familyOf(cidr), 'address', 'del', checkCidr(cidr), 'dev', checkDevice(device)]);
}

/**
 * Adds a route.
 * @throws {KitError} `E_NO_IPROUTE2`, `E_PRIVILEGE`, `E_IP_COMMAND` (environment); `E_ROUTE` (bug) for bad arguments
 */
export async function addRoute(route: Route): Promise<void> {
  await ip(routeArguments('add', route));
}

/** Takes a route of {@link addRoute} back. @throws {KitError} as {@link addRoute} */
export async function removeRoute(route: Route): Promise<void> {
  await ip(routeArguments('del', route));
}

/** The command that {@link removeRoute} runs, for {@link Undo}. */
export function removeRouteCommand(route: Route): string[] {
  return ['ip', ...routeArguments('del', route)];
}

/** @throws {KitError} as {@link addRoute} */
export async function addPortRule(rule: PortRule): Promise<void> {
  await ip(ruleArguments('add', rule));
}

/** Takes a rule of {@link addPortRule} back. @throws {KitError} as {@link addRoute} */
export async function removePortRule(rule: PortRule): Promise<void> {
  await ip(ruleArguments('del', rule));
}

/** The command that {@link removePortRule} runs, for {@link Undo}. */
export function removePortRuleCommand(rule: PortRule): string[] {
  return ['ip', ...ruleArguments('del', rule)];
}

/** The command that {@link removeAddress} runs, for {@link Undo}. */
export function removeAddressCommand(device: string, cidr: string): string[] {
  return ['ip', familyOf(cidr), 'address', 'del', checkCidr(cidr), 'dev', checkDevice(device)];
}

/**
 * Asks the system how it would reach an address.
 * @throws {KitError} `E_NO_ROUTE` (network), or as {@link addRoute}
 */
export async function routeTo(address: string): Promise<FoundRoute> {
  const output = await ip(['-json', familyOf(address), 'route', 'get', checkCidr(address)]).catch(
    (cause: unknown) => {
      if (!(cause instanceof KitError) || cause.code !== 'E_IP_COMMAND') throw cause;
      throw new KitError('network', 'E_NO_ROUTE', `This host has no route to ${address}`, {
        hint: 'Check the address and the routing table (`ip route`).',
        cause,
      });
    },
  );
  const [found] = JSON.parse(output) as IpRoute[];
  if (found?.dev === undefined) {
    throw new KitError('network', 'E_NO_ROUTE', `This host has no route to ${address}`, {
      hint: 'Check the address and the routing table (`ip route`).',
    });
  }
  const { dev: device, gateway: via, prefsrc: source, metrics = [] } = found;
  return { device, via, source, mtu: metrics.find(({ mtu }) => mtu !== undefined)?.mtu };
}

/**
 * How the main table would lead to an address if a device were not there: the longest prefix, then the least metric.
 * @throws {KitError} `E_NO_ROUTE` (network), or as {@link addRoute}
 */
export async function routeBeside(device: string, address: string): Promise<Pick<Route, 'device' | 'via'>> {
  const host = checkCidr(address);
  const output = await ip(['-json', familyOf(host), 'route', 'show', 'table', 'main', 'match', host]);
  const found = (JSON.parse(output) as IpTableRoute[])
    .filter(({ type }) => type === undefined || type === 'unicast')
    .flatMap(({ dst, metric = 0, nexthops, ...only }) => {
      const [hop] = (nexthops ?? [only]).filter(
        ({ dev, flags = [] }) => dev !== undefined && dev !== device && !flags.includes('dead'),
      );
      return hop?.dev === undefined
        ? []
        : [{ prefix: prefixOf(dst), metric, device: hop.dev, via: hop.gateway }];
    })
    .sort((a, b) => b.prefix - a.prefix || a.metric - b.metric);
  const [best] = found;
  if (best === undefined) {
    throw new KitError('network', 'E_NO_ROUTE', `This host has no route to ${address} outside of ${device}`);
  }
  return { device: best.device, via: best.via };
}

/** Of a destination as `ip` prints it: `default`, a CIDR, or one address. */
function prefixOf(destination: string): number {
  if (destination === 'default') return 0;
  const [, prefix = '128'] = destination.split('/');
  return Number(prefix);
}

function ruleArguments(action: 'add' | 'del', { to, sourcePort, table }: PortRule): string[] {
  const argv = [familyOf(to), 'rule', action, 'pref', count(PORT_RULE_PREFERENCE), 'to', checkCidr(to)];
  argv.push('ipproto', 'udp', 'sport', count(sourcePort), 'lookup', count(table));
  return argv;
}

function routeArguments(action: 'add' | 'del', route: Route): string[] {
  const argv = [familyOf(route.to), 'route', action, checkCidr(route.to)];
  if (route.via !== undefined) argv.push('via', checkCidr(route.via));
  argv.push('dev', checkDevice(route.device));
  if (route.source !== undefined) argv.push('src', checkCidr(route.source));
  if (route.metric !== undefined) argv.push('metric', count(route.metric));
  if (route.mtu !== undefined) argv.push('mtu', count(route.mtu));
  if (route.table !== undefined) argv.push('table', count(route.table));
  return argv;
}

function familyOf(cidr: string): '-4' | '-6' {
  return isIP(cidr.split('/', 1)[0]!) === 6 ? '-6' : '-4';
}

/** Arguments may come from the peer (addresses it assigned): only what is an address and a prefix goes through. */
function checkCidr(cidr: string): string {
  const [address, prefix, ...more] = cidr.split('/');
  const family = isIP(address!);
  const bits = family === 6 ? 128 : 32;
  const fits = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  if (family === 0 || address!.includes('%') || !fits || more.length > 0) {
    throw new KitError('bug', 'E_ROUTE', `'${cidr}' is no address or CIDR`);
  }
  return cidr;
}

function checkDevice(name: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/.test(name)) {
    throw new KitError('bug', 'E_ROUTE', `'${name}' is no device name`);
  }
  return name;
}

function count(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new KitError('bug', 'E_ROUTE', `${value} is no count`);
  return String(value);
}

/** Runs `ip`. @returns its standard output */
function ip(argv: readonly string[]): Promise<string> {
  const env = { PATH: TOOL_PATH, LC_ALL: 'C' };
  return new Promise((resolve, reject) => {
    execFile('ip', argv, { env, timeout: 10_000, maxBuffer: 1 << 20 }, (cause, stdout, stderr) => {
      if (cause === null) resolve(stdout);
      else reject(ipError(argv, cause, stderr));
    });
  });
}

function ipError(argv: readonly string[], cause: Error, stderr: string): KitError {
  if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
    return new KitError('environment', 'E_NO_IPROUTE2', 'The program `ip` is not installed', {
      hint: 'Install the package iproute2.',
      cause,
    });
  }
  const said = stderr.trim().split('\n', 1)[0] || cause.message;
  const command = `ip ${argv.join(' ')}`;
  if (/Operation not permitted/.test(stderr)) {
    return privilegeError(`\`${command}\``, cause);
  }
  return new KitError('environment', 'E_IP_COMMAND', `\`${command}\` failed: ${said}`, { cause });
}
