import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Host, Lab } from './lab.js';
import { run, until } from './process.js';

/** And what follows the first IP fragment of such a packet. */
const ipsecPorts = 'udp port 500 or udp port 4500 or esp or (ip[6:2] & 0x1fff != 0)';

/** Captures what passes a host's `eth0`. */
export class Capture {
  private constructor(
    readonly file: string,
    readonly stop: () => Promise<unknown>,
  ) {}

  static async start(lab: Lab, host: Host, filter = ipsecPorts): Promise<Capture> {
    const file = join(lab.dir, `capture-${host.v4}-${Date.now()}.pcap`);
    const child = lab.spawn(host, [
      'tcpdump',
      '-Z',
      'root',
      '--immediate-mode',
      '-i',
      'eth0',
      '-U',
      '-w',
      file,
      filter,
    ]);
    await until('tcpdump', () => child.stderr.includes('listening on') && existsSync(file));
    return new Capture(file, () => child.stop('SIGINT'));
  }

  get size(): number {
    return statSync(this.file).size;
  }
}

/** tshark's reading of a capture: one row a packet, one column a field; a field that occurs twice is comma-separated. */
export async function tsharkFields(
  file: string,
  fields: readonly string[],
  options: { filter?: string; args?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<string[][]> {
  const filter = options.filter === undefined ? [] : ['-Y', options.filter];
  const columns = fields.flatMap((field) => ['-e', field]);
  const argv = ['tshark', '-r', file, ...(options.args ?? []), ...filter, '-T', 'fields', ...columns];
  const text = await run(argv, { env: { ...process.env, ...options.env } });
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'));
}

/** Notify types (numbers) in the unencrypted IKE messages of a capture, in order. */
export async function clearNotifies(file: string): Promise<number[]> {
  const rows = await tsharkFields(file, ['isakmp.notify.msgtype'], { filter: 'isakmp.notify.msgtype' });
  return rows.flatMap(([types = '']) => types.split(',').map(Number));
}
