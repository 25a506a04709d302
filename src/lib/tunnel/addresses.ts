import { execFile } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatIp, parseIp } from '../core/ip.js';
import { TOOL_PATH } from '../net/ip-command.js';

/** An address of this host, canonical text. */
export interface HostAddress {
  device: string;
  address: string;
}

/** How long to wait for IPv6 addresses whose uniqueness is still being checked (RFC 4862 5.4 takes about a second). */
const patience = 2500;

/** An address as the system lists it; a tentative one cannot be bound or sent from yet. */
interface ListedAddress extends HostAddress {
  tentative: boolean;
}

/**
 * The addresses of all interfaces that are up and can be used without a zone, in the system's order. `ip` is asked
 * first, because Node.js leaves out interfaces that came up a moment ago.
 * @param settle wait a moment for tentative addresses; they are left out otherwise
 */
export async function hostAddresses(settle = false): Promise<HostAddress[]> {
  const giveUp = Date.now() + (settle ? patience : 0);
  for (;;) {
    const listed = ((await askIp()) ?? askNode())
      .map((entry) => ({ ...entry, address: formatIp(parseIp(entry.address.split('%', 1)[0]!)) }))
      .filter(({ address }) => !/^fe[89ab]/.test(address));
    if (Date.now() >= giveUp || !listed.some(({ tentative }) => tentative)) {
      return listed.filter(({ tentative }) => !tentative).map(({ device, address }) => ({ device, address }));
    }
    await sleep(100);
  }
}

function askIp(): Promise<ListedAddress[] | undefined> {
  const options = { env: { PATH: TOOL_PATH, LC_ALL: 'C' }, timeout: 5000, maxBuffer: 1 << 24 };
  return new Promise((resolve) => {
    execFile('ip', ['-json', 'address', 'show', 'up'], options, (error, stdout) => {
      resolve(error ? undefined : parseAddresses(stdout));
    });
  });
}

interface IpLink {
  ifname?: string;
  addr_info?: { local?: string; tentative?: boolean; dadfailed?: boolean }[];
}

/** Reads what `ip -json address` prints. @returns undefined when it is not that */
export function parseAddresses(json: string): ListedAddress[] | undefined {
  try {
    return (JSON.parse(json) as IpLink[]).flatMap(({ ifname, addr_info }) =>
      (addr_info ?? []).flatMap(({ local, tentative = false, dadfailed = false }) =>
        ifname === undefined || local === undefined || dadfailed
          ? []
          : [{ device: ifname, address: local, tentative }],
      ),
    );
  } catch {
    return undefined;
  }
}

function askNode(): ListedAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([device, entries]) =>
    (entries ?? []).map(({ address }) => ({ device, address, tentative: false })),
  );
}
