import { execFile } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { formatIp, parseIp } from '../core/ip.js';
import { TOOL_PATH } from '../net/ip-command.js';

/** An address of this host, canonical text. */
export interface HostAddress {
  device: string;
  address: string;
}

/**
 * The addresses of all interfaces that are up and can be used without a zone, in the system's order. `ip` is asked
 * first, because Node.js leaves out interfaces that came up a moment ago.
 */
export async function hostAddresses(): Promise<HostAddress[]> {
  const found = (await askIp()) ?? askNode();
  return found
    .map(({ device, address }) => ({ device, address: formatIp(parseIp(address.split('%', 1)[0]!)) }))
    .filter(({ address }) => !/^fe[89ab]/.test(address));
}

function askIp(): Promise<HostAddress[] | undefined> {
  const options = { env: { PATH: TOOL_PATH, LC_ALL: 'C' }, timeout: 5000, maxBuffer: 1 << 24 };
  return new Promise((resolve) => {
    execFile('ip', ['-json', 'address', 'show', 'up'], options, (error, stdout) => {
      resolve(error ? undefined : parseAddresses(stdout));
    });
  });
}

/** Reads what `ip -json address` prints. @returns undefined when it is not that */
export function parseAddresses(json: string): HostAddress[] | undefined {
  try {
    const links = JSON.parse(json) as { ifname?: string; addr_info?: { local?: string }[] }[];
    return links.flatMap(({ ifname, addr_info }) =>
      (addr_info ?? []).flatMap(({ local }) =>
        ifname === undefined || local === undefined ? [] : [{ device: ifname, address: local }],
      ),
    );
  } catch {
    return undefined;
  }
}

function askNode(): HostAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([device, entries]) =>
    (entries ?? []).map(({ address }) => ({ device, address })),
  );
}
