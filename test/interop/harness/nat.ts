import { fileURLToPath } from 'node:url';
import type { Lab } from './lab.js';
import type { Child } from './process.js';

const script = fileURLToPath(new URL('udp-relay.mjs', import.meta.url));

/** Percent of the datagrams; see disturber.mjs. */
export interface Faults {
  loss?: number;
  duplicates?: number;
  swaps?: number;
  late?: number;
  /** Bytes. */
  largest?: number;
}

/** What became of the datagrams of an SA; see disturber.mjs. */
export interface RelayCount {
  taken: number;
  lost: number;
  doubled: number;
  late: number;
  arrivedLate: number;
  held: number;
}

/** A NAT on host 3 in front of the gateway on host b, with a path that is as bad as `faults` say; `seed` is from 1 on. */
export async function startNat(
  lab: Lab,
  { seed = 1, ...faults }: Faults & { seed?: number } = {},
): Promise<Child> {
  const { v4 } = lab.host(3);
  const words = [v4, v4, lab.b.v4, String(seed), JSON.stringify(faults)];
  const relay = lab.spawn(lab.host(3), [process.execPath, script, ...words]);
  await relay.wait('the relay', () => relay.stdout.includes('ready') || undefined);
  return relay;
}

/** What the relay has counted until now. @returns by SPI, as events write it */
export async function relayCounts(relay: Child): Promise<Map<string, RelayCount>> {
  const reports = () => relay.stdout.match(/^\{.*\}$/gm) ?? [];
  const before = reports().length;
  relay.signal('SIGUSR2');
  const text = await relay.wait('the counts of the relay', () => reports()[before]);
  const entries = Object.entries(JSON.parse(text) as Record<string, RelayCount>);
  return new Map(entries.map(([spi, count]) => [`0x${Number(spi).toString(16).padStart(8, '0')}`, count]));
}
