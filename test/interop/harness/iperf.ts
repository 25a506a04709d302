import type { Host, Lab } from './lab.js';
import { until } from './process.js';

export interface IperfRun {
  /** [tcp] */
  protocol?: 'tcp' | 'udp';
  /** The server sends. */
  reverse?: boolean;
  seconds?: number;
}

/** What arrived at the receiving end. */
export interface IperfResult {
  bytes: number;
  /** Datagrams that did not arrive; of TCP none. */
  lost: number;
}

interface Report {
  error?: string;
  end?: {
    sum_received?: { bytes: number };
    sum?: { bytes: number; packets?: number; lost_packets?: number };
  };
}

/** An iperf3 server on a host, for one run after the other from then on. */
export async function startIperf(lab: Lab, host: Host): Promise<void> {
  const server = lab.spawn(host, ['iperf3', '-s', '--forceflush']);
  await server.wait('iperf3', () => server.stdout.includes('Server listening') || undefined);
}

/** Sends through what lies between two addresses, datagrams at a pace that every path here takes. */
export async function iperf(
  lab: Lab,
  client: { host: Host; address: string },
  server: string,
  { protocol = 'tcp', reverse = false, seconds = 1 }: IperfRun = {},
): Promise<IperfResult> {
  const argv = ['iperf3', '-J', '-c', server, '-B', client.address, '-t', String(seconds)];
  if (protocol === 'udp') argv.push('-u', '-b', '10M', '-l', '1200');
  if (reverse) argv.push('-R');
  // A server that has just ended a run may still be busy with it, or not listen yet for the next.
  const end = await until('a run of iperf3', async () => {
    const child = lab.spawn(client.host, argv);
    await child.exited;
    const report = JSON.parse(child.stdout) as Report;
    if (report.error === undefined) return report.end;
    if (!/busy|Connection refused/.test(report.error)) throw new Error(child.describe());
    return undefined;
  });
  if (protocol === 'tcp') return { bytes: end.sum_received?.bytes ?? 0, lost: 0 };
  const { packets = 0, lost_packets: lost = 0 } = end.sum ?? {};
  return { bytes: (packets - lost) * 1200, lost };
}
